"""Verdicts a second, and how long one takes, with 1,000,000 stamps in the store: `python -m benchmarks.bench_verify`.

The stamps are written as rows, not issued on the chain: 10,000 ranges, half of them used, a tenth claimed. What is
asked are signed codes, by a program of a post (strangers may ask 240 times a minute). BENCH_STAMPS and
BENCH_READ_SECONDS make it smaller.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import psycopg

from backend.chain.deployment import read_deployment
from backend.config import read_settings
from backend.domain.ids import stamp_number
from backend.house import open_keys
from benchmarks.installed import Installed, alone
from benchmarks.readers import Plan, read
from stamps.payload import Network, encode, make

STAMPS = int(os.environ.get("BENCH_STAMPS", "1000000"))
SECONDS = float(os.environ.get("BENCH_READ_SECONDS", "20"))
CODES = 20_000
RATE = 2_000
OPERATOR, EDITION = 1, 1 << 16 | 60_000
RANGES = 100
Figure = tuple[str, str, str]

ROWS = (
    """INSERT INTO edition SELECT %(edition)s, %(stamps)s, face_value, currency, service, first_day,
        metadata_hash, claim_root, NULL, created_block FROM edition WHERE edition = 65537""",
    """INSERT INTO edition_terms SELECT %(edition)s, title, metadata, %(stamps)s, 1 FROM edition_terms
        WHERE edition = 65537""",
    """INSERT INTO issued_range SELECT %(edition)s, first, first + 99, 1, 1700000000
        FROM generate_series(1, %(stamps)s, 100) AS first""",
    """INSERT INTO stamp_use SELECT (%(edition)s::bigint << 32) + serial, 16777217, 1700000000, 0,
        sha256(int8send(serial)), sha256(int8send(serial)), 1, sha256('')
        FROM generate_series(1, %(stamps)s, 2) AS serial""",
    """INSERT INTO twin SELECT (%(edition)s::bigint << 32) + serial, substr(sha256(''), 1, 20), 1, 1700000000
        FROM generate_series(1, %(stamps)s, 10) AS serial""",
    "ANALYZE",
)


def measure(posthorn: Installed) -> Iterator[Figure]:
    """The highest rate, and the times at a fixed one."""
    with psycopg.connect(posthorn.database_url, autocommit=True) as db:
        for statement in ROWS:
            db.execute(statement, {"edition": EDITION, "stamps": STAMPS}, prepare=False)
    paths = [f"/v1/verify?code={code}" for code in _codes(posthorn)]
    plan = partial(Plan, [posthorn.pid], posthorn.port, posthorn.token(), paths)
    read(plan(32, 3.0))  # plans of statements, connections
    for connections in (8, 32):
        most = read(plan(connections, SECONDS))
        what = f"verdicts, {STAMPS:,} stamps stored, {connections} connections"
        yield what, _rate(most), ">= 4,000/s"
        yield "  processor time a verdict", _spent(most), ""
    paced = read(plan(32, SECONDS, RATE))
    yield f"  p50, p99 at {RATE:,}/s", _times(paced), "p99 <= 10 ms"


def _codes(posthorn: Installed) -> list[str]:
    settings = read_settings({}, data=posthorn.data)
    contract = read_deployment(settings.deployment_file).stamps
    network = Network(settings.network_alias, contract.chain_id, contract.contract)
    sign = partial(open_keys(settings).sign, f"stamps/{OPERATOR}")
    serials = random.Random(1).sample(range(1, STAMPS + 1), min(CODES, STAMPS))
    return [encode(make(stamp_number(EDITION, serial), network, sign)) for serial in serials]


def _rate(found: dict[str, Any]) -> str:
    return f"{found['requests'] / found['seconds']:,.0f}/s"


def _spent(found: dict[str, Any]) -> str:
    parts = sorted(found["spent"].items(), key=lambda one: -one[1])
    each = [f"{role} {1e6 * s / found['requests']:,.0f}" for role, s in parts[:3]]
    return f"{', '.join(each)} µs"


def _times(found: dict[str, Any]) -> str:
    return f"{1e3 * found['p50']:.1f}, {1e3 * found['p99']:.1f} ms"


if __name__ == "__main__":
    alone(measure)
