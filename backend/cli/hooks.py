"""Commands about web hooks: other systems that are told of records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from backend.cli.output import AsJson, DataFolder, Exit, show

if TYPE_CHECKING:
    from backend.queries.hooks import HookAnswer

app = typer.Typer(
    name="hook", help="Web hooks: tell other systems.", no_args_is_help=True, rich_markup_mode=None
)
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="As `posthorn hook list` shows it.")]


@app.command()
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where to send: https://…")],
    operator: Annotated[int, typer.Option(help="Whose records; `posthorn custodians` names them.")],
    as_json: AsJson = False,
    data: DataFolder = None,
) -> None:
    """Tell another system of an operator's records, from now on.

    Prints the secret with which it checks signatures; it is shown once.
    """
    from backend.cli.installation import installation
    from backend.queries.network import operator as known
    from backend.store.engine import begin
    from backend.usecases.hooks import add_hook

    house = installation(data)
    with begin(house.engine) as db:
        name = known(db, operator).name
        number, secret = add_hook(db, house.house, operator, url)
    text = (
        f"Web hook {number} tells of the records of {name}. Its secret, shown only now:\n{secret}"
    )
    show({"hook": number, "operator": operator, "secret": secret}, text, as_json)


@app.command(name="list")
def list_(as_json: AsJson = False, data: DataFolder = None) -> None:
    """List all web hooks, and how they are."""
    from dataclasses import asdict

    from backend.cli.installation import installation
    from backend.queries.hooks import hooks
    from backend.store.engine import begin

    with begin(installation(data).engine) as db:
        found = hooks(db)
    text = "\n".join(map(_line, found)) or "None yet."
    show({"hooks": [asdict(one) for one in found]}, text, as_json)


@app.command()
def remove(number: Number, as_json: AsJson = False, data: DataFolder = None) -> None:
    """Remove a web hook, with all that it was still to be told."""
    from backend.cli.installation import installation
    from backend.store.engine import begin
    from backend.usecases.hooks import remove_hook

    with begin(installation(data).engine) as db:
        remove_hook(db, number)
    show({"hook": number, "removed": True}, f"Web hook {number} is gone.", as_json)


@app.command()
def on(number: Number, as_json: AsJson = False, data: DataFolder = None) -> None:
    """Go on telling, from where it stood."""
    _switch(number, True, as_json, data)


@app.command()
def off(number: Number, as_json: AsJson = False, data: DataFolder = None) -> None:
    """Tell nothing until it is switched on again.

    Nothing is lost meanwhile.
    """
    _switch(number, False, as_json, data)


@app.command(name="test")
def try_(number: Number, as_json: AsJson = False, data: DataFolder = None) -> None:
    """Send a web hook a message about nothing.

    Ends with 1 if it was not taken.
    """
    from backend.cli.installation import installation
    from backend.store.engine import begin
    from backend.usecases.hooks import known, try_hook

    house = installation(data)
    with begin(house.engine) as db:
        row = known(db, number)
    outcome = try_hook(house.house, row)
    taken = outcome.kind == "told"
    text = f"Web hook {number} took it." if taken else f"Not taken: {outcome.words}."
    show({"hook": number, "outcome": outcome.kind, "words": outcome.words}, text, as_json)
    raise SystemExit(Exit.DONE if taken else Exit.NO)


def _switch(number: int, on: bool, as_json: AsJson, data: DataFolder) -> None:
    from backend.cli.installation import installation
    from backend.store.engine import begin
    from backend.usecases.hooks import switch_hook

    with begin(installation(data).engine) as db:
        switch_hook(db, number, on)
    state = "on" if on else "off"
    show({"hook": number, "state": state}, f"Web hook {number} is {state}.", as_json)


def _line(hook: HookAnswer) -> str:
    trouble = f" ({hook.trouble})" if hook.trouble else ""
    waiting = f", {hook.waiting} to be told" if hook.waiting else ""
    return f"{hook.number}: {hook.state}{trouble}{waiting}, {hook.operator_name}, {hook.url}"
