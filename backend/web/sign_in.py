"""Signing in by a one-use link, choosing where to work, signing out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from backend.api import people
from backend.api.people import Credentials
from backend.domain import ids
from backend.errors import Unprocessable
from backend.web.visit import PageRoute, Visiting, see

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/in/{secret}")
def confirm_sign_in(visit: Visiting, secret: str) -> Response:
    """Asks once more, so that the preview of a mail program does not use up the link."""
    return visit.page("sign_in.html", secret=secret)


@router.post("/in/{secret}")
def sign_in(request: Request, visit: Visiting, secret: str) -> Response:
    """Begins a session. Raises NotSignedIn where the link was used before."""
    visit.service.limits.count("sign_in", visit.address)
    with visit.begin() as db:
        session = people.sign_in(db, secret, people.device_of(request))
        who = people.find_actor(db, Credentials(session, None, None, ""))
    answer = see("/audit" if who is not None and who.role == "auditor" else "/work")
    people.put_cookie(request, answer, session)
    return answer


@router.post("/out")
def sign_out(request: Request, visit: Visiting) -> Response:
    """The session ends everywhere at once."""
    session = request.cookies.get(people.SESSION_COOKIE)
    if session:
        with visit.begin() as db:
            people.sign_out(db, session)
    answer = see("/")
    answer.delete_cookie(people.SESSION_COOKIE, path="/")
    return answer


@router.post("/work/custodian")
def choose_custodian(
    request: Request, visit: Visiting, custodian: Annotated[str, Form()]
) -> Response:
    """From now on the session works in the name of this custodian."""
    who = visit.person()
    session = request.cookies[people.SESSION_COOKIE]
    try:
        number = ids.parse_custodian(custodian)
    except ids.BadNumber as error:
        raise Unprocessable(f"{error}.") from None
    with visit.begin() as db:
        people.work_at(db, who, session, number)
    return see("/work")


@router.post("/work/pin")
def set_pin(visit: Visiting, pin: Annotated[str, Form()]) -> Response:
    """The person's PIN, with which it takes over at another's screen."""
    who = visit.person()
    with visit.begin() as db:
        people.set_pin(db, who, pin)
    return see("/work?pin=set")
