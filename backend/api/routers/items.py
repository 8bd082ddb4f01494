"""Items: accept them, alone or many; look one up; print its label; what its addressee has to sign."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from backend.api import people
from backend.api.answers import custody as answers
from backend.api.answers.promises import Accepted, Bulk, BulkLine
from backend.api.fields import Bytes32In, Scanned
from backend.api.paper import label_pdf
from backend.api.problems import told
from backend.api.requests.items import AcceptBody, BulkBody, FrankingBody
from backend.api.service import Call, answer, gives
from backend.domain.commitments import BadTrailCode, parse_trail_code
from backend.domain.typed_data import DeliveryKeys
from backend.errors import PosthornError, Unprocessable
from backend.ports import Actor, House
from backend.queries import items as item_answers
from backend.queries import labels, stamps
from backend.queries.refusals import tell_in_names
from backend.queries.status import AsOf, as_of
from backend.usecases import accept, deliver
from backend.usecases.franking import Franking, Payment

router = APIRouter(prefix="/items", tags=["items"])


@router.post("", status_code=202, response_model=Accepted)
def accept_item(call: Call, body: AcceptBody) -> Response:
    """Accept an item with its franking: all of it or nothing."""
    return call.once(lambda db, who: _accept(db, call.house, who, body))


def _accept(
    db: Connection, house: House, who: Actor, body: AcceptBody, now: AsOf | None = None
) -> Accepted:
    who, custodian = people.at(who, body.custodian)
    request = accept.AcceptRequest(
        custodian=custodian,
        number=body.number,
        scheme=body.scheme,
        source=body.source,
        time=body.time,
        franking=_franking(db, house, body.franking) if body.franking else None,
        weight_grams=body.weight_grams,
        service=body.service,
        destination=body.destination,
        keys=DeliveryKeys(**dict(body.keys)) if body.keys else None,
        previous=body.previous,
        evidence=body.evidence,
        trail_code=_trail_code(body.trail_code),
        reuse_confirmed=body.reuse_confirmed,
        signature=body.signature,
    )
    return Accepted.of_item(db, accept.accept(db, house, who, request), now)


def _franking(db: Connection, house: House, body: FrankingBody) -> Franking:
    numbers = tuple(stamps.number_of(db, house, text) for text in body.stamps)
    twice = next((number for number in numbers if numbers.count(number) > 1), None)
    if twice is not None:
        raise Unprocessable("A stamp is listed twice.", "Scan each stamp once.", stamp=twice)
    payments = tuple(Payment(p.kind, p.amount) for p in body.payments)
    return Franking(body.required, body.currency or "", numbers, payments)


def _trail_code(text: str | None) -> bytes | None:
    try:
        return parse_trail_code(text) if text else None
    except BadTrailCode as error:
        raise Unprocessable(f"{error}.", "Leave it out, and one is made here.") from None


@router.post("/bulk", status_code=202, response_model=Bulk)
def accept_bulk(call: Call, body: BulkBody) -> Response:
    """Accept up to 500 items. Each stands alone: one that is refused does not keep the others back."""

    def work(db: Connection, who: Actor) -> Bulk:
        now = as_of(db)
        found = [_accept_apart(db, call.house, who, item, now) for item in body.items]
        tell_in_names(db, found)
        lines = tuple(
            BulkLine(line=i, problem=told(one))
            if isinstance(one, PosthornError)
            else BulkLine(line=i, accepted=one)
            for i, one in enumerate(found)
        )
        good = sum(line.accepted is not None for line in lines)
        return Bulk(accepted=good, refused=len(lines) - good, lines=lines)

    return call.once(work)


def _accept_apart(
    db: Connection, house: House, who: Actor, item: AcceptBody, now: AsOf
) -> Accepted | PosthornError:
    """What is kept of a refused one, like a sighting, stays although nothing else of it does."""
    try:
        with db.begin_nested():
            return _accept(db, house, who, item, now)
    except PosthornError as error:
        if error.keep is not None:
            error.keep(db)
        return error


@router.get("", response_model=answers.Items)
def bearing(call: Call, number: Annotated[Scanned, Query()]) -> Response:
    """All items that bear a number, the newest first: numbers are used again. For people of the posts."""

    def work(db: Connection, _: Actor) -> answers.Items:
        return answers.Items.of(db, item_answers.bearing(db, number))

    return answer(call.signed_in(work))


@router.get(
    "/{item}/label", response_class=Response, responses=gives("application/pdf", "the label")
)
def label(
    call: Call, item: Bytes32In, size: Annotated[str, Query(max_length=10)] = "100x150"
) -> Response:
    """The item's label as PDF, for the post that accepted it. It may be printed again."""

    def work(db: Connection, who: Actor) -> labels.LabelAnswer:
        found = labels.label(db, item)
        people.must_be_of(who, found.operator.number)
        return found

    pdf = label_pdf(call.house, call.signed_in(work), size)
    return Response(pdf, media_type="application/pdf")


@router.get("/{item}/delivery", response_model=answers.Draft)
def draft_delivery(call: Call, item: Bytes32In) -> Response:
    """What the addressee's key is asked to sign now: the struct, its digest, its EIP-712 domain."""

    def work(db: Connection, who: Actor) -> answers.Draft:
        who, giver = people.at(who, None)
        delivery = deliver.draft_delivery(db, call.house, who, item, giver)
        return answers.Draft.of(call.house, delivery)

    return answer(call.signed_in(work))
