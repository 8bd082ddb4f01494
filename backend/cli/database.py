"""`posthorn database`: the PostgreSQL of an installation alone, to restore a backup into it."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path

from backend.cli.folder import DataFolder
from backend.cli.output import say
from backend.cli.signals import Signals
from backend.config import read_settings
from backend.embedded.postgres import EmbeddedPostgres
from backend.errors import BadSettings, Unavailable

LOOK_SECONDS = 0.5


class NoInstallation(BadSettings):
    """The folder is of no installation."""


class DatabaseElsewhere(BadSettings):
    """The settings name a database that is not the installation's own."""


class DatabaseLost(BadSettings):
    """The folder is of an installation, and its database holds no tables."""


def run(data: Path | None) -> None:
    """Hold it until Ctrl-C, SIGTERM or its own end; print where it is. Raises NoInstallation, DatabaseElsewhere."""
    signals = Signals()
    settings = read_settings(os.environ, data=data)
    if settings.database_url:
        raise DatabaseElsewhere(
            "POSTHORN_DATABASE_URL names a database of your own: the installation has none beside it.",
            "Restore into that one.",
        )
    if not settings.data.exists():
        raise _no_installation(settings.data)
    folder = DataFolder(settings.data)
    with ExitStack() as stack:
        folder.acquire()
        stack.callback(folder.release)
        if folder.installed() is None:
            raise _no_installation(folder.path)
        postgres = EmbeddedPostgres(folder.path / "postgres")
        try:
            _hold(postgres, stack, signals)
        except KeyboardInterrupt:
            say("\nStopping. Data is kept.")


def _hold(postgres: EmbeddedPostgres, stack: ExitStack, signals: Signals) -> None:
    with signals.held():
        postgres.start()
        stack.callback(postgres.stop)
    print(postgres.url.replace("+psycopg", "", 1), flush=True)
    say("The database alone. Ctrl-C stops it, data is kept.")
    while postgres.pid is not None:
        time.sleep(LOOK_SECONDS)
    raise Unavailable(f"PostgreSQL has ended; {postgres.log} says why.", "Start it again.")


def _no_installation(folder: Path) -> NoInstallation:
    return NoInstallation(
        f"{folder} holds no installation.json.", "Restore it, keys/ and deployment.json first."
    )


def check_not_lost(database_url: str, folder: Path) -> None:
    """Of a folder that was prepared before. Raises DatabaseLost, and Unavailable where it does not answer."""
    from backend.store.engine import open_engine
    from backend.store.used import has_no_tables

    engine = open_engine(database_url)
    is_empty = has_no_tables(engine)
    engine.dispose()
    if is_empty:
        raise DatabaseLost(
            f"{folder} is of an installation, but its database is empty.",
            "Restore a backup into it (docs/operations.md), or choose another --data.",
        )
