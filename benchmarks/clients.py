"""Clients that hand items off as fast as the installation takes them: `python -m benchmarks.clients PLAN`.

A process of its own, so that what it costs is told apart from what it measures. PLAN is JSON, the result too.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from backend.domain.item_numbers import make_s10
from benchmarks.processes import megabytes, processor_seconds

ACCEPTED_AT_ONCE = 500
LOOK_SECONDS = 0.2
# The status costs the server as much as a list: asked seldom, it does not change what is measured.
WATCH_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """`pids` are the installation's. `longest`: items of the longest list, `at_once`: lists in a request.

    `ahead`: most records not yet settled. `checked`: how many items' trails are counted at the end.
    """

    pids: list[int]
    port: int
    token: str
    giver: str
    receiver: str
    first_number: int
    items: int
    seconds: float
    longest: int
    at_once: int
    ahead: int
    connections: int = 8
    checked: int = 50


@dataclass(slots=True)
class Answered:
    """How requests that change something were answered: seconds of each success, and who was told to come again."""

    seconds: list[float] = field(default_factory=list)
    turned_away: int = 0


class Connection:
    """One connection that stays open; a client library would cost as much as the server."""

    def __init__(self, plan: Plan, answered: Answered | None = None) -> None:
        self._plan = plan
        self._answered = answered or Answered()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, custodian: str, body: Any = None) -> Any:
        """The answer's JSON, asked for again where there was no room. Raises RuntimeError for any other failure."""
        while True:
            began = time.monotonic()
            head, answer = await self._ask_once(method, path, custodian, body)
            status = int(head.split()[1])
            if status < 300:
                self._answered.seconds.append(time.monotonic() - began)
                return answer
            if status != 503:
                raise RuntimeError(f"{method} {path}: {answer}")
            self._answered.turned_away += 1
            await asyncio.sleep(int(_header(head, b"retry-after")))

    async def _ask_once(
        self, method: str, path: str, custodian: str, body: Any
    ) -> tuple[bytes, Any]:
        if self._streams is None or self._streams[0].at_eof():  # idle for long, it was closed
            self._streams = await asyncio.open_connection("127.0.0.1", self._plan.port)
        reader, writer = self._streams
        content = b"" if body is None else json.dumps(body).encode()
        writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self._plan.token}\r\n"
            f"Posthorn-Custodian: {custodian}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n".encode()
            + content
        )
        head = await reader.readuntil(b"\r\n\r\n")
        return head, json.loads(await reader.readexactly(int(_header(head, b"content-length"))))


def _header(head: bytes, name: bytes) -> bytes:
    return head.lower().partition(name + b":")[2].split(b"\r\n")[0]


class Load:
    """Items that go to and fro between two custodians; each connection has its own, in lists of any length."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._random = random.Random(plan.first_number)
        self._queue = self._longest_queue = 0
        self._answered = Answered()
        self._hand_offs: dict[str, int] = {}
        self._fresh: tuple[str, int] | None = None
        self.waited: list[float] = []
        self.handed = self.lists = 0

    async def run(self) -> dict[str, Any]:
        share = self.plan.items // self.plan.connections
        starts = range(self.plan.first_number, self.plan.first_number + self.plan.items, share)
        accepting = (self._accept(start, share) for start in starts)
        pools = (await asyncio.gather(*accepting))[: self.plan.connections]
        watch = asyncio.create_task(self._watch())
        await self._drained()
        before = self._usage()
        began = time.monotonic()
        look = asyncio.create_task(self._look())
        until = began + self.plan.seconds
        await asyncio.gather(*(self._hand_off(pool, until) for pool in pools))
        asked = time.monotonic() - began
        await self._drained()
        seconds, after = time.monotonic() - began, self._usage()
        for task in (watch, look):
            task.cancel()
        await self._check()
        waited, answered = sorted(self.waited) or [0.0], sorted(self._answered.seconds)
        return {
            "items": self.handed,
            "lists": self.lists,
            "asked_seconds": asked,
            "seconds": seconds,
            "before": before,
            "after": after,
            "p50": waited[len(waited) // 2],
            "p95": waited[int(0.95 * len(waited))],
            "answered_p95": answered[int(0.95 * len(answered))],
            "turned_away": self._answered.turned_away,
            "longest_queue": self._longest_queue,
        }

    def _usage(self) -> dict[str, dict[str, float]]:
        """Of the installation's processes and of this one."""
        return {
            "seconds": processor_seconds(self.plan.pids) | {"client": time.process_time()},
            "megabytes": megabytes(self.plan.pids),
        }

    async def _accept(self, first: int, count: int) -> list[str]:
        connection, items = Connection(self.plan), []
        numbers = [make_s10("CP", number, "AT") for number in range(first, first + count)]
        for start in range(0, count, ACCEPTED_AT_ONCE):
            body = {"items": [{"number": n} for n in numbers[start : start + ACCEPTED_AT_ONCE]]}
            answer = await connection.ask("POST", "/v1/items/bulk", self.plan.giver, body)
            items += [line["accepted"]["item"] for line in answer["lines"]]
        return items

    async def _hand_off(self, pool: list[str], until: float) -> None:
        connection = Connection(self.plan, self._answered)
        sides = (self.plan.giver, self.plan.receiver)
        act = self._one if self.plan.at_once == 1 else self._many
        while True:
            lists = list(self._cut(pool))
            for start in range(0, len(lists), self.plan.at_once):
                some = lists[start : start + self.plan.at_once]
                while self._queue > self.plan.ahead:
                    await asyncio.sleep(LOOK_SECONDS / 4)
                if time.monotonic() >= until:
                    return
                await act(connection, *sides, some)
                for items in some:
                    self._note(items)
            sides = sides[1], sides[0]

    async def _one(
        self, ask: Connection, giver: str, receiver: str, lists: list[list[str]]
    ) -> None:
        body = {"receiver": receiver, "lines": [{"item": item} for item in lists[0]]}
        release = await ask.ask("POST", "/v1/releases", giver, body)
        await ask.ask("POST", "/v1/receipts", receiver, {"release": release["digest"]})

    async def _many(
        self, ask: Connection, giver: str, receiver: str, lists: list[list[str]]
    ) -> None:
        asked = [
            {"receiver": receiver, "lines": [{"item": item} for item in items]} for items in lists
        ]
        found = await ask.ask("POST", "/v1/releases/bulk", giver, {"lists": asked})
        receipts = [{"release": line["digest"]} for line in found["lines"]]
        taken = await ask.ask("POST", "/v1/receipts/bulk", receiver, {"receipts": receipts})
        if found["refused"] or taken["refused"]:
            raise RuntimeError(f"refused: {found} {taken}")

    def _cut(self, pool: list[str]) -> Iterator[list[str]]:
        start = 0
        while start < len(pool):
            length = self._random.randint(1, self.plan.longest)
            yield pool[start : start + length]
            start += length

    def _note(self, items: list[str]) -> None:
        for item in items:
            self._hand_offs[item] = self._hand_offs.get(item, 0) + 1
        self._fresh = items[0], self._hand_offs[items[0]]
        self.handed += len(items)
        self.lists += 1
        self._queue += 1

    async def _watch(self) -> None:
        connection = Connection(self.plan)
        while True:
            answer = await connection.ask("GET", "/v1/status", self.plan.giver)
            self._queue = sum(answer["queue"].values())
            self._longest_queue = max(self._queue, self._longest_queue)
            await asyncio.sleep(WATCH_SECONDS)

    async def _drained(self) -> None:
        self._queue = 1
        while self._queue:
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        """How long until the newest hand-off stands in the trail, settled."""
        connection = Connection(self.plan)
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._fresh is None:
                continue
            (item, hand_offs), began = self._fresh, time.monotonic()
            while await self._records(connection, item) <= hand_offs:
                await asyncio.sleep(LOOK_SECONDS)
            self.waited.append(time.monotonic() - began)
            self._fresh = None

    async def _records(self, connection: Connection, item: str) -> int:
        trail = await connection.ask("GET", f"/v1/trails/{item}", self.plan.giver)
        return len(trail["trail"])

    async def _check(self) -> None:
        """Every hand-off of some of the items is in their trails."""
        connection = Connection(self.plan)
        checked = min(self.plan.checked, len(self._hand_offs))
        for item in self._random.sample(sorted(self._hand_offs), checked):
            found = await self._records(connection, item)
            if found != 1 + self._hand_offs[item]:
                raise RuntimeError(f"{item}: {found} records, {1 + self._hand_offs[item]} were due")


if __name__ == "__main__":
    print(json.dumps(asyncio.run(Load(Plan(**json.loads(sys.argv[1]))).run())))
