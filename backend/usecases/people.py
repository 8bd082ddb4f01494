"""Who may sign in: administrators add people, send one-use links, and end what a person may do (B9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from backend.domain.ids import custodian_text
from backend.errors import Conflict, NotAllowed, NotFound, Unprocessable
from backend.ports import Actor
from backend.store import people

ROLES = ("clerk", "auditor", "admin")
LINK_HOURS = 24
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in. `custodians` are those in whose name the person may work."""

    number: int
    name: str
    role: str
    custodians: tuple[int, ...]
    has_pin: bool
    disabled: bool


def everybody(db: Connection, who: Actor) -> tuple[Person, ...]:
    """All people, in the order in which they were added. Raises NotAllowed."""
    _must_administer(who)
    return tuple(
        Person(
            row.id,
            row.name,
            row.role,
            tuple(row.custodians),
            row.pin_hash is not None,
            row.disabled,
        )
        for row in people.everybody(db)
    )


def add_person(db: Connection, who: Actor, name: str, role: str, custodians: Sequence[int]) -> str:
    """A new person; the secret of a one-use link. Raises NotAllowed, Unprocessable, Conflict."""
    _must_administer(who)
    cleaned = checked_name(name)
    check_role(role, custodians)
    if people.by_name(db, cleaned) is None:
        must_fit(db, role, custodians)
    number = people.add_person(db, cleaned, role, custodians)
    if number is None:
        raise Conflict(f"There is a {cleaned} already.", "Send that person a new link instead.")
    return _link(db, number)


def must_fit(db: Connection, role: str, custodians: Sequence[int]) -> None:
    """There are these custodians, and a clerk has one. Raises Unprocessable."""
    unknown = people.without_custodian(db, custodians)
    if unknown:
        named = ", ".join(map(custodian_text, unknown))
        raise Unprocessable(
            f"There is no custodian {named}.",
            "`posthorn custodians` lists all in a terminal, /v1/custodians in the API.",
        )
    if role == "clerk" and not custodians:
        raise Unprocessable(
            "A clerk works at one custodian at least.",
            "Choose where it is: --at 1-1 in a terminal.",
        )


def checked_name(name: str) -> str:
    """The name as it is kept. Raises Unprocessable.

    Printable, so without marks that have no width or turn the direction: two names that look alike are one.
    """
    cleaned = " ".join(name.split())
    if not 0 < len(cleaned) <= LONGEST_NAME or not cleaned.isprintable():
        raise Unprocessable(
            f"A name has 1 to {LONGEST_NAME} characters that can be seen.", "Type it anew."
        )
    return cleaned


def check_role(role: str, custodians: Sequence[int]) -> None:
    """Raises Unprocessable for a role that is none, or does not go with work at a custodian."""
    if role not in ROLES:
        raise Unprocessable(f"{role!r} is no role.", f"Roles: {', '.join(ROLES)}.")
    if role == "auditor" and custodians:
        raise Unprocessable(
            "An auditor records nothing, so it works at no custodian.",
            "Leave the custodians out, or choose the role clerk.",
        )


def new_link(db: Connection, who: Actor, number: int) -> str:
    """The secret of another one-use link for a person. Raises NotAllowed, NotFound, Conflict."""
    _must_administer(who)
    row = people.by_id(db, number)
    if row is None:
        raise NotFound("There is no such person.", "Look at the list.")
    if row.disabled:
        raise Conflict(f"{row.name} is disabled.", "Add the person under another name.")
    return _link(db, number)


def disable(db: Connection, who: Actor, number: int) -> None:
    """The person's sessions, links and tokens end at once; what it recorded stays. Raises NotAllowed, NotFound."""
    _must_administer(who)
    if people.by_id(db, number) is None:
        raise NotFound("There is no such person.", "Look at the list.")
    if number == who.person:
        raise Conflict("You cannot disable yourself.", "Let another administrator do it.")
    people.disable(db, number)


def _link(db: Connection, number: int) -> str:
    until = datetime.now(UTC) + timedelta(hours=LINK_HOURS)
    return people.new_credential(db, "link", number, until)


def _must_administer(who: Actor) -> None:
    if who.role != "admin":
        raise NotAllowed("Only an administrator may do this.", "Ask one.")
