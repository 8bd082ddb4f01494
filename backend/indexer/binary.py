"""Rows in PostgreSQL's binary COPY format (its manual, "COPY", File Formats), made whole.

psycopg asks each value in turn how it wants to be written, which costs more than to write it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache, partial
from struct import Struct
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from backend.store.tables import Unsigned64

Write = Callable[[Any], bytes]

SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"
BYTEA_OID = 17
_count = Struct(">h").pack
_size = Struct(">i").pack
_array = Struct(">iiiIii").pack


def rows_in_binary(table: Table, rows: Iterable[Mapping[str, Any]]) -> bytes:
    """The rows, each of which names every column, without the signature before and the end after them."""
    columns = _columns(table)
    count, size = _count(len(columns)), _size
    parts: list[bytes] = []
    add = parts.append
    for row in rows:
        add(count)
        for name, write in columns:
            value = row[name]
            if value is None:
                add(NULL)
            elif write is None:
                add(size(len(value)))
                add(value)
            else:
                add(write(value))
    return b"".join(parts)


@cache
def _columns(table: Table) -> list[tuple[str, Write | None]]:
    """None for bytes, which are written as they are after their size: most columns are."""
    return [(column.name, _writer(column)) for column in table.columns]


def _writer(column: Column[Any]) -> Write | None:
    """Each value is its size in bytes and the bytes. Raises TypeError for a type that no such table has."""
    kind = column.type
    for types, write in _WRITERS:
        if isinstance(kind, types):
            return write
    raise TypeError(f"{column} is of a type that is not written in binary: {kind}")


def _octets(value: bytes) -> bytes:
    return _size(len(value)) + value


class _Json:
    """With the number of jsonb's own format before it. What follows itself, as in a list, is written once."""

    def __init__(self) -> None:
        self._last: tuple[Any, bytes] = (None, b"")

    def __call__(self, value: Any) -> bytes:
        last, written = self._last
        if value is not last:
            written = _octets(b"\1" + json.dumps(value).encode())
            self._last = (value, written)
        return written


def _list(values: Sequence[bytes]) -> bytes:
    return _array_of(tuple(values))


@lru_cache(maxsize=1024)
def _array_of(values: tuple[bytes, ...]) -> bytes:
    """One dimension, no nulls, counted from 1; an empty one has no dimension."""
    if not values:
        return _size(12) + _size(0) + _size(0) + _size(BYTEA_OID)
    elements = b"".join([_size(len(value)) + value for value in values])
    return _array(20 + len(elements), 1, 0, BYTEA_OID, len(values), 1) + elements


_WRITERS: tuple[tuple[type, Write | None], ...] = (
    (Unsigned64, partial(Struct(">iQ").pack, 8)),
    (LargeBinary, None),
    (BigInteger, partial(Struct(">iq").pack, 8)),
    (Integer, partial(Struct(">ii").pack, 4)),
    (Boolean, lambda value: b"\0\0\0\1" + bytes([value])),
    (Text, lambda value: _octets(value.encode())),
    (JSONB, _Json()),
    (ARRAY, _list),
)
