"""Records of items -> tables `item`, `entry` and `content`, by the one custody fold (C6, C7, CE7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from backend.domain.trail import (
    BrokenTrail,
    Entry,
    Missing,
    Packed,
    Stay,
    fold,
    packed,
)
from backend.domain.trails import Trails
from backend.domain.typed_data import Acceptance, Opening, TakeUp
from backend.indexer.bulk import change, copy
from backend.indexer.events import Unreadable
from backend.store.engine import named_rows
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
    copy(db, entry_table, run.rows(entries))
    copy(db, content, run.contents)
    copy(db, item_table, run.fresh_items())
    change(db, item_table, run.changed_items())
    return run.broken, set(run.states)


class _Run:
    """Records on their way into the model, and the items that they touch."""

    def __init__(self, db: Connection, entries: Sequence[Entry]) -> None:
        self._rows = _item_rows(db, _touched(entries))
        packed_before = _contents(db, self._opened(entries))
        self._rows |= _item_rows(db, {item for row in packed_before.values() for item in row})
        self.states = {item: state_from_row(row) for item, row in self._rows.items()}
        self._trails = Trails(self.states, packed_before)
        self._accepted: dict[bytes, Acceptance] = {}
        self.contents: list[dict[str, Any]] = []
        self.broken: list[Unreadable] = []

    def _opened(self, entries: Sequence[Entry]) -> list[int]:
        """The numbers of receptacles that are packed or opened here, of those that were packed before."""
        concerned = {e.item for e in entries if isinstance(e.body, Packed | Opening)}
        numbers = (self._rows[item].receptacle for item in concerned if item in self._rows)
        return [number for number in numbers if number]

    def rows(self, entries: Iterable[Entry]) -> Iterator[dict[str, Any]]:
        """The rows of the records, one after the other: PostgreSQL writes some while others are folded."""
        for entry in entries:
            yield from map(entry_values, self._take(entry))

    def _take(self, entry: Entry) -> list[Entry]:
        """One record, and what follows from it for the contents of a receptacle (C7)."""
        try:
            taken = self._trails.take(entry)
        except BrokenTrail as error:
            self.broken.append(Unreadable(entry.place, f"{entry.kind}: {error}"))
            return []
        if isinstance(entry.body, Acceptance):
            self._accepted[entry.item] = entry.body
        if isinstance(entry.body, Packed):
            self._keep_contents(entry, entry.body)
        return taken

    def _keep_contents(self, record: Entry, body: Packed) -> None:
        first = len(self._trails.contents[body.receptacle]) - len(body.items)
        for place, item in enumerate(body.items, start=first):
            state = self.states.get(item)
            if state is None:
                reason = f"packed an unknown item 0x{item.hex()}"
                self.broken.append(Unreadable(record.place, reason))
                continue
            self.contents.append(
                {
                    "receptacle": body.receptacle,
                    "place": place,
                    "item": item,
                    "record": state.records,
                    "block_number": record.place.block,
                }
            )

    def fresh_items(self) -> list[dict[str, Any]]:
        """Items accepted here, as they are now."""
        return [item_values(self.states[item], first) for item, first in self._accepted.items()]

    def changed_items(self) -> list[dict[str, Any]]:
        """Items that were there before, as they are now."""
        return [state_values(self.states[item]) for item in self._rows]


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
    change(db, item_table, [_refolded(trail, inside.get(item)) for item, trail in trails.items()])


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
    query = "SELECT * FROM item WHERE item = ANY(ARRAY(SELECT unnest(%b::bytea[])))"
    return {row.item: row for row in named_rows(db, query, (list(items),))}
