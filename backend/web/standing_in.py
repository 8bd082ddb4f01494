"""The administrator's page: stand in for a custodian that cannot sign for what it holds (C9)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Response

from backend.domain import codes, ids
from backend.errors import PosthornError, Unprocessable
from backend.queries import network, work
from backend.usecases.hand_off import LineRequest
from backend.usecases.stand_in import StandInRequest, hand_over_for
from backend.web.desk import digest_of
from backend.web.visit import PageRoute, Visit, Visiting, see

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/people/stand-in")
def stand_in_page(visit: Visiting, giver: Annotated[str, Query(max_length=20)] = "") -> Response:
    """Who cannot sign, and what it holds."""
    visit.person("admin")
    return _page(visit, giver)


def _page(visit: Visit, giver: str, error: PosthornError | None = None) -> Response:
    with visit.begin() as db:
        places = network.custodians(db)
        chosen = next((one for one in places if ids.custodian_text(one.number) == giver), None)
        desk = work.desk(db, chosen.number, visit.house.now()) if chosen else None
    return visit.page(
        "stand_in.html",
        status=error.status if error else 200,
        places=places,
        chosen=chosen,
        desk=desk,
        error=error,
    )


@router.post("/people/stand-in")
def stand_in(
    visit: Visiting,
    giver: Annotated[str, Form(max_length=20)],
    receiver: Annotated[str, Form(max_length=20)] = "",
    reason: Annotated[str, Form(max_length=40)] = "",
    item: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Makes the list; the receiver takes it over at its own desk."""
    who = visit.person("admin")
    try:
        request = _request(giver, receiver, reason, item or [])
        visit.write(lambda db: hand_over_for(db, visit.house, who, request))
    except PosthornError as error:
        return _page(visit, giver, error)
    return see(f"/people/stand-in?giver={giver}")


def _request(giver: str, receiver: str, reason: str, items: list[str]) -> StandInRequest:
    if not items or not receiver or reason not in codes.STAND_IN_REASONS.names():
        raise Unprocessable(
            "The list is not complete.", "Choose what is on it, who takes it over, and why."
        )
    try:
        sides = ids.parse_custodian(giver), ids.parse_custodian(receiver)
    except ids.BadNumber as error:
        raise Unprocessable(f"{error}.") from None
    lines = tuple(LineRequest(digest_of(item)) for item in items)
    return StandInRequest(*sides, codes.STAND_IN_REASONS.number(reason), lines)
