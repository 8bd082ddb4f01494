"""Franking: what pays for an item. All or nothing (S4, J3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from backend.domain import codes, ids
from backend.domain.refusals import Refusal, refusal
from backend.domain.verdict import StampFacts
from backend.errors import RefusedByRule, Unprocessable
from backend.store import stamps

# S4: the same custodian within a day is the same cancellation, not an alarm.
REPEAT_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Payment:
    """Other payment: `kind` is a code of codes.PAYMENTS, the amount in the currency's minor unit."""

    kind: int
    amount: int


@dataclass(frozen=True, slots=True)
class Franking:
    """Postage required (minor unit, None: not stated), stamps, other payment."""

    required: int | None = None
    currency: str = ""
    stamps: tuple[int, ...] = ()
    payments: tuple[Payment, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As it is kept beside the item's number."""
        return {
            "required": self.required,
            "currency": self.currency,
            "stamps": list(self.stamps),
            "payments": [{"kind": p.kind, "amount": p.amount} for p in self.payments],
        }


def check_paid(db: Connection, franking: Franking) -> None:
    """Stamps and other payment reach the postage required; excess is kept (J4). Raises Unprocessable."""
    for payment in franking.payments:
        if payment.kind not in codes.PAYMENTS or payment.amount < 1:
            known = ", ".join(codes.PAYMENTS.names())
            raise Unprocessable("A payment has a kind and an amount.", f"Kinds: {known}.")
    if franking.required is None:
        return
    paid = sum(p.amount for p in franking.payments)
    paid += sum(_value(db, stamp, franking) for stamp in franking.stamps)
    if paid < franking.required:
        raise Unprocessable(
            f"Short paid: {money(franking.required, franking.currency)} required, "
            f"{money(paid, franking.currency)} given. No stamp was cancelled.",
            "Add stamps or another payment.",
            required=franking.required,
            paid=paid,
        )


def _value(db: Connection, stamp: int, franking: Franking) -> int:
    terms = stamps.on_chain(db, ids.edition_of(stamp))
    if terms is None or terms.currency != franking.currency:
        raise Unprocessable(
            f"Stamp {ids.stamp_text(stamp)} is not in {franking.currency}.",
            "State the postage in the stamps' currency.",
        )
    return int(terms.face_value)


def money(amount: int, currency: str) -> str:
    """`EUR 9.00` from 900: minor units have two places in all currencies used here."""
    return f"{currency} {amount // 100}.{amount % 100:02d}"


def promise_stamps(
    db: Connection, wanted: Sequence[int], digest: bytes, custodian: int, time: int
) -> None:
    """Promise each stamp to one record. Raises RefusedByRule: AlreadyUsed where another has it, VoidStamp."""
    for edition in sorted({ids.edition_of(stamp) for stamp in wanted}):
        stamps.lock_uses(db, edition, alone=False)
    for stamp in sorted(wanted):
        if stamps.is_void_under_way(db, stamp):
            raise RefusedByRule.of(refusal("VoidStamp", stamp=stamp, block_number=0))
        if not stamps.promise_use(db, stamp, digest, custodian, time):
            raise RefusedByRule.of(refusal("AlreadyUsed", stamp=stamp, block_number=0))


def refuse_with_sightings(
    found: Refusal | None, custodian: int, time: int, facts: Mapping[int, StampFacts]
) -> None:
    """Raise the refusal; a used stamp shown elsewhere is kept as a sighting, whatever is rolled back."""
    if found is None:
        return
    error = RefusedByRule.of(found)
    stamp = found.values.get("stamp")
    known = facts.get(stamp) if isinstance(stamp, int) else None
    if found.name == "AlreadyUsed" and known is not None and isinstance(stamp, int):
        use = known.use
        same = use and use.custodian == custodian and abs(time - use.time) < REPEAT_SECONDS
        if not same:
            seen: int = stamp
            error.keep = lambda db: stamps.add_sighting(db, seen, custodian, time)
    raise error
