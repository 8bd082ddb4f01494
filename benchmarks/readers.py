"""Clients that only read, in a process of their own: `python -m benchmarks.readers`, a Plan as JSON on standard input.

As fast as they are answered, or at a fixed rate; then a request's time counts from when it was due, not from when
there was a connection for it.
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import Any

from benchmarks.processes import processor_seconds


@dataclass(frozen=True, slots=True)
class Plan:
    """`rate` of requests a second, 0 for as many as are answered. `pids` of the installation's processes."""

    pids: list[int]
    port: int
    token: str
    paths: list[str]
    connections: int
    seconds: float
    rate: float = 0.0


@dataclass(slots=True)
class _Asked:
    """A connection with a request on it: since when, and what has come of the answer."""

    due: float
    answer: bytes = b""

    @property
    def is_whole(self) -> bool:
        head, _, body = self.answer.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return bool(length) and len(body) >= int(length)


class Readers:
    """Some connections that stay open, in one thread."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._requests = cycle([self._request(path) for path in plan.paths])
        self._poll = select.epoll()
        self._idle: deque[socket.socket] = deque()
        self._asked: dict[int, tuple[socket.socket, _Asked]] = {}
        self.seconds: list[float] = []

    def _request(self, path: str) -> bytes:
        head = f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self._plan.token}\r\n"
        return f"{head}\r\n".encode()

    def run(self) -> dict[str, Any]:
        for _ in range(self._plan.connections):
            connection = socket.create_connection(("127.0.0.1", self._plan.port))
            self._poll.register(connection, select.EPOLLIN)
            self._idle.append(connection)
        before = self._usage()
        began = time.monotonic()
        self._ask_until(began + self._plan.seconds)
        lasted, after = time.monotonic() - began, self._usage()
        times = sorted(self.seconds)
        spent = {role: after[role] - before.get(role, 0.0) for role in after}
        return {
            "requests": len(times),
            "seconds": lasted,
            "spent": spent,
            **{f"p{share}": times[int(share / 100 * (len(times) - 1))] for share in (50, 95, 99)},
        }

    def _usage(self) -> dict[str, float]:
        return {"client": time.process_time()} | processor_seconds(self._plan.pids)

    def _ask_until(self, end: float) -> None:
        """Ask what is due, take what comes, until the end; then wait for what is still asked."""
        gap = 1 / self._plan.rate if self._plan.rate else 0.0
        due = time.monotonic()
        while (now := time.monotonic()) < end or self._asked:
            while self._idle and due <= now < end:
                self._ask(self._idle.popleft(), due if gap else now)
                due += gap
            wait = max(0.0, due - now) if self._idle and now < end else 1.0
            for number, _ in self._poll.poll(wait):
                self._take(number)

    def _ask(self, connection: socket.socket, due: float) -> None:
        self._asked[connection.fileno()] = connection, _Asked(due)
        connection.sendall(next(self._requests))

    def _take(self, number: int) -> None:
        connection, asked = self._asked[number]
        asked.answer += connection.recv(1 << 18)
        if not asked.is_whole:
            return
        if not asked.answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(asked.answer.decode())
        self.seconds.append(time.monotonic() - asked.due)
        del self._asked[number]
        self._idle.append(connection)


def read(plan: Plan) -> dict[str, Any]:
    """What readers find, in a process of their own."""
    command = [sys.executable, "-m", "benchmarks.readers"]
    asked = json.dumps(asdict(plan))
    said = subprocess.run(command, input=asked, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(said.stdout)
    return found


if __name__ == "__main__":
    print(json.dumps(Readers(Plan(**json.load(sys.stdin))).run()))
