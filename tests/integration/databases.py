"""More than one database for a test: empty ones to migrate, second ones to compare with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from sqlalchemy import Engine, Table, select, text

from backend.store.engine import open_engine
from tests.integration.conftest import TEMPLATE, database_url, execute

NewDatabase = Callable[..., Engine]
NUMBERS = count(1)


@contextmanager
def databases(server_url: str) -> Iterator[NewDatabase]:
    """Makes databases: migrated ones, or empty ones with `empty=True`. All go at the end."""
    made: dict[str, Engine] = {}

    def make(empty: bool = False) -> Engine:
        name = f"another_{next(NUMBERS)}"
        execute(server_url, f"CREATE DATABASE {name} TEMPLATE {'template0' if empty else TEMPLATE}")
        made[name] = open_engine(database_url(server_url, name))
        return made[name]

    try:
        yield make
    finally:
        for name, engine in made.items():
            engine.dispose()
            execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")


def cut_connections(engine: Engine) -> list[bool]:
    """End all sessions of a database, also those that hold locks; whether each is gone."""
    # The killer spares itself: a session that ends its own first may be gone before it ends the others.
    kill = (
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with engine.connect() as db:
        return list(db.exec_driver_sql(kill).scalars())


def rows(engine: Engine, tables: tuple[Table, ...]) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in the order of the keys."""
    with engine.connect() as db:
        return {
            table.name: [
                tuple(row) for row in db.execute(select(table).order_by(*table.primary_key))
            ]
            for table in tables
        }


def somebody_waits(engine: Engine) -> bool:
    """Whether a session of the server waits for a lock that another has."""
    with engine.connect() as db:
        return bool(db.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))
