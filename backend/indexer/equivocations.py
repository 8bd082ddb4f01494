"""Evidence of equivocation -> table `equivocation` (C10): a notice beside a trail, which changes nothing in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from backend.indexer.bulk import insert_new
from backend.indexer.events import Equivocated, HandOff
from backend.store.tables import equivocation


def add_equivocations(db: Connection, events: Iterable[Equivocated]) -> None:
    """Append them; one that is there stays."""
    insert_new(db, equivocation, [equivocation_values(event) for event in events])


def equivocation_values(event: Equivocated) -> dict[str, Any]:
    """The row of table `equivocation`."""
    return {
        "block_number": event.place.block,
        "log_index": event.place.log_index,
        "item": event.item,
        "giver": event.giver,
        "number": event.number,
        "first": _signed_away(event.first),
        "second": _signed_away(event.second),
        "block_time": event.place.block_time,
        "transaction_hash": event.place.transaction,
    }


def _signed_away(signed: HandOff) -> dict[str, Any]:
    """Who got it when, by the words of both; the release's digest names what the giver signed."""
    release, receipt = signed.release, signed.receipt
    return {
        "release": "0x" + receipt.release.hex(),
        "receiver": release.receiver,
        "released_at": release.time,
        "deadline": release.deadline,
        "received_at": receipt.time,
    }
