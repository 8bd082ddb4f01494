"""The worker behind `posthorn send`: due submissions to the chain, one worker per lane (design.md §5)."""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Event

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from backend.chain import outbox
from backend.chain.client import Node
from backend.chain.deployment import Deployment
from backend.chain.lane import Lane, Means, Pace, Reconsider
from backend.errors import Unavailable
from backend.failpoints import reach
from backend.ports import Signer
from backend.store.engine import database_away

log = structlog.get_logger()
TROUBLE_SECONDS = 1.0


class Sender:
    """Sends what is due. Any number may run, in any number of processes; each lane has one worker (B6)."""

    def __init__(
        self,
        engine: Engine,
        node: Node,
        signer: Signer,
        deployment: Deployment,
        reconsider: Reconsider,
        pace: Pace | None = None,
    ) -> None:
        """`reconsider(db, row)` judges a held submission again: pending, held, or a Refusal."""
        self._pace = pace or Pace()
        self._means = Means(engine, node, signer, deployment, reconsider, self._pace)
        self._lanes: dict[str, Lane] = {}
        self._locks: Connection | None = None
        self._mined_at = 0.0

    def run(self, stop: Event) -> None:
        """Work until told to stop. Trouble with the node or the database is logged and waited out."""
        try:
            while not stop.is_set():
                stop.wait(self._work())
        finally:
            self.close()

    def _work(self) -> float:
        """One step; how many seconds to rest after it."""
        try:
            return 0.0 if self.step() else self._pace.poll_seconds
        except Unavailable as error:
            log.warning("the sender waits", trouble=str(error))
            return TROUBLE_SECONDS

    def step(self) -> bool:
        """Do what is due in every lane; True where there may be more at once.

        Raises Unavailable where node, database or signer is away; nothing is lost, call it again.
        Trouble in one lane keeps no other from its work.
        """
        lanes = self._lanes_to_work()
        worked, trouble = False, None
        for lane in lanes:
            try:
                worked |= lane.step()
            except Unavailable as error:
                trouble = error
        if any(lane.under_way for lane in lanes):
            self._mine()
        if trouble is not None:
            raise trouble
        return worked

    def close(self) -> None:
        """Give the lanes back. Another sender may go on with them at once."""
        self._lanes = {}
        if self._locks is not None:
            # Said, not left to PostgreSQL, which notices later that a connection is gone.
            with suppress(SQLAlchemyError):  # a connection that is gone has given them back
                outbox.unlock_lanes(self._locks)
            self._locks.invalidate()
            self._locks.close()
            self._locks = None

    def _lanes_to_work(self) -> list[Lane]:
        """Lanes with work whose lock we hold; the locks live and die with a connection of their own."""
        try:
            if self._locks is None:
                engine = self._means.engine.execution_options(isolation_level="AUTOCOMMIT")
                self._locks = engine.connect()
            wanted = outbox.lanes_with_work(self._locks)
            for name in wanted:
                if name not in self._lanes and outbox.try_lock_lane(self._locks, name):
                    under_way = outbox.count_under_way(self._locks, name)
                    self._lanes[name] = Lane(self._means, name, under_way)
        except DBAPIError as error:
            self.close()
            raise database_away(error) from error
        return [self._lanes[name] for name in wanted if name in self._lanes]

    def _mine(self) -> None:
        """On the embedded chain: a block, where one is due and something waits for it."""
        every = self._pace.mine_every_seconds
        if every is None or time.monotonic() - self._mined_at < every:
            return
        if self._means.node.waiting():
            self._means.node.mine()
            reach("mined, not indexed")
            self._mined_at = time.monotonic()
