"""Receptacles: packed, closed with a seal, opened once (C7). They are accepted and handed over like items."""

from __future__ import annotations

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from backend.api import people
from backend.api.answers import custody as answers
from backend.api.answers.promises import Promise
from backend.api.fields import Bytes32In
from backend.api.requests.receptacles import ClosingBody, OpeningBody, PackingBody
from backend.api.service import Call, answer
from backend.ports import Actor
from backend.queries import receptacles as queries
from backend.queries.labels import find_item, find_items
from backend.usecases import receptacles

router = APIRouter(tags=["receptacles"])


@router.get("/receptacles/{item}", response_model=answers.Receptacle)
def get_receptacle(call: Call, item: Bytes32In) -> Response:
    """What was packed into it, and what came of each. For people of the posts."""

    def work(db: Connection, _: Actor) -> answers.Receptacle:
        return answers.Receptacle.of(queries.receptacle(db, item))

    return answer(call.signed_in(work))


@router.post("/packings", status_code=202, response_model=Promise)
def pack(call: Call, body: PackingBody) -> Response:
    """Put items into a receptacle; a list with bad lines is refused whole, each named."""

    def work(db: Connection, who: Actor) -> Promise:
        who, custodian = people.at(who, body.custodian)
        request = receptacles.PackRequest(
            custodian,
            find_item(db, body.receptacle),
            tuple(find_items(db, body.items)),
            body.time,
            body.custody_number,
            body.signature,
        )
        return Promise.of(db, receptacles.pack(db, call.house, who, request))

    return call.once(work)


@router.post("/closings", status_code=202, response_model=Promise)
def close(call: Call, body: ClosingBody) -> Response:
    """Close a receptacle: it takes nothing more, and moves as one."""

    def work(db: Connection, who: Actor) -> Promise:
        who, custodian = people.at(who, body.custodian)
        request = receptacles.CloseRequest(
            custodian=custodian,
            receptacle=find_item(db, body.receptacle),
            seal=body.seal,
            seal_kind=body.seal_kind,
            evidence=body.evidence,
            time=body.time,
            number=body.custody_number,
            count=body.count,
            contents=body.contents,
            signature=body.signature,
        )
        return Promise.of(db, receptacles.close(db, call.house, who, request))

    return call.once(work)


@router.post("/openings", status_code=202, response_model=Promise)
def open_(call: Call, body: OpeningBody) -> Response:
    """Open a receptacle: found, missing, and what is neither is inferred. What is extra is taken up."""

    def work(db: Connection, who: Actor) -> Promise:
        who, custodian = people.at(who, body.custodian)
        request = receptacles.OpenRequest(
            custodian=custodian,
            receptacle=find_item(db, body.receptacle),
            found=frozenset(find_items(db, body.found)),
            missing=tuple(find_items(db, body.missing)),
            seal_state=body.seal_state,
            evidence=body.evidence,
            time=body.time,
            number=body.custody_number,
            signature=body.signature,
        )
        return Promise.of(db, receptacles.open_(db, call.house, who, request))

    return call.once(work)
