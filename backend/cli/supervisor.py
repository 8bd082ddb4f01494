"""Keeps child processes running: starts them again when they end, and ends them all together."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from backend.embedded.processes import wait_until
from backend.errors import PosthornError

STOP_SECONDS = 8.0
POLL_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 30.0
# One that ran this long was well; its next start is not delayed.
WELL_SECONDS = 60.0
LARGEST_LOG_BYTES = 10_000_000
LONGEST_WORDS = 300


@dataclass
class Pause:
    """How long what ended is left alone: longer each time, unless it had run well. `due`: when it is started."""

    seconds: float = 1.0
    due: float = math.inf
    started: float = 0.0

    def begin(self, was_well: bool) -> None:
        self.seconds = 1.0 if was_well else min(self.seconds * 2, LONGEST_PAUSE_SECONDS)
        self.due = time.monotonic() + self.seconds

    @property
    def ran_well(self) -> bool:
        return time.monotonic() - self.started > WELL_SECONDS

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.due


@dataclass
class Child:
    """One process of ours. Its standard input is a pipe that ends when we do."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    pause: Pause = field(default_factory=Pause)

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
        self.pause.started = time.monotonic()

    @property
    def ended(self) -> int | None:
        """The exit code of a process that has ended."""
        return self.process.poll() if self.process is not None else None

    def last_words(self) -> str:
        """The last line of its log, or the end of it."""
        return _last_words(self.log)


@dataclass
class Embedded:
    """A server that we bring along, running. `start` returns when it answers; raises PosthornError, OSError."""

    name: str
    runs: Callable[[], bool]
    start: Callable[[], None]
    log: Path
    is_down: bool = False
    pause: Pause = field(default_factory=Pause)

    def __post_init__(self) -> None:
        self.pause.started = time.monotonic()


class Supervisor:
    """A group of children, and the servers that they need."""

    def __init__(self, children: Sequence[Child], say: Callable[[str], None]) -> None:
        self._children = children
        self._embedded: list[Embedded] = []
        self._say = say

    def keep(self, embedded: Embedded) -> None:
        """Look after it, too: before the children, and before those that are named later."""
        self._embedded.append(embedded)

    def start(self, *names: str) -> None:
        """Start those with these names; what was started stays up from now on."""
        for child in self._children:
            if child.name in names:
                child.pause.due = 0.0
        self.look()

    def watch(self) -> NoReturn:
        """Start again what ends, after a pause that grows; until KeyboardInterrupt."""
        while True:
            time.sleep(POLL_SECONDS)
            self.look()

    def look(self) -> bool:
        """Start again what has ended and is due; no server before the one that it needs."""
        for embedded in self._embedded:
            if not self._look_after_embedded(embedded):
                break
        for child in self._children:
            self._look_after(child)
        return False

    def last_words(self, name: str) -> str:
        """What a child said last."""
        return next(child.last_words() for child in self._children if child.name == name)

    def _look_after(self, child: Child) -> None:
        if child.process is None and child.pause.is_over:
            child.start()
        elif (code := child.ended) is not None:
            child.pause.begin(child.pause.ran_well)
            self._close(child)
            self._say_ended(f"{child.name} ended with {code}", child)

    def _look_after_embedded(self, embedded: Embedded) -> bool:
        """Whether it runs now."""
        if not embedded.is_down:
            embedded.is_down = not embedded.runs()
            if embedded.is_down:
                embedded.pause.begin(embedded.pause.ran_well)
                self._say_ended(f"{embedded.name} ended", embedded)
        elif embedded.pause.is_over:
            self._start_embedded(embedded)
        return not embedded.is_down

    def _start_embedded(self, embedded: Embedded) -> None:
        try:
            embedded.start()
        except (PosthornError, OSError) as error:
            embedded.pause.begin(was_well=False)
            self._say(
                f"{embedded.name} could not be started and is tried again in "
                f"{embedded.pause.seconds:.0f} s: {error}"
            )
            return
        embedded.is_down = False
        embedded.pause.started = time.monotonic()
        self._say(f"{embedded.name} runs again")

    def _say_ended(self, what: str, part: Child | Embedded) -> None:
        self._say(
            f"{what} and is started again in {part.pause.seconds:.0f} s: "
            f"{_last_words(part.log)} (all of it: {part.log})"
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


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    last = lines[-1] if lines else "it said nothing"
    return last if len(last) <= LONGEST_WORDS else "…" + last[-LONGEST_WORDS:]


def posthorn(*arguments: str) -> list[str]:
    """The command line of another process of this very program."""
    return [sys.executable, "-c", "from backend.cli import main; main()", *arguments]
