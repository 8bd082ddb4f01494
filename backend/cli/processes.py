"""Commands that keep running: everything at once, or one process of a production installation each."""

from __future__ import annotations

from typing import Annotated

import typer

from backend.cli.output import DataFolder

WatchParent = Annotated[
    bool, typer.Option("--watch-parent", hidden=True, help="End when standard input is closed.")
]
Host = Annotated[str | None, typer.Option(help="Address to listen on (POSTHORN_HOST).")]
Port = Annotated[int | None, typer.Option(help="Port to listen on (POSTHORN_PORT).")]


def register(app: typer.Typer) -> None:
    """Put the commands of this file into the program."""
    for command in (up, serve, send, index, hooks, prepare, database):
        app.command()(command)
    app.command(hidden=True)(sign_in_link)


def up(
    host: Host = None,
    port: Port = None,
    data: DataFolder = None,
    empty: Annotated[
        bool, typer.Option("--empty", help="Begin without the demonstration network.")
    ] = False,
    servers: Annotated[
        int | None,
        typer.Option(min=1, max=8, help="Servers on the port; by default one a core, at most 2."),
    ] = None,
) -> None:
    """Run everything on this machine, until Ctrl-C."""
    from backend.cli.up import run

    run(data, host, port, demonstration=not empty, servers=servers)


def serve(
    host: Host = None,
    port: Port = None,
    data: DataFolder = None,
    watch_parent: WatchParent = False,
) -> None:
    """Answer the API and the pages."""
    from backend.cli.workers import run_server

    run_server(data, host, port, watch_parent)


def send(
    hooks: Annotated[
        bool, typer.Option("--hooks", help="Do what `posthorn hooks` does, too.")
    ] = False,
    data: DataFolder = None,
    watch_parent: WatchParent = False,
) -> None:
    """Send what is due to the chain."""
    from backend.cli.workers import run_sender

    run_sender(data, watch_parent, hooks)


def index(data: DataFolder = None, watch_parent: WatchParent = False) -> None:
    """Read the chain into the read model."""
    from backend.cli.workers import run_indexer

    run_indexer(data, watch_parent)


def hooks(data: DataFolder = None, watch_parent: WatchParent = False) -> None:
    """Tell web hooks what has become final."""
    from backend.cli.workers import run_hooks

    run_hooks(data, watch_parent)


def prepare(
    genesis: Annotated[
        int | None, typer.Option(help="On the first start: when the chain begins.", hidden=True)
    ] = None,
    demonstration: Annotated[
        bool, typer.Option("--demonstration", help="Make the demonstration.", hidden=True)
    ] = False,
    data: DataFolder = None,
    watch_parent: WatchParent = False,
) -> None:
    """Bring the tables up to date, check the contracts."""
    from backend.cli import preparing
    from backend.cli.parent import end_with_parent

    if watch_parent:
        end_with_parent()
    preparing.prepare(data, genesis, demonstration)


def database(data: DataFolder = None) -> None:
    """Run the installation's own PostgreSQL alone, to restore a backup into it, until Ctrl-C."""
    from backend.cli.database import run

    run(data)


def sign_in_link(data: DataFolder = None, watch_parent: WatchParent = False) -> None:
    """Print a new sign-in link for the administrator; a step of `up`."""
    from backend.cli import preparing
    from backend.cli.parent import end_with_parent

    if watch_parent:
        end_with_parent()
    preparing.print_sign_in_link(data)
