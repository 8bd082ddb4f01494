"""More is asked than the chain takes, while its node is slow: `make overload` (reliability.md, test 38).

Clients hand items off one by one, 50 in a request, without waiting until that is recorded; who is told to come again
(503) does. The node stands still for two of every three seconds. At the end the trail of every item is counted.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.bench_throughput import load
from benchmarks.installed import Installed, alone
from benchmarks.processes import OURS, family, role

SECONDS = float(os.environ.get("BENCH_SECONDS", "900"))
ITEMS, NO_BOUND = 8_000, 10**9
STILL_SECONDS, MOVING_SECONDS = 2.0, 1.0
Figure = tuple[str, str, str]


def measure(posthorn: Installed) -> Iterator[Figure]:
    """What was taken, what was not, how long answers took, and when all was recorded."""
    with slow_node(posthorn.pid):
        found = load(
            posthorn,
            [posthorn.pid],
            items=ITEMS,
            longest=1,
            ahead=NO_BOUND,
            at_once=50,
            seconds=SECONDS,
            checked=ITEMS,
        )
    yield "asked for", f"{found['asked_seconds']:,.0f} s", ""
    yield "hand-offs acknowledged, each once in its trail", f"{found['items']:,}", ""
    yield "requests told to come again", f"{found['turned_away']:,}", ""
    yield "longest queue, records", f"{found['longest_queue']:,}", "<= 200,000 or so"
    yield "answers to 50 releases or receipts, p95", f"{found['answered_p95']:.2f} s", ""
    yield (
        "until all was recorded, after that",
        f"{found['seconds'] - found['asked_seconds']:,.0f} s",
        "",
    )
    for process in OURS:
        first, last = (found[when]["megabytes"][process] for when in ("before", "after"))
        yield f"memory of {process}, before and after", f"{first:.0f}, {last:.0f} MB", ""


@contextmanager
def slow_node(pid: int) -> Iterator[None]:
    """The embedded node of an installation stands still again and again."""
    (node,) = (one for one in family(pid) if role(one) == "anvil")
    ended = threading.Event()

    def hold_up() -> None:
        while not ended.wait(MOVING_SECONDS):
            os.kill(node, signal.SIGSTOP)
            ended.wait(STILL_SECONDS)
            os.kill(node, signal.SIGCONT)

    thread = threading.Thread(target=hold_up)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


if __name__ == "__main__":
    alone(measure)
