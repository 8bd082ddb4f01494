"""Stamps: events of CryptoStamp -> editions, issued and void ranges, uses, twins (SE1-SE7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Table, bindparam, update

from backend.indexer.bulk import copy
from backend.indexer.events import (
    ClaimRootReplaced,
    ClaimsClosed,
    EditionCreated,
    EditionWithdrawn,
    OriginalShown,
    StampEvent,
    StampsIssued,
    StampsVoided,
    StampUsed,
    TwinClaimed,
    TwinMoved,
)
from backend.store.tables import (
    claim_root,
    claims_closed,
    edition,
    issued_range,
    original_shown,
    stamp_use,
    twin,
    void_range,
)

Values = dict[str, Any]


def add_stamp_events(db: Connection, events: Sequence[StampEvent]) -> None:
    """Carry events into the tables: what is new first, then what changes it."""
    for kind, (table, values) in _NEW.items():
        copy(db, table, [values(event) for event in events if isinstance(event, kind)])
    _withdraw(db, [event for event in events if isinstance(event, EditionWithdrawn)])
    set_owners(db, {event.stamp: event.owner for event in events if isinstance(event, TwinMoved)})


def set_owners(db: Connection, owners: dict[int, bytes]) -> None:
    """Who has which claimed twin (S7)."""
    if owners:
        db.execute(
            update(twin).where(twin.c.stamp == bindparam("moved")).values(owner=bindparam("to")),
            [{"moved": stamp, "to": owner} for stamp, owner in sorted(owners.items())],
        )


def _withdraw(db: Connection, events: Sequence[EditionWithdrawn]) -> None:
    for event in events:
        db.execute(
            update(edition)
            .where(edition.c.edition == event.edition)
            .values(withdrawn_from=event.from_time)
        )


def _edition(event: EditionCreated) -> Values:
    terms = event.terms
    return {
        "edition": event.edition,
        "quantity": terms.supply,
        "face_value": terms.face_value,
        "currency": terms.currency,
        "service": terms.service,
        "first_day": terms.first_day,
        "metadata_hash": terms.metadata,
        "claim_root": terms.claim_root,
        "withdrawn_from": None,
        "created_block": event.place.block,
    }


def _closed(event: ClaimsClosed) -> Values:
    return {
        "edition": event.edition,
        "first": event.first,
        "last": event.last,
        "reason": event.reason,
        "block_number": event.place.block,
        "block_time": event.place.block_time,
    }


def _replaced(event: ClaimRootReplaced) -> Values:
    return {
        "edition": event.edition,
        "first": event.first,
        "last": event.last,
        "root": event.root,
        "block_number": event.place.block,
        "block_time": event.place.block_time,
    }


def _issued(event: StampsIssued) -> Values:
    return {
        "edition": event.range.edition,
        "first": event.range.first,
        "last": event.range.last,
        "block_number": event.place.block,
        "block_time": event.place.block_time,
    }


def _voided(event: StampsVoided) -> Values:
    return {
        "edition": event.range.edition,
        "first": event.range.first,
        "last": event.range.last,
        "reason": event.range.reason,
        "block_number": event.place.block,
        "block_time": event.place.block_time,
    }


def _used(event: StampUsed) -> Values:
    return {
        "stamp": event.stamp,
        "custodian": event.custodian,
        "time": event.time,
        "kind": event.kind,
        "item": event.item,
        "digest": event.digest,
        "block_number": event.place.block,
        "transaction_hash": event.place.transaction,
    }


def _claimed(event: TwinClaimed) -> Values:
    return {
        "stamp": event.claim.stamp,
        "owner": event.claim.to,
        "claimed_block": event.place.block,
        "claimed_time": event.place.block_time,
    }


def _shown(event: OriginalShown) -> Values:
    return {
        "stamp": event.original.stamp,
        "block_number": event.place.block,
        "block_time": event.place.block_time,
    }


_NEW: dict[type, tuple[Table, Callable[[Any], Values]]] = {
    EditionCreated: (edition, _edition),
    ClaimsClosed: (claims_closed, _closed),
    ClaimRootReplaced: (claim_root, _replaced),
    StampsIssued: (issued_range, _issued),
    StampsVoided: (void_range, _voided),
    StampUsed: (stamp_use, _used),
    TwinClaimed: (twin, _claimed),
    OriginalShown: (original_shown, _shown),
}
