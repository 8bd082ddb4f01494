"""Bodies that accept items."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from backend.api.fields import (
    AddressIn,
    Amount,
    Bytes32In,
    Currency,
    Line,
    PaymentIn,
    Scanned,
    SourceIn,
)
from backend.api.requests.parts import MOST_LINES, MOST_STAMPS, Body, SignedBody
from backend.domain import codes
from backend.domain.typed_data import ZERO32


class PaymentBody(Body):
    """Other payment than crypto-stamps."""

    kind: PaymentIn
    amount: Annotated[Amount, Field(ge=1)]


class FrankingBody(Body):
    """What pays for the item: postage required, stamps (public codes or numbers), other payment."""

    required: Amount | None = None
    currency: Currency | None = None
    stamps: tuple[Scanned, ...] = Field((), max_length=MOST_STAMPS)
    payments: tuple[PaymentBody, ...] = Field((), max_length=10)

    @model_validator(mode="after")
    def _has_currency(self) -> Self:
        if self.required is not None and self.currency is None:
            raise ValueError("postage required goes with its currency")
        return self


class KeysBody(Body):
    """Delivery keys that acceptance names, hidden by a salt: fresh for each item (C1)."""

    recipient: AddressIn = Field(bytes(20))
    sender: AddressIn = Field(bytes(20))
    salt: Bytes32In


class AcceptBody(SignedBody):
    """An item as a counter, a courier or an office knows it.

    `number` may be missing where the item is known by its one stamp. `trail_code` (26 letters and digits) and
    `keys` go with a device's own signature; else they are made here.
    """

    number: Scanned | None = None
    scheme: str = Field("auto", pattern="^(auto|s10|sscc|own)$")
    source: SourceIn = Field(codes.SOURCES.number("counter"))
    franking: FrankingBody | None = None
    weight_grams: int | None = Field(None, ge=0, le=100_000_000)
    service: Line = ""
    destination: Line = ""
    keys: KeysBody | None = None
    previous: Bytes32In = Field(ZERO32)
    trail_code: str | None = Field(None, max_length=40)
    reuse_confirmed: bool = False


class BulkBody(Body):
    """Up to 500 items; each stands alone: one that is refused does not keep the others back."""

    items: tuple[AcceptBody, ...] = Field(min_length=1, max_length=MOST_LINES)
