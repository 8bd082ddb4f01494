"""Who calls: sign-in by link or token, the custodian at which a person works, PINs (B9).

Sessions live in the cookie `posthorn_session`, API tokens in `Authorization: Bearer`. Both edges, API and
pages, use these functions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from fastapi import Request, Response
from sqlalchemy import Connection

from backend.api.limits import TooMany
from backend.domain import ids
from backend.domain.texts import is_digits
from backend.errors import BadRequest, NotAllowed, NotSignedIn, Unprocessable
from backend.ports import Actor
from backend.store import people as person_rows
from backend.store.engine import begin

SESSION_COOKIE = "posthorn_session"
SESSION_HOURS = 12
CUSTODIAN_HEADER = "posthorn-custodian"
DEVICE_LENGTH = 80
HASHER = PasswordHasher()


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request came with. `custodian` is what the header Posthorn-Custodian names, as text."""

    session: str | None
    token: str | None
    custodian: str | None
    device: str


def credentials(request: Request) -> Credentials:
    """A bearer token counts before a cookie."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return Credentials(
        session=None if bearer else request.cookies.get(SESSION_COOKIE),
        token=bearer or None,
        custodian=request.headers.get(CUSTODIAN_HEADER),
        device=device_of(request),
    )


def device_of(request: Request) -> str:
    """What the browser says it is: printable, short."""
    said = request.headers.get("user-agent", "")
    return "".join(c for c in said if c.isascii() and c.isprintable())[:DEVICE_LENGTH]


def find_actor(db: Connection, given: Credentials) -> Actor | None:
    """Who asks; None for nobody, or where session or token are over. Raises NotAllowed, BadRequest."""
    secret, kind = (given.token, "token") if given.token else (given.session, "session")
    row = person_rows.holder_of(db, kind, secret) if secret else None
    if row is None:
        return None
    who = Actor(
        person=row.id,
        role=row.role,
        custodian=row.at_custodian,
        custodians=frozenset(row.custodians),
        device=row.device or given.device,
    )
    return _working_at(who, given.custodian)


def actor(db: Connection, given: Credentials) -> Actor:
    """Who asks. Raises NotSignedIn, NotAllowed, BadRequest."""
    who = find_actor(db, given)
    if who is None:
        raise not_signed_in()
    return who


def not_signed_in() -> NotSignedIn:
    """For nobody, and for whoever brings a token or session that is unknown or over."""
    return NotSignedIn(
        "This needs somebody who has signed in.",
        "Open your sign-in link, or send an API token: Authorization: Bearer ….",
    )


def _working_at(who: Actor, named: str | None) -> Actor:
    """The custodian that the request names, else the session's, else the person's only one."""
    if named is not None:
        try:
            return replace(who, custodian=_allowed(who, ids.parse_custodian(named)))
        except ids.BadNumber as error:
            raise BadRequest(f"Posthorn-Custodian: {error}.") from None
    if who.custodian is not None and who.custodian not in who.custodians:
        return replace(who, custodian=None)
    if who.custodian is None and len(who.custodians) == 1:
        return replace(who, custodian=next(iter(who.custodians)))
    return who


def _allowed(who: Actor, custodian: int) -> int:
    if custodian not in who.custodians:
        raise NotAllowed(
            f"You do not work at custodian {ids.custodian_text(custodian)}.",
            "Ask the operator's administrator.",
        )
    return custodian


def name_of(db: Connection, who: Actor) -> str:
    """The person's name."""
    row = person_rows.by_id(db, who.person)
    return str(row.name) if row else ""


def sign_in(db: Connection, link: str, device: str) -> str:
    """A new session for a one-use link; its secret. Raises NotSignedIn."""
    person = person_rows.use_link(db, link)
    row = person_rows.by_id(db, person) if person is not None else None
    if row is None or row.disabled:
        raise NotSignedIn(
            "This sign-in link was used before, or is over.",
            "Ask for a new one: posthorn user add, or your administrator.",
        )
    return _new_session(db, row, device)


def sign_in_with_token(db: Connection, token: str, device: str) -> str:
    """A new session for the holder of an API token; its secret. Raises NotSignedIn."""
    row = person_rows.holder_of(db, "token", token)
    if row is None:
        raise NotSignedIn("This token is unknown or over.", "Create one: posthorn token create.")
    return _new_session(db, row, device)


def _new_session(db: Connection, row: Any, device: str) -> str:
    own = list(row.custodians)
    return person_rows.new_credential(
        db,
        "session",
        row.id,
        datetime.now(UTC) + timedelta(hours=SESSION_HOURS),
        device=device,
        custodian=own[0] if len(own) == 1 else None,
    )


def work_at(db: Connection, who: Actor, session: str, custodian: int) -> None:
    """From now on the session acts in the name of this custodian. Raises NotAllowed."""
    person_rows.work_at(db, session, _allowed(who, custodian))


def sign_out(db: Connection, session: str) -> None:
    """The session ends everywhere at once."""
    person_rows.end_session(db, session)


def set_pin(db: Connection, who: Actor, pin: str) -> None:
    """The person's PIN for signing at another's screen: 4 to 12 digits. Raises Unprocessable."""
    if not (is_digits(pin, 12) and len(pin) >= 4):
        raise Unprocessable("A PIN has 4 to 12 digits.")
    person_rows.set_person(db, who.person, pin_hash=HASHER.hash(pin))


def countersign(db: Connection, who: Actor, name: str, pin: str, custodian: int) -> Actor:
    """The receiver's own act at the giver's screen: its name and PIN make it the actor (B9).

    The try is kept before the PIN is looked at, in a transaction of its own, so that tries at once are
    counted too; good ones are not held against anybody. Raises TooMany; NotAllowed, whose words are the
    same for a wrong name, PIN or custodian.
    """
    with begin(db.engine) as own:
        wait_seconds = person_rows.begin_pin_try(own, name)
    if wait_seconds:
        raise TooMany(wait_seconds)
    row = person_rows.by_name(db, name)
    known = row is not None and not row.disabled and row.pin_hash is not None
    good = _pin_fits(row.pin_hash if row is not None and known else _no_pin(), pin)
    if row is None or not known or not good or custodian not in row.custodians:
        raise NotAllowed(
            f"Name and PIN are not those of somebody at custodian {ids.custodian_text(custodian)}.",
            "Type them again; five wrong tries lock them for a while.",
        )
    with begin(db.engine) as own:
        person_rows.forget_pin_tries(own, name)
    return Actor(row.id, row.role, custodian, frozenset(row.custodians), who.device)


@cache
def _no_pin() -> str:
    """Verified where a person has no PIN, so that an answer takes as long and says as little."""
    return HASHER.hash("no PIN has this value")


def _pin_fits(pin_hash: str, pin: str) -> bool:
    try:
        return HASHER.verify(pin_hash, pin)
    except (VerificationError, InvalidHashError):
        return False


def put_cookie(request: Request, response: Response, session: str) -> None:
    """The session's cookie: not for scripts, not for other sites, encrypted where the page is."""
    response.set_cookie(
        SESSION_COOKIE,
        session,
        max_age=SESSION_HOURS * 3_600,
        httponly=True,
        samesite="lax",
        secure=request.app.state.service.house.origin.startswith("https:"),
        path="/",
    )


def at(who: Actor, custodian: int | None) -> tuple[Actor, int]:
    """In whose name a request acts: the custodian it names, else the one where the person works.

    Who has not chosen a workplace may name any of its own. Raises NotAllowed.
    """
    if who.custodian is None and custodian is not None:
        who = replace(who, custodian=_allowed(who, custodian))
    if who.role == "auditor":
        raise NotAllowed("Auditors look at everything and record nothing.")
    if who.custodian is None:
        raise NotAllowed(
            "You have not chosen the custodian at which you work.",
            "Choose it on the work page, or send it along: Posthorn-Custodian: 1-5.",
        )
    return who, custodian if custodian is not None else who.custodian


def must_be_of(who: Actor, operator: int) -> None:
    """Administrators, and who works for the operator. Raises NotAllowed."""
    own = {ids.operator_of_custodian(number) for number in who.custodians}
    if who.role != "admin" and operator not in own:
        raise NotAllowed("This belongs to another post.", "Ask the post that it belongs to.")


def must_be_side(who: Actor, sides: set[int]) -> None:
    """Auditors, administrators, and who works at giver or receiver. Raises NotAllowed."""
    if who.role not in ("auditor", "admin") and not sides & who.custodians:
        raise NotAllowed("This list is between others.", "Ask one of its two sides.")


def may_see(who: Actor, custodian: int | None) -> None:
    """Clerks see what concerns a custodian of theirs; auditors and administrators everything.

    Raises NotAllowed.
    """
    if who.role == "clerk" and custodian not in who.custodians:
        raise NotAllowed("This concerns another custodian.", "Ask somebody who works there.")
