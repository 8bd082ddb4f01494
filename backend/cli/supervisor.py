"""Keeps child processes running: starts them again when they end, and ends them all together."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from backend.embedded.processes import wait_until

STOP_SECONDS = 8.0
POLL_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 30.0
# One that ran this long was well; its next start is not delayed.
WELL_SECONDS = 60.0
LARGEST_LOG_BYTES = 10_000_000
LONGEST_WORDS = 300


@dataclass
class Child:
    """One process of ours. Its standard input is a pipe that ends when we do."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause_seconds: float = 1.0
    due: float = math.inf

    def start(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".old"))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                list(self.command),
                env=dict(self.environment),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us to handle
            )
        self.started = time.monotonic()

    @property
    def ended(self) -> int | None:
        """The exit code of a process that has ended."""
        return self.process.poll() if self.process is not None else None

    def last_words(self) -> str:
        """The last line of its log, or the end of it."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        last = lines[-1] if lines else "it said nothing"
        return last if len(last) <= LONGEST_WORDS else "…" + last[-LONGEST_WORDS:]


class Supervisor:
    """A group of children."""

    def __init__(self, children: Sequence[Child], say: Callable[[str], None]) -> None:
        self._children = children
        self._say = say

    def start(self, *names: str) -> None:
        """Start those with these names; what was started stays up from now on."""
        for child in self._children:
            if child.name in names:
                child.due = 0.0
        self.look()

    def watch(self) -> NoReturn:
        """Start again what ends, after a pause that grows; until KeyboardInterrupt."""
        while True:
            time.sleep(POLL_SECONDS)
            self.look()

    def look(self) -> bool:
        """Start again what has ended and is due."""
        for child in self._children:
            self._look_after(child)
        return False

    def last_words(self, name: str) -> str:
        """What a child said last."""
        return next(child.last_words() for child in self._children if child.name == name)

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None and now >= child.due:
            child.start()
        elif (code := child.ended) is not None:
            well = now - child.started > WELL_SECONDS
            child.pause_seconds = (
                1.0 if well else min(child.pause_seconds * 2, LONGEST_PAUSE_SECONDS)
            )
            child.due = now + child.pause_seconds
            self._close(child)
            self._say(
                f"{child.name} ended with {code} and is started again in {child.pause_seconds:.0f} s: "
                f"{child.last_words()} (all of it: {child.log})"
            )

    def stop(self) -> None:
        """Tell all to end, and end those that do not."""
        running = [child for child in self._children if child.ended is None and child.process]
        for child in running:
            assert child.process is not None
            child.process.terminate()
        wait_until(lambda: all(child.ended is not None for child in running), STOP_SECONDS)
        for child in running:
            if child.ended is None and child.process is not None:
                child.process.kill()
            self._close(child)

    def _close(self, child: Child) -> None:
        if child.process is not None:
            child.process.wait()
            if child.process.stdin is not None:
                child.process.stdin.close()
            child.process = None


def posthorn(*arguments: str) -> list[str]:
    """The command line of another process of this very program."""
    return [sys.executable, "-c", "from backend.cli import main; main()", *arguments]
