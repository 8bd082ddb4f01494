"""Items handed off a second, from HTTP to settled and readable in the trail, and what each costs whom.

Beside it, on the same node, a script as one would write it: one web3.py transaction for each hand-off.
`python -m benchmarks.bench_throughput` alone; BENCH_SECONDS makes the runs shorter.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from benchmarks.clients import Plan
from benchmarks.installed import COUNTER, HALL, Installed, alone
from benchmarks.plain_script import Script
from benchmarks.processes import OURS

SECONDS = float(os.environ.get("BENCH_SECONDS", "60"))
SCRIPTED = 200
Figure = tuple[str, str, str]


def measure(posthorn: Installed) -> Iterator[Figure]:
    """The figures of lists of 1 to 100 items, of one item each, and of the script."""
    yield (
        "a web3.py script, one transaction a hand-off",
        f"{_by_script(posthorn):,.0f}/s",
        "beside it",
    )
    pids = [posthorn.pid]
    lists = load(posthorn, pids, items=12_000, longest=100, ahead=250)
    yield from figures(lists, "in lists of 1 to 100", ">= 4,000/s")
    many = load(posthorn, pids, items=6_000, longest=1, ahead=2_000, at_once=50)
    yield from figures(many, "one by one, 50 in a request", ">= 900/s")
    asked = load(posthorn, pids, items=2_000, longest=1, ahead=2_000)
    yield from figures(asked, "one by one, one in a request", "")


def _by_script(posthorn: Installed) -> float:
    with posthorn.client(COUNTER) as counter:
        numbers = [{"number": posthorn.number()} for _ in range(SCRIPTED)]
        accepted = counter.post("/v1/items/bulk", json={"items": numbers}).json()["lines"]
        while sum(counter.get("/v1/status").json()["queue"].values()):
            time.sleep(0.1)
    script = Script(posthorn.data, posthorn.rpc_url, COUNTER, HALL)
    return script.per_second([line["accepted"]["item"] for line in accepted])


def load(
    posthorn: Installed, pids: list[int], items: int, longest: int, ahead: int, **other: Any
) -> dict[str, Any]:
    """Hand off, from a process of its own; what clients.Load found. `other`: of clients.Plan, `seconds` SECONDS."""
    plan = Plan(
        pids=pids,
        port=posthorn.port,
        token=posthorn.token(),
        giver=COUNTER,
        receiver=HALL,
        first_number=posthorn.numbers(items),
        items=items,
        longest=longest,
        ahead=ahead,
        **{"seconds": SECONDS, "at_once": 1, **other},
    )
    command = [sys.executable, "-m", "benchmarks.clients", json.dumps(asdict(plan))]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(said)
    return found


def figures(found: dict[str, Any], how: str, target: str) -> Iterator[Figure]:
    """The rate by the clock, the processor time by process, the memory before and after."""
    items, before, after = found["items"], found["before"], found["after"]
    yield f"items handed off, {how}, settled", f"{items / found['seconds']:,.0f}/s", target
    yield "  readable in the trail, p50, p95", f"{found['p50']:.2f}, {found['p95']:.2f} s", ""
    spent = {
        role: 1e6 * (seconds - before["seconds"].get(role, 0.0)) / items
        for role, seconds in after["seconds"].items()
    }
    yield "  processor time an item", f"{sum(spent.values()):,.0f} µs", ""
    for role, microseconds in sorted(spent.items(), key=lambda one: -one[1]):
        yield f"    {role}", f"{microseconds:,.0f} µs", ""
    for role in OURS:
        first, last = before["megabytes"][role], after["megabytes"][role]
        yield f"  memory of {role}, before and after", f"{first:.0f}, {last:.0f} MB", ""


if __name__ == "__main__":
    alone(measure)
