"""Bodies about stamps: editions, print jobs, what takes them out of use, claims, the verdict's question."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Field, field_validator

from backend.api.fields import (
    AddressIn,
    Amount,
    Bytes32In,
    CancelKindIn,
    ClosingReasonIn,
    Currency,
    CustodianIn,
    EditionIn,
    Line,
    Scanned,
    Seconds,
    SignatureIn,
    StampIn,
    VoidReasonIn,
)
from backend.api.requests.parts import MOST_STAMPS, Body, SignedBody
from backend.domain import codes

# As many as fit into a request of 2 MB, and into a minute of anybody's patience.
MOST_CLAIM_KEYS = 20_000
DEEPEST_METADATA = 10


class EditionBody(Body):
    """A new edition; `metadata` is its artwork and texts, whose hash goes on chain.

    Each stamp's claim key is made at once, about 5,000 a second.
    """

    edition: EditionIn
    title: Annotated[Line, Field(min_length=1)]
    quantity: int = Field(ge=1, le=100_000)
    face_value: Annotated[Amount, Field(ge=1)]
    currency: Currency
    first_day: Seconds
    metadata: dict[str, Any]

    @field_validator("metadata")
    @classmethod
    def _can_be_kept(cls, value: dict[str, Any]) -> dict[str, Any]:
        """PostgreSQL keeps no NUL, and half a surrogate pair is no text. Raises ValueError."""
        if not _is_shallow(value):
            raise ValueError(f"is nested deeper than {DEEPEST_METADATA} levels")
        if "\\u0000" in json.dumps(value):
            raise ValueError("holds a character that cannot be kept (NUL)")
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        return value


def _is_shallow(value: Any) -> bool:
    """Level by level: what calls itself for each would end at Python's own limit."""
    level = [value]
    for _ in range(DEEPEST_METADATA):
        inner = [list(v.values()) if isinstance(v, dict) else v for v in level]
        level = [part for parts in inner if isinstance(parts, list) for part in parts]
    return not level


class PrintJobBody(Body):
    """Take `count` stamps from stock and begin to print them."""

    custodian: CustodianIn | None = None
    edition: EditionIn
    count: int = Field(ge=1, le=1_000)
    layout: str = Field("70x37", max_length=20)
    start_label: int = Field(1, ge=1, le=100)


class SheetBody(Body):
    """How to print: what the printer is off in mm, and whether the claim codes follow on pages of their own."""

    offset_right_mm: float = Field(0.0, ge=-10, le=10, allow_inf_nan=False)
    offset_down_mm: float = Field(0.0, ge=-10, le=10, allow_inf_nan=False)
    claim_codes: bool = False


class ConfirmationBody(Body):
    """Which serials of the job did not come out, and why."""

    spoilt: tuple[int, ...] = Field((), max_length=1_000)
    reason: VoidReasonIn = Field(codes.VOID_REASONS.number("spoilt"))


class VoidBody(Body):
    """A range of serials to take out of use, sold or not."""

    edition: EditionIn
    first: int = Field(ge=1, lt=2**32)
    last: int = Field(ge=1, lt=2**32)
    reason: VoidReasonIn


class ClosureBody(Body):
    """A range of serials whose claims are closed (S10)."""

    edition: EditionIn
    first: int = Field(ge=1, lt=2**32)
    last: int = Field(ge=1, lt=2**32)
    reason: ClosingReasonIn


class ClaimKeysBody(Body):
    """The addresses of new claim keys, by serial from `first` on, for exactly a range that was closed."""

    edition: EditionIn
    first: int = Field(ge=1, lt=2**32)
    claim_keys: tuple[AddressIn, ...] = Field(min_length=1, max_length=MOST_CLAIM_KEYS)


class CancelBody(SignedBody):
    """Stamps to mark used without an acceptance; `item` only where they were missed at origin."""

    stamps: tuple[Scanned, ...] = Field(min_length=1, max_length=MOST_STAMPS)
    kind: CancelKindIn
    item: Scanned | None = None


class OriginalBody(Body):
    """The claim key's own signature; the secret behind it never comes here."""

    stamp: StampIn
    deadline: Seconds
    claim_key: AddressIn
    signature: SignatureIn
    proof: tuple[Bytes32In, ...] = Field(max_length=32)


class ClaimBody(OriginalBody):
    """To whom the twin goes."""

    to: AddressIn


class VerifyBody(Body):
    """A public code (the whole address or what stands behind /S/) or a typed number."""

    code: Scanned
