"""The published lists of code numbers: what a number on chain means, and its UPU EMSEVT event where one fits.

The contracts record any 16-bit number; a number that is not in these lists is shown as a number and never
guessed at. Lists may grow; a number never changes its meaning. EMSEVT codes: UPU M40 (EMSEVT V3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Code:
    """One entry: `name` for programs, `text` for people, `emsevt` the UPU event or an empty text."""

    number: int
    name: str
    text: str
    emsevt: str = ""


class CodeList:
    """A list of codes, looked up by number or by name."""

    def __init__(self, title: str, *codes: Code) -> None:
        self.title = title
        self._by_number = {code.number: code for code in codes}
        self._by_name = {code.name: code for code in codes}

    def __iter__(self) -> Iterator[Code]:
        return iter(self._by_number.values())

    def __contains__(self, number: int) -> bool:
        return number in self._by_number

    def number(self, name: str) -> int:
        """The number of a name. Raises KeyError."""
        return self._by_name[name].number

    def name(self, number: int) -> str:
        """The program's name of a number; the number itself where the list does not know it."""
        code = self._by_number.get(number)
        return code.name if code else str(number)

    def text(self, number: int) -> str:
        """What people read; `code 77` where the list does not know the number."""
        code = self._by_number.get(number)
        return code.text if code else f"code {number}"

    def names(self) -> tuple[str, ...]:
        return tuple(self._by_name)


KINDS: Final = CodeList(
    "Kinds of custodian",
    Code(1, "counter", "counter"),
    Code(2, "collection", "collection point"),
    Code(3, "processing_centre", "processing centre"),
    Code(4, "office_of_exchange", "office of exchange"),
    Code(5, "customs", "customs desk"),
    Code(6, "vehicle", "vehicle"),
    Code(7, "delivery_office", "delivery office"),
    Code(8, "courier", "courier"),
    Code(9, "locker", "locker"),
    Code(10, "agency", "agency"),
)
KEY_HOLDERS: Final = CodeList(
    "Who holds the key",
    Code(1, "device", "the device"),
    Code(2, "operator", "the operator"),
)
KEY_KINDS: Final = CodeList(
    "Kinds of key",
    Code(1, "secp256k1", "secp256k1, as Ethereum's accounts have"),
    Code(2, "p256", "P-256 on a device"),
    Code(3, "passkey", "passkey (WebAuthn) on a device"),
)
SOURCES: Final = CodeList(
    "Where an item came from (acceptance)",
    Code(1, "counter", "posted at the counter", "EMA"),
    Code(2, "collection", "from a street box", "EMA"),
    Code(3, "pick_up", "picked up from the sender", "EMA"),
    Code(4, "bulk", "bulk posting", "EMA"),
    Code(5, "outside", "from outside the network", "EMD"),
    Code(6, "made_up", "made up here (a receptacle)"),
)
CONDITIONS: Final = CodeList(
    "Conditions",
    Code(1, "sound", "sound"),
    Code(2, "wet", "wet"),
    Code(3, "crushed", "crushed"),
    Code(4, "torn", "torn"),
    Code(5, "opened", "opened"),
    Code(6, "leaking", "leaking"),
    Code(7, "seal_differs", "seal differs"),
    Code(8, "weight_differs", "weight differs"),
    Code(9, "label_damaged", "label damaged"),
    Code(10, "contents_damaged", "contents damaged"),
    Code(11, "wet_and_crushed", "wet and crushed"),
)
REPORTS: Final = CodeList(
    "Reports",
    Code(1, "correction", "correction"),
    Code(2, "objection", "objection"),
    Code(3, "held", "held", "EME"),
    Code(4, "released", "released by customs", "EXC"),
    Code(5, "presented_to_customs", "presented to customs", "EXA"),
    Code(6, "returned_by_customs", "returned by customs", "EXC"),
    Code(7, "attempted_delivery", "delivery attempted", "EMH"),
    Code(8, "refused", "refused by the addressee", "EMH"),
    Code(9, "lost", "reported lost"),
    Code(10, "found", "found"),
    Code(11, "damaged", "damaged"),
    Code(12, "redirected", "redirected"),
    Code(13, "not_received", "addressee states: not received"),
    Code(14, "take_up_confirmed", "take-up confirmed"),
    Code(15, "take_up_contested", "take-up contested"),
    Code(16, "ready_for_collection", "ready for collection", "EMG"),
    Code(17, "not_collected", "not collected in time", "EMH"),
    Code(18, "return_ordered", "return to sender ordered"),
    Code(19, "seal_replaced", "opened and sealed anew"),
    Code(20, "misrouted", "misrouted"),
    Code(21, "forwarded_on_correction", "handed back: correction"),
)
REASONS: Final = CodeList(
    "Reasons",
    Code(0, "none", "no reason given"),
    Code(1, "addressee_absent", "addressee absent"),
    Code(2, "address_incomplete", "address incomplete"),
    Code(3, "addressee_unknown", "addressee unknown"),
    Code(4, "refused_by_addressee", "refused by the addressee"),
    Code(5, "customs_documents", "documents for customs"),
    Code(6, "customs_inspection", "inspection by customs"),
    Code(7, "prohibited", "prohibited contents"),
    Code(8, "duty_unpaid", "duty unpaid"),
    Code(9, "weight", "weight"),
    Code(10, "postage", "postage"),
    Code(11, "wrong_hand_off", "wrong hand-off"),
    Code(12, "period_ended", "period of storage ended"),
    Code(13, "new_address", "new address"),
    Code(14, "search_without_result", "search without result"),
    Code(15, "access", "no access to the address"),
    Code(16, "other", "other"),
)
TAKE_UP_REASONS: Final = CodeList(
    "Reasons of a take-up",
    Code(1, "extra", "extra: not on the list"),
    Code(2, "missent", "missent"),
    Code(3, "found", "found"),
    Code(4, "came_back", "came back"),
    Code(5, "giver_cannot_sign", "the giver cannot sign"),
    Code(6, "taken_out", "taken out of an open bag: packed by mistake"),
)
STAND_IN_REASONS: Final = CodeList(
    "Reasons why a post stands in for a giver",
    Code(1, "right_lapsed", "its right to sign has lapsed"),
    Code(2, "key_lost", "its key is lost"),
    Code(3, "suspended", "it is suspended"),
)
SEALS: Final = CodeList(
    "Kinds of seal",
    Code(1, "plastic", "plastic seal"),
    Code(2, "metal", "metal or lead seal"),
    Code(3, "tie", "tie with a number"),
    Code(4, "tape", "security tape"),
    Code(5, "electronic", "electronic seal"),
)
SEAL_STATES: Final = CodeList(
    "How a seal was found at the opening",
    Code(1, "whole", "whole, and the same"),
    Code(2, "differs", "another seal than was put on"),
    Code(3, "broken", "broken"),
    Code(4, "none", "no seal"),
)
MODES: Final = CodeList(
    "Modes in which custody ends",
    Code(1, "delivered_with_code", "delivered against the delivery code", "EMI"),
    Code(2, "signature_kept", "delivered, signature kept", "EMI"),
    Code(3, "proxy", "delivered to an authorised person", "EMI"),
    Code(4, "neighbour", "left with a neighbour", "EMI"),
    Code(5, "letter_box", "in the letter-box", "EMI"),
    Code(6, "safe_place", "left in a safe place", "EMI"),
    Code(7, "returned_to_sender", "returned to the sender", "EMI"),
    Code(8, "collected_with_code", "collected with the code", "EMI"),
    Code(20, "left_the_network", "left the network", "EMC"),
    Code(30, "seized", "seized", "EXX"),
    Code(31, "destroyed", "destroyed", "EXX"),
)
DELIVERY_MODES: Final = frozenset(range(1, 20))
CANCEL_KINDS: Final = CodeList(
    "Kinds of cancellation",
    Code(1, "mail_stream", "in the mail stream"),
    Code(2, "to_order", "to order"),
    Code(3, "missed_at_origin", "missed at origin"),
)
VOID_REASONS: Final = CodeList(
    "Reasons of a void",
    Code(1, "spoilt", "spoilt"),
    Code(2, "jam", "printer jam"),
    Code(3, "returned", "returned by the customer"),
    Code(4, "stolen", "stolen"),
    Code(5, "lost", "lost"),
    Code(6, "misprint", "misprint"),
)
CLOSING_REASONS: Final = CodeList(
    "Reasons why claims are closed",
    Code(1, "seed_leaked", "the seed of the claim codes may be known to others"),
    Code(2, "codes_leaked", "the claim codes may have been seen by others"),
    Code(3, "other", "other"),
)
PAYMENTS: Final = CodeList(
    "Other payment of a franking",
    Code(1, "cash", "cash"),
    Code(2, "conventional_stamps", "conventional stamps"),
    Code(3, "meter", "meter"),
    Code(4, "account", "account"),
)
ALL: Final = {
    "kinds": KINDS,
    "key_holders": KEY_HOLDERS,
    "key_kinds": KEY_KINDS,
    "sources": SOURCES,
    "conditions": CONDITIONS,
    "reports": REPORTS,
    "reasons": REASONS,
    "take_up_reasons": TAKE_UP_REASONS,
    "stand_in_reasons": STAND_IN_REASONS,
    "seals": SEALS,
    "seal_states": SEAL_STATES,
    "modes": MODES,
    "cancel_kinds": CANCEL_KINDS,
    "void_reasons": VOID_REASONS,
    "closing_reasons": CLOSING_REASONS,
    "payments": PAYMENTS,
}
SOUND: Final = CONDITIONS.number("sound")
