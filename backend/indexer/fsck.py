"""The model against the contracts' own state at the newest indexed block, and its records against raw logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, Row, func, select

from backend.domain.ids import stamp_number
from backend.domain.trail import Entry
from backend.indexer.decode import Contracts, Decoder
from backend.indexer.equivocations import equivocation_values
from backend.indexer.events import Equivocated
from backend.indexer.fetch import MOST_LOGS
from backend.indexer.node import Deployment
from backend.indexer.raw import newest_block, stored_logs
from backend.store import tally
from backend.store.engine import begin
from backend.store.entries import entry_values
from backend.store.stamps import root_of
from backend.store.tables import (
    claims_closed,
    entry,
    equivocation,
    item,
    log,
    stamp_use,
    void_range,
)

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


class RootState(Protocol):
    """The root of a stamp's claim key; the time of the closing while its claims are closed (S10)."""

    @property
    def root(self) -> bytes: ...
    @property
    def closed_at(self) -> int: ...


class Views(Protocol):
    """What the contracts say at a block, named by its hash; backend/chain's Views answers it."""

    def heads_of(self, items: Sequence[bytes], at: bytes) -> Sequence[bytes]: ...

    def item_of(self, item: bytes, at: bytes) -> ItemState: ...

    def use_of(self, stamp: int, at: bytes) -> UseState: ...

    def claim_root_of(self, stamp: int, at: bytes) -> RootState: ...


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the model has otherwise than the contracts."""

    what: str
    key: int | bytes
    in_model: Any
    on_chain: Any
    record: int | None = None


def fsck(engine: Engine, views: Views, deployment: Deployment) -> list[Difference]:
    """All differences in items (head, holder, counters, time), stamps (use, closed claims), records, evidence.

    Records, and evidence of equivocation (C10), are compared with what the stored logs say: the contracts
    keep only their digests. Counts are compared with the rows that they count.

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
            *_closures(db, views, newest.hash),
            *_records(db, deployment),
            *_counts(db),
        ]


def _counts(db: Connection) -> Iterator[Difference]:
    """The counts that are kept, beside what they count."""
    kept, counted = tally.kept(db), tally.counted(db)
    for name in tally.NAMES:
        if kept[name] != counted[name]:
            yield Difference(f"count of {name}", 0, kept[name], counted[name])


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


def _closures(db: Connection, views: Views, at: bytes) -> Iterator[Difference]:
    """S10: of each range whose claims were closed, the root that counts for its first and last stamp."""
    for row in db.execute(select(claims_closed)):
        for serial in sorted({row.first, row.last}):
            stamp = stamp_number(row.edition, serial)
            here, there = root_of(db, stamp), views.claim_root_of(stamp, at)
            if (here.root, here.closed_at or 0) != (there.root, there.closed_at):
                yield Difference("claim root of stamp", stamp, here, there)


def _records(db: Connection, deployment: Deployment) -> Iterator[Difference]:
    decoder = Decoder(Contracts(deployment.network, deployment.ledger, deployment.stamps))
    newest = -1
    for first, newest in _blocks(db):
        logs, times = stored_logs(db, log.c.block_number.between(first, newest))
        told = decoder.decode(logs, times)
        entries = (event for event in told if isinstance(event, Entry))
        on_chain = {(one.item, one.record): _flat(entry_values(one)) for one in entries}
        yield from _rows(db, entry.c.block_number.between(first, newest), on_chain)
        evidence = [equivocation_values(event) for event in told if isinstance(event, Equivocated)]
        yield from _evidence(db, equivocation.c.block_number.between(first, newest), evidence)
    yield from _rows(db, entry.c.block_number > newest, {})
    yield from _evidence(db, equivocation.c.block_number > newest, [])
    yield from _report_numbers(db)


def _evidence(db: Connection, where: Any, on_chain: list[dict[str, Any]]) -> Iterator[Difference]:
    in_model = [row._asdict() for row in db.execute(select(equivocation).where(where))]
    for here in (row for row in in_model if row not in on_chain):
        yield Difference("equivocation of item", here["item"], here, None)
    for there in (row for row in on_chain if row not in in_model):
        yield Difference("equivocation of item", there["item"], None, there)


def _blocks(db: Connection) -> Iterator[tuple[int, int]]:
    """First and last of runs of blocks with about MOST_LOGS logs each: no more are in memory at once."""
    first = 0
    while True:
        numbers = select(log.c.block_number).where(log.c.block_number >= first)
        some = numbers.order_by(log.c.block_number).limit(MOST_LOGS).subquery()
        last = db.scalar(select(func.max(some.c.block_number)))
        if last is None:
            return
        yield first, last
        first = last + 1


def _rows(
    db: Connection, where: Any, on_chain: dict[tuple[bytes, int], dict[str, Any]]
) -> Iterator[Difference]:
    in_model = {
        (row.item, row.record): _flat(row._asdict())
        for row in db.execute(select(entry).where(where, entry.c.kind != "stay"))
    }
    for item_, record in sorted(in_model.keys() | on_chain.keys()):
        here, there = in_model.get((item_, record)), on_chain.get((item_, record))
        if here is None or there is None:
            yield Difference("record", item_, _is_there(here), _is_there(there), record)
            continue
        for name in sorted(here.keys() | there.keys()):
            if here.get(name) != there.get(name):
                what = f"{name} of record"
                yield Difference(what, item_, here.get(name), there.get(name), record)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """The columns, and the fields of the body instead of it.

    A report's log bears no number (C3), that of what is missing no time; a stay has none (docs/decisions/0008):
    they are folded, and the contracts' heads are asked for them.
    """
    columns = {name: value for name, value in row.items() if name != "body"}
    if row["kind"] == "report":
        del columns["number"]
    body: dict[str, Any] = row["body"]
    if row["kind"] == "missing":
        del columns["event_time"]
        body = {name: value for name, value in body.items() if name != "time"}
    return body | columns


def _is_there(row: dict[str, Any] | None) -> str:
    return "missing" if row is None else "there"


def _report_numbers(db: Connection) -> Iterator[Difference]:
    """A report's custody number is the one of the record before (C3)."""
    before = entry.alias()
    rows = db.execute(
        select(entry.c.item, entry.c.record, entry.c.number, before.c.number.label("before")).where(
            entry.c.kind == "report",
            before.c.item == entry.c.item,
            before.c.record == entry.c.record - 1,
            before.c.number != entry.c.number,
        )
    )
    for row in rows:
        yield Difference("number of record", row.item, row.number, row.before, row.record)
