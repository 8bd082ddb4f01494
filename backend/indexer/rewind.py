"""After a reorganisation: what vanished above the fork is taken back, all in one transaction (B4).

What remains is exactly what indexing the remaining blocks from nothing would have made (B1).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from sqlalchemy import Connection, delete, select, update

from backend.indexer.decode import Decoder
from backend.indexer.events import EditionWithdrawn, Event, NetworkEvent, TwinMoved
from backend.indexer.network import apply_network, forget_network
from backend.indexer.raw import stored_logs
from backend.indexer.settle import unsettle
from backend.indexer.stamps import set_owners
from backend.indexer.trails import refold
from backend.store.tables import (
    block,
    claim_root,
    claims_closed,
    content,
    edition,
    entry,
    equivocation,
    issued_range,
    log,
    original_shown,
    quarantine,
    recorded,
    span,
    stamp_use,
    twin,
    void_range,
)

# Rows that one block brought and that nothing changes later go by the number of their block.
BY_BLOCK = (
    entry.c.block_number,
    equivocation.c.block_number,
    content.c.block_number,
    issued_range.c.block_number,
    void_range.c.block_number,
    stamp_use.c.block_number,
    claims_closed.c.block_number,
    claim_root.c.block_number,
    original_shown.c.block_number,
    recorded.c.block_number,
    quarantine.c.block_number,
    edition.c.created_block,
    twin.c.claimed_block,
    span.c.last,
)
NETWORK_EVENTS = get_args(NetworkEvent)


def rewind(db: Connection, decoder: Decoder, fork: int) -> None:
    """Take back all blocks above the fork: raw rows, model rows, and what they had settled."""
    vanished = decoder.decode(*stored_logs(db, log.c.block_number > fork))
    items = set(db.scalars(select(entry.c.item).where(entry.c.block_number > fork)))
    items |= set(db.scalars(select(content.c.item).where(content.c.block_number > fork)))
    unsettle(db, fork)
    _give_twins_back(db, vanished)
    _reopen_editions(db, vanished)
    for number in BY_BLOCK:
        db.execute(delete(number.table).where(number > fork))
    refold(db, items)
    if any(isinstance(event, NETWORK_EVENTS) for event in vanished):
        _refold_network(db, decoder, fork)
    db.execute(delete(log).where(log.c.block_number > fork))
    db.execute(delete(block).where(block.c.number > fork))


def _give_twins_back(db: Connection, vanished: Iterable[Event]) -> None:
    """The owner at the fork is who gave first above it; twins claimed above it go by their block."""
    owners: dict[int, bytes] = {}
    for event in vanished:
        if isinstance(event, TwinMoved):
            owners.setdefault(event.stamp, event.giver)
    set_owners(db, owners)


def _reopen_editions(db: Connection, vanished: Iterable[Event]) -> None:
    """An edition is withdrawn once (S1): before, it was not."""
    numbers = [event.edition for event in vanished if isinstance(event, EditionWithdrawn)]
    db.execute(update(edition).where(edition.c.edition.in_(numbers)).values(withdrawn_from=None))


def _refold_network(db: Connection, decoder: Decoder, fork: int) -> None:
    """The network's tables say only how things stand: they are folded anew, whole."""
    of_network = log.c.address == decoder.contracts.network
    logs, times = stored_logs(db, of_network, log.c.block_number <= fork)
    forget_network(db)
    for event in decoder.decode(logs, times):
        if isinstance(event, NETWORK_EVENTS):
            apply_network(db, event)
