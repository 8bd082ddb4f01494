"""The read model is disposable: dropped and folded from raw rows to identical rows (B1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlalchemy import Connection, Engine, delete, func, select

from backend.indexer.decode import Contracts, Decoder
from backend.indexer.fetch import MOST_LOGS
from backend.indexer.follow import sole_indexer
from backend.indexer.node import Deployment
from backend.indexer.project import project
from backend.indexer.raw import stored_logs
from backend.indexer.spans import refold_spans
from backend.store import tally
from backend.store.tables import MODEL, log

Progress = Callable[[int, int], None]


def _silent(_done: int, _total: int) -> None:
    pass


def rebuild(engine: Engine, deployment: Deployment, progress: Progress = _silent) -> int:
    """Drop the model and fold all raw logs anew, in one transaction; returns how many.

    Who reads meanwhile sees the old rows. Waits for an indexer's step to end, and holds the next ones
    back. `progress` is told of logs done and logs in all. Raises Unavailable.
    """
    decoder = Decoder(Contracts(deployment.network, deployment.ledger, deployment.stamps))
    with sole_indexer(engine, wait=True) as db:
        assert db is not None
        with db.begin():
            return _refold(db, decoder, progress)


def _refold(db: Connection, decoder: Decoder, progress: Progress) -> int:
    for table in MODEL:
        db.execute(delete(table))
    tally.begin_anew(db)
    total = db.scalar(select(func.count()).select_from(log)) or 0
    done = 0
    for first, last in _ranges(db):
        logs, times = stored_logs(db, log.c.block_number.between(first, last))
        project(db, decoder.decode(logs, times))
        done += len(logs)
        progress(done, total)
    refold_spans(db)
    return done


def _ranges(db: Connection) -> Iterator[tuple[int, int]]:
    """Ranges of whole blocks with about MOST_LOGS logs each."""
    first = 0
    while True:
        numbers = (
            select(log.c.block_number)
            .where(log.c.block_number >= first)
            .order_by(log.c.block_number)
            .limit(MOST_LOGS)
            .subquery()
        )
        last = db.scalar(select(func.max(numbers.c.block_number)))
        if last is None:
            return
        yield first, last
        first = last + 1
