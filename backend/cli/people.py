"""Commands about people who sign in, and tokens for programs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from time import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.cli.output import AsJson, DataFolder, show
from backend.errors import BadRequest, Conflict, NotFound

if TYPE_CHECKING:
    from backend.domain.network import Custodian
    from backend.queries.network import CustodianAnswer

LINK_HOURS = 24
TOKEN_DAYS = 365
MOST_DAYS = 36_500
ROLES = ("clerk", "auditor", "admin")
PIN = re.compile(r"[0-9]{4,12}")

users = typer.Typer(help="People who sign in.", no_args_is_help=True, rich_markup_mode=None)
tokens = typer.Typer(help="Tokens for programs.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name, as pages show it.")]
At = Annotated[
    list[str] | None,
    typer.Option("--at", help="A custodian, like 1-5, in whose name the person works; repeatable."),
]


@users.command()
def add(
    name: Name,
    role: Annotated[
        str | None,
        typer.Option(help="clerk, auditor or admin; without it a new person is a clerk."),
    ] = None,
    at: At = None,
    pin: Annotated[
        bool, typer.Option("--pin", help="Ask for a PIN, with which the person signs elsewhere.")
    ] = False,
    as_json: AsJson = False,
    data: DataFolder = None,
) -> None:
    """Add a person and print a one-use sign-in link.

    One who is there already keeps what is not named, and gets the role, custodians, PIN that are.
    """
    from backend.cli.installation import installation
    from backend.domain.ids import custodian_text
    from backend.store import people
    from backend.store.engine import begin
    from backend.usecases.people import checked_name

    name = checked_name(name)
    custodians = _custodians(role, at or [])
    pin_hash = _pin_hash() if pin else None
    house = installation(data)
    with begin(house.engine) as db:
        said = _put(db, name, role, custodians)
        person = _known(db, name)
        if pin_hash is not None:
            people.set_person(db, person.id, pin_hash=pin_hash)
        link = sign_in_link(db, house.settings.origin, person.id)
    text = (
        f"{name} is {person.role}{said}. Sign-in link, good once within {LINK_HOURS} hours:\n{link}"
    )
    facts = {"person": person.id, "name": name, "role": person.role, "link": link}
    show(facts | {"custodians": [custodian_text(n) for n in person.custodians]}, text, as_json)


@users.command()
def disable(name: Name, as_json: AsJson = False, data: DataFolder = None) -> None:
    """End a person's sessions and tokens at once.

    What they recorded stays theirs.
    """
    from backend.cli.installation import installation
    from backend.store import people
    from backend.store.engine import begin

    with begin(installation(data).engine) as db:
        people.disable(db, _known(db, name).id)
    show({"name": name, "disabled": True}, f"{name} can no longer sign in.", as_json)


@users.command(name="list")
def list_(as_json: AsJson = False, data: DataFolder = None) -> None:
    """List all people."""
    from backend.cli.installation import installation
    from backend.domain.ids import custodian_text
    from backend.store import people
    from backend.store.engine import begin

    with begin(installation(data).engine) as db:
        found = [
            {
                "name": row.name,
                "role": row.role,
                "custodians": [custodian_text(number) for number in row.custodians],
                "pin": row.pin_hash is not None,
                "disabled": row.disabled,
            }
            for row in people.everybody(db)
        ]
    show({"people": found}, "\n".join(map(_line, found)) or "Nobody yet.", as_json)


def custodians(
    operator: Annotated[int | None, typer.Option(help="Only those of this operator.")] = None,
    as_json: AsJson = False,
    data: DataFolder = None,
) -> None:
    """List the custodians: number, place, name, kind, and whether they can sign now."""
    from backend.cli.installation import installation
    from backend.queries.network import custodians as enrolled
    from backend.store import network
    from backend.store.engine import begin

    house = installation(data)
    with begin(house.engine) as db:
        found = enrolled(db, operator)
        known = network.custodians(db, [one.number for one in found])
    rows = [_custodian_row(one, known[one.number], int(time())) for one in found]
    lines = (
        f"{row['number']:8} {row['place']:8} {row['name']} ({row['kind'].replace('_', ' ')}, {row['operator']})"
        + (f". {row['why']}" if row["why"] else "")
        for row in rows
    )
    show({"custodians": rows}, "\n".join(lines) or "None is enrolled.", as_json)


def _custodian_row(who: CustodianAnswer, known: Custodian, now: int) -> dict[str, Any]:
    from backend.domain import codes
    from backend.domain.ids import custodian_text
    from backend.queries.words import why_no_signature

    found = why_no_signature(known, who, now)
    return {
        "number": custodian_text(who.number),
        "place": who.place,
        "name": who.name,
        "kind": codes.KINDS.name(who.kind),
        "operator": who.operator_name,
        "can_sign": found is None,
        "why": found and found.why,
    }


@tokens.command()
def create(
    name: Name,
    label: Annotated[str, typer.Option(help="What the token is for.")] = "",
    days: Annotated[
        int, typer.Option(help="How long it is good.", min=1, max=MOST_DAYS)
    ] = TOKEN_DAYS,
    as_json: AsJson = False,
    data: DataFolder = None,
) -> None:
    """Make an API token that acts as a person.

    It is shown once.
    """
    from backend.cli.installation import installation
    from backend.store import people
    from backend.store.engine import begin

    until = datetime.now(UTC) + timedelta(days=days)
    with begin(installation(data).engine) as db:
        person = _known(db, name)
        if person.disabled:
            raise Conflict(f"{name} is disabled.", "Give the token to somebody else.")
        secret = people.new_credential(db, "token", person.id, until, label=label)
    show({"token": secret, "name": name, "until": until.isoformat()}, secret, as_json)


def sign_in_link(db: Any, origin: str, person: int) -> str:
    """A one-use link for a person."""
    from backend.store import people

    until = datetime.now(UTC) + timedelta(hours=LINK_HOURS)
    return f"{origin}/in/{people.new_credential(db, 'link', person, until)}"


def _put(db: Any, name: str, role: str | None, custodians: list[int]) -> str:
    """Keep the person, new or changed; in words what changed. What is not named stays as it was.

    But an auditor works nowhere: who becomes one leaves its custodians.
    """
    from backend.store import people
    from backend.usecases.people import check_role, must_fit

    row = people.by_name(db, name)
    role = role or (row.role if row else "clerk")
    check_role(role, custodians)
    if row is not None and role != "auditor":
        custodians = custodians or list(row.custodians)
    must_fit(db, role, custodians)
    if row is None:
        people.add_person(db, name, role, custodians)
        return ""
    people.set_person(db, row.id, role=role, custodians=custodians, disabled=False)
    return f", who was there already; {_changes(row, role, custodians)}"


def _changes(row: Any, role: str, custodians: list[int]) -> str:
    changes = []
    if row.role != role:
        changes.append(f"role {role} instead of {row.role}")
    if sorted(row.custodians) != sorted(custodians):
        changes.append(f"at {_places(custodians)} instead of {_places(row.custodians)}")
    if row.disabled:
        changes.append("enabled again")
    return ", ".join(changes) or "nothing changes"


def _places(custodians: list[int]) -> str:
    from backend.domain.ids import custodian_text

    return ", ".join(map(custodian_text, custodians)) or "nowhere"


def _known(db: Any, name: str) -> Any:
    from backend.store import people

    row = people.by_name(db, name)
    if row is None:
        raise NotFound(f"Nobody is called {name!r}.", "`posthorn user list` names all.")
    return row


def _custodians(role: str | None, at: list[str]) -> list[int]:
    """Those named, where they go with the role. Raises BadRequest, Unprocessable."""
    from backend.usecases.people import check_role

    if role not in (None, *ROLES):
        raise BadRequest(f"{role!r} is no role.", f"One of: {', '.join(ROLES)}.")
    custodians = [_custodian(text) for text in at]
    if role is not None:
        check_role(role, custodians)
    return custodians


def _custodian(text: str) -> int:
    from backend.domain.ids import BadNumber, parse_custodian

    try:
        return parse_custodian(text)
    except BadNumber as error:
        raise BadRequest(f"{error}.") from None


def _pin_hash() -> str:
    from argon2 import PasswordHasher

    pin: str = typer.prompt("PIN", hide_input=True, confirmation_prompt=True, err=True)
    if not PIN.fullmatch(pin):
        raise BadRequest("A PIN has 4 to 12 digits and nothing else.")
    return PasswordHasher().hash(pin)


def _line(person: dict[str, Any]) -> str:
    at = f" at {', '.join(person['custodians'])}" if person["custodians"] else ""
    return f"{person['name']}: {person['role']}{at}{' (disabled)' if person['disabled'] else ''}"
