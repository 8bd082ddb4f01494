"""The receptacles that an item lay in, and those that carried them in turn (C7)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from backend.domain.ids import receptacle_text
from backend.store import tables
from backend.store.tables import content, entry


@dataclass(frozen=True, slots=True)
class CarrierAnswer:
    """A receptacle: as an item, its own number, and the blocks of its records up to its opening."""

    item: bytes
    number: int
    blocks: tuple[bytes, ...]

    @property
    def text(self) -> str:
        """`receptacle 1`."""
        return receptacle_text(self.number)


def carriers(db: Connection, item: bytes) -> tuple[CarrierAnswer, ...]:
    """Each once, inner ones first."""
    found: dict[int, CarrierAnswer] = {}
    waiting = [item]
    for inside in waiting:
        numbers = select(content.c.receptacle).where(content.c.item == inside).distinct()
        for number in db.scalars(numbers.order_by(content.c.receptacle)):
            if number not in found:
                found[number] = _carrier(db, number)
                waiting.append(found[number].item)
    return tuple(found.values())


def _carrier(db: Connection, number: int) -> CarrierAnswer:
    item = db.scalars(select(tables.item.c.item).where(tables.item.c.receptacle == number)).one()
    records = select(entry.c.kind, entry.c.block_hash).where(entry.c.item == item)
    blocks: dict[bytes, None] = {}
    for record in db.execute(records.order_by(entry.c.record)):
        blocks[record.block_hash] = None
        if record.kind == "opening":
            break
    return CarrierAnswer(item, number, tuple(blocks))
