"""Sign in by a one-use link or a token, choose the workplace, set a PIN, sign out."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from backend.api import people
from backend.api.answers.machine import Me
from backend.api.answers.promises import Done
from backend.api.limits import network_of
from backend.api.requests.network import NewPinBody, SessionBody, WorkplaceBody
from backend.api.service import Call, answer
from backend.errors import BadRequest
from backend.ports import Actor

router = APIRouter(tags=["people"])


@router.post("/sessions", status_code=201, response_model=Me)
def sign_in(request: Request, call: Call, body: SessionBody) -> Response:
    """Begin a session: a cookie for browsers. A link is used up by it, so no Idempotency-Key can repeat it."""
    call.service.limits.count("sign_in", network_of(call.address))
    device = call.credentials.device
    with call.service.begin() as db:
        if body.link is not None:
            session = people.sign_in(db, body.link, device)
        else:
            session = people.sign_in_with_token(db, body.token or "", device)
        me = _me(db, people.actor(db, people.Credentials(session, None, None, device)))
    response = answer(me, 201)
    people.put_cookie(request, response, session)
    return response


def _me(db: Connection, who: Actor) -> Me:
    return Me(
        person=people.name_of(db, who),
        role=who.role,
        custodian=who.custodian,
        custodians=tuple(sorted(who.custodians)),
    )


@router.post("/sessions/end", response_model=Done)
def sign_out(call: Call) -> Response:
    """End the session everywhere at once."""
    session = call.credentials.session
    if session is not None:
        with call.service.begin() as db:
            people.sign_out(db, session)
    response = answer(Done(done="signed out"))
    response.delete_cookie(people.SESSION_COOKIE, path="/")
    return response


@router.get("/me", response_model=Me)
def me(call: Call) -> Response:
    """Who has signed in, and where this person works."""
    return answer(call.signed_in(_me))


@router.post("/me/custodian", response_model=Me)
def work_at(call: Call, body: WorkplaceBody) -> Response:
    """From now on the session acts in the name of this custodian."""
    session = call.credentials.session
    if session is None:
        raise BadRequest(
            "A token has no workplace.", "Send it with each request: Posthorn-Custodian: 1-5."
        )

    def work(db: Connection, who: Actor) -> Me:
        people.work_at(db, who, session, body.custodian)
        return _me(db, people.actor(db, call.credentials))

    return call.once(work, status=200)


@router.post("/me/pin", response_model=Done)
def set_pin(call: Call, body: NewPinBody) -> Response:
    """The PIN with which the person takes over at another's screen. It is never kept in clear."""

    call.signed_in(lambda db, who: people.set_pin(db, who, body.pin))
    return answer(Done(done="the PIN is set"))
