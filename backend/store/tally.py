"""Counts over the whole network: those that are kept, and the same counted anew, which takes seconds."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, select, update

from backend.store.tables import (
    custodian,
    entry,
    issued_range,
    item,
    operator,
    stamp_use,
    tally,
    twin,
    void_range,
)

NAMES = tuple(column.name for column in tally.c if column.name != "id")


def kept(db: Connection) -> dict[str, int]:
    """The counts by their names, as the database keeps them."""
    row = db.execute(select(*(tally.c[name] for name in NAMES))).one()
    return dict(row._mapping)


def begin_anew(db: Connection) -> None:
    """When all that is counted has been dropped: nothing, whatever was kept."""
    db.execute(update(tally).values(dict.fromkeys(NAMES, 0)))


def counted(db: Connection) -> dict[str, int]:
    """The counts by their names, from all the rows that they count."""
    counts = {
        "operators": _rows(operator),
        "custodians": _rows(custodian),
        "items": _rows(item),
        "items_open": _rows(item, item.c.ended.is_(None)),
        "records": _rows(entry),
        "hand_offs": _rows(entry, entry.c.kind == "hand_off"),
        "signatures": _sum(func.cardinality(entry.c.signatures)),
        "stamps_issued": _sum(issued_range.c.last - issued_range.c.first + 1),
        "stamps_used": _rows(stamp_use),
        "stamps_void": _sum(void_range.c.last - void_range.c.first + 1),
        "twins_claimed": _rows(twin),
    }
    row = db.execute(select(*(count.label(name) for name, count in counts.items()))).one()
    return {name: int(count) for name, count in row._mapping.items()}


def _rows(table: Table, *where: ColumnElement[bool]) -> Any:
    return select(func.count()).select_from(table).where(*where).scalar_subquery()


def _sum(value: ColumnElement[Any]) -> Any:
    return select(func.coalesce(func.sum(value), 0)).scalar_subquery()
