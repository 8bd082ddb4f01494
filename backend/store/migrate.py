"""Bring a database to the tables of today: alembic, configured here, without an alembic.ini.

A new revision is drafted from the difference between the tables and a migrated database:
`python -m backend.store.migrate "why" URL`; read it before it is committed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from backend.errors import Collided, Unavailable
from backend.store.engine import alone, begin, open_engine

# Two processes that start at once migrate one after the other.
MIGRATION_LOCK = 0x706F7374_0001


def migrate(engine: Engine) -> None:
    """Create or upgrade the tables, revision by revision, each all or nothing; nothing where they are up to date.

    Each gives its locks back before the next, so that nobody waits for all of them. Raises Unavailable where the
    database is away, or others use what a revision changes.
    """
    try:
        with alone(engine, MIGRATION_LOCK, wait=True) as db:
            config = _config()
            config.attributes["connection"] = db
            command.upgrade(config, "head")
    except Collided as error:
        raise Unavailable(
            "The tables could not be brought up to date, for others use them; what was begun is undone.",
            "Stop serve, send, index and hooks, then run this again.",
        ) from error


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def draft(engine: Engine, why: str) -> None:
    """Write a revision that leads from the newest one to the tables of today."""
    with begin(engine) as db:
        config = _config()
        config.attributes["connection"] = db
        command.revision(config, why, autogenerate=True)


if __name__ == "__main__":
    draft(open_engine(sys.argv[2]), sys.argv[1])
