"""What is done with one item or stamp at the desk: deliver, report, take up, recall, cancel, void."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Query, Response
from sqlalchemy import Connection

from backend.domain import codes, ids
from backend.domain.commitments import trail_code_text
from backend.domain.typed_data import ZERO32
from backend.errors import NotFound, PosthornError, SignatureWanted, Unprocessable
from backend.ports import Actor
from backend.queries import items as item_answers
from backend.queries import labels, trails, work
from backend.queries.items import ItemAnswer
from backend.usecases import cancel, custody, sell
from backend.usecases.cancel import CancelRequest
from backend.usecases.custody import EndRequest, RecallRequest, ReportRequest, TakeUpRequest
from backend.usecases.deliver import (
    OFFER_SECONDS,
    VALID_SECONDS,
    DeliveryRequest,
    deliver,
    draft_delivery,
)
from backend.usecases.submit import Promise
from backend.web.accepting import scanned_stamps
from backend.web.desk import digest_of, kind_of
from backend.web.observing import offered
from backend.web.signed_delivery import parse_signed
from backend.web.signing import Given, given
from backend.web.stories import contracts
from backend.web.visit import PageRoute, Visit, Visiting, see

router = APIRouter(route_class=PageRoute, include_in_schema=False)
HAND_TO_HAND: Final = ("signature_kept", "proxy", "returned_to_sender")
AT_THE_DOOR: Final = (*HAND_TO_HAND, "neighbour", "letter_box", "safe_place")
# Which ends of custody a custodian of a kind may state.
ENDS: Final = {
    "counter": HAND_TO_HAND,
    "agency": HAND_TO_HAND,
    "delivery_office": AT_THE_DOOR,
    "courier": AT_THE_DOOR,
    "locker": ("collected_with_code",),
    "office_of_exchange": ("left_the_network",),
    "customs": ("seized", "destroyed"),
}


@router.get("/work/items/{item}")
def item_page(visit: Visiting, item: str) -> Response:
    """An item and what can be done with it here."""
    visit.at_desk()
    return _item_page(visit, digest_of(item))


def _item_page(visit: Visit, item: bytes, error: PosthornError | None = None) -> Response:
    status = error.status if error else 200
    told = _with_acts(visit, item)
    return visit.page("work/item.html", status=status, error=error, now=visit.house.now(), **told)


@router.get("/work/items/{item}/part")
def item_part(visit: Visiting, item: str) -> Response:
    """What an item's page tells, for live.js."""
    visit.at_desk()
    return visit.page("work/item_part.html", **_told(visit, digest_of(item)))


@router.get("/work/items/{item}/acts")
def item_acts(visit: Visiting, item: str) -> Response:
    """What an item's page offers to do, for live.js: it follows from what was recorded meanwhile."""
    visit.at_desk()
    return visit.page("work/item_acts.html", **_with_acts(visit, digest_of(item)))


def _told(visit: Visit, item: bytes) -> dict[str, Any]:
    """The trail, whether the item is here and its own post's, and what keeps the custodian from signing."""
    _, custodian = visit.at_desk()
    with visit.begin() as db:
        found = trails.trail(db, item, opened=True)
        line = item_answers.lines(db, [item]).get(item)
        own = _is_own(db, item, custodian)
        why = work.no_signature(db, custodian, visit.house.now())
    return {"trail": found, "here": _is_here(line, custodian), "own": own, "no_signature": why}


def _with_acts(visit: Visit, item: bytes) -> dict[str, Any]:
    """The same, and what may be done with the item here, by the custodian's kind."""
    kind, told = kind_of(visit), _told(visit, item)
    here = told["here"]
    return told | {
        "ends": ENDS.get(kind, ()) if here else (),
        "offered": offered(kind),
        "offer": _offer(visit, item) if here and kind not in ("customs", "vehicle") else None,
    }


def _is_own(db: Connection, item: bytes, custodian: int) -> bool:
    """Whether the item was accepted by the custodian's post, which may print its label again."""
    try:
        return labels.label(db, item).operator.number == ids.operator_of_custodian(custodian)
    except NotFound:
        return False


def _is_here(line: ItemAnswer | None, custodian: int) -> bool:
    """Whether the item is in the custodian's hands, counting what is being recorded."""
    if line is None or line.ended is not None or line.holder is None:
        return False
    return line.holder.number == custodian


def _offer(visit: Visit, item: bytes) -> dict[str, object] | None:
    """What a delivery code typed at this screen signs over; None where no delivery key was named."""
    _, custodian = visit.at_desk()
    with visit.begin() as db:
        state = trails.trail(db, item).state
        if state is None or state.keys == ZERO32:
            return None
        line, label = item_answers.lines(db, [item])[item], labels.label(db, item)
    return {
        "contracts": contracts(visit.house),
        "trailCode": trail_code_text(label.trail_code),
        "item": "0x" + item.hex(),
        "number": line.custody_number,
        "giver": custodian,
        "validSeconds": VALID_SECONDS,
    }


Act = Callable[[Connection, Actor, int], object]


def _do(visit: Visit, item: bytes, act: Act) -> Response:
    """One act on an item; a refusal is shown on the item's page with what to do next."""
    who, custodian = visit.at_desk()
    try:
        visit.write(lambda db: act(db, who, custodian))
    except SignatureWanted:
        raise
    except PosthornError as error:
        return _item_page(visit, item, error)
    return see(f"/work/items/0x{item.hex()}")


def _number(list_: codes.CodeList, name: str) -> int:
    if name not in list_.names():
        raise Unprocessable(
            f"{name!r} is not in the list «{list_.title}».", "Choose one of the list."
        )
    return list_.number(name)


@router.post("/work/items/{item}/end")
def end(visit: Visiting, item: str, mode: Annotated[str, Form()]) -> Response:
    """Delivered with a mode, left the network, seized: stated by the custodian alone (C4)."""
    wanted, signed = digest_of(item), given(visit)

    def act(db: Connection, who: Actor, custodian: int) -> object:
        if mode not in ENDS.get(kind_of(visit), ()):
            raise Unprocessable("This cannot be stated here.", "Hand the item over to who can.")
        request = EndRequest(
            custodian,
            wanted,
            _number(codes.MODES, mode),
            time=signed.time,
            signature=signed.signature,
        )
        return custody.end_custody(db, visit.house, who, request)

    return _do(visit, wanted, act)


@router.post("/work/items/{item}/report")
def report(
    visit: Visiting,
    item: str,
    code: Annotated[str, Form()],
    reason: Annotated[str, Form()] = "none",
    corrects: Annotated[int, Form(ge=0)] = 0,
) -> Response:
    """An observation; nothing is ever edited (C8)."""
    wanted, signed = digest_of(item), given(visit)

    def act(db: Connection, who: Actor, custodian: int) -> object:
        request = ReportRequest(
            custodian,
            wanted,
            _number(codes.REPORTS, code),
            _number(codes.REASONS, reason),
            corrects if code == "correction" else 0,
            time=signed.time,
            signature=signed.signature,
        )
        return custody.report(db, visit.house, who, request)

    return _do(visit, wanted, act)


@router.post("/work/items/{item}/take-up")
def take_up(
    visit: Visiting,
    item: str,
    reason: Annotated[str, Form()],
    condition: Annotated[str, Form()] = "sound",
) -> Response:
    """Custody of what the record places elsewhere: one signature, for ever seen as such (C11)."""
    wanted, signed = digest_of(item), given(visit)

    def act(db: Connection, who: Actor, custodian: int) -> object:
        request = TakeUpRequest(
            custodian,
            wanted,
            _number(codes.TAKE_UP_REASONS, reason),
            _number(codes.CONDITIONS, condition),
            time=signed.time,
            signature=signed.signature,
        )
        return custody.take_up(db, visit.house, who, request)

    return _do(visit, wanted, act)


@router.post("/work/items/{item}/recall")
def recall(visit: Visiting, item: str) -> Response:
    """Voids every open offer of the item, on the record (C3)."""
    wanted, signed = digest_of(item), given(visit)

    def act(db: Connection, who: Actor, custodian: int) -> object:
        request = RecallRequest(custodian, wanted, signed.time, signature=signed.signature)
        return custody.recall(db, visit.house, who, request)

    return _do(visit, wanted, act)


@router.get("/D/{code}/{payload}")
def signed_delivery(visit: Visiting, code: str, payload: str) -> Response:
    """What the addressee's phone shows the courier: asks the courier to confirm."""
    signed = parse_signed(payload)
    with visit.begin() as db:
        found = trails.by_code(db, code)
    at_giver = visit.who is not None and visit.who.custodian == signed.giver
    return visit.page("work/confirm_delivery.html", trail=found, payload=payload, at_giver=at_giver)


@router.post("/work/items/{item}/delivery")
def confirm_delivery(
    visit: Visiting, item: str, signed: Annotated[str, Form(max_length=200)]
) -> Response:
    """The addressee has signed; the courier signs too, and it is delivered (C4)."""
    wanted, ours = digest_of(item), given(visit)

    return _do(visit, wanted, lambda db, who, _: _deliver(db, visit, who, wanted, signed, ours))


def _deliver(
    db: Connection, visit: Visit, who: Actor, item: bytes, signed: str, ours: Given
) -> object:
    theirs = parse_signed(signed)
    if theirs.time + OFFER_SECONDS < visit.house.now():
        raise Unprocessable(
            "This was signed more than 15 minutes ago.",
            "Let the addressee type the delivery code again, and scan the new code.",
        )
    draft = draft_delivery(db, visit.house, who, item, theirs.giver)
    request = DeliveryRequest(
        giver=theirs.giver,
        item=item,
        recipient=draft.recipient,
        recipient_signature=theirs.signature,
        time=theirs.time,
        deadline=theirs.deadline,
        number=theirs.number,
        signature=ours.signature,
    )
    return deliver(db, visit.house, who, request)


@router.get("/work/cancel")
def cancel_form(visit: Visiting, stamp: Annotated[str, Query(max_length=60)] = "") -> Response:
    """Stamps used outside an acceptance: in the mail stream, to order, missed at origin."""
    visit.at_desk()
    return visit.page("work/cancel.html", texts=stamp, kind="", item="", error=None, done=None)


@router.post("/work/cancel")
def cancel_stamps(
    visit: Visiting,
    texts: Annotated[str, Form(max_length=20_000)],
    kind: Annotated[str, Form()],
    item: Annotated[str, Form(max_length=400)] = "",
) -> Response:
    """Once, for ever (S4). A stamp used before is answered with where and when."""
    who, custodian = visit.at_desk()
    signed = given(visit)
    shown: dict[str, Any] = {"texts": texts, "kind": kind, "item": item}

    def record(db: Connection) -> tuple[Promise, tuple[int, ...]]:
        found = scanned_stamps(db, visit, texts.split())
        on = labels.find_item(db, item) if item.strip() else ZERO32
        number = _number(codes.CANCEL_KINDS, kind)
        request = CancelRequest(
            custodian, found, number, on, time=signed.time, signature=signed.signature
        )
        return cancel.cancel(db, visit.house, who, request), found

    try:
        done = visit.write(record)
    except SignatureWanted:
        raise
    except PosthornError as error:
        return visit.page("work/cancel.html", status=error.status, error=error, done=None, **shown)
    shown |= {"texts": ""}
    return visit.page("work/cancel.html", error=None, done=done, **shown)


@router.get("/work/void")
def void_form(visit: Visiting, stamp: Annotated[str, Query(max_length=60)] = "") -> Response:
    """Stamps to take out of use."""
    visit.at_desk()
    return visit.page("work/void.html", first=stamp, last="", reason="", error=None, done=False)


@router.post("/work/void")
def void_stamps(
    visit: Visiting,
    first: Annotated[str, Form(max_length=60)],
    reason: Annotated[str, Form()],
    last: Annotated[str, Form(max_length=60)] = "",
) -> Response:
    """One stamp or a range, sold or not, but not used (S5)."""
    who, _ = visit.at_desk()
    shown: dict[str, Any] = {"first": first, "last": last, "reason": reason}
    try:
        a, b = _range(first, last)
        serials = ids.serial_of(a), ids.serial_of(b)
        number, edition = _number(codes.VOID_REASONS, reason), ids.edition_of(a)
        visit.write(lambda db: sell.void_stamps(db, visit.house, who, edition, *serials, number))
    except PosthornError as error:
        return visit.page("work/void.html", status=error.status, error=error, done=False, **shown)
    return visit.page("work/void.html", error=None, done=True, **shown)


def _range(first: str, last: str) -> tuple[int, int]:
    try:
        a = ids.parse_stamp(first)
        b = ids.parse_stamp(last) if last.strip() else a
    except ids.BadNumber as error:
        raise Unprocessable(f"{error}.", "Scan the stamp, or type its number.") from None
    if ids.edition_of(a) != ids.edition_of(b):
        raise Unprocessable("First and last stamp are of two editions.", "Void them one by one.")
    return a, b
