"""Ctrl-C, SIGTERM and hang-up for a process that holds others: the first one unwinds everything."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# A signal at an instant at which nothing may be raised comes again after so long, as an alarm.
AGAIN_SECONDS = 0.05


class Signals:
    """The first one raises KeyboardInterrupt; more of them do not hurry it."""

    def __init__(self) -> None:
        self._is_held = self._came = False
        for number in (*ENDING, signal.SIGALRM):
            signal.signal(number, self._handle)

    def _handle(self, _number: int, frame: FrameType | None) -> None:
        if self._is_held:
            self._came = True
            return
        if frame is not None and frame.f_globals.get("__name__") == subprocess.__name__:
            # Popen takes a lock a step before it sees to giving it back; raised between, nobody could wait for it.
            signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)
            return
        for number in (*ENDING, signal.SIGALRM):
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    @contextmanager
    def held(self) -> Iterator[None]:
        """While something starts that could not be stopped half started."""
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
        if self._came:
            self._handle(signal.SIGINT, None)
