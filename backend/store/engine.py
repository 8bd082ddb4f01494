"""One engine per process; a transaction is `with begin(engine) as db`."""

from __future__ import annotations

import select
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DataError, DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from backend.errors import Collided, PosthornError, Unavailable, Unprocessable

_NEW = "new"
POSTGRESQL_PORT = 5432
# A plan is kept as long as its connection. Made while a table was empty, as the queue is every night, it would
# read the whole table ever after: where there is an index, it is taken.
_SESSION = "-c timezone=UTC -c enable_seqscan=off -c enable_mergejoin=off"


def open_engine(url: str, pool_size: int = 4) -> Engine:
    """An engine on PostgreSQL; connects at first use."""
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=8,
        hide_parameters=True,  # secrets stay out of logged errors
        connect_args={"connect_timeout": 5, "options": _SESSION},
    )
    event.listen(engine, "connect", _is_new)
    event.listen(engine, "checkout", _must_be_silent)
    return engine


def addresses(url: str) -> list[tuple[str, int]]:
    """Hosts and ports of a database's URL, in each of the forms that libpq knows; "" for a socket of this machine."""
    parameters = conninfo_to_dict(url.replace("+psycopg", "", 1)) if url else {}
    words = [str(parameters.get(name) or "") for name in ("host", "hostaddr")]
    hosts = [host for word in words for host in word.split(",") if host] or [""]
    ports = [int(port or POSTGRESQL_PORT) for port in str(parameters.get("port") or "").split(",")]
    return [("" if host.startswith("/") else host, port) for host in hosts for port in ports]


def _is_new(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info[_NEW] = True


def _must_be_silent(
    connection: psycopg.Connection[Any], record: ConnectionPoolEntry, _proxy: object
) -> None:
    """A kept connection on which something came has been closed by the server: another is opened instead.

    This asks the kernel; a ping would ask the server before every transaction. Of a new one the first statement
    tells: SQLAlchemy gives up after two, with an error that says nothing of a database that is away.
    """
    if record.info.pop(_NEW, False):
        return
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


@contextmanager
def alone(engine: Engine, *key: int, wait: bool) -> Iterator[Connection | None]:
    """A connection that alone has the lock of a key (one bigint or two integers); None where another has it.

    The server lets go of it when the connection ends, however that ends. Raises Unavailable.
    """
    numbers = ", ".join(map(str, key))
    try:
        with engine.connect() as db:
            function = "pg_advisory_lock" if wait else "pg_try_advisory_lock"
            if db.exec_driver_sql(f"SELECT {function}({numbers})").scalar() is False:
                yield None
                return
            db.commit()
            try:
                yield db
            finally:
                db.rollback()
                db.exec_driver_sql(f"SELECT pg_advisory_unlock({numbers})")
                db.commit()
    except OperationalError as error:
        raise database_away(error) from error


def driver(db: Connection) -> psycopg.Connection[Any]:
    """The driver's own connection, in the transaction of `db`."""
    found = db.connection.driver_connection
    assert isinstance(found, psycopg.Connection)
    return found


def straight(
    db: Connection, query: str, values: Sequence[Any] | Mapping[str, Any] = ()
) -> list[tuple[Any, ...]]:
    """The rows of a frequent statement, past SQLAlchemy, whose own work is most of its cost.

    Write placeholders as %b: arrays go over in binary form, twice as fast as text; and ANY(ARRAY(SELECT unnest(%b)))
    where a plan is to be made once, not for each length of the array. Raises SQLAlchemy's errors.
    """
    return _fetched(db, driver(db).cursor(), query, values)


def named_rows(
    db: Connection, query: str, values: Sequence[Any] | Mapping[str, Any] = ()
) -> list[Any]:
    """The same with rows whose columns go by their names."""
    return _fetched(db, driver(db).cursor(row_factory=namedtuple_row), query, values)


def named_row(db: Connection, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Any:
    """The first of them; None where there is none."""
    return next(iter(named_rows(db, query, values)), None)


def _fetched(
    db: Connection,
    cursor: psycopg.Cursor[Any],
    query: str,
    values: Sequence[Any] | Mapping[str, Any],
) -> list[Any]:
    try:
        cursor.execute(query, values, binary=True)
    except psycopg.Error as error:
        raise _as_sqlalchemy(db, query, error) from error
    return cursor.fetchall() if cursor.pgresult and cursor.pgresult.nfields else []


def _as_sqlalchemy(db: Connection, query: str, error: psycopg.Error) -> Exception:
    """What SQLAlchemy would have raised; a connection that broke goes out of the pool, as it would have."""
    if driver(db).closed:
        db.invalidate(error)
    return DBAPIError.instance(query, (), error, psycopg.Error, hide_parameters=True)


def database_away(error: DBAPIError) -> Unavailable:
    """The error of a database that cannot be reached, cannot write, or ended one of two that waited for each other."""
    if isinstance(error.orig, psycopg.errors.DeadlockDetected):
        return Collided(
            "Others recorded something of the same items at the same moment; nothing was recorded.",
            "Try again; the same request can be sent again.",
        )
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
