"""What the page offers to report, by the custodian's kind: what people there see comes first, the rest behind it.

The API takes every code of the lists from everybody; this narrows a form.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from backend.domain.codes import REASONS, REPORTS, Code, CodeList


@dataclass(frozen=True, slots=True)
class Choices:
    """Codes in the order in which a form shows them: `own`, and `others` in a group of their own."""

    own: tuple[Code, ...]
    others: tuple[Code, ...]


@dataclass(frozen=True, slots=True)
class Offered:
    """What a custodian of a kind may report, and for which reasons."""

    reports: Choices
    reasons: Choices


# Not offered to others: what customs alone decides, and what a hand-off says by itself.
ONLY_WHERE_NAMED: Final = frozenset(("released", "returned_by_customs", "forwarded_on_correction"))
ANYWHERE: Final = ("damaged", "lost", "found", "misrouted", "correction", "objection",
    "take_up_confirmed", "take_up_contested")  # fmt: skip
AT_THE_DOOR: Final = ("attempted_delivery", "refused", "redirected")
KEPT_FOR_COLLECTION: Final = ("ready_for_collection", "not_collected", "return_ordered")
AT_A_DESK: Final = ("refused", "redirected", "not_received")
WHY_ANYWHERE: Final = ("none", "wrong_hand_off", "search_without_result")
WHY_UNDELIVERED: Final = ("addressee_absent", "address_incomplete", "addressee_unknown",
    "refused_by_addressee", "new_address", "access")  # fmt: skip
WHY_UNCOLLECTED: Final = ("refused_by_addressee", "period_ended", "new_address")
WHY_STOPPED: Final = ("address_incomplete", "weight", "postage", "prohibited")
WHY_CUSTOMS: Final = ("customs_documents", "customs_inspection", "prohibited", "duty_unpaid")
_COUNTER: Final = (
    (*KEPT_FOR_COLLECTION, *AT_A_DESK),
    (*WHY_UNCOLLECTED, *WHY_STOPPED),
)
# kind: what is observed there besides what is anywhere, and why.
OBSERVED: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "counter": _COUNTER,
    "agency": _COUNTER,
    "locker": (KEPT_FOR_COLLECTION, WHY_UNCOLLECTED),
    "courier": ((*AT_THE_DOOR, "return_ordered"), WHY_UNDELIVERED),
    "delivery_office": (
        (*AT_THE_DOOR, *KEPT_FOR_COLLECTION, "not_received"),
        (*WHY_UNDELIVERED, "period_ended"),
    ),
    "processing_centre": (("held", "redirected", "seal_replaced"), WHY_STOPPED),
    "office_of_exchange": (
        ("presented_to_customs", "held", "seal_replaced"),
        (*WHY_STOPPED, "customs_documents"),
    ),
    "customs": (
        ("held", "released", "returned_by_customs", "presented_to_customs", "seal_replaced"),
        WHY_CUSTOMS,
    ),
}


def offered(kind: str) -> Offered:
    """The form's lists for a kind of custodian (codes.KINDS)."""
    reports, reasons = OBSERVED.get(kind, ((), ()))
    return Offered(
        _choices(REPORTS, (*reports, *ANYWHERE)),
        _choices(REASONS, (WHY_ANYWHERE[0], *reasons, *WHY_ANYWHERE[1:])),
    )


def _choices(codes: CodeList, own: Iterable[str]) -> Choices:
    by_name = {code.name: code for code in codes}
    first = tuple(by_name[name] for name in dict.fromkeys(own))
    rest = (code for code in codes if code.name not in ONLY_WHERE_NAMED)
    return Choices(first, tuple(code for code in rest if code not in first))
