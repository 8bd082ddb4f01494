"""The label page: where is it, who answers for it, and signing for it with the delivery code."""

from __future__ import annotations

import re

from fastapi import APIRouter, Response

from backend.domain.typed_data import ZERO32
from backend.errors import NotFound
from backend.queries import trails
from backend.queries.trails import TrailAnswer
from backend.usecases.deliver import VALID_SECONDS
from backend.web.pictures import code_picture
from backend.web.render import ASKS_NODES
from backend.web.signed_delivery import LENGTH
from backend.web.stories import contracts, trail_story
from backend.web.visit import PageRoute, Visiting

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/T/{code}")
def label(visit: Visiting, code: str) -> Response:
    """What a label's QR opens: the trail with its number. Changes nothing."""
    visit.look()
    with visit.begin() as db:
        found = trails.by_code(db, code)
    return visit.page(
        "label.html",
        ASKS_NODES,
        trail=found,
        story=trail_story(visit.house, found),
        offer=_offer(visit, code, found),
        now=visit.house.now(),
    )


def _offer(visit: Visiting, code: str, found: TrailAnswer) -> dict[str, object] | None:
    """What the addressee's browser signs over; None where no delivery key was named, or nobody holds it."""
    state = found.state
    if state is None or state.ended is not None or state.keys == ZERO32 or found.pending:
        return None
    return {
        "contracts": contracts(visit.house),
        "trailCode": code,
        "item": "0x" + found.item.hex(),
        "number": state.number,
        "giver": state.holder,
        "validSeconds": VALID_SECONDS,
    }


@router.get("/T/{code}/signed/{payload}.svg")
def signed_code(visit: Visiting, code: str, payload: str) -> Response:
    """The addressee's signature as a QR for the courier's scanner. Nothing is kept here."""
    if not re.fullmatch(rf"[0-9A-Z]{{26}}/[0-9A-Z]{{{LENGTH}}}", f"{code}/{payload}".upper()):
        raise NotFound("This is no signed delivery.")
    return code_picture(visit.house.origin, "D", f"{code}/{payload}")
