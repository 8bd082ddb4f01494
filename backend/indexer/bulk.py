"""Many rows at once: COPY where all are new, unnest where some are known (measured.md, "Insert")."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from struct import error as StructError  # noqa: N812
from typing import Any

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import Column, Connection, Table, TypeDecorator
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DatabaseError, OperationalError

from backend.indexer.binary import END, SIGNATURE, rows_in_binary

Values = Mapping[str, Any]
# What is put together in memory before it is sent.
ROWS_AT_ONCE = 1_000
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def copy(db: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Append rows that name every column. Raises SQLAlchemy's errors, as a statement of its own would."""
    if not rows:
        return
    names = ", ".join(column.name for column in table.columns)
    cursor = _driver(db).cursor()
    try:
        with cursor.copy(f"COPY {_name(table)} ({names}) FROM STDIN (FORMAT BINARY)") as sink:
            sink.write(SIGNATURE)
            for start in range(0, len(rows), ROWS_AT_ONCE):
                sink.write(rows_in_binary(table, rows[start : start + ROWS_AT_ONCE]))
            sink.write(END)
    except StructError as error:
        raise DatabaseError(f"COPY {table.name}", {}, error) from error  # a number too large
    except psycopg.Error as error:
        away = isinstance(error, psycopg.OperationalError)
        kind = OperationalError if away else DatabaseError
        raise kind(f"COPY {table.name}", {}, error) from error


def insert_new(db: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Insert rows; those whose key is there stay as they are."""
    _insert(db, table, rows, "DO NOTHING")


def upsert(db: Connection, table: Table, rows: Sequence[Values], changing: Iterable[str]) -> None:
    """Insert rows; of those whose key is there, set the changing columns."""
    changes = ", ".join(f"{name} = excluded.{name}" for name in changing)
    _insert(db, table, rows, f"DO UPDATE SET {changes}")


def _insert(db: Connection, table: Table, rows: Sequence[Values], on_conflict: str) -> None:
    """Rows of columns that are no arrays, in the order of their key: no two writers deadlock."""
    if not rows:
        return
    columns = [column for column in table.columns if column.name in rows[0]]
    keys = [column.name for column in table.primary_key]
    ordered = sorted(rows, key=lambda row: [row[key] for key in keys])
    names = ", ".join(column.name for column in columns)
    arrays = ", ".join(f"%b::{_type(column)}[]" for column in columns)
    db.exec_driver_sql(
        f"INSERT INTO {_name(table)} ({names}) SELECT * FROM unnest({arrays}) "
        f"ON CONFLICT ({', '.join(keys)}) {on_conflict}",
        tuple(list(map(_binder(c), (row[c.name] for row in ordered))) for c in columns),
    )


def _driver(db: Connection) -> psycopg.Connection[Any]:
    driver = db.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def _name(table: Table) -> str:
    return _DIALECT.identifier_preparer.format_table(table)


def _type(column: Column[Any]) -> str:
    return str(column.type.compile(_DIALECT))


def _binder(column: Column[Any]) -> Callable[[Any], Any]:
    """What SQLAlchemy would have done to a value."""
    if isinstance(column.type, JSONB):
        return Jsonb
    if isinstance(column.type, TypeDecorator):
        decorator = column.type
        return lambda value: decorator.process_bind_param(value, _DIALECT)
    return lambda value: value
