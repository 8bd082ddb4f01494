"""People who sign in: the administrator's page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Response

from backend.domain import ids
from backend.errors import PosthornError, Unprocessable
from backend.queries import devices, network
from backend.usecases import people
from backend.web.visit import PageRoute, Visit, Visiting, see

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/people")
def people_page(visit: Visiting) -> Response:
    """Everybody, and a form for one more."""
    visit.person("admin")
    return _page(visit)


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form; after a refusal, what was typed."""

    name: str = ""
    role: str = ""
    custodians: tuple[str, ...] = ()


def _page(
    visit: Visit,
    secret: str | None = None,
    name: str = "",
    error: PosthornError | None = None,
    typed: Typed = Typed(),
) -> Response:
    with visit.begin() as db:
        known = people.everybody(db, visit.person("admin"))
        places = network.custodians(db)
        known_devices = devices.every(db)
    return visit.page(
        "people.html",
        status=error.status if error else 200,
        people=known,
        places=places,
        devices=known_devices,
        names={place.number: place.name for place in places},
        roles=people.ROLES,
        link=f"{visit.house.origin}/in/{secret}" if secret else None,
        link_hours=people.LINK_HOURS,
        name=name,
        error=error,
        typed=typed,
    )


@router.post("/people")
def add_person(
    visit: Visiting,
    name: Annotated[str, Form()],
    role: Annotated[str, Form()],
    custodian: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Adds a person; the link is shown once, here."""
    who = visit.person("admin")
    try:
        numbers = [_custodian(text) for text in custodian or ()]
        with visit.begin() as db:
            secret = people.add_person(db, who, name, role, numbers)
    except PosthornError as error:
        return _page(visit, error=error, typed=Typed(name, role, tuple(custodian or ())))
    return _page(visit, secret, name)


def _custodian(text: str) -> int:
    try:
        return ids.parse_custodian(text)
    except ids.BadNumber as error:
        raise Unprocessable(f"{error}.") from None


@router.post("/people/{number}/link")
def new_link(visit: Visiting, number: int, name: Annotated[str, Form()] = "") -> Response:
    """Another one-use link for a person."""
    who = visit.person("admin")
    with visit.begin() as db:
        secret = people.new_link(db, who, number)
    return _page(visit, secret, name)


@router.post("/people/{number}/disable")
def disable(visit: Visiting, number: int) -> Response:
    """Ends what a person may do, at once."""
    who = visit.person("admin")
    with visit.begin() as db:
        people.disable(db, who, number)
    return see("/people")
