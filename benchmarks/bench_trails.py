"""How long a trail takes with 10,000,000 events stored: `python -m benchmarks.bench_trails`.

The rows are written by SQL, ten of each of 1,000,000 items: an acceptance and nine hand-offs to and fro. BENCH_EVENTS
and BENCH_READ_SECONDS make it smaller.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterator
from functools import partial

import psycopg

from benchmarks.installed import Installed, alone
from benchmarks.readers import Plan, read

EVENTS = int(os.environ.get("BENCH_EVENTS", "10000000"))
SECONDS = float(os.environ.get("BENCH_READ_SECONDS", "20"))
RECORDS = 10
ASKED = 5_000
# What is counted of a statement's rows (migration 0012) is kept until its end.
ITEMS_AT_ONCE = 50_000
Figure = tuple[str, str, str]

# Indexes are made anew afterwards: one after the other is four times as fast as all of them row by row.
INDEXES = """
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'entry' AND indexname <> 'pk_entry'
"""
# The latest records of some item of the demonstration, with their signatures, are the pattern.
ITEMS = """
INSERT INTO item SELECT sha256(int8send(n)), operator, sha256(int8send(-n)), holder, 10, 10, latest_time, head,
    NULL, keys, holder, 10, 'taken_over', holder, accepted_time
FROM generate_series(%(first)s::int, %(last)s::int) AS n,
    (SELECT * FROM item WHERE ended IS NULL AND receptacle = 0 LIMIT 1) AS pattern
"""
ENTRIES = """
INSERT INTO entry SELECT sha256(int8send(n)), nth, nth, pattern.kind, sha256(int8send(n * 10 + nth)), 0,
    CASE WHEN nth %% 2 = 0 THEN actor ELSE coalesce(receiver, actor) END,
    CASE WHEN nth %% 2 = 0 THEN receiver ELSE actor END,
    event_time, body, signatures, block_number, block_hash, block_time, sha256(int8send(n / 100)), 0
FROM generate_series(%(first)s::int, %(last)s::int) AS n, generate_series(1, 10) AS nth,
    LATERAL (SELECT * FROM pattern WHERE (kind = 'acceptance') = (nth = 1) OFFSET 0) AS pattern
"""


def measure(posthorn: Installed) -> Iterator[Figure]:
    """One reader after the other, and eight at once."""
    items = EVENTS // RECORDS
    with psycopg.connect(posthorn.database_url, autocommit=True) as db:
        _fill(db, items)
    chosen = random.Random(1).sample(range(1, items + 1), min(ASKED, items))
    paths = [f"/v1/trails/0x{hashlib.sha256(n.to_bytes(8, 'big')).hexdigest()}" for n in chosen]
    plan = partial(Plan, [posthorn.pid], posthorn.port, posthorn.token(), paths)
    read(plan(1, 3.0))
    one = read(plan(1, SECONDS))
    times = f"{1e3 * one['p50']:.1f}, {1e3 * one['p95']:.1f} ms"
    yield f"a trail of {RECORDS} records, {EVENTS:,} stored, p50, p95", times, "p95 <= 5 ms"
    parts = sorted(one["spent"].items(), key=lambda part: -part[1])[:3]
    each = [f"{role} {1e6 * seconds / one['requests']:,.0f}" for role, seconds in parts]
    yield "  processor time a trail", f"{', '.join(each)} µs", ""


def _fill(db: psycopg.Connection, items: int) -> None:
    definitions = db.execute(INDEXES).fetchall()
    for name, _ in definitions:
        db.execute(f"DROP INDEX {name}")  # type: ignore[arg-type]
    db.execute(
        "CREATE TEMP TABLE pattern AS (SELECT * FROM entry WHERE kind = 'acceptance' LIMIT 1) "
        "UNION ALL (SELECT * FROM entry WHERE kind = 'hand_off' LIMIT 1)"
    )
    for first in range(1, items + 1, ITEMS_AT_ONCE):
        last = min(first + ITEMS_AT_ONCE - 1, items)
        for statement in (ITEMS, ENTRIES):
            db.execute(statement, {"first": first, "last": last}, prepare=False)
    for _, definition in definitions:
        db.execute(definition)
    db.execute("ANALYZE entry, item")


if __name__ == "__main__":
    alone(measure)
