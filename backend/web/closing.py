"""The administrator's page: close the claims of a range whose claim codes have leaked (S10)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Response

from backend.domain import codes, ids
from backend.errors import PosthornError, Unprocessable
from backend.queries import claims, editions
from backend.usecases.closures import STAY_CLOSED_SECONDS, close_claims
from backend.web.visit import PageRoute, Visit, Visiting, see

NOTHING = {"edition": "", "first": "", "last": "", "reason": ""}

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/people/claims")
def claims_page(visit: Visiting, asked: bool = False) -> Response:
    """Which ranges are closed, and a form for one more."""
    visit.person("admin")
    return _page(visit, asked=asked)


def _page(
    visit: Visit,
    error: PosthornError | None = None,
    asked: bool = False,
    typed: dict[str, object] | None = None,
) -> Response:
    with visit.begin() as db:
        known = editions.editions(db)
        closed = claims.closures(db)
    return visit.page(
        "closing.html",
        status=error.status if error else 200,
        editions=known,
        closures=closed,
        stay_closed_seconds=STAY_CLOSED_SECONDS,
        asked=asked,
        typed=typed or NOTHING,
        error=error,
    )


@router.post("/people/claims")
def close(
    visit: Visiting,
    edition: Annotated[str, Form(max_length=20)] = "",
    first: Annotated[int, Form(ge=1, lt=2**32)] = 1,
    last: Annotated[int, Form(ge=1, lt=2**32)] = 1,
    reason: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Closes them, for everybody to see."""
    who = visit.person("admin")
    try:
        number, why = _chosen(edition, reason)
        visit.write(lambda db: close_claims(db, visit.house, who, number, first, last, why))
    except PosthornError as error:
        typed = {"edition": edition, "first": first, "last": last, "reason": reason}
        return _page(visit, error, typed=typed)
    return see("/people/claims?asked=true")


def _chosen(edition: str, reason: str) -> tuple[int, int]:
    if not edition or reason not in codes.CLOSING_REASONS.names():
        raise Unprocessable("The form is not complete.", "Choose the edition, and why.")
    try:
        return ids.parse_edition(edition), codes.CLOSING_REASONS.number(reason)
    except ids.BadNumber as error:
        raise Unprocessable(f"{error}.") from None
