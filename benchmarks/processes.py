"""Processor time and memory of an installation's processes, by what they do, as the kernel counts them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
OURS = ("serve", "send", "index")


def family(pid: int) -> list[int]:
    """A process and all below it; servers in sessions of their own are still its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    below = [int(word) for word in children.read_text().split()] if children.exists() else []
    return [pid] + [one for child in below for one in family(child)]


def processor_seconds(pids: Iterable[int]) -> dict[str, float]:
    """User and system time so far by role; PostgreSQL's with that of its sessions that have ended."""
    spent: Counter[str] = Counter()
    for one in (member for pid in pids for member in family(pid)):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            its = role(one)
            ended = sum(map(int, fields[13:15])) if its == "postgres" else 0
            spent[its] += (sum(map(int, fields[11:13])) + ended) / TICKS
    return dict(spent)


def megabytes(pids: Iterable[int]) -> dict[str, float]:
    """Proportional set size by role."""
    used: Counter[str] = Counter()
    for one in (member for pid in pids for member in family(pid)):
        with suppress(FileNotFoundError, ProcessLookupError):
            used[role(one)] += _pss_kilobytes(one) / 1024
    return dict(used)


def role(pid: int) -> str:
    """What a process of an installation does."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    for server in ("anvil", "postgres"):
        if words[0].split(":")[0].endswith(server):
            return server
    return next((word for word in words if word in OURS), "up")


def _pss_kilobytes(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
