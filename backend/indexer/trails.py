"""Records of items -> tables `item` and `entry`, by the one custody fold (C6, CE7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, delete, select

from backend.domain.trail import BrokenTrail, Entry, TrailState, apply, fold
from backend.domain.typed_data import Acceptance, Report
from backend.indexer.bulk import copy, upsert
from backend.indexer.events import Unreadable
from backend.store.entries import (
    entry_from_row,
    entry_values,
    item_values,
    state_from_row,
    state_values,
)
from backend.store.tables import entry as entry_table
from backend.store.tables import item as item_table


def add_entries(db: Connection, entries: Sequence[Entry]) -> list[Unreadable]:
    """Append records in the order of the chain; returns those that do not follow their trail."""
    rows = _item_rows(db, {entry.item for entry in entries})
    states = {item: state_from_row(row) for item, row in rows.items()}
    accepted: dict[bytes, Acceptance] = {}
    written, broken = [], []
    for entry in entries:
        before = states.get(entry.item)
        record = _numbered(entry, before)
        try:
            states[record.item] = apply(before, record)
        except BrokenTrail as error:
            broken.append(Unreadable(record.place, f"{record.kind}: {error}"))
            continue
        written.append(entry_values(record))
        if isinstance(record.body, Acceptance):
            accepted[record.item] = record.body
    copy(db, entry_table, written)
    fresh = [item_values(states[item], acceptance) for item, acceptance in accepted.items()]
    known = [_changed(rows[item], states[item]) for item in rows]
    _write_items(db, fresh + known)
    return broken


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
    _write_items(db, [_refolded(trail) for trail in trails.values()])


def _refolded(trail: list[Entry]) -> dict[str, Any]:
    first = trail[0].body
    assert isinstance(first, Acceptance)
    return item_values(fold(trail), first)


def _numbered(entry: Entry, before: TrailState | None) -> Entry:
    """Reported bears no custody number, for it never changes it (C3): it is the one before."""
    if isinstance(entry.body, Report) and before is not None:
        return replace(entry, number=before.number)
    return entry


def _item_rows(db: Connection, items: set[bytes]) -> dict[bytes, Any]:
    rows = db.exec_driver_sql("SELECT * FROM item WHERE item = ANY(%s)", (list(items),))
    return {row.item: row for row in rows}


def _changed(row: Any, state: TrailState) -> dict[str, Any]:
    values: dict[str, Any] = row._asdict()
    return values | state_values(state)


def _write_items(db: Connection, rows: Sequence[dict[str, Any]]) -> None:
    changing = [name for name in rows[0] if name != "item"] if rows else []
    upsert(db, item_table, rows, changing)
