"""Follow the chain: fetch, check, write, settle; on a reorganisation go back to the fork (B4).

Any number of indexers may run: one works at a time, under a lock of the database (B6). All of a run of
blocks is one transaction: raw rows, model rows, cursor, and what they settle (B2).
"""

from __future__ import annotations

import threading
import time
from contextlib import AbstractContextManager, suppress
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, Row
from sqlalchemy.exc import DatabaseError

from backend.errors import ChainReplaced, Unavailable
from backend.failpoints import reach
from backend.indexer.ahead import Ahead
from backend.indexer.node import Block, Deployment, Node
from backend.indexer.project import project
from backend.indexer.raw import (
    block_hashes,
    finalized_number,
    keep_blocks,
    keep_logs,
    knows_genesis,
    newest_block,
    note_alarm,
    note_genesis,
    note_nodes,
    note_progress,
    seconds_unchecked,
)
from backend.indexer.reader import Fetched, Reader
from backend.indexer.reader_process import ReaderProcess
from backend.indexer.rewind import rewind
from backend.indexer.settle import (
    forget_forecasts,
    mark_mined,
    our_acts,
    settle_acts,
    settle_missed,
    settle_records,
)
from backend.indexer.spans import add_spans
from backend.store.engine import alone, begin

INDEXER_LOCK = 0x706F7374_0002
# How often an idle indexer writes that it is alive, and how far back one look for a fork goes.
ALIVE_SECONDS = 5.0
FORK_WINDOW = 64
# How often every URL of the node is asked how it is.
SURVEY_SECONDS = 30.0
# How often it writes that no node answers; and after which silence of the others it does so in their place.
TROUBLE_SECONDS = 3.0
OTHERS_SILENT_SECONDS = 10.0

logger = structlog.get_logger(__name__)


class NodeBehind(Unavailable):
    """The node's head is a block that was indexed long ago: it is not believed, another one is asked."""


def sole_indexer(engine: Engine, wait: bool) -> AbstractContextManager[Connection | None]:
    """A connection that alone may write raw and model rows; None where another has the lock."""
    return alone(engine, INDEXER_LOCK, wait=wait)


class Indexer:
    """Reads one deployment's chain into one database.

    `keep_raw_transactions`: on the embedded chain, whose blocks are rebuilt from the database, from the
    first block on. `finality_depth`: see Reader. `process`: reads ahead where there is much to be read.
    """

    def __init__(
        self,
        engine: Engine,
        node: Node,
        deployment: Deployment,
        *,
        keep_raw_transactions: bool = False,
        finality_depth: int | None = None,
        process: ReaderProcess | None = None,
    ) -> None:
        self._engine = engine
        self._node = node
        self._reader = Reader(node, deployment, finality_depth)
        self._first_block = 0 if keep_raw_transactions else deployment.first_block
        self._keep_raw_transactions = keep_raw_transactions
        self._ahead = Ahead(self._reader.fetch, process)
        self._indexed_head = b""
        self._alive_at = self._read_at = 0.0
        self._told_trouble_at = -TROUBLE_SECONDS
        self._surveyed_at = -SURVEY_SECONDS

    def run(self, stop: threading.Event, poll_seconds: float = 0.2) -> None:
        """Step until told to stop. What is away is waited for.

        A replaced chain, and rows that the database refuses, are alarms: nothing is written until a
        look finds them gone.
        """
        while not stop.is_set():
            pause_seconds = poll_seconds
            try:
                if self.step():
                    continue
            except ChainReplaced as error:
                self._sound(str(error))
                self._tell_trouble()
                pause_seconds = 5.0
            except Unavailable as error:
                logger.warning("indexer_waits", reason=str(error))
                self._tell_trouble()
                pause_seconds = 1.0
            except DatabaseError as error:
                self._sound(f"The database refuses a row: {error.orig} Try: posthorn rebuild.")
                pause_seconds = 5.0
            stop.wait(pause_seconds)

    def _sound(self, alarm: str) -> None:
        logger.critical("indexer_stopped", reason=alarm)
        try:
            with begin(self._engine) as db:
                note_alarm(db, alarm)
        except Unavailable as error:
            logger.warning("alarm_not_kept", reason=str(error))

    def _tell_trouble(self) -> None:
        """How the nodes were found, where the chain could not be read: nobody else would say it."""
        now = time.monotonic()
        nodes = self._node.health()
        if now - self._told_trouble_at < TROUBLE_SECONDS or not any(n.trouble for n in nodes):
            return
        with suppress(Unavailable), sole_indexer(self._engine, wait=False) as db:
            if db is None or self._others_read(db, now):
                return
            with db.begin():
                note_nodes(db, nodes)
            self._told_trouble_at = now
            self._surveyed_at = -SURVEY_SECONDS  # the first step that goes well says so

    def _others_read(self, db: Connection, now: float) -> bool:
        """Whether another indexer has read the chain since we did, and reaches a node that we do not."""
        unchecked_seconds = seconds_unchecked(db)
        db.rollback()
        return unchecked_seconds < min(now - self._read_at - 1.0, OTHERS_SILENT_SECONDS)

    def step(self) -> int:
        """Index what is new, as much as fits into one transaction; returns the number of new blocks.

        Blocks that vanished are taken back first. 0: nothing new, or another indexer is at work.
        Raises Unavailable where node or database is away or the node contradicts itself, and
        ChainReplaced; then nothing was written.
        """
        try:
            return self._step()
        except Unavailable:
            self._node.doubt()
            self._ahead.forget()
            self._indexed_head = b""
            raise

    def _step(self) -> int:
        head = self._node.head()
        now = time.monotonic()
        if head.hash == self._indexed_head and now - self._alive_at < ALIVE_SECONDS:
            return 0
        with sole_indexer(self._engine, wait=False) as db:
            if db is None:
                return 0
            fork = self._fork(db, head)
            db.rollback()
            if fork is not None:
                self._rewind(db, fork, head)
            new = self._index(db, head)
            self._look_after_nodes(db, now)
        self._alive_at, self._read_at = now, time.monotonic()
        return new

    def _look_after_nodes(self, db: Connection, now: float) -> None:
        """Every URL, also those that nobody had to ask."""
        if now - self._surveyed_at < SURVEY_SECONDS:
            return
        nodes = self._node.survey()
        with db.begin():
            note_nodes(db, nodes)
        self._surveyed_at = now

    # --- the same chain? ----------------------------------------------------------------------------
    def _fork(self, db: Connection, head: Block) -> int | None:
        """The newest block that the node still has as we do, where it is not our newest one. Raises NodeBehind."""
        newest = newest_block(db)
        if newest is None:
            return None
        if head.number < newest.number:
            # behind, or reorganised to fewer blocks: the node's own head tells
            at, theirs = head.number, head
        else:
            at, found = newest.number, self._node.blocks([newest.number])[0]
            if found is None:
                return None
            theirs = found
        same = at < self._first_block or block_hashes(db, at, at).get(at) == theirs.hash
        if same and at < newest.number:
            raise NodeBehind(
                f"The node's newest block is {at}, {newest.number} was indexed: it is behind."
            )
        return None if same else self._common_block(db, at - 1)

    def _common_block(self, db: Connection, newest: int) -> int:
        """Walks down from `newest` to the first block that both have. Raises ChainReplaced."""
        final = finalized_number(db)
        floor = self._first_block if final is None else final
        while newest >= floor:
            first = max(floor, newest - FORK_WINDOW + 1)
            ours = block_hashes(db, first, newest)
            theirs = self._node.blocks(range(first, newest + 1))
            common = [b.number for b in theirs if b is not None and ours.get(b.number) == b.hash]
            if common:
                return max(common)
            newest = first - 1
        raise ChainReplaced(
            f"The node's chain has left ours below block {floor}, which was "
            f"{'the first' if final is None else 'final'}.",
            "Nothing was taken back. Compare the node with another one; if it is right, "
            "start with an empty database.",
            final=floor,
        )

    # --- writing ------------------------------------------------------------------------------------
    def _rewind(self, db: Connection, fork: int, head: Block) -> None:
        with db.begin():
            rewind(db, self._reader.decoder, fork)
            note_progress(db, newest_block(db), head)
            reach("taken back, not committed")
        reach("taken back, not indexed")
        logger.warning("chain_reorganised", fork=fork)

    def _index(self, db: Connection, head: Block) -> int:
        newest = newest_block(db)
        db.rollback()
        fetched = self._next(newest, head)
        genesis = self._genesis(db)
        acts = self._succeeded_acts(db, fetched)
        raws = self._raw_transactions(fetched)
        last = fetched.blocks[-1] if fetched.blocks else newest
        reach("read, not written")
        with self._ahead.beside(fetched, head), db.begin():
            self._write(db, fetched, raws)
            settle_acts(db, acts)
            if not fetched.blocks:
                settle_missed(db)
            note_progress(db, last, head, fetched.levels)
            if genesis is not None:
                note_genesis(db, genesis)
            reach("written, not committed")
        self._indexed_head = last.hash if last is not None else b""
        return len(fetched.blocks)

    def _next(self, newest: Block | Row[Any] | None, head: Block) -> Fetched:
        """What follows our newest block."""
        fetched = self._ahead.take(newest, head)
        if fetched is not None:
            return fetched
        if newest is None:
            return self._reader.fetch(self._first_block, head, None)
        return self._reader.fetch(newest.number + 1, head, newest.hash)

    def _write(self, db: Connection, fetched: Fetched, raws: list[list[bytes]] | None) -> None:
        blocks = fetched.blocks
        keep_blocks(db, blocks, raws)
        keep_logs(db, fetched.logs)
        projected = project(db, fetched.events)
        if blocks:
            add_spans(db, blocks[0].number, blocks[-1].number)
        mark_mined(db, fetched.transactions)
        refused = settle_records(db, projected.recorded, projected.lines)
        forget_forecasts(db, projected.items, refused)
        for log in projected.unreadable:
            logger.error(
                "log_quarantined",
                block=log.place.block,
                log_index=log.place.log_index,
                reason=log.reason,
            )

    def _succeeded_acts(self, db: Connection, run: Fetched) -> dict[bytes, int]:
        """Transactions with acts of ours that did not revert, and their blocks."""
        blocks = run.transactions
        hashes = our_acts(db, blocks) if blocks else []
        db.rollback()
        receipts = self._node.receipts(hashes) if hashes else []
        hash_of = {block.number: block.hash for block in run.blocks}
        found = {r.transaction_hash: r for r in receipts if r is not None}
        for transaction in hashes:
            receipt = found.get(transaction)
            if receipt is None or receipt.block_hash != hash_of[blocks[transaction]]:
                raise Unavailable(
                    f"The node has no receipt of 0x{transaction.hex()} in its block yet."
                )
        return {h: blocks[h] for h, receipt in found.items() if receipt.succeeded}

    def _raw_transactions(self, run: Fetched) -> list[list[bytes]] | None:
        """The signed bytes of each block's transactions, in their order."""
        if not self._keep_raw_transactions:
            return None
        hashes = [h for block in run.blocks for h in block.transactions]
        raws = iter(self._node.raw_transactions(hashes) if hashes else ())
        return [[next(raws) for _ in block.transactions] for block in run.blocks]

    def _genesis(self, db: Connection) -> Block | None:
        """Block 0, where it is not known yet."""
        known = knows_genesis(db)
        db.rollback()
        return None if known else self._node.blocks([0])[0]
