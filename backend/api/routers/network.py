"""Operators, custodians and their keys, the published codes; enrolling and re-keying."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy import Connection

from backend.api.answers import network as answers
from backend.api.answers.promises import Promise
from backend.api.fields import CustodianIn
from backend.api.requests.network import CompromiseBody, EnrolBody, NextRightBody
from backend.api.service import Call, answer
from backend.domain import codes
from backend.errors import NotFound
from backend.ports import Actor
from backend.queries import network
from backend.usecases import operate

router = APIRouter(tags=["network"])
OperatorNumber = Annotated[int, Path(ge=1, lt=2**16)]


@router.get("/operators", response_model=answers.Operators)
def list_operators(call: Call) -> Response:
    """All posts, carriers and authorities of the network."""
    return answer(call.read(lambda db: answers.Operators.of(db, network.operators(db))))


@router.get("/operators/{operator}", response_model=answers.Operator)
def get_operator(call: Call, operator: OperatorNumber) -> Response:
    """One operator with its stamp signers, revoked ones too."""
    found = call.read(lambda db: network.operator(db, operator))
    return answer(answers.Operator.model_validate(found))


@router.get("/custodians", response_model=answers.Custodians)
def list_custodians(
    call: Call, operator: Annotated[int | None, Query(ge=1, lt=2**16)] = None
) -> Response:
    """All custodians, or those of one operator."""
    return answer(call.read(lambda db: answers.Custodians.of(db, network.custodians(db, operator))))


@router.get("/custodians/{custodian}", response_model=answers.CustodianWithRights)
def get_custodian(call: Call, custodian: CustodianIn) -> Response:
    """One custodian with all its signing rights: who held which key when."""
    found = call.read(
        lambda db: answers.CustodianWithRights.of(db, network.custodian(db, custodian))
    )
    return answer(found)


@router.post("/custodians", status_code=202, response_model=Promise)
def enrol(call: Call, body: EnrolBody) -> Response:
    """Enrol a custodian with a key of this keystore (administrators)."""
    request = operate.CustodianRequest(
        custodian=body.custodian,
        kind=body.kind,
        place=body.place,
        name=body.name,
        town=body.town,
        key_holder=body.key_holder,
        generation=body.generation,
        until=body.until,
    )
    return call.once(
        lambda db, who: Promise.of(db, operate.enrol(db, call.house, who, request)), "admin"
    )


@router.post("/custodians/{custodian}/rights", status_code=202, response_model=Promise)
def grant_right(call: Call, custodian: CustodianIn, body: NextRightBody) -> Response:
    """Another key (rotation) or another validity (administrators)."""

    def work(db: Connection, who: Actor) -> Promise:
        known = network.custodian(db, custodian)
        if body.key is not None:
            granted = operate.grant_device(
                db, call.house, who, custodian, body.key_kind, body.key, body.until
            )
            return Promise.of(db, granted)
        request = operate.CustodianRequest(
            custodian=custodian,
            kind=known.kind,
            place=known.place,
            name=known.name,
            town=known.town,
            key_holder=body.key_holder,
            generation=body.generation,
            until=body.until,
        )
        return Promise.of(db, operate.grant_right(db, call.house, who, request))

    return call.once(work, "admin")


@router.post("/custodians/{custodian}/compromise", status_code=202, response_model=Promise)
def compromise(call: Call, custodian: CustodianIn, body: CompromiseBody) -> Response:
    """A key was lost: from the record on nothing signed with it counts (administrators)."""
    lost = body.generation if body.key is None else body.key
    assert lost is not None
    return call.once(
        lambda db, who: Promise.of(db, operate.compromise(db, call.house, who, custodian, lost)),
        "admin",
    )


@router.post("/custodians/{custodian}/suspension", status_code=202, response_model=Promise)
def suspend(call: Call, custodian: CustodianIn) -> Response:
    """Nothing new is recorded in its name; no old record is touched (administrators, N4)."""
    return call.once(
        lambda db, who: Promise.of(db, operate.suspend_custodian(db, call.house, who, custodian)),
        "admin",
    )


@router.post("/custodians/{custodian}/reinstatement", status_code=202, response_model=Promise)
def reinstate(call: Call, custodian: CustodianIn) -> Response:
    """It may act again (administrators, N4)."""
    return call.once(
        lambda db, who: Promise.of(db, operate.reinstate_custodian(db, call.house, who, custodian)),
        "admin",
    )


@router.get("/codes", response_model=dict[str, answers.CodeTable])
def list_codes() -> dict[str, answers.CodeTable]:
    """All published lists of codes."""
    return {name: _table(listed) for name, listed in codes.ALL.items()}


@router.get("/codes/{name}", response_model=answers.CodeTable)
def get_codes(name: str) -> answers.CodeTable:
    """One published list."""
    if name not in codes.ALL:
        raise NotFound(f"There is no list of codes {name!r}.", f"One of: {', '.join(codes.ALL)}.")
    return _table(codes.ALL[name])


def _table(listed: codes.CodeList) -> answers.CodeTable:
    rows = tuple(answers.CodeEntry.model_validate(code) for code in listed)
    return answers.CodeTable(title=listed.title, codes=rows)
