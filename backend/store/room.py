"""Whether there is room for another promise: before memory or disk run out, new ones are refused with 503.

What was promised is kept and sent; who is refused asks again later (Retry-After).
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select

from backend.errors import Unavailable
from backend.store.alarms import end_alarm, raise_alarm
from backend.store.engine import begin
from backend.store.tables import submission

ALARM = "room"
LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """`most_waiting`: at 900 records a second they are sent within four minutes; longer, and nobody knows when.

    `oldest_seconds`: a queue that has not moved for a day needs a person, and the chain takes no event older
    than 14 days (C5). `least_free_bytes`: PostgreSQL stops when it cannot write its log, and a checkpoint must
    still be able to end.
    """

    most_waiting: int = 200_000
    oldest_seconds: int = 86_400
    least_free_bytes: int = 512 * 1024 * 1024


class NoRoom(Unavailable):
    """The queue is too long or too old, or the disk nearly full. Nothing was recorded."""

    title = "Nothing more is taken at the moment"


class Room:
    """Looks once a second, whoever asks; used by many threads."""

    def __init__(self, engine: Engine, folder: Path | None, bounds: Bounds | None = None) -> None:
        """`folder` lies on the disk that must not fill up; None where the database's disk is elsewhere."""
        self._engine = engine
        self._folder = folder
        self._bounds = bounds or Bounds()
        self._looked_at = -LOOK_SECONDS
        self._trouble = ""
        self._is_told = True  # an alarm of before our start may be open

    def check(self) -> None:
        """Raises NoRoom, and Unavailable where the database is away."""
        now = time.monotonic()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            with begin(self._engine) as db:
                self._trouble = self._full_disk() or self._long_queue(db)
            self._tell()
        if self._trouble:
            raise NoRoom(
                f"{self._trouble} Nothing was recorded.",
                "Try again in a moment; the same request can be sent again.",
            )

    def _full_disk(self) -> str:
        if self._folder is None:
            return ""
        free = shutil.disk_usage(self._folder).free
        if free >= self._bounds.least_free_bytes:
            return ""
        least = self._bounds.least_free_bytes
        return f"The disk is nearly full: {free:,} bytes are free, {least:,} are kept back."

    def _long_queue(self, db: Connection) -> str:
        """Counts no farther than the bound."""
        most = self._bounds.most_waiting
        waiting = (
            select(submission.c.created_at)
            .where(submission.c.state.in_(("pending", "sent")))
            .limit(most + 1)
            .subquery()
        )
        oldest = func.extract("epoch", func.now() - func.min(waiting.c.created_at))
        count, seconds = db.execute(select(func.count(), oldest).select_from(waiting)).one()
        if count > most:
            return f"More than {most:,} submissions wait to be put on chain."
        if count and seconds > self._bounds.oldest_seconds:
            return f"A submission has waited for {int(seconds):,} seconds to be put on chain."
        return ""

    def _tell(self) -> None:
        """An alarm while there is no room; a disk that is full may not even take that."""
        if not self._trouble and not self._is_told:
            return
        try:
            with begin(self._engine) as db:
                if self._trouble:
                    raise_alarm(db, ALARM, f"{self._trouble} New submissions are refused.")
                else:
                    end_alarm(db, ALARM)
            self._is_told = bool(self._trouble)
        except Unavailable:
            self._is_told = True
