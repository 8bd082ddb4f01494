"""The work page of one custodian: one scan box, its buttons by kind, its queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from backend.api import withdraw
from backend.domain import codes, ids
from backend.errors import NotFound, PosthornError
from backend.queries import items as item_answers
from backend.queries import labels, network, stamps, work
from backend.web.render import SCANS
from backend.web.verify import LONGEST_TEXT, where_to
from backend.web.visit import PageRoute, Visit, Visiting, see

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Button:
    """One thing to do: its words, its page, its function key."""

    text: str
    path: str
    key: str


SELL = Button("Sell stamps", "/work/sell", "F2")
ACCEPT = Button("Accept an item", "/work/accept", "F3")
HAND_OVER = Button("Hand over", "/work/hand-over", "F4")
TAKE_OVER = Button("Take over", "/work#take-over", "F6")
PACK = Button("Pack or open a bag", "/work/pack", "F9")
CANCEL = Button("Cancel stamps", "/work/cancel", "F7")
VOID = Button("Void stamps", "/work/void", "F8")
COUNTER: Final = (SELL, ACCEPT, HAND_OVER, TAKE_OVER, CANCEL, VOID, PACK)
BUTTONS: Final = {
    "counter": COUNTER,
    "agency": COUNTER,
    "collection": (ACCEPT, HAND_OVER, TAKE_OVER),
    "processing_centre": (HAND_OVER, TAKE_OVER, PACK, ACCEPT, CANCEL),
    "office_of_exchange": (HAND_OVER, TAKE_OVER, PACK, ACCEPT, CANCEL),
    "delivery_office": (HAND_OVER, TAKE_OVER, PACK),
    "customs": (HAND_OVER, TAKE_OVER, PACK),
    "courier": (HAND_OVER, TAKE_OVER, ACCEPT),
}
# These need no signature of the custodian: its post sends them.
UNSIGNED: Final = (SELL, VOID)
ACCEPTS: Final = frozenset(kind for kind, buttons in BUTTONS.items() if ACCEPT in buttons)


def kind_of(visit: Visit) -> str:
    """The kind of the custodian at which somebody works."""
    return codes.KINDS.name(visit.custodian.kind) if visit.custodian else ""


@router.get("/work")
def work_page(visit: Visiting, pin: Annotated[str, Query()] = "") -> Response:
    """The desk, or the choice of one; administrators and auditors have other pages to begin with."""
    who = visit.person()
    with visit.begin() as db:
        if who.custodian is None:
            return visit.page("work/choose.html", places=_places(db, who.custodians))
        desk = work.desk(db, who.custodian, visit.house.now())
        buttons = BUTTONS.get(kind_of(visit), (HAND_OVER, TAKE_OVER))
        if desk.no_signature:
            left = () if desk.no_signature.by_network else UNSIGNED
            buttons = tuple(button for button in buttons if button in left)
        return visit.page(
            "work/desk.html",
            SCANS,
            desk=desk,
            places=_places(db, who.custodians),
            buttons=buttons,
            pin_was_set=pin == "set",
        )


def _places(db: Connection, numbers: frozenset[int]) -> list[network.CustodianAnswer]:
    return sorted(network.named(db, numbers).values(), key=lambda place: place.number)


@router.get("/work/part")
def desk_part(visit: Visiting) -> Response:
    """The changing part of the desk, for live.js."""
    _, custodian = visit.at_desk()
    with visit.begin() as db:
        found = work.desk(db, custodian, visit.house.now())
        return visit.page("work/desk_part.html", desk=found)


@router.get("/work/scan")
def scan(visit: Visiting, text: Annotated[str, Query(max_length=LONGEST_TEXT)] = "") -> Response:
    """What was scanned decides what happens: a signed delivery, a stamp, an item, or a new number."""
    visit.at_desk()
    if not text.strip():
        return see("/work")
    path = where_to(text)
    if "/D/" in text.upper():
        return see("/D/" + "/".join(map(quote, text.strip().rstrip("/").split("/")[-2:])))
    if path.startswith("/stamps/"):
        return see("/work" + path)
    with visit.begin() as db:
        try:
            return see(f"/work/items/0x{labels.find_item(db, text).hex()}")
        except NotFound as error:
            found = stamps.verify(db, visit.house, text) if "/S/" in text.upper() else None
            if found is not None and found.stamp is not None:
                return visit.page("work/stamp.html", **_stamp(visit, found))
            if kind_of(visit) in ACCEPTS and "/" not in text:
                return see(f"/work/accept?number={quote(text.strip(), safe='')}")
            return visit.page("work/unknown.html", status=404, text=text, error=error, items=())
        except PosthornError as error:
            items = item_answers.bearing(db, text) if error.facts.get("items") else ()
            return visit.page(
                "work/unknown.html", status=error.status, text=text, error=error, items=items
            )


@router.get("/work/stamps/{number}")
def stamp_at_desk(visit: Visiting, number: str) -> Response:
    """A stamp for who takes it as payment: may it be used, and what can be done with it here."""
    visit.at_desk()
    try:
        stamp = ids.parse_stamp(number)
    except ids.BadNumber as error:
        raise NotFound(f"{error}.", "It stands under the code on the paper.") from None
    with visit.begin() as db:
        found = stamps.one(db, visit.house, stamp)
        return visit.page("work/stamp.html", **_stamp(visit, found))


def _stamp(visit: Visit, found: stamps.StampAnswer) -> dict[str, Any]:
    kind = kind_of(visit)
    may_cancel = CANCEL in BUTTONS.get(kind, ())
    return {"answer": found, "may_accept": kind in ACCEPTS, "may_cancel": may_cancel}


@router.post("/work/queue/{digest}/withdraw")
def withdraw_submission(visit: Visiting, digest: str) -> Response:
    """Takes back what was not sent yet (B8)."""
    who, _ = visit.at_desk(makes_room=True)
    visit.write(lambda db: withdraw.withdraw_submission(db, who, digest_of(digest)))
    return see("/work")


def digest_of(text: str) -> bytes:
    """The item, list or record that an address names as 0x-hex: 32 bytes. Raises NotFound."""
    if not labels.HEX32.fullmatch(text):
        raise NotFound("This address names nothing here.", "Go back to the work page.")
    return bytes.fromhex(text[2:])
