"""One engine per process; a transaction is `with begin(engine) as db`."""

from __future__ import annotations

import select
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DataError, DBAPIError, DisconnectionError, OperationalError

from backend.errors import PosthornError, Unavailable, Unprocessable


def open_engine(url: str, pool_size: int = 4) -> Engine:
    """An engine on PostgreSQL; connects at first use."""
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=8,
        hide_parameters=True,  # secrets stay out of logged errors
        connect_args={"connect_timeout": 5, "options": "-c timezone=UTC"},
    )
    event.listen(engine, "checkout", _must_be_silent)
    return engine


def _must_be_silent(connection: psycopg.Connection[Any], _record: object, _proxy: object) -> None:
    """A kept connection on which something came has been closed by the server: another is opened instead.

    This asks the kernel; a ping would ask the server before every transaction.
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        raise DisconnectionError("the server has closed this connection")


@cache
def reading(engine: Engine) -> Engine:
    """The same connections, each statement by itself: what only reads need not ask for begin and commit."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def begin(engine: Engine) -> Iterator[Connection]:
    """A transaction: committed when the block ends, rolled back when it raises.

    Raises Unavailable where the database is away or its disk is full, Unprocessable for a value that it
    cannot hold and that nobody stopped before (a number too large, a NUL); then nothing was written.
    An error's `keep` is carried out in a transaction of its own.
    """
    try:
        with engine.begin() as db:
            yield db
    except OperationalError as error:
        raise database_away(error) from error
    except DataError as error:
        raise Unprocessable(
            "A value in it is too large, or holds a character that cannot be kept.",
            "Put it right; nothing was recorded.",
        ) from error
    except PosthornError as error:
        if error.keep is not None:
            with engine.begin() as db:
                error.keep(db)
        raise


def driver(db: Connection) -> psycopg.Connection[Any]:
    """The driver's own connection, in the transaction of `db`."""
    found = db.connection.driver_connection
    assert isinstance(found, psycopg.Connection)
    return found


def straight(
    db: Connection, query: str, values: Sequence[Any] | Mapping[str, Any] = ()
) -> list[tuple[Any, ...]]:
    """The rows of a frequent statement, past SQLAlchemy, whose own work is most of its cost.

    Write placeholders as %b: arrays go over in binary form, twice as fast as text. Raises SQLAlchemy's errors.
    """
    try:
        cursor = driver(db).execute(query, values, binary=True)
    except psycopg.Error as error:
        raise _as_sqlalchemy(db, query, error) from error
    return cursor.fetchall() if cursor.pgresult and cursor.pgresult.nfields else []


def _as_sqlalchemy(db: Connection, query: str, error: psycopg.Error) -> Exception:
    """What SQLAlchemy would have raised; a connection that broke goes out of the pool, as it would have."""
    if driver(db).closed:
        db.invalidate(error)
    return DBAPIError.instance(query, (), error, psycopg.Error, hide_parameters=True)


def database_away(error: DBAPIError) -> Unavailable:
    """The error of a database that cannot be reached or cannot write."""
    full = "No space left" in str(error.orig) or "disk full" in str(error.orig).lower()
    if full:
        return Unavailable(
            "The disk of the database is full; nothing was recorded.",
            "Free some space; the same request can be sent again.",
        )
    return Unavailable(
        "The database does not answer; nothing was recorded.",
        "Try again in a moment; the same request can be sent again.",
    )
