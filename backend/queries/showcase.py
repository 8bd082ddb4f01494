"""What the front page shows of the demonstration: one item, and the specimen sheet of codes."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from backend.store.tables import showcase


@dataclass(frozen=True, slots=True)
class Specimen:
    """A code to scan or click: its payload, and what it should say."""

    position: int
    payload: str
    says: str


@dataclass(frozen=True, slots=True)
class ShownItem:
    """The item whose way the front page tells, with its number."""

    item: bytes
    number: str


def specimens(db: Connection) -> tuple[Specimen, ...]:
    """The specimen sheet; empty where there is no demonstration."""
    query = select(showcase).where(showcase.c.kind == "stamp").order_by(showcase.c.position)
    return tuple(Specimen(row.position, row.value, row.says) for row in db.execute(query))


def item(db: Connection) -> ShownItem | None:
    """The shown item; None where there is no demonstration."""
    row = db.execute(select(showcase).where(showcase.c.kind == "item")).first()
    return ShownItem(bytes.fromhex(row.value[2:]), row.says) if row else None
