"""Bags at the desk: make one, pack it, close it with a seal, open it (C7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Form, Response
from sqlalchemy import Connection

from backend.domain import codes
from backend.errors import PosthornError, SignatureWanted, Unprocessable
from backend.ports import Actor
from backend.queries import labels, receptacles
from backend.queries.receptacles import ReceptacleAnswer
from backend.usecases import receptacles as usecases
from backend.usecases.accept import AcceptRequest, accept
from backend.usecases.receptacles import CloseRequest, OpenRequest, PackRequest
from backend.web.desk import digest_of
from backend.web.signing import Given, given, trail_code_of
from backend.web.visit import PageRoute, Visit, Visiting, see

Request = TypeVar("Request", PackRequest, CloseRequest, OpenRequest)

router = APIRouter(route_class=PageRoute, include_in_schema=False)
# What a form of 5,000 scanned codes takes.
LONGEST_LIST = 500_000
NOTHING_ENTERED: Final = {"texts": "", "seal": "", "found": "", "missing": "", "rest": ""}
RESTS: Final = {
    "found": "is there: I counted all of it",
    "inferred": "I did not look at one by one",
    "missing": "is missing",
}


@router.get("/work/pack")
def pack_form(visit: Visiting) -> Response:
    """Which bag? One that has a label, or a new one."""
    visit.at_desk()
    return visit.page("work/pack.html", text="", number="", error=None)


@router.post("/work/pack")
def choose_bag(
    visit: Visiting,
    text: Annotated[str, Form(max_length=400)] = "",
    number: Annotated[str, Form(max_length=40)] = "",
    made: Annotated[str, Form(max_length=32)] = "",
) -> Response:
    """To the bag's page; a new one is accepted first, like an item. `made`: its trail code, where a device signs."""
    who, custodian = visit.at_desk()
    signed = given(visit)

    def named_bag(db: Connection) -> bytes:
        if not number.strip():
            return labels.find_item(db, text)
        return _new_bag(db, visit, who, _bag_request(custodian, number, made, signed))

    try:
        bag = visit.write(named_bag)
    except SignatureWanted:
        raise
    except PosthornError as error:
        shown = {"text": text, "number": number, "error": error}
        return visit.page("work/pack.html", status=error.status, **shown)
    return see(f"/work/receptacles/0x{bag.hex()}")


def _new_bag(db: Connection, visit: Visit, who: Actor, request: AcceptRequest) -> bytes:
    try:
        return accept(db, visit.house, who, request).item
    except SignatureWanted as wanted:
        wanted.fields["made"] = wanted.facts["trail_code"]
        raise


def _bag_request(custodian: int, number: str, made: str, signed: Given) -> AcceptRequest:
    return AcceptRequest(
        custodian,
        number,
        scheme="own",
        source=codes.SOURCES.number("made_up"),
        time=signed.time,
        trail_code=trail_code_of(made),
        signature=signed.signature,
    )


@router.get("/work/receptacles/{item}")
def receptacle_page(visit: Visiting, item: str) -> Response:
    """A bag, and what can be done with it here: pack and close, hand over, open."""
    visit.at_desk()
    return _page(visit, digest_of(item))


def _page(
    visit: Visit, item: bytes, error: PosthornError | None = None, **entered: Any
) -> Response:
    _, custodian = visit.at_desk()
    with visit.begin() as db:
        bag = receptacles.receptacle(db, item)
        seals = receptacles.seals(db, item)
    return visit.page(
        "work/receptacle.html",
        status=error.status if error else 200,
        bag=bag,
        here=bag.holder is not None and bag.holder.number == custodian,
        seals=seals,
        rests=RESTS,
        entered=NOTHING_ENTERED | entered,
        error=error,
    )


@router.get("/work/receptacles/{item}/part")
def receptacle_part(visit: Visiting, item: str) -> Response:
    """The changing part of a bag's page, for live.js."""
    visit.at_desk()
    with visit.begin() as db:
        bag = receptacles.receptacle(db, digest_of(item))
        seals = receptacles.seals(db, bag.item)
    return visit.page("work/receptacle_part.html", bag=bag, seals=seals)


def _signed(request: Request, signed: Given) -> Request:
    return replace(request, time=signed.time, signature=signed.signature)


Act = Callable[[Connection, Actor, int], object]


def _do(visit: Visit, item: bytes, act: Act, **entered: Any) -> Response:
    """One act on a bag; a refusal is shown on its page, with what was typed."""
    who, custodian = visit.at_desk()
    try:
        visit.write(lambda db: act(db, who, custodian))
    except SignatureWanted:
        raise
    except PosthornError as error:
        return _page(visit, item, error, **entered)
    return see(f"/work/receptacles/0x{item.hex()}")


@router.post("/work/receptacles/{item}/pack")
def pack(
    visit: Visiting, item: str, texts: Annotated[str, Form(max_length=LONGEST_LIST)]
) -> Response:
    """What was scanned goes into the bag, in this order."""
    bag, signed = digest_of(item), given(visit)

    def act(db: Connection, who: Actor, custodian: int) -> object:
        items = tuple(labels.find_items(db, _scanned(texts)))
        return usecases.pack(
            db, visit.house, who, _signed(PackRequest(custodian, bag, items), signed)
        )

    return _do(visit, bag, act, texts=texts)


def _scanned(texts: str) -> Sequence[str]:
    found = [line.strip() for line in texts.splitlines() if line.strip()]
    if not found:
        raise Unprocessable("Nothing was scanned.", "Scan the items one after the other.")
    return found


@router.post("/work/receptacles/{item}/close")
def close(
    visit: Visiting,
    item: str,
    seal: Annotated[str, Form(max_length=60)] = "",
    kind: Annotated[str, Form()] = "plastic",
) -> Response:
    """From now on it moves as one; the seal's number is kept with us, its salted hash on the record."""
    bag, signed = digest_of(item), given(visit)

    def act(db: Connection, who: Actor, custodian: int) -> object:
        if kind not in codes.SEALS.names():
            raise Unprocessable("This is no kind of seal.", "Choose one of the list.")
        request = CloseRequest(custodian, bag, seal, codes.SEALS.number(kind))
        return usecases.close(db, visit.house, who, _signed(request, signed))

    return _do(visit, bag, act, seal=seal)


@router.post("/work/receptacles/{item}/open")
def open_(
    visit: Visiting,
    item: str,
    texts: Annotated[str, Form(max_length=LONGEST_LIST)] = "",
    missing: Annotated[str, Form(max_length=LONGEST_LIST)] = "",
    rest: Annotated[str, Form()] = "inferred",
    state: Annotated[str, Form()] = "",
) -> Response:
    """What was scanned is found; what is missing is named, or is the rest."""
    bag, signed = digest_of(item), given(visit)

    def act(db: Connection, who: Actor, custodian: int) -> object:
        request = _opening(
            db, custodian, receptacles.receptacle(db, bag), texts, missing, rest, state
        )
        return usecases.open_(db, visit.house, who, _signed(request, signed))

    return _do(visit, bag, act, found=texts, missing=missing, rest=rest)


def _opening(
    db: Connection,
    custodian: int,
    bag: ReceptacleAnswer,
    texts: str,
    missing: str,
    rest: str,
    state: str,
) -> OpenRequest:
    if rest not in RESTS or state not in ("", *codes.SEAL_STATES.names()):
        raise Unprocessable("The form holds a value that is none.", "Choose one of the list.")
    found = set(labels.find_items(db, _scanned(texts))) if texts.strip() else set()
    gone = labels.find_items(db, _scanned(missing)) if missing.strip() else []
    inside = [one.item for one in bag.contents if one.state == "inside"]
    named = found.union(gone)
    others = [one for one in dict.fromkeys(inside) if one not in named]
    return OpenRequest(
        custodian,
        bag.item,
        found=frozenset(found.union(others if rest == "found" else ())),
        missing=tuple([*gone, *others] if rest == "missing" else gone),
        seal_state=codes.SEAL_STATES.number(state) if state else None,
    )
