"""Follow the chain: fetch, check, write, settle; on a reorganisation go back to the fork (B4).

Any number of indexers may run: one works at a time, under a lock of the database (B6). All of a run of
blocks is one transaction: raw rows, model rows, cursor, and what they settle (B2).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError, OperationalError

from backend.errors import PosthornError, Unavailable
from backend.indexer.decode import Contracts, Decoder
from backend.indexer.fetch import Run, fetch
from backend.indexer.node import Block, Deployment, Node
from backend.indexer.project import project
from backend.indexer.raw import (
    block_hashes,
    finalized_number,
    keep_blocks,
    keep_logs,
    newest_block,
    note_alarm,
    note_progress,
)
from backend.indexer.rewind import rewind
from backend.indexer.settle import (
    forget_forecasts,
    mark_mined,
    our_acts,
    settle_acts,
    settle_missed,
    settle_records,
)
from backend.store.engine import begin, database_away

INDEXER_LOCK = 0x706F7374_0002
# How often an idle indexer writes that it is alive, and how far back one look for a fork goes.
ALIVE_SECONDS = 5.0
FORK_WINDOW = 64

logger = structlog.get_logger(__name__)


class ChainReplaced(PosthornError):
    """The node serves another chain, or a fork below what was final. Nothing was written."""

    status = 503
    title = "The node's chain is not the one that was indexed"


@contextmanager
def sole_indexer(engine: Engine, wait: bool) -> Iterator[Connection | None]:
    """A connection that alone may write raw and model rows; None where another has the lock."""
    try:
        with engine.connect() as db:
            function = "pg_advisory_lock" if wait else "pg_try_advisory_lock"
            if db.exec_driver_sql(f"SELECT {function}(%s)", (INDEXER_LOCK,)).scalar() is False:
                yield None
                return
            db.commit()
            try:
                yield db
            finally:
                db.rollback()
                db.exec_driver_sql("SELECT pg_advisory_unlock(%s)", (INDEXER_LOCK,))
                db.commit()
    except OperationalError as error:
        raise database_away(error) from error


class Indexer:
    """Reads one deployment's chain into one database.

    `keep_raw_transactions`: on the embedded chain, whose blocks are rebuilt from the database, from the
    first block on. `finality_depth`: how many blocks below the head are not final, where the chain does
    not say itself which are (the `finalized` tag).
    """

    def __init__(
        self,
        engine: Engine,
        node: Node,
        deployment: Deployment,
        *,
        keep_raw_transactions: bool = False,
        finality_depth: int | None = None,
    ) -> None:
        self._engine = engine
        self._node = node
        self._chain_id = deployment.chain_id
        self._contracts = Contracts(deployment.network, deployment.ledger, deployment.stamps)
        self._decoder = Decoder(self._contracts)
        self._first_block = 0 if keep_raw_transactions else deployment.first_block
        self._keep_raw_transactions = keep_raw_transactions
        self._finality_depth = finality_depth
        self._checked = False
        self._indexed_head = b""
        self._alive_at = 0.0

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
            except Unavailable as error:
                logger.warning("indexer_waits", reason=str(error))
                pause_seconds = 1.0
            except ChainReplaced as error:
                self._sound(str(error))
                pause_seconds = 5.0
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

    def step(self) -> int:
        """Index what is new, as much as fits into one transaction; returns the number of new blocks.

        Blocks that vanished are taken back first. 0: nothing new, or another indexer is at work.
        Raises Unavailable where node or database is away or the node contradicts itself, and
        ChainReplaced; then nothing was written.
        """
        try:
            return self._step()
        except PosthornError:
            self._checked = False
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
            self._check_chain(db)
            fork = self._fork(db, head)
            db.rollback()
            if fork is not None:
                self._rewind(db, fork, head)
            new = self._index(db, head)
        self._alive_at = now
        return new

    # --- the same chain? ----------------------------------------------------------------------------
    def _check_chain(self, db: Connection) -> None:
        """Chain id, and the first block that was indexed (its hash binds all before it)."""
        if self._checked:
            return
        found = self._node.chain_id()
        if found != self._chain_id:
            raise ChainReplaced(
                f"The contracts are on chain {self._chain_id}, the node serves chain {found}.",
                "Name the right node with POSTHORN_RPC_URLS.",
            )
        ours = block_hashes(db, self._first_block, self._first_block).get(self._first_block)
        (theirs,) = self._node.blocks([self._first_block])
        if ours is not None and theirs is not None and theirs.hash != ours:
            raise ChainReplaced(
                f"Block {self._first_block} is 0x{theirs.hash.hex()} at the node, "
                f"0x{ours.hex()} was indexed.",
                "The node serves another chain of the same number: name the right one.",
            )
        self._checked = ours is None or theirs is not None

    def _fork(self, db: Connection, head: Block) -> int | None:
        """The newest block that the node still has as we do, where it is not our newest one."""
        newest = newest_block(db)
        if newest is None or head.number < self._first_block:
            return None
        if head.number < newest.number:
            # behind, or reorganised to fewer blocks: the node's own head tells
            at, theirs = head.number, head
        else:
            at, found = newest.number, self._node.blocks([newest.number])[0]
            if found is None:
                return None
            theirs = found
        if block_hashes(db, at, at).get(at) == theirs.hash:
            return None
        return self._common_block(db, at - 1)

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
            rewind(db, self._decoder, fork)
            note_progress(db, newest_block(db), head.number, None)
        logger.warning("chain_reorganised", fork=fork)

    def _index(self, db: Connection, head: Block) -> int:
        newest = newest_block(db)
        db.rollback()
        # Asked first: what is fetched after it, up to its number, can no longer be replaced.
        finalized = self._finalized(head)
        first = self._first_block if newest is None else newest.number + 1
        parent_hash = None if newest is None else newest.hash
        run = fetch(self._node, self._contracts.addresses, first, head.number, parent_hash)
        acts = self._succeeded_acts(db, run)
        raws = self._raw_transactions(run)
        last = run.blocks[-1] if run.blocks else newest
        with db.begin():
            self._write(db, run, raws)
            settle_acts(db, acts)
            if not run.blocks:
                settle_missed(db)
            note_progress(db, last, head.number, finalized)
        self._indexed_head = last.hash if last is not None else b""
        return len(run.blocks)

    def _write(self, db: Connection, run: Run, raws: list[list[bytes]] | None) -> None:
        keep_blocks(db, run.blocks, raws)
        keep_logs(db, run.logs)
        times = {block.number: block.time for block in run.blocks}
        projected = project(db, self._decoder.decode(run.logs, times))
        mark_mined(db, run.transactions)
        settled = settle_records(db, projected.recorded)
        forget_forecasts(db, projected.items, settled)
        for log in projected.unreadable:
            logger.error(
                "log_quarantined",
                block=log.place.block,
                log_index=log.place.log_index,
                reason=log.reason,
            )

    def _succeeded_acts(self, db: Connection, run: Run) -> dict[bytes, int]:
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

    def _raw_transactions(self, run: Run) -> list[list[bytes]] | None:
        """The signed bytes of each block's transactions, in their order."""
        if not self._keep_raw_transactions:
            return None
        hashes = [h for block in run.blocks for h in block.transactions]
        raws = iter(self._node.raw_transactions(hashes) if hashes else ())
        return [[next(raws) for _ in block.transactions] for block in run.blocks]

    def _finalized(self, head: Block) -> int | None:
        """The newest block that is final; None where the chain does not say."""
        if self._finality_depth is not None:
            return max(0, head.number - self._finality_depth)
        try:
            return self._node.head("finalized").number
        except Unavailable:
            return None
