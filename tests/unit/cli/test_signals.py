"""Ctrl-C at any instant: nothing is raised where that would leave a lock taken."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from backend.cli.signals import ENDING, Signals

# As Popen.poll, when the signal comes between its taking the lock and its `try`.
POLL = """
def poll():
    os.kill(os.getpid(), signal.SIGINT)
    return "polled"
"""


@pytest.fixture
def signals() -> Iterator[Signals]:
    numbers = (*ENDING, signal.SIGALRM)
    before = [signal.getsignal(number) for number in numbers]
    yield Signals()
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals")
def test_ctrl_c_within_popen_comes_a_moment_later() -> None:
    """Raised there, `posthorn up` would wait for ever for a process that has ended."""
    within: dict[str, Any] = {"__name__": "subprocess", "os": os, "signal": signal}
    exec(POLL, within)
    assert within["poll"]() == "polled"
    with pytest.raises(KeyboardInterrupt):
        time.sleep(10)


@pytest.mark.usefixtures("signals")
def test_ctrl_c_elsewhere_comes_at_once() -> None:
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_while_something_starts_comes_after_it(signals: Signals) -> None:
    done = []

    def start() -> None:
        with signals.held():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("started")

    with pytest.raises(KeyboardInterrupt):
        start()
    assert done == ["started"]
