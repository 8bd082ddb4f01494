"""All commands of `posthorn`, by what they are about."""

from __future__ import annotations

import signal

import typer

from backend.cli import (
    contracts,
    hooks,
    items,
    operators,
    people,
    processes,
    stamps,
    upkeep,
    verifying,
)
from backend.cli.output import Exit, at_end, end_with, say, say_unexpected
from backend.errors import PosthornError

app = typer.Typer(
    name="posthorn",
    help="Blockchain-backed provenance and crypto-stamps for postal operators.",
    epilog="Exit codes: 0 done or holds, 1 no, 2 could not be done or checked, 3 which item is meant.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for module in (processes, items, upkeep):
    module.register(app)
app.add_typer(stamps.app, name="stamps")
verifying.register(app)
app.add_typer(people.users, name="user")
app.add_typer(operators.app, name="operator")
app.command()(people.custodians)
app.add_typer(people.tokens, name="token")
app.add_typer(hooks.app, name="hook")
app.add_typer(upkeep.demo, name="demo")
app.add_typer(contracts.app, name="contracts")


def run() -> None:
    """Run one command; errors are one sentence and an exit code.

    Caught here and not by sys.excepthook, in whose place typer puts its own.
    """
    if (
        signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    ):  # the launcher took it away while this loaded
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        app()
    except PosthornError as error:
        end_with(error)
    except KeyboardInterrupt:
        say("Interrupted. What was recorded is kept.")
        raise SystemExit(Exit.INTERRUPTED) from None
    except Exception as error:  # noqa: BLE001 - the end of the program
        say_unexpected(type(error), error, error.__traceback__)
        raise SystemExit(Exit.COULD_NOT) from None
    finally:
        at_end.close()
