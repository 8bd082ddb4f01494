"""Editions: their terms on chain, their title and metadata here, and how many stamps went which way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Table, func, select

from backend.domain import ids
from backend.errors import NotFound
from backend.store.engine import straight
from backend.store.tables import from_eight_bytes, issued_range, stamp_use, twin, void_range


@dataclass(frozen=True, slots=True)
class EditionCounts:
    """How many stamps of an edition the chain has as issued, used, void, claimed."""

    issued: int
    used: int
    void: int
    claimed: int


@dataclass(frozen=True, slots=True)
class EditionAnswer:
    """One edition. Amounts in the currency's minor unit; `stock` is what may still be reserved.

    `title` is empty and `stock` 0 where the edition is another installation's. `counts` is None where
    the answer is about something else (counting a large edition takes long).
    """

    edition: int
    operator: int
    operator_name: str
    title: str
    metadata: dict[str, Any]
    quantity: int
    face_value: int
    currency: str
    service: int
    first_day: int
    withdrawn_from: int | None
    stock: int
    created_block: int
    counts: EditionCounts | None = None


def editions(db: Connection, operator: int | None = None) -> tuple[EditionAnswer, ...]:
    """All editions (of one operator), by number, without counts."""
    low, high = (0, 2**32) if operator is None else (operator << 16, operator << 16 | 0xFFFF)
    return tuple(map(read_edition, _known(db, low, high)))


def edition(db: Connection, number: int, counted: bool = False) -> EditionAnswer:
    """One edition, on request with its counts. Raises NotFound."""
    found = find(db, number)
    if found is None:
        raise NotFound(
            f"There is no edition {ids.edition_text(number)}.", "Look at the list of editions."
        )
    return replace(found, counts=_counts(db, number)) if counted else found


def find(db: Connection, number: int) -> EditionAnswer | None:
    """One edition without counts; None where there is none."""
    return next(map(read_edition, _known(db, number, number)), None)


# The columns of an edition, for read_edition; the metadata as text, to be read once for all stamps of one edition.
COLUMNS = """
edition.edition, operator.name, title, metadata::text, edition.quantity, face_value, currency, service, first_day,
withdrawn_from, edition_terms.quantity - next_serial + 1, created_block
"""
_KNOWN = f"""
SELECT {COLUMNS}
FROM edition LEFT JOIN operator ON operator.number = edition.edition / 65536
LEFT JOIN edition_terms ON edition_terms.edition = edition.edition
WHERE edition.edition BETWEEN %b AND %b ORDER BY edition.edition
"""


def _known(db: Connection, first: int, last: int) -> list[tuple[Any, ...]]:
    return straight(db, _KNOWN, (first, last))


def read_edition(columns: Sequence[Any]) -> EditionAnswer:
    """One edition without counts, out of the columns COLUMNS."""
    number, name, title, metadata, quantity, face_value, currency, service = columns[:8]
    first_day, withdrawn_from, stock, created_block = columns[8:]
    return EditionAnswer(
        edition=number,
        operator=ids.operator_of_edition(number),
        operator_name=name or "",
        title=title or "",
        metadata=json.loads(metadata) if metadata else {},
        quantity=quantity,
        face_value=from_eight_bytes(face_value),
        currency=currency,
        service=service,
        first_day=first_day,
        withdrawn_from=withdrawn_from,
        stock=max(0, stock or 0),
        created_block=created_block,
    )


def _counts(db: Connection, number: int) -> EditionCounts:
    return EditionCounts(
        issued=_in_ranges(db, issued_range, number),
        used=_single(db, stamp_use, number),
        void=_in_ranges(db, void_range, number),
        claimed=_single(db, twin, number),
    )


def _in_ranges(db: Connection, ranges: Table, number: int) -> int:
    stamps = func.sum(ranges.c.last - ranges.c.first + 1)
    return int(db.scalar(select(stamps).where(ranges.c.edition == number)) or 0)


def _single(db: Connection, table: Table, number: int) -> int:
    low, high = number << 32, number << 32 | 0xFFFFFFFF
    return db.scalar(select(func.count()).where(table.c.stamp.between(low, high))) or 0
