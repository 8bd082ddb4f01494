"""What bodies have in common: no unknown fields, a time and a signature of a device's own."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from backend.api.fields import (
    Bytes32In,
    CustodianIn,
    Seconds,
    SignatureIn,
)
from backend.domain.typed_data import ZERO32

MOST_LINES = 500
MOST_STAMPS = 100
EVIDENCE = "root of what is kept as evidence (photographs, forms); zero for none"


class Body(BaseModel):
    """Unknown fields are refused: a misspelt one would be lost without a word."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TimedBody(Body):
    """A device that holds its key signs for itself: then the time that it signed goes with the signature."""

    time: Seconds | None = Field(None, description="when it happened; now, if not given")
    signature: SignatureIn | None = Field(
        None, description="64 bytes r | vs (EIP-2098); of P-256 keys and passkeys see docs/api.md"
    )

    @model_validator(mode="after")
    def _signed_at(self) -> Self:
        if self.signature is not None and self.time is None:
            raise ValueError("a signature goes with the time that was signed")
        return self


class SignedBody(TimedBody):
    """`custodian` is who acts, by default the one at which the caller works."""

    custodian: CustodianIn | None = None
    evidence: Bytes32In = Field(ZERO32, description=EVIDENCE)
