"""More is asked than the chain takes (reliability.md, test 38)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from town import COUNTER, Town, served

from backend.app import assemble, find_pages
from backend.store.engine import begin
from backend.store.room import Bounds, Room
from backend.store.tables import entry

CLERKS, EACH, MOST_WAITING = 8, 10, 6


def test_what_the_chain_cannot_take_now_is_refused_before_it_is_promised_and_recorded_once_later(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B3, B5: 503 with Retry-After, a queue that stays short, nothing lost, and it ends by itself."""
    monkeypatch.setattr("backend.store.room.LOOK_SECONDS", 0.0)
    town.settle()
    room = Room(town.engine, None, Bounds(most_waiting=MOST_WAITING))
    app = assemble(town.house, town.engine, town.node, town.deployment, find_pages(), room)
    headers, refused = town.as_(COUNTER), list[str]()

    def clerk(numbers: list[str]) -> list[str]:
        """Accepts all of its items, however often it is told to wait."""
        taken: list[str] = []
        with httpx.Client(base_url=client.base_url, headers=headers) as mine:
            while numbers:
                answer = mine.post("/v1/items", json={"number": numbers[0]})
                if answer.status_code == 202:
                    taken.append(answer.json()["item"])
                    numbers = numbers[1:]
                    continue
                assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
                refused.append(numbers[0])
                time.sleep(0.02)
        return taken

    with served(app) as client, ThreadPoolExecutor(CLERKS) as pool:
        working = [pool.submit(clerk, [town.number() for _ in range(EACH)]) for _ in range(CLERKS)]
        queues = []
        while not all(one.done() for one in working):
            queues.append(waiting(client))
            if queues[-1] > MOST_WAITING:
                town.settle()
        items = [item for one in working for item in one.result()]
        town.settle()
        status = client.get("/v1/status").json()
    assert len(set(items)) == CLERKS * EACH
    assert refused
    assert max(queues) <= MOST_WAITING + CLERKS, "who asked at the same moment may still come in"
    assert (waiting_of(status), status["alarms"]) == (0, [])
    with begin(town.engine) as db:
        recorded = list(
            db.scalars(select(entry.c.item).where(entry.c.item.in_(map(octets, items))))
        )
    assert sorted(recorded) == sorted(map(octets, items))


def waiting(client: httpx.Client) -> int:
    return waiting_of(client.get("/v1/status").json())


def waiting_of(status: dict[str, Any]) -> int:
    return sum(status["queue"].values())


def octets(item: str) -> bytes:
    return bytes.fromhex(item[2:])
