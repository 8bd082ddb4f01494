"""What both embedded servers need to know about running processes, theirs or not."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

_POLL_SECONDS = 0.01


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
