"""Instants between two steps that must not be torn apart: where the tests by fire kill a process.

Nothing outside a process can arm one: no setting, no variable, no request. Only code that imports this module
and calls `arm` can, and that is tests/chaos/worker.py (docs/decisions/0013). Everywhere else `reach` does nothing.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

# In the order in which a record passes them; the numbers are those of the crash points that they stand for.
INSTANTS = {
    "asked, nothing written": "K1: the request is read",
    "promised, not answered": "K2: the submission is committed",
    "signed, not saved": "K3: the database's transaction is not committed",
    "saved, not broadcast": "K4, K13: the node has nothing",
    "broadcast, not noted": "K5, K6: the node has it, that is not written down",
    "dearer, not saved": "K7: a replacement is signed",
    "dearer, not broadcast": "K8: a replacement is saved",
    "mined, not indexed": "K9: in a block that nobody has read",
    "read, not written": "K9: the block is read",
    "written, not committed": "K10: its rows are written",
    "taken back, not committed": "K11: what a reorganisation took is being taken back",
    "taken back, not indexed": "K11: and what came instead is not indexed",
    "told, not noted": "K12: a receiver has the message",
}


@dataclass(slots=True)
class _Armed:
    instant: str
    passes: int
    end: Callable[[], object]


_armed: _Armed | None = None


def die() -> None:
    """As kill -9 from outside: nothing is tidied up."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(instant: str, passes: int = 1, end: Callable[[], object] = die) -> None:
    """Call `end` when this process reaches the instant for the `passes`-th time. Raises KeyError for an unknown one."""
    global _armed
    INSTANTS[instant]
    _armed = _Armed(instant, passes, end)


def disarm() -> None:
    """Nothing more happens."""
    global _armed
    _armed = None


def reach(instant: str) -> None:
    """This process is at the instant."""
    if _armed is None or _armed.instant != instant:
        return
    _armed.passes -= 1
    if _armed.passes == 0:
        _armed.end()
