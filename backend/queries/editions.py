"""Editions: their terms on chain, their title and metadata here, and how many stamps went which way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, func, select

from backend.domain import ids
from backend.errors import NotFound
from backend.store import tables
from backend.store.tables import edition_terms, issued_range, stamp_use, twin, void_range

EDITION = tables.edition


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
    query = _known().order_by(EDITION.c.edition)
    if operator is not None:
        low, high = operator << 16, operator << 16 | 0xFFFF
        query = query.where(EDITION.c.edition.between(low, high))
    return tuple(_answer(row) for row in db.execute(query))


def edition(db: Connection, number: int, counted: bool = False) -> EditionAnswer:
    """One edition, on request with its counts. Raises NotFound."""
    row = db.execute(_known().where(EDITION.c.edition == number)).first()
    if row is None:
        raise NotFound(
            f"There is no edition {ids.edition_text(number)}.", "Look at the list of editions."
        )
    return _answer(row, _counts(db, number) if counted else None)


def find(db: Connection, number: int) -> EditionAnswer | None:
    """One edition without counts; None where there is none."""
    row = db.execute(_known().where(EDITION.c.edition == number)).first()
    return _answer(row) if row else None


def _known() -> Select[Any]:
    operator = tables.operator
    return (
        select(
            EDITION,
            operator.c.name.label("operator_name"),
            edition_terms.c.title,
            edition_terms.c.metadata,
            (edition_terms.c.quantity - edition_terms.c.next_serial + 1).label("stock"),
        )
        .outerjoin(operator, operator.c.number == EDITION.c.edition // 65_536)
        .outerjoin(edition_terms, edition_terms.c.edition == EDITION.c.edition)
    )


def _answer(row: Row[Any], counts: EditionCounts | None = None) -> EditionAnswer:
    return EditionAnswer(
        edition=row.edition,
        operator=ids.operator_of_edition(row.edition),
        operator_name=row.operator_name or "",
        title=row.title or "",
        metadata=row.metadata or {},
        quantity=row.quantity,
        face_value=row.face_value,
        currency=row.currency,
        service=row.service,
        first_day=row.first_day,
        withdrawn_from=row.withdrawn_from,
        stock=max(0, row.stock or 0),
        created_block=row.created_block,
        counts=counts,
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
