"""The model against the contracts' own state, asked of the node at the newest indexed block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, Row, select

from backend.domain.ids import stamp_number
from backend.indexer.raw import newest_block
from backend.store.engine import begin
from backend.store.tables import item, stamp_use, void_range

ITEMS_AT_ONCE = 500
HELD, ENDED = 1, 2


class ItemState(Protocol):
    """The contract's struct Item."""

    @property
    def holder(self) -> int: ...
    @property
    def number(self) -> int: ...
    @property
    def records(self) -> int: ...
    @property
    def time(self) -> int: ...
    @property
    def state(self) -> int: ...


class UseState(Protocol):
    """The contract's use axis of a stamp."""

    @property
    def block_number(self) -> int: ...
    @property
    def is_void(self) -> bool: ...


class Views(Protocol):
    """What the contracts say at a block, named by its hash; backend/chain's Views answers it."""

    def heads_of(self, items: Sequence[bytes], at: bytes) -> Sequence[bytes]: ...

    def item_of(self, item: bytes, at: bytes) -> ItemState: ...

    def use_of(self, stamp: int, at: bytes) -> UseState: ...


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the model has otherwise than the contracts."""

    what: str
    key: int | bytes
    in_model: Any
    on_chain: Any


def fsck(engine: Engine, views: Views) -> list[Difference]:
    """All differences in items (head, holder, counters, time) and in the use of stamps; none is good.

    Of a void range its first and last stamp are looked at. A node that keeps no old state (the embedded
    one) answers only while no block is made. Raises Unavailable.
    """
    with begin(engine) as db:
        db.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        newest = newest_block(db)
        if newest is None:
            return []
        return [
            *_items(db, views, newest.hash),
            *_uses(db, views, newest.hash),
            *_voids(db, views, newest.hash),
        ]


def _items(db: Connection, views: Views, at: bytes) -> Iterator[Difference]:
    rows = db.execute(select(item).order_by(item.c.item)).partitions(ITEMS_AT_ONCE)
    for part in rows:
        heads = views.heads_of([row.item for row in part], at)
        for row, head in zip(part, heads, strict=True):
            if row.head != head:
                yield Difference("head of item", row.item, row.head, head)
            yield from _item(row, views.item_of(row.item, at))


def _item(row: Row[Any], chain: ItemState) -> Iterator[Difference]:
    pairs = {
        "holder": (row.holder, chain.holder),
        "custody number": (row.number, chain.number),
        "records": (row.records, chain.records),
        "time": (row.latest_time, chain.time),
        "state": (HELD if row.ended is None else ENDED, chain.state),
    }
    for what, (in_model, on_chain) in pairs.items():
        if in_model != on_chain:
            yield Difference(f"{what} of item", row.item, in_model, on_chain)


def _uses(db: Connection, views: Views, at: bytes) -> Iterator[Difference]:
    for row in db.execute(select(stamp_use.c.stamp, stamp_use.c.block_number)):
        use = views.use_of(row.stamp, at)
        if use.is_void or use.block_number != row.block_number:
            yield Difference("use of stamp", row.stamp, row.block_number, use)


def _voids(db: Connection, views: Views, at: bytes) -> Iterator[Difference]:
    for row in db.execute(select(void_range)):
        for serial in sorted({row.first, row.last}):
            stamp = stamp_number(row.edition, serial)
            use = views.use_of(stamp, at)
            if not use.is_void or use.block_number != row.block_number:
                yield Difference("void of stamp", stamp, row.block_number, use)
