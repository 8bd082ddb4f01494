"""`make bench`: every figure that the docs promise, measured on this machine, beside its target.

A whole installation is started in a folder of its own, through the same commands as a user's; nothing is
timed inside a test.
"""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import (
    bench_backfill,
    bench_stamps,
    bench_throughput,
    bench_trails,
    bench_verify,
)
from benchmarks.installed import Installed, help_seconds

Figure = tuple[str, str, str]


def main() -> None:
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for what, figure, target in figures():
        print(f"{what:58} {figure:>14}  {target}", flush=True)


def figures() -> Iterator[Figure]:
    """What, the figure with its unit, the target."""
    yield "posthorn --help", f"{help_seconds():.2f} s", "<= 0.3 s"
    with tempfile.TemporaryDirectory(prefix="posthorn-bench-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        yield from installed_figures(Installed(Path(folder) / "data"))
    yield from bench_backfill.measure()
    for what, per_second, target in bench_stamps.measure():
        yield what, f"{per_second:,.1f}/s", target


def installed_figures(posthorn: Installed) -> Iterator[Figure]:
    yield "make run, first start with the demonstration", f"{posthorn.start():.1f} s", "<= 120 s"
    posthorn.stop()
    yield "make run, later start, to the first page", f"{posthorn.start():.1f} s", "<= 5 s"
    try:
        yield (
            "memory of all processes, idle (PSS)",
            f"{posthorn.idle_megabytes():.0f} MB",
            "<= 700 MB",
        )
        for verb, milliseconds in posthorn.counter_milliseconds():
            yield f"counter: {verb}, p95 over HTTP", f"{milliseconds:.1f} ms", "<= 50 ms"
        p50, p95 = posthorn.settled_seconds()
        yield "a hand-off reads settled, p50", f"{p50:.2f} s", ""
        yield "a hand-off reads settled, p95", f"{p95:.2f} s", "<= 2 s"
        yield "CSV import, to settled", f"{posthorn.import_rate():,.0f} records/s", ">= 200/s"
        for bench in (bench_throughput, bench_verify, bench_trails):
            yield from bench.measure(posthorn)
    finally:
        posthorn.stop()


if __name__ == "__main__":
    main()
