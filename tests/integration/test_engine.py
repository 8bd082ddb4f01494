"""Connections to the database: what a server that comes and goes leaves of them, and statements past SQLAlchemy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DataError, OperationalError

from backend.embedded.processes import wait_until
from backend.errors import Unavailable, Unprocessable
from backend.store.engine import begin, open_engine, reading, straight

PID = "SELECT pg_backend_pid()"


@pytest.fixture
def other(engine: Engine) -> Iterator[Engine]:
    """Another process's engine on the same database."""
    found = open_engine(engine.url.render_as_string(hide_password=False))
    yield found
    found.dispose()


def pid_of(engine: Engine) -> int:
    with begin(engine) as db:
        return int(straight(db, PID)[0][0])


def end(engine: Engine, pid: int) -> None:
    """The server ends a session; returns when it is gone. A transaction would see the same sessions all along."""
    with reading(engine).connect() as db:
        straight(db, "SELECT pg_terminate_backend(%b::integer)", (pid,))
        alive = "SELECT 1 FROM pg_stat_activity WHERE pid = %b::integer"
        assert wait_until(lambda: not straight(db, alive, (pid,)), 10)


def test_a_kept_connection_that_the_server_closed_is_replaced(
    engine: Engine, other: Engine
) -> None:
    """B7: nobody learns of it, neither the next transaction nor the next look."""
    kept = pid_of(engine)
    assert pid_of(engine) == kept
    end(other, kept)
    assert pid_of(engine) != kept
    kept = pid_of(engine)
    end(other, kept)
    with begin(reading(engine)) as db:
        assert straight(db, PID) != [(kept,)]


def test_new_connections_that_the_server_closes_at_once_are_the_database_away(
    engine: Engine, other: Engine
) -> None:
    """And no error of ours: whoever waits for the database goes on waiting."""

    def close(connection: psycopg.Connection[Any], _: object) -> None:
        end(other, connection.info.backend_pid)

    fresh = open_engine(engine.url.render_as_string(hide_password=False))
    event.listen(fresh, "connect", close)
    with pytest.raises(Unavailable):
        pid_of(fresh)
    fresh.dispose()


def test_errors_of_statements_past_sqlalchemy_are_its_own(engine: Engine) -> None:
    with engine.connect() as db, pytest.raises(DataError):
        straight(db, "SELECT 1 / 0")
    with pytest.raises(Unprocessable), begin(engine) as db:
        straight(db, "SELECT 1 / 0")


def test_a_session_that_ends_within_a_transaction_is_the_database_away(
    engine: Engine, other: Engine
) -> None:
    """B7: and the next transaction has a session of its own."""

    def ask_when_it_is_gone(db: Connection) -> None:
        end(other, int(straight(db, PID)[0][0]))
        straight(db, PID)

    with pytest.raises(Unavailable), begin(engine) as db:
        ask_when_it_is_gone(db)
    with engine.connect() as db, pytest.raises(OperationalError):
        ask_when_it_is_gone(db)
    assert pid_of(engine)


def test_reading_sees_what_was_committed_a_moment_ago(engine: Engine) -> None:
    with begin(engine) as db:
        straight(db, "CREATE TABLE seen AS SELECT 7 AS number")
    with begin(reading(engine)) as db:
        assert straight(db, "SELECT number FROM seen") == [(7,)]
