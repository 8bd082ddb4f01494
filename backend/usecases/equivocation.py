"""Evidence that a giver signed one item away twice: two complete hand-offs, put on record side by side (C10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from backend.domain.refusals import Refusal, refusal
from backend.domain.typed_data import Receipt, Release
from backend.domain.wire import BadWire, from_wire, to_wire
from backend.errors import Unprocessable
from backend.ports import Actor, House
from backend.usecases.operate import act
from backend.usecases.submit import Promise, refuse

SIGNATURES = ("giver_signature", "receiver_signature")


@dataclass(frozen=True, slots=True)
class HandOff:
    """Both halves of a hand-off and both signatures, as a submission's payload keeps them."""

    release: Release
    receipt: Receipt
    giver_signature: str
    receiver_signature: str

    def line_of(self, item: bytes) -> int | None:
        """The line that received the item."""
        lines = enumerate(self.release.lines)
        return next((i for i, line in lines if line.item == item and self.receipt.has(i)), None)

    @property
    def payload(self) -> dict[str, Any]:
        return {
            "release": to_wire(self.release),
            "receipt": to_wire(self.receipt),
            "giver_signature": self.giver_signature,
            "receiver_signature": self.receiver_signature,
        }


def read_hand_off(data: Mapping[str, Any]) -> HandOff:
    """Raises Unprocessable for what is no complete hand-off."""
    try:
        release = from_wire(Release, data["release"])
        receipt = from_wire(Receipt, data["receipt"])
        signatures = [data[name] for name in SIGNATURES]
        for one in signatures:
            bytes.fromhex(one[2:])
    except (BadWire, KeyError, TypeError, ValueError) as error:
        raise Unprocessable(
            f"This is no complete hand-off ({error}).",
            "Send release, receipt, giver_signature and receiver_signature, as a submission's payload has them.",
        ) from None
    return HandOff(release, receipt, *signatures)


def prove_equivocation(
    db: Connection, house: House, who: Actor, one: HandOff, other: HandOff, item: bytes
) -> Promise:
    """Put two hand-offs of an item on record as evidence; it changes no state and accuses nobody.

    The chain checks the signatures. Raises NotAllowed for who is no administrator, RefusedByRule (NoEquivocation).
    """
    first, second = sorted((one, other), key=lambda hand_off: hand_off.release.time)
    lines = first.line_of(item), second.line_of(item)
    refuse(_judge(house, first, second, lines))
    arguments = {
        "first": first.payload,
        "first_line": lines[0],
        "second": second.payload,
        "second_line": lines[1],
    }
    return act(db, house, who, "equivocation", house.records_lane, arguments)


def _judge(
    house: House, first: HandOff, second: HandOff, lines: tuple[int | None, int | None]
) -> Refusal | None:
    """As the contract: two releases by one giver of one custody number, the second before the first had lapsed."""
    digests = [house.digest(hand_off.release) for hand_off in (first, second)]
    none = refusal("NoEquivocation", first=digests[0], second=digests[1])
    if lines[0] is None or lines[1] is None or digests[0] == digests[1]:
        return none
    a, b = first.release, second.release
    same = a.giver == b.giver and a.lines[lines[0]].number == b.lines[lines[1]].number
    return None if same and b.time < a.deadline else none
