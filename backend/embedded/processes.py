"""What both embedded servers need to know about processes and folders, theirs or not."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from backend.errors import Unavailable

_POLL_SECONDS = 0.01


class FolderInUse(Unavailable):
    """Another Posthorn runs a server in this folder."""


def command_line(pid: int) -> str:
    """The arguments of a running process with a space after each.

    Empty if there is no such process, or if it has ended and only waits to be reaped.
    """
    if Path("/proc/self/cmdline").exists():
        try:
            raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return ""
        return raw.replace(b"\0", b" ").decode(errors="surrogateescape")
    shown = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True)
    return shown.stdout.decode(errors="surrogateescape").strip() + " " if shown.stdout else ""


def wait_until(condition: Callable[[], bool], timeout_seconds: float) -> bool:
    """Whether the condition came true within the time."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


class FolderLock:
    """A folder for one process alone. The system lets go of it when the process ends, however."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Raises FolderInUse if another process, or another lock in this one, has the folder."""
        if self._descriptor is not None:
            return
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise FolderInUse(
                f"Another Posthorn runs in {self._folder}.",
                "Stop it, or choose another data folder.",
            ) from None
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
