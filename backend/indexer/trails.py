"""Records of items -> tables `item`, `entry` and `content`, by the one custody fold (C6, C7, CE7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from backend.domain.trail import (
    BrokenTrail,
    Entry,
    Missing,
    Packed,
    Stay,
    TrailState,
    apply,
    fold,
    packed,
    stay,
)
from backend.domain.typed_data import Acceptance, Opening, Report, TakeUp
from backend.indexer.bulk import copy, upsert
from backend.indexer.events import Unreadable
from backend.store.entries import (
    entry_from_row,
    entry_values,
    item_values,
    state_from_row,
    state_values,
)
from backend.store.tables import content
from backend.store.tables import entry as entry_table
from backend.store.tables import item as item_table


def add_entries(db: Connection, entries: Sequence[Entry]) -> tuple[list[Unreadable], set[bytes]]:
    """Append records in the order of the chain.

    Returns those that do not follow their trail, and the items that changed, contents of receptacles included.
    """
    run = _Run(db, entries)
    for entry in entries:
        run.take(entry)
    copy(db, entry_table, run.written)
    copy(db, content, run.contents)
    _write_items(db, run.item_rows())
    return run.broken, set(run.states)


class _Run:
    """Records on their way into the model, and the items that they touch."""

    def __init__(self, db: Connection, entries: Sequence[Entry]) -> None:
        self._rows = _item_rows(db, _touched(entries))
        self._packed = _contents(db, self._opened(entries))
        self._rows |= _item_rows(db, {item for row in self._packed.values() for item in row})
        self.states = {item: state_from_row(row) for item, row in self._rows.items()}
        self._accepted: dict[bytes, Acceptance] = {}
        self.written: list[dict[str, Any]] = []
        self.contents: list[dict[str, Any]] = []
        self.broken: list[Unreadable] = []

    def _opened(self, entries: Sequence[Entry]) -> list[int]:
        """The numbers of receptacles that are packed or opened here, of those that were packed before."""
        concerned = {e.item for e in entries if isinstance(e.body, Packed | Opening)}
        numbers = (self._rows[item].receptacle for item in concerned if item in self._rows)
        return [number for number in numbers if number]

    def take(self, entry: Entry) -> None:
        """One record, and what follows from it for the contents of a receptacle (C7)."""
        before = self.states.get(entry.item)
        record = self._completed(entry, before)
        try:
            after = apply(before, record)
        except BrokenTrail as error:
            self.broken.append(Unreadable(record.place, f"{record.kind}: {error}"))
            return
        self._keep(record, after)
        if isinstance(record.body, Packed):
            self._pack(record, record.body)
        if isinstance(record.body, Opening) and before is not None:
            self._open(record, record.body, before, after)

    def _keep(self, record: Entry, after: TrailState) -> None:
        self.states[record.item] = after
        self.written.append(entry_values(record))
        if isinstance(record.body, Acceptance):
            self._accepted[record.item] = record.body

    def _completed(self, entry: Entry, before: TrailState | None) -> Entry:
        """What the log alone does not say: a report's custody number (C3), the time of what is missing."""
        if isinstance(entry.body, Report) and before is not None:
            return replace(entry, number=before.number)
        if isinstance(entry.body, Missing) and entry.body.receptacle in self.states:
            opened_at = self.states[entry.body.receptacle].latest_time
            return replace(entry, body=replace(entry.body, time=opened_at))
        return entry

    def _pack(self, record: Entry, body: Packed) -> None:
        inside = self._packed.setdefault(body.receptacle, [])
        for item in body.items:
            state = self.states.get(item)
            if state is None:
                self.broken.append(
                    Unreadable(record.place, f"packed an unknown item 0x{item.hex()}")
                )
                continue
            self.contents.append(
                {
                    "receptacle": body.receptacle,
                    "place": len(inside),
                    "item": item,
                    "record": state.records,
                    "block_number": record.place.block,
                }
            )
            inside.append(item)
            self.states[item] = packed(state, body.receptacle)

    def _open(self, record: Entry, body: Opening, before: TrailState, after: TrailState) -> None:
        """What still lies in it and is not missing has stayed in it: one record of its own."""
        for place, item in enumerate(self._packed.get(before.receptacle, ())):
            state = self.states[item]
            if state.holder == before.receptacle and item not in body.missing:
                stayed = stay(record, before, after, state, place)
                self._keep(stayed, apply(state, stayed))

    def item_rows(self) -> list[dict[str, Any]]:
        """All touched items as they are now."""
        fresh = [item_values(self.states[item], first) for item, first in self._accepted.items()]
        return fresh + [_changed(row, self.states[item]) for item, row in self._rows.items()]


def _touched(entries: Sequence[Entry]) -> set[bytes]:
    packed_ = (item for e in entries if isinstance(e.body, Packed) for item in e.body.items)
    return {entry.item for entry in entries} | set(packed_)


def _contents(db: Connection, receptacles: Sequence[int]) -> dict[int, list[bytes]]:
    """What was packed into receptacles, in its order."""
    found: dict[int, list[bytes]] = {}
    query = select(content.c.receptacle, content.c.item).order_by(
        content.c.receptacle, content.c.place
    )
    for row in db.execute(query.where(content.c.receptacle.in_(receptacles))):
        found.setdefault(row.receptacle, []).append(row.item)
    return found


def refold(db: Connection, items: Iterable[bytes]) -> None:
    """After a rewind: items as their remaining entries make them; items without entries go."""
    wanted = sorted(items)
    trails: dict[bytes, list[Entry]] = {}
    for row in db.execute(
        select(entry_table)
        .where(entry_table.c.item.in_(wanted))
        .order_by(entry_table.c.item, entry_table.c.record)
    ):
        trails.setdefault(row.item, []).append(entry_from_row(row))
    db.execute(
        delete(item_table).where(item_table.c.item.in_([i for i in wanted if i not in trails]))
    )
    inside = _last_packed(db, wanted)
    _write_items(db, [_refolded(trail, inside.get(item)) for item, trail in trails.items()])


def _refolded(trail: list[Entry], inside: Row[Any] | None) -> dict[str, Any]:
    """`inside`: where the item was packed last; it lies there unless a later record took it out (C7)."""
    first, state = trail[0].body, fold(trail)
    assert isinstance(first, Acceptance)
    left = (
        any(isinstance(e.body, LEAVES) and e.record > inside.record for e in trail)
        if inside
        else True
    )
    if inside is not None and not left:
        state = packed(state, inside.receptacle)
    return item_values(state, first)


LEAVES = Stay | Missing | TakeUp


def _last_packed(db: Connection, items: Sequence[bytes]) -> dict[bytes, Row[Any]]:
    query = select(content).where(content.c.item.in_(items)).order_by(content.c.record)
    return {row.item: row for row in db.execute(query)}


def _item_rows(db: Connection, items: set[bytes]) -> dict[bytes, Any]:
    rows = db.exec_driver_sql("SELECT * FROM item WHERE item = ANY(%s)", (list(items),))
    return {row.item: row for row in rows}


def _changed(row: Any, state: TrailState) -> dict[str, Any]:
    values: dict[str, Any] = row._asdict()
    return values | state_values(state)


def _write_items(db: Connection, rows: Sequence[dict[str, Any]]) -> None:
    changing = [name for name in rows[0] if name != "item"] if rows else []
    upsert(db, item_table, rows, changing)
