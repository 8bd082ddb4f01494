"""The receptacles that an item lay in, and those that carried them meanwhile (C7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, func, or_, select

from backend.queries.network import bag_text
from backend.queries.submissions import numbers_of
from backend.store import tables
from backend.store.engine import straight
from backend.store.tables import content, entry

# What takes an item out of a receptacle.
LEAVES = ("stay", "missing", "take_up")


@dataclass(frozen=True, slots=True)
class CarrierAnswer:
    """A receptacle: as an item, its own number, and the blocks of its records up to its opening.

    `label` is the number on it, where the reader may know it.
    """

    item: bytes
    number: int
    blocks: tuple[bytes, ...]
    label: str | None

    @property
    def text(self) -> str:
        """`bag 1234`, or `a bag`."""
        return bag_text(self.label)


@dataclass(frozen=True, slots=True)
class _Carriage:
    """A time in a receptacle, up to the block in which it ended; None while it lasts."""

    number: int
    until: int | None


def carriers(db: Connection, item: bytes, *, shows_bags: bool = False) -> tuple[CarrierAnswer, ...]:
    """Each once, inner ones first. What carried a receptacle before or after the item lay in it is none."""
    if not straight(db, "SELECT 1 FROM content WHERE item = %b LIMIT 1", (item,)):
        return ()  # most lay in none, and to find out more costs ten times as much
    found: dict[int, CarrierAnswer] = {}
    waiting = _carriages(db, item, None)
    for carriage in waiting:
        if carriage.number not in found:
            carrier = found[carriage.number] = _carrier(db, carriage.number, shows_bags)
            waiting += _carriages(db, carrier.item, carriage.until)
    return tuple(found.values())


def bag_names(db: Connection, items: Iterable[bytes]) -> dict[bytes, str]:
    """How people call receptacles that are mentioned as items: by the numbers on their labels."""
    return {item: bag_text(number) for item, number in numbers_of(db, set(items)).items()}


def _carriages(db: Connection, item: bytes, until: int | None) -> list[_Carriage]:
    """Those that began before the block `until`; of a receptacle, before it was opened."""
    opened = select(func.min(entry.c.record)).where(entry.c.item == item, entry.c.kind == "opening")
    left = (
        select(func.min(entry.c.block_number))
        .where(
            entry.c.item == item,
            entry.c.record > content.c.record,
            entry.c.kind.in_(LEAVES),
        )
        .scalar_subquery()
    )
    before_opening = opened.scalar_subquery()
    query = select(content.c.receptacle, left).where(
        content.c.item == item,
        or_(before_opening.is_(None), content.c.record < before_opening),
    )
    if until is not None:
        query = query.where(content.c.block_number <= until)
    rows = db.execute(query.order_by(content.c.block_number, content.c.receptacle))
    return [_Carriage(number, _earlier(left_, until)) for number, left_ in rows]


def _earlier(left: int | None, until: int | None) -> int | None:
    return min((block for block in (left, until) if block is not None), default=None)


def _carrier(db: Connection, number: int, shows_bags: bool) -> CarrierAnswer:
    item = db.scalars(select(tables.item.c.item).where(tables.item.c.receptacle == number)).one()
    records = select(entry.c.kind, entry.c.block_hash).where(entry.c.item == item)
    blocks: dict[bytes, None] = {}
    for record in db.execute(records.order_by(entry.c.record)):
        blocks[record.block_hash] = None
        if record.kind == "opening":
            break
    label = numbers_of(db, {item}).get(item) if shows_bags else None
    return CarrierAnswer(item, number, tuple(blocks), label)
