"""Trails: by item, by the label's code; the auditor's table; proof bundles."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response
from sqlalchemy import Connection

from backend.api import people
from backend.api.answers import trails as answers
from backend.api.fields import Bytes32In, CustodianIn, Line, Scanned, Seconds, hexed
from backend.api.service import Call, answer, gives
from backend.domain import ids
from backend.ports import Actor
from backend.proof.bundle import Opening
from backend.queries import audit, labels, network, trails
from backend.queries import items as item_answers
from backend.queries.trails import TrailAnswer
from backend.store import items as item_rows

router = APIRouter(tags=["trails"])
# A number is given again after a year at the earliest.
MOST_TRAILS = 20
IfNoneMatch = Annotated[str | None, Header(max_length=500)]
TrailCode = Annotated[str, Path(max_length=60)]


@router.get("/trails", response_model=answers.Trails)
def get_by_number(call: Call, number: Annotated[Scanned, Query()]) -> Response:
    """The trails of all items that bear a number, the newest first. For people of the posts."""

    def work(db: Connection, _: Actor) -> answers.Trails:
        found = item_answers.bearing(db, number)[:MOST_TRAILS]
        rows = tuple(answers.Trail.of(trails.trail(db, one.item, opened=True)) for one in found)
        return answers.Trails(rows=rows)

    return answer(call.signed_in(work))


@router.get("/trails/{item}", response_model=answers.Trail)
def get_trail(call: Call, item: Bytes32In, if_none_match: IfNoneMatch = None) -> Response:
    """An item's trail; with its number for people who have signed in."""

    def work(db: Connection) -> TrailAnswer:
        opened = people.find_actor(db, call.credentials) is not None
        return trails.trail(db, item, opened)

    return trail_answer(call.read(work), if_none_match)


@router.get("/trails/codes/{trail_code}", response_model=answers.Trail)
def get_by_code(call: Call, trail_code: TrailCode, if_none_match: IfNoneMatch = None) -> Response:
    """The trail that a label's code opens, with the item's number."""
    return trail_answer(call.look(lambda db: trails.by_code(db, trail_code)), if_none_match)


def trail_answer(found: TrailAnswer, if_none_match: str | None) -> Response:
    """The trail, or 304 where the reader has it. The tag is weak: `as_of_block` alone is no change."""
    etag = f'W/"{found.etag}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}
    known = {tag.strip() for tag in (if_none_match or "").split(",")}
    if known & {etag, etag.removeprefix("W/"), "*"}:
        return Response(status_code=304, headers=headers)
    return answer(answers.Trail.of(found), headers=headers)


@router.get(
    "/items/{item}/bundle",
    response_class=Response,
    responses=gives("application/json", "a proof bundle, format 1"),
)
def bundle(call: Call, item: Bytes32In) -> Response:
    """The proof of an item's trail, to be checked against any node: posthorn check.

    For people of the post that accepted the item, and for auditors, it opens the item's number too, which
    takes the label's trail code with it.
    """

    def work(db: Connection) -> tuple[Opening | None, dict[int, str], list[bytes]]:
        who = people.find_actor(db, call.credentials)
        found = trails.trail(db, item, opened=who is not None and may_open(db, who, item))
        names = {custodian.number: custodian.name for custodian in network.custodians(db)}
        opening = _opening(db, item) if found.number else None
        return opening, names, [carrier.item for carrier in found.carriers]

    made = call.service.prove(item, *call.look(work))
    name = f'attachment; filename="{hexed(item)[2:10]}.posthorn.json"'
    headers = {"Content-Disposition": name}
    return Response(made, media_type="application/json", headers=headers)


def may_open(db: Connection, who: Actor, item: bytes) -> bool:
    """Who has the label's code opens a trail; so do its post's own people, and auditors."""
    operator = item_rows.origin(db, item)
    own = {ids.operator_of_custodian(number) for number in who.custodians}
    return who.role in ("auditor", "admin") or operator in own


def _opening(db: Connection, item: bytes) -> Opening:
    found = labels.label(db, item)
    return Opening(found.number, found.trail_code)


@router.get("/records", response_model=answers.AuditPage)
def records(
    call: Call,
    text: Line = "",
    operator: Annotated[int | None, Query(ge=1, lt=2**16)] = None,
    custodian: CustodianIn | None = None,
    kind: Line | None = None,
    since: Seconds | None = None,
    until: Seconds | None = None,
    exception: Line | None = None,
    cursor: Line | None = None,
    limit: int = 50,
) -> Response:
    """Records across operators, for auditors: filters that all must hold, the newest block first."""
    filters = audit.Filters(text, operator, custodian, kind, since, until, exception)

    def work(db: Connection, _: Actor) -> answers.AuditPage:
        page = audit.search(db, filters, cursor, limit)
        return answers.AuditPage.of(db, page.rows, page.cursor, audit.count(db, filters))

    return answer(call.signed_in(work, "auditor", "admin"))


@router.get("/statistics", response_model=answers.Statistics)
def statistics(call: Call) -> Response:
    """Counts over the whole network."""
    return answer(answers.Statistics.model_validate(call.read(audit.statistics)))
