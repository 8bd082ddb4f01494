"""How fast a chain is read into an empty database: `python -m benchmarks.bench_backfill [EVENTS]`.

What counts is processor time, of the indexer and of PostgreSQL together: other work on the machine does not
change it. The node is a stand-in in a process of its own (benchmarks/log_source.py), whose time does not count.
"""

from __future__ import annotations

import cProfile
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from backend.chain.client import Node
from backend.cli.garbage import WORKING, collect_seldom
from backend.embedded.postgres import EmbeddedPostgres
from backend.indexer.follow import Indexer
from backend.indexer.reader import Reader
from backend.indexer.reader_process import ReaderProcess, read_for_parent
from backend.store.engine import open_engine
from backend.store.known import read_known_blocks
from backend.store.migrate import migrate
from benchmarks.log_source import CHAIN_ID, EVENTS_IN_A_BLOCK, Deployed

EVENTS = 1_000_000
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")

# What is measured, the figure with its unit, the target of design.md §9 ("" where it has none).
Row = tuple[str, str, str]


def measure(events: int = EVENTS) -> Iterator[Row]:
    """The rows of the table."""
    blocks = -(-events // EVENTS_IN_A_BLOCK)
    with tempfile.TemporaryDirectory(prefix="posthorn-bench-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder) / "postgres") as server, log_source(blocks) as url:
            yield from _backfill(server, url)


@contextmanager
def log_source(blocks: int) -> Iterator[str]:
    """The URL of the stand-in."""
    command = [sys.executable, "-m", "benchmarks.log_source", str(blocks)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _backfill(server: EmbeddedPostgres, url: str) -> Iterator[Row]:
    engine = open_engine(server.url)
    migrate(engine)
    known = partial(read_known_blocks, engine)
    with closing(Node([url], CHAIN_ID, known=known)) as node:
        collect_seldom(WORKING)
        process = ReaderProcess([sys.executable, "-m", "benchmarks.bench_backfill", "reader", url])
        indexer = Indexer(engine, node, Deployed(), finality_depth=0, process=process)
        began, own, theirs = time.monotonic(), _own_seconds(), postgres_seconds(server)
        blocks, megabytes = 0, list[float]()
        while new := indexer.step():
            blocks += new
            megabytes.append(_megabytes())
        own, theirs = _own_seconds() - own, postgres_seconds(server) - theirs
    engine.dispose()
    events = blocks * EVENTS_IN_A_BLOCK
    yield "events indexed in a backfill", f"{events:,}", ""
    yield "events a second of processor time", f"{events / (own + theirs):,.0f}/s", ">= 20,000/s"
    yield "of it the indexer, per event", f"{own / events * 1e6:.1f} µs", ""
    yield "of it PostgreSQL, per event", f"{theirs / events * 1e6:.1f} µs", ""
    yield "events a second by the clock", f"{events / (time.monotonic() - began):,.0f}/s", ""
    tenth = megabytes[len(megabytes) // 10]
    yield (
        "memory of the indexer after a tenth, at the end",
        f"{tenth:.0f}, {megabytes[-1]:.0f} MB",
        "",
    )


def _own_seconds() -> float:
    """Processor time of this process and of those that it has started and that have ended: the one that reads ahead."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(kind) for kind in kinds]
    return sum(one.ru_utime + one.ru_stime for one in used)


def read_ahead(url: str) -> None:
    """What the second process of the indexer does."""
    collect_seldom(WORKING)
    with closing(Node([url], CHAIN_ID)) as node:
        read_for_parent(Reader(node, Deployed(), finality_depth=0))


def postgres_seconds(server: EmbeddedPostgres) -> float:
    """Processor time of the server and of all its processes, those that have ended too."""
    pids = [server.pid, *_children(server.pid)]
    return sum(_seconds(pid, with_ended=pid == server.pid) for pid in pids if pid)


def _children(pid: int | None) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def _seconds(pid: int, with_ended: bool) -> float:
    """proc(5): utime and stime, of ended children cutime and cstime."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11 : 15 if with_ended else 13])) / TICKS_A_SECOND


def _megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main() -> None:
    if sys.argv[1:2] == ["reader"]:
        read_ahead(sys.argv[2])
        return
    events = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    profile = cProfile.Profile() if "profile" in sys.argv else None
    if profile:
        profile.enable()
    for what, figure, target in measure(events):
        print(f"{what:50} {figure:>16}  {target}", flush=True)
    if profile:
        profile.disable()
        profile.print_stats("tottime")


if __name__ == "__main__":
    main()
