"""Commands about operators: the network's governor admits one, with which everything begins (N1)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from backend.cli.output import AsJson, DataFolder, command_line, say, show
from backend.errors import Conflict, NotAllowed, Unavailable, Unprocessable

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from backend.cli.installation import Installation
    from backend.ports import Actor
    from backend.usecases.submit import Promise

LONGEST_NAME = 80
MOST_OPERATORS = 2**16 - 1
LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 60.0

app = typer.Typer(
    name="operator", help="Admit operators.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def operators() -> None:
    """Admit operators."""


@app.command()
def admit(
    number: Annotated[
        int,
        typer.Argument(metavar="NUMBER", help="1 to 65535.", min=1, max=MOST_OPERATORS),
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="As pages show it.")],
    person: Annotated[str, typer.Option("--as", help="An administrator.")] = "admin",
    as_json: AsJson = False,
    data: DataFolder = None,
) -> None:
    """Admit an operator to the network.

    Its administrator's, sender's and stamp keys are those of this keystore. What is done already is not done again.
    """
    from backend.cli.installation import installation
    from backend.usecases import operate

    house, called = installation(data), _name(name)
    who = _administrator(house, person)
    if not _is_admitted(house, number, called):
        admin = house.keystore.address(f"admin/{number}").hex()
        _do(
            house,
            lambda db: [operate.admit_operator(db, house.house, who, number, called)],
            "Only the network's governor admits operators. Where another wallet is the governor, it calls "
            f"admitOperator({number}, 0x{admin}, {called!r}); then give this command again.",
        )
    if not _is_equipped(house, number):
        _do(house, lambda db: operate.equip_operator(db, house.house, who, number), "")
    text = f"{called} is operator {number}. Its custodians come next: see «From nothing» in docs/operations.md."
    show({"operator": number, "name": called}, text, as_json)
    say(f"All custodians: {command_line('custodians', data)}")


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not (0 < len(name) <= LONGEST_NAME and name.isprintable()):
        raise Unprocessable(f"A name has 1 to {LONGEST_NAME} characters that can be read.")
    return name


def _administrator(house: Installation, name: str) -> Actor:
    from backend.ports import Actor
    from backend.store import people
    from backend.store.engine import begin

    with begin(house.engine) as db:
        row = people.by_name(db, name)
    if row is None or row.disabled or row.role != "admin":
        raise NotAllowed(f"{name!r} is no administrator here.", "`posthorn user list` names all.")
    return Actor(row.id, row.role, device="command line")


def _is_admitted(house: Installation, number: int, name: str) -> bool:
    """Raises Conflict where another has the number."""
    from backend.queries import network
    from backend.store.engine import begin

    with begin(house.engine) as db:
        found = next((one for one in network.operators(db) if one.number == number), None)
    if found is not None and found.name != name:
        raise Conflict(f"Operator {number} is {found.name}.", "Take another number.")
    return found is not None


def _is_equipped(house: Installation, number: int) -> bool:
    """Whether its stamp signer is named, which comes after its sender."""
    from backend.store import network
    from backend.store.engine import begin

    with begin(house.engine) as db:
        return bool(network.signers(db, number))


def _do(house: Installation, work: Callable[[Connection], list[Promise]], if_refused: str) -> None:
    """Raises Conflict where the chain refuses, Unavailable where it takes long."""
    from backend.store.engine import begin

    with begin(house.engine) as db:
        digests = [promise.digest for promise in work(db)]
    until = time.monotonic() + PATIENCE_SECONDS
    while not all(_is_recorded(house, digest, if_refused) for digest in digests):
        if time.monotonic() > until:
            raise Unavailable(
                "It is on its way and not recorded yet.",
                "See whether the sender and the indexer run (`posthorn status`), then give the same command again.",
            )
        time.sleep(LOOK_SECONDS)


def _is_recorded(house: Installation, digest: bytes, if_refused: str) -> bool:
    from backend.queries import submissions
    from backend.store.engine import begin

    with begin(house.engine) as db:
        found = submissions.one(db, digest)
    if found.state == "rejected":
        why = (found.refusal or {}).get("detail", "")
        raise Conflict(f"The chain refuses it. {why}".strip(), if_refused)
    return found.block is not None
