"""Lists: hand over (a release by the giver) and take over (a receipt by the receiver's own act)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from backend.api import people
from backend.api.answers import custody as answers
from backend.api.answers.promises import ListLine, Lists, Promise, ReceiptLine, Receipts
from backend.api.fields import Bytes32In, CustodianIn
from backend.api.problems import told
from backend.api.requests.custody import (
    EquivocationBody,
    LineBody,
    ListBody,
    ListsBody,
    ReceiptBody,
    ReceiptsBody,
    ReleaseBody,
    StandInBody,
    TakenBody,
)
from backend.api.service import Call, Caller, answer
from backend.domain.typed_data import Finding
from backend.errors import PosthornError
from backend.ports import Actor
from backend.queries import releases
from backend.queries.labels import find_item, find_items
from backend.queries.refusals import tell_in_names
from backend.queries.status import as_of
from backend.usecases import equivocation, hand_off
from backend.usecases.equivocation import read_hand_off
from backend.usecases.stand_in import StandInRequest, hand_over_for
from backend.usecases.submit import each

router = APIRouter(tags=["lists"])


@router.post("/releases", status_code=201, response_model=answers.Release)
def hand_over(call: Call, body: ReleaseBody) -> Response:
    """Sign a list over to a receiver. Nothing is on chain before the receiver takes it over."""

    def work(db: Connection, who: Actor) -> answers.Release:
        who, giver = people.at(who, body.custodian)
        digest = hand_off.hand_over(db, call.house, who, _release(db, giver, body))
        return answers.Release.model_validate(releases.one(db, digest, call.house.now()))

    return call.once(work, status=201)


def _release(db: Connection, giver: int, body: ListBody) -> hand_off.ReleaseRequest:
    return hand_off.ReleaseRequest(
        giver,
        body.receiver,
        _lines(db, body.lines),
        body.time,
        body.open_until,
        body.deadline,
        body.signature,
    )


def _lines(db: Connection, lines: Sequence[LineBody]) -> tuple[hand_off.LineRequest, ...]:
    items = find_items(db, [line.item for line in lines])
    return tuple(
        hand_off.LineRequest(item, line.condition, line.evidence, line.custody_number)
        for item, line in zip(items, lines, strict=True)
    )


@router.post("/releases/bulk", status_code=201, response_model=Lists)
def hand_over_bulk(call: Call, body: ListsBody) -> Response:
    """Sign up to 100 lists over. Each stands alone: one that is refused does not keep the others back."""

    def work(db: Connection, who: Actor) -> Lists:
        who, giver = people.at(who, None)
        asked = each(lambda one: _release(db, giver, one), body.lists)
        good = [one for one in asked if not isinstance(one, PosthornError)]
        made = iter(hand_off.hand_over_each(db, call.house, who, good))
        found = [one if isinstance(one, PosthornError) else next(made) for one in asked]
        tell_in_names(db, found)
        lines = tuple(
            ListLine(line=i, problem=told(one))
            if isinstance(one, PosthornError)
            else ListLine(line=i, digest=one)
            for i, one in enumerate(found)
        )
        refused = sum(line.digest is None for line in lines)
        return Lists(handed_over=len(lines) - refused, refused=refused, lines=lines)

    return call.once(work, status=201)


@router.post("/stand-ins", status_code=201, response_model=answers.Release)
def stand_in(call: Call, body: StandInBody) -> Response:
    """Hand over for a custodian that cannot sign: its post stands in, for ever seen as such (C9).

    The receiver takes the list over like any other.
    """

    def work(db: Connection, who: Actor) -> answers.Release:
        lines = _lines(db, body.lines)
        request = StandInRequest(body.giver, body.receiver, body.reason, lines, body.time)
        digest = hand_over_for(db, call.house, who, request)
        return answers.Release.model_validate(releases.one(db, digest, call.house.now()))

    return call.once(work, status=201)


@router.get("/releases", response_model=answers.Releases)
def open_lists(
    call: Call,
    direction: Literal["to_take_over", "handed_over"] = "to_take_over",
    custodian: CustodianIn | None = None,
) -> Response:
    """Open lists of the custodian at which the caller works."""
    ask = releases.to_take_over if direction == "to_take_over" else releases.handed_over

    def work(db: Connection, who: Actor) -> answers.Releases:
        _, here = people.at(who, custodian)
        people.may_see(who, here)
        return answers.Releases.of(ask(db, here, call.house.now()))

    return answer(call.signed_in(work))


@router.get("/releases/{digest}", response_model=answers.Release)
def get_release(call: Call, digest: Bytes32In) -> Response:
    """One list, for its two sides."""

    def work(db: Connection, who: Actor) -> answers.Release:
        found = releases.one(db, digest, call.house.now())
        people.must_be_side(who, {found.giver.number, found.receiver.number})
        return answers.Release.model_validate(found)

    return answer(call.signed_in(work))


@router.post("/releases/{digest}/withdrawal", response_model=answers.Release)
def withdraw(call: Call, digest: Bytes32In) -> Response:
    """The giver takes back what was not received yet."""

    def work(db: Connection, who: Actor) -> answers.Release:
        hand_off.withdraw_release(db, who, digest)
        return answers.Release.model_validate(releases.one(db, digest, call.house.now()))

    return call.once(work, status=200, makes_room=True)


@router.post("/receipts", status_code=202, response_model=Promise)
def take_over(call: Call, body: ReceiptBody) -> Response:
    """Take over a list: an act of the receiver, in its own session or by its PIN at the giver's screen (B9)."""

    def work(db: Connection, who: Actor) -> Promise:
        receiver = _receiver(call, db, who, body)
        return Promise.of(db, hand_off.take_over(db, call.house, receiver, _receipt(body)))

    return call.once(work, hide=body.pin.pin if body.pin else "")


def _receipt(body: TakenBody) -> hand_off.ReceiptRequest:
    return hand_off.ReceiptRequest(
        release=body.release,
        missing=body.missing,
        findings=tuple(Finding(f.line, f.condition, f.evidence) for f in body.findings),
        time=body.time,
        signature=body.signature,
    )


@router.post("/receipts/bulk", status_code=202, response_model=Receipts)
def take_over_bulk(call: Call, body: ReceiptsBody) -> Response:
    """Take over up to 100 lists, each as the acts of the receiver that they are. Each stands alone."""

    def work(db: Connection, who: Actor) -> Receipts:
        who, _ = people.at(who, None)
        requests = [_receipt(one) for one in body.receipts]
        found, now = hand_off.take_over_each(db, call.house, who, requests), as_of(db)
        tell_in_names(db, found)
        lines = tuple(
            ReceiptLine(line=i, problem=told(one))
            if isinstance(one, PosthornError)
            else ReceiptLine(line=i, promise=Promise.of(db, one, now))
            for i, one in enumerate(found)
        )
        refused = sum(line.promise is None for line in lines)
        return Receipts(taken_over=len(lines) - refused, refused=refused, lines=lines)

    return call.once(work)


@router.post("/equivocations", status_code=202, response_model=Promise)
def prove_equivocation(call: Call, body: EquivocationBody) -> Response:
    """Put on record two complete hand-offs by which one giver signed an item away twice (administrators, C10).

    A notice on its trail; it changes no state.
    """

    def work(db: Connection, who: Actor) -> Promise:
        pair = read_hand_off(body.first), read_hand_off(body.second)
        item = find_item(db, body.item)
        return Promise.of(db, equivocation.prove_equivocation(db, call.house, who, *pair, item))

    return call.once(work, "admin")


def _receiver(call: Caller, db: Connection, who: Actor, body: ReceiptBody) -> Actor:
    """Who signs: the caller, or the person whose PIN was typed."""
    if body.pin is None and who.custodian is not None:
        return who
    receiver = releases.one(db, body.release, call.house.now()).receiver.number
    if body.pin is None:
        return people.at(who, receiver)[0]
    return people.countersign(db, who, body.pin.person, body.pin.pin, receiver)
