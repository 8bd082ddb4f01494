"""Bodies of receptacles: packed, closed with a seal, opened."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from backend.api.fields import (
    Bytes32In,
    Line,
    Scanned,
    SealIn,
    SealStateIn,
)
from backend.api.requests.parts import SignedBody
from backend.domain import codes
from backend.domain.packing import MOST_AT_ONCE, MOST_CONTENTS


class ReceptacleBody(SignedBody):
    """A record of a receptacle (C7): a bag, tray or container, by its 0x-item, its label's code or its number."""

    receptacle: Scanned
    custody_number: int | None = Field(None, ge=0, lt=2**32)


class PackingBody(ReceptacleBody):
    """Put items into it, in this order; a receptacle holds 5,000, packed in as many lists as needed."""

    items: tuple[Scanned, ...] = Field(min_length=1, max_length=MOST_AT_ONCE)


class ClosingBody(ReceptacleBody):
    """Close it, with a seal. `count` and `contents` go with a device's own signature."""

    seal: Line = Field("", max_length=30, description="the seal's number")
    seal_kind: SealIn = Field(codes.SEALS.number("plastic"))
    count: int | None = Field(None, ge=0, lt=2**32)
    contents: Bytes32In | None = Field(None, description="running hash of what was packed")

    @model_validator(mode="after")
    def _one_evidence(self) -> Self:
        if self.seal.strip() and any(self.evidence):
            raise ValueError("give a seal or evidence of your own, not both")
        return self


class OpeningBody(ReceptacleBody):
    """Open it: what was found and what is missing; what is named in neither is inferred, not seen."""

    found: tuple[Scanned, ...] = Field((), max_length=MOST_CONTENTS)
    missing: tuple[Scanned, ...] = Field((), max_length=MOST_AT_ONCE)
    seal_state: SealStateIn | None = None

    @model_validator(mode="after")
    def _one_evidence(self) -> Self:
        if self.seal_state is not None and any(self.evidence):
            raise ValueError("say how the seal was found, or give evidence of your own, not both")
        return self
