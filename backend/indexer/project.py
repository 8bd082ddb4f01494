"""Events -> rows of the model tables (design.md §5): the same rows from the same logs, always (B1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

from sqlalchemy import Connection

from backend.domain.trail import Entry, Place
from backend.indexer.bulk import insert_new
from backend.indexer.equivocations import add_equivocations
from backend.indexer.events import (
    Equivocated,
    Event,
    NetworkEvent,
    StampEvent,
    Unreadable,
)
from backend.indexer.network import apply_network
from backend.indexer.stamps import add_stamp_events
from backend.indexer.trails import add_entries
from backend.store.tables import quarantine, recorded

NETWORK_EVENTS = get_args(NetworkEvent)
STAMP_EVENTS = get_args(StampEvent)


@dataclass(frozen=True, slots=True)
class Projected:
    """What a run of events touched: records by digest, items, and logs that nobody understood.

    `lines` are the records of items, by digest and item: a record may be of many, or not of all that it names.
    """

    recorded: dict[bytes, Place]
    lines: frozenset[tuple[bytes, bytes]]
    items: frozenset[bytes]
    unreadable: tuple[Unreadable, ...]


def project(db: Connection, run: Sequence[Event]) -> Projected:
    """Carry events, in the order of the chain, into the model."""
    entries = [event for event in run if isinstance(event, Entry)]
    others = [event for event in run if not isinstance(event, Entry)]
    unreadable = [event for event in others if isinstance(event, Unreadable)]
    for event in others:
        if isinstance(event, NETWORK_EVENTS):
            apply_network(db, event)
    add_stamp_events(db, [event for event in others if isinstance(event, STAMP_EVENTS)])
    broken, items = add_entries(db, entries)
    add_equivocations(db, (event for event in others if isinstance(event, Equivocated)))
    unreadable += broken
    records = _records(run)
    _keep(db, records, unreadable)
    lines = frozenset((entry.digest, entry.item) for entry in entries)
    return Projected(records, lines, frozenset(items), tuple(unreadable))


def _records(events: Iterable[Event]) -> dict[bytes, Place]:
    """Each digest at its first appearance: a hand-off may come again with other lines (CE5)."""
    records: dict[bytes, Place] = {}
    for event in events:
        digest = getattr(event, "digest", None)
        if digest is not None:
            records.setdefault(digest, event.place)
    return records


def _keep(db: Connection, records: dict[bytes, Place], unreadable: list[Unreadable]) -> None:
    insert_new(
        db,
        recorded,
        [
            {
                "digest": digest,
                "block_number": place.block,
                "block_time": place.block_time,
                "transaction_hash": place.transaction,
            }
            for digest, place in records.items()
        ],
    )
    insert_new(
        db,
        quarantine,
        [
            {
                "block_number": log.place.block,
                "log_index": log.place.log_index,
                "reason": log.reason,
            }
            for log in unreadable
        ],
    )
