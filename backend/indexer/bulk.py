"""Many rows at once: COPY where all are new, unnest where some are known (measured.md, "Insert")."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from struct import error as StructError  # noqa: N812
from typing import Any

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import Column, Connection, Table, TypeDecorator
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DatabaseError, OperationalError

from backend.indexer.binary import END, SIGNATURE, rows_in_binary
from backend.store.engine import driver, straight

Values = Mapping[str, Any]
# What is put together in memory before it is sent: PostgreSQL writes it while the next rows are made.
ROWS_AT_ONCE = 250
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def packed(table: Table, rows: Iterable[Values]) -> Iterator[bytes]:
    """Rows that name every column, as COPY takes them: some hundred in each piece, made as they are asked for.

    Raises struct.error for a number that its column does not take.
    """
    remaining = iter(rows)
    while part := list(islice(remaining, ROWS_AT_ONCE)):
        yield rows_in_binary(table, part)


def copy(db: Connection, table: Table, rows: Iterable[Values]) -> None:
    """Append rows that name every column; they may be made as they are asked for, but not by asking `db`.

    Raises SQLAlchemy's errors, as a statement of its own would.
    """
    copy_packed(db, table, packed(table, rows))


def copy_packed(db: Connection, table: Table, pieces: Iterable[bytes]) -> None:
    """The same with rows that `packed` has packed."""
    remaining = iter(pieces)
    names = ", ".join(column.name for column in table.columns)
    try:
        piece = next(remaining, None)
        if piece is None:
            return
        command = f"COPY {_name(table)} ({names}) FROM STDIN (FORMAT BINARY)"
        with driver(db).cursor().copy(command) as sink:
            sink.write(SIGNATURE + piece)
            for piece in remaining:
                sink.write(piece)
            sink.write(END)
    except StructError as error:
        raise DatabaseError(f"COPY {table.name}", {}, error) from error  # a number too large
    except psycopg.Error as error:
        away = isinstance(error, psycopg.OperationalError)
        kind = OperationalError if away else DatabaseError
        raise kind(f"COPY {table.name}", {}, error) from error


def insert_new(db: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Insert rows; those whose key is there stay as they are."""
    if not rows:
        return
    names, arrays, values = _columns(table, rows)
    straight(
        db,
        f"INSERT INTO {_name(table)} ({', '.join(names)}) SELECT * FROM unnest({arrays}) "
        f"ON CONFLICT ({', '.join(_keys(table))}) DO NOTHING",
        values,
    )


def change(db: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Set the columns that the rows name, of rows that are there."""
    if not rows:
        return
    names, arrays, values = _columns(table, rows)
    keys = _keys(table)
    changes = ", ".join(f"{name} = new.{name}" for name in names if name not in keys)
    same = " AND ".join(f"{_name(table)}.{key} = new.{key}" for key in keys)
    straight(
        db,
        f"UPDATE {_name(table)} SET {changes} "
        f"FROM unnest({arrays}) AS new ({', '.join(names)}) WHERE {same}",
        values,
    )


def _columns(table: Table, rows: Sequence[Values]) -> tuple[list[str], str, list[list[Any]]]:
    """Columns that are no arrays: names, typed placeholders, and values by column in the order of the rows' key."""
    columns = [column for column in table.columns if column.name in rows[0]]
    keys = _keys(table)
    ordered = sorted(rows, key=lambda row: [row[key] for key in keys])
    arrays = ", ".join(f"%b::{_type(column)}[]" for column in columns)
    values = [list(map(_binder(c), [row[c.name] for row in ordered])) for c in columns]
    return [column.name for column in columns], arrays, values


def _keys(table: Table) -> list[str]:
    return [column.name for column in table.primary_key]


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
