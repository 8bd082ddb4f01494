"""What receptacles went through while things lay in them (C7), and what stands behind their seals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select

from backend.domain import codes
from backend.domain.trail import Entry, Missing, Stay
from backend.domain.typed_data import Closing, Opening
from backend.store import tables
from backend.store.entries import entry_from_row
from backend.store.evidence import documents

MOVES = ("hand_off", "take_up", "stay", "missing")


def hops(db: Connection, receptacles: Iterable[bytes]) -> dict[bytes, tuple[Entry, ...]]:
    """The moves of each receptacle between its closing and its opening; of those that it lay in, too."""
    found: dict[bytes, tuple[Entry, ...]] = {}
    wanted = set(receptacles)
    while wanted:
        fresh = _moves_while_closed(db, wanted)
        found |= fresh
        wanted = {inner for moves in fresh.values() for inner in lay_in(moves)} - found.keys()
    return found


def packing_of(db: Connection, item: bytes, receptacle: bytes) -> Entry | None:
    """The record with which an item came into the receptacle in which it lies."""
    entry, content, bag = tables.entry, tables.content, tables.item
    packed = (
        select(content.c.record)
        .join(bag, bag.c.receptacle == content.c.receptacle)
        .where(content.c.item == item, bag.c.item == receptacle)
        .order_by(content.c.record.desc())
        .limit(1)
    )
    query = select(entry).where(entry.c.item == receptacle)
    row = db.execute(query.where(entry.c.record == packed.scalar_subquery())).first()
    return entry_from_row(row) if row else None


def lay_in(entries: Iterable[Entry]) -> set[bytes]:
    """The receptacles in which, by its records, an item has lain."""
    return {entry.body.receptacle for entry in entries if isinstance(entry.body, Stay | Missing)}


def _moves_while_closed(db: Connection, receptacles: set[bytes]) -> dict[bytes, tuple[Entry, ...]]:
    entry = tables.entry
    kinds = (*MOVES, "closing", "opening")
    rows = db.execute(
        select(entry)
        .where(entry.c.item.in_(receptacles), entry.c.kind.in_(kinds))
        .order_by(entry.c.record)
    )
    moves: dict[bytes, list[Entry]] = {item: [] for item in receptacles}
    closed: set[bytes] = set()
    for row in rows:
        if row.kind == "closing":
            closed.add(row.item)
        elif row.kind == "opening":
            closed.discard(row.item)
        elif row.item in closed:
            moves[row.item].append(entry_from_row(row))
    return {item: tuple(entries) for item, entries in moves.items()}


def seals(db: Connection, entries: Iterable[Entry]) -> dict[bytes, str]:
    """What is kept here of the seals that closings and openings name, in words, by digest."""
    named = {
        entry.digest: entry.body.evidence
        for entry in entries
        if isinstance(entry.body, Closing | Opening) and any(entry.body.evidence)
    }
    known = documents(db, named.values()) if named else {}
    return {digest: seal_words(known[root]) for digest, root in named.items() if root in known}


def seal_words(document: dict[str, Any]) -> str:
    """What is kept of a seal, in a phrase."""
    if "seal" in document:
        kind = codes.SEALS.text(codes.SEALS.number(document["kind"]))
        return f"{kind} {document['seal']}"
    return f"seal found {codes.SEAL_STATES.text(codes.SEAL_STATES.number(document['seal_found']))}"
