"""The worker behind `posthorn hooks`: tells receivers of final records, each at least once, an item's in order.

A hook has one worker at a time, under a lock of the database, so that any number of them may run (B6). A message is
told first and noted as told after it; who is killed in between leaves it to be told again, with the same id (K12).
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy import Connection, Engine

from backend.errors import Unavailable
from backend.failpoints import reach
from backend.ports import Hooks, Outcome
from backend.store import hooks as rows
from backend.store.engine import alone, begin

HOOK_LOCK = 0x706F7374
# After each try that failed, by the text of Standard Webhooks; after the last one a person has to look.
WAITS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
JITTER = 0.1
# So many messages refused one after the other are the receiver's fault, and not the messages'.
MANY_REFUSED = 10
# Hooks told at a time.
HANDS = 4
# One hook is told so many messages, for about so long, before the next one has its turn: however slow some are, the
# others wait for a few turns only.
TURN = 50
TURN_SECONDS = 2.0

# The body of a message about a record; None where there is no such record.
Write = Callable[[Connection, bytes, int], str | None]
logger = structlog.get_logger(__name__)


class Teller:
    """Tells the hooks of one database."""

    def __init__(self, engine: Engine, hooks: Hooks, write: Write) -> None:
        self._engine, self._hooks, self._write = engine, hooks, write
        self._broken: Exception | None = None

    def run(self, stop: threading.Event, poll_seconds: float = 1.0) -> None:
        """Step until told to stop; a database that is away is waited for. Ends with what nobody foresaw."""
        arguments = stop, poll_seconds
        hands = [
            threading.Thread(target=self._work, args=arguments, daemon=True) for _ in range(HANDS)
        ]
        for hand in hands:
            hand.start()
        for hand in hands:
            hand.join()
        if self._broken is not None:
            raise self._broken

    def _work(self, stop: threading.Event, poll_seconds: float) -> None:
        while not (stop.is_set() or self._broken):
            try:
                if self.step(stop):
                    continue
            except Unavailable as error:
                logger.warning("hooks_wait", reason=str(error))
            except Exception as error:  # noqa: BLE001 - run raises it when the other hands have ended
                self._broken = error
            stop.wait(poll_seconds)

    def step(self, stop: threading.Event) -> bool:
        """One turn of each hook that has something to do; whether there was anything. Raises Unavailable."""
        with begin(self._engine) as db:
            numbers = rows.to_look_at(db)
        turns = [self._turn(number, stop) for number in numbers]
        return any(turns)

    def _turn(self, number: int, stop: threading.Event) -> bool:
        with alone(self._engine, HOOK_LOCK, number, wait=False) as db:
            if db is None:
                return False
            with db.begin():
                done = rows.gather(db, number)
            ends_at = time.monotonic() + TURN_SECONDS
            for _ in range(TURN):
                if stop.is_set() or time.monotonic() > ends_at:
                    break
                if not self._tell_next(db, number):
                    break
                done = True
            return done

    def _tell_next(self, db: Connection, number: int) -> bool:
        """Whether there was a message to tell; how it went is noted."""
        with db.begin():
            message = rows.next_message(db, number)
            if message is None:
                return False
            body = self._written(db, message)
        outcome = body if isinstance(body, Outcome) else self._call(message, body)
        reach("told, not noted")
        with db.begin():
            note(db, message, outcome)
        return True

    def _written(self, db: Connection, message: Any) -> str | Outcome:
        """The body. A record that cannot be written is trouble of its own message, and ends no other's."""
        try:
            body = self._write(db, message.item, message.record)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            logger.exception("hook_unwritten", hook=message.id)
            return Outcome("refused", f"record {message.record} cannot be written ({error!r})")
        return Outcome("told", "") if body is None else body

    def _call(self, message: Any, body: str) -> Outcome:
        name = rows.message_id(message.salt, message.item, message.record)
        return self._hooks.call(message.url, message.salt, name, body)


def note(db: Connection, message: Any, outcome: Outcome) -> None:
    """Delete what was told; of what was not, say when to try again, and switch off a hook that fails for too long."""
    key = message.id, message.item, message.record
    rows.lock(db, message.id)
    if outcome.kind == "told":
        rows.note_told(db, *key)
        return
    refused = message.refused + 1 if outcome.kind == "refused" else message.refused
    rows.note_trouble(db, message.id, outcome.words, refused)
    logger.warning("hook_failed", hook=message.id, outcome=outcome.kind, reason=outcome.words)
    waits = []
    if outcome.kind != "busy":  # which says nothing against the message
        waits.append(wait_after(message.attempts))
        rows.put_off(db, *key, waits[-1] or 0)
    if outcome.kind != "refused" or refused >= MANY_REFUSED:
        waits.append(wait_after(message.failures))
        rows.rest(db, message.id, max(waits[-1] or 0, outcome.pause_seconds))
    if outcome.kind == "gone" or None in waits:
        _give_up(db, message, outcome)


def _give_up(db: Connection, message: Any, outcome: Outcome) -> None:
    tries = "" if outcome.kind == "gone" else f", the last of {len(WAITS) + 1} times"
    if rows.disable(db, message.id, message.operator, f"{outcome.words}{tries}"):
        logger.error("hook_disabled", hook=message.id, reason=outcome.words)


def wait_after(failed: int) -> float | None:
    """Seconds until the next try after one more than so many have failed; None after the last."""
    if failed >= len(WAITS):
        return None
    return WAITS[failed] * (1 + random.uniform(0, JITTER))
