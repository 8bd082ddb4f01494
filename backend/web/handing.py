"""Handing over a list and taking one over (C2): the giver signs first, the receiver by an act of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Response
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from backend.api import people
from backend.domain import codes, ids
from backend.domain.texts import is_digits
from backend.domain.typed_data import Finding
from backend.errors import PosthornError, SignatureWanted, Unprocessable
from backend.ports import Actor
from backend.queries import items as item_answers
from backend.queries import labels, network, releases, work
from backend.queries.items import ItemAnswer
from backend.queries.releases import ReleaseAnswer
from backend.usecases import hand_off
from backend.usecases.hand_off import LineRequest, ReceiptRequest, ReleaseRequest
from backend.web.desk import digest_of
from backend.web.signing import Given, given
from backend.web.visit import PageRoute, Visit, Visiting, see

router = APIRouter(route_class=PageRoute, include_in_schema=False)
WINDOWS = {"15 minutes": 900, "4 hours": 14_400, "24 hours": 86_400, "7 days": 604_800}


@dataclass(frozen=True, slots=True)
class Draft:
    """A list while it is made; it lives in the form, nowhere else."""

    receiver: str = ""
    window: str = "15 minutes"
    items: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()

    def without(self, index: int) -> Draft:
        items, conditions = list(self.items), list(self.conditions)
        if 0 <= index < len(items):
            del items[index], conditions[index]
        return Draft(self.receiver, self.window, tuple(items), tuple(conditions))

    def plus(self, item: bytes) -> Draft:
        """With one more item. Raises Unprocessable for one that stands on the list."""
        text = "0x" + item.hex()
        if text in self.items:
            raise Unprocessable("This item stands on the list already.", "Scan the next one.")
        return Draft(self.receiver, self.window, (*self.items, text), (*self.conditions, "sound"))


@router.get("/work/hand-over")
def hand_over_form(visit: Visiting, item: Annotated[list[str] | None, Query()] = None) -> Response:
    """An empty list, or one that begins with the items named."""
    visit.at_desk()
    draft = Draft()
    for text in item or ():
        draft = draft.plus(digest_of(text))
    return _draft_page(visit, draft)


def _draft_page(visit: Visit, draft: Draft, error: PosthornError | None = None) -> Response:
    _, custodian = visit.at_desk()
    with visit.begin() as db:
        found = item_answers.lines(db, [digest_of(item) for item in draft.items])
        return visit.page(
            "work/hand_over.html",
            status=error.status if error else 200,
            draft=draft,
            lines=_lines(draft, found),
            receivers=[c for c in network.custodians(db) if c.number != custodian],
            windows=WINDOWS,
            error=error,
        )


def _lines(
    draft: Draft, found: dict[bytes, ItemAnswer]
) -> list[tuple[str, str, ItemAnswer | None]]:
    pairs = zip(draft.items, draft.conditions, strict=True)
    return [(item, condition, found.get(digest_of(item))) for item, condition in pairs]


@router.post("/work/hand-over")
def make_list(
    visit: Visiting,
    do: Annotated[str, Form()],
    text: Annotated[str, Form(max_length=400)] = "",
    receiver: Annotated[str, Form()] = "",
    window: Annotated[str, Form()] = "15 minutes",
    item: Annotated[list[str] | None, Form()] = None,
    condition: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """One step of making a list: add what was scanned, take a line off, or sign it."""
    who, custodian = visit.at_desk()
    items, conditions = tuple(item or ()), tuple(condition or ())
    if len(items) != len(conditions):
        raise Unprocessable("The list came incomplete.", "Begin the list again.")
    draft, signed = Draft(receiver, window, items, conditions), given(visit)
    try:
        if do.startswith("remove-") and is_digits(do[7:], 4):
            return _draft_page(visit, draft.without(int(do[7:])))
        if text.strip():
            with visit.begin() as db:
                draft = draft.plus(labels.find_item(db, text))
        if do != "sign":
            return _draft_page(visit, draft)
        request = _request(visit, custodian, draft, signed)
        digest = visit.write(lambda db: hand_off.hand_over(db, visit.house, who, request))
    except SignatureWanted:
        raise
    except PosthornError as error:
        return _draft_page(visit, draft, error)
    return see(f"/work/lists/0x{digest.hex()}")


def _request(visit: Visit, custodian: int, draft: Draft, signed: Given) -> ReleaseRequest:
    if not draft.receiver:
        raise Unprocessable("Nobody is chosen to take it over.", "Choose the receiver.")
    if not draft.items:
        raise Unprocessable("Nothing is on the list.", "Scan what is handed over.")
    if draft.window not in WINDOWS or any(
        c not in codes.CONDITIONS.names() for c in draft.conditions
    ):
        raise Unprocessable("The list holds a value that is none.", "Begin the list again.")
    try:
        receiver = ids.parse_custodian(draft.receiver)
    except ids.BadNumber as error:
        raise Unprocessable(f"{error}.") from None
    pairs = zip(draft.items, draft.conditions, strict=True)
    lines = (LineRequest(digest_of(i), codes.CONDITIONS.number(c)) for i, c in pairs)
    time = visit.house.now() if signed.time is None else signed.time
    return ReleaseRequest(
        custodian,
        receiver,
        tuple(lines),
        time,
        open_until=time + WINDOWS[draft.window],
        signature=signed.signature,
    )


@router.get("/work/lists/{digest}")
def list_page(visit: Visiting, digest: str) -> Response:
    """A list: for its receiver to tick and sign, for its giver to wait, take back, or let sign here."""
    visit.at_desk()
    return _list_page(visit, digest_of(digest))


def _list_page(visit: Visit, digest: bytes, error: PosthornError | None = None) -> Response:
    _, custodian = visit.at_desk()
    with visit.begin() as db:
        told = _told(db, visit, digest)
    found = told["release"]
    return visit.page(
        "work/list.html",
        status=error.status if error else 200,
        ours=found.receiver.number == custodian,
        taken=releases.taken(found, told["receipt"]),
        error=error,
        **told,
    )


def _told(db: Connection, visit: Visit, digest: bytes) -> dict[str, Any]:
    """The list, how far it is, and what keeps either side's signature from counting while it is open."""
    (who, custodian), now = visit.at_desk(), visit.house.now()
    found = releases.one(db, digest, now)
    giver, receiver = found.giver.number, found.receiver.number
    people.must_be_side(who, {giver, receiver})
    is_open = found.state == "open"
    return {
        "release": found,
        "theirs": giver == custodian,
        "receipt": releases.receipt_of(db, found),
        "no_signature": work.no_signature(db, receiver, now) if is_open else None,
        "giver_no_signature": work.no_signature_of_giver(db, found, now) if is_open else None,
    }


@router.get("/work/lists/{digest}/part")
def list_part(visit: Visiting, digest: str) -> Response:
    """How far a list is, for live.js: the other side acts on a screen of its own."""
    visit.at_desk()
    with visit.begin() as db:
        return visit.page("work/list_part.html", **_told(db, visit, digest_of(digest)))


@router.post("/work/lists/{digest}")
async def take_over_form(visit: Visiting, digest: str) -> Response:
    """The form has a field for each line, so it is read whole."""
    form = await visit.request.form()
    return await run_in_threadpool(_take_over, visit, digest_of(digest), form)


def _take_over(visit: Visit, digest: bytes, form: FormData) -> Response:
    """Signs the receipt: for the session's own custodian, or with name and PIN at the giver's screen."""
    who, custodian = visit.at_desk()
    signed = given(visit)
    try:
        with visit.begin() as db:
            found = releases.one(db, digest, visit.house.now())
        signer = who if found.receiver.number == custodian else _countersigner(visit, found, form)
        receipt = _receipt(found, form, signed)
        visit.write(lambda db: hand_off.take_over(db, visit.house, signer, receipt))
    except SignatureWanted:
        raise
    except PosthornError as error:
        return _list_page(visit, digest, error)
    return see(f"/work/lists/0x{digest.hex()}")


def _countersigner(visit: Visit, found: ReleaseAnswer, form: FormData) -> Actor:
    """B9: a receipt needs an act of the receiver; here its name and PIN."""
    name, pin = (str(form.get(field, "")).replace("\0", "")[:100] for field in ("name", "pin"))
    with visit.begin() as db:
        return people.countersign(db, visit.person(), name, pin, found.receiver.number)


def _receipt(found: ReleaseAnswer, form: FormData, signed: Given) -> ReceiptRequest:
    received = {int(str(line)) for line in form.getlist("received") if is_digits(str(line), 4)}
    missing = frozenset(line.line for line in found.lines if line.line not in received)
    findings = []
    for line in found.lines:
        condition = str(form.get(f"found-{line.line}", ""))
        if condition not in codes.CONDITIONS.names() or line.line in missing:
            continue
        number = codes.CONDITIONS.number(condition)
        if number != line.condition:
            findings.append(Finding(line.line, number))
    return ReceiptRequest(found.digest, missing, tuple(findings), signed.time, signed.signature)


@router.post("/work/lists/{digest}/withdraw")
def withdraw_list(visit: Visiting, digest: str) -> Response:
    """The giver takes back what nobody has taken over yet."""
    who, _ = visit.at_desk(makes_room=True)
    visit.write(lambda db: hand_off.withdraw_release(db, who, digest_of(digest)))
    return see("/work")
