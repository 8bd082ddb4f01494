"""`make simulate SEEDS=N SEED=FIRST`: N seeds of simulation.py, and those that are kept; ends with one line."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from databases import databases
from simulation import Result, simulate
from structlog.testing import capture_logs

from tests.integration.conftest import migrated_server

KEPT = Path(__file__).with_name("seeds.txt")
LAST_WORDS = 30


def kept_seeds() -> list[int]:
    """Seeds that have failed once; the file says of each what it found."""
    lines = (line.partition("#")[0].strip() for line in KEPT.read_text().splitlines())
    return [int(line) for line in lines if line]


def play(seed: int, server_url: str) -> Result:
    """One seed; where it fails, standard error tells what the workers said last."""
    with (
        capture_logs() as said,
        tempfile.TemporaryDirectory() as folder,
        databases(server_url) as new_database,
    ):
        result = simulate(seed, new_database, Path(folder))
    if result.broken:
        lines = [*(str(words) for words in said[-LAST_WORDS:]), *result.broken]
        print(*(f"seed {seed}: {line}" for line in lines), sep="\n", file=sys.stderr)
    return result


def summary(results: Sequence[Result]) -> str:
    """The one line."""
    figures = {
        "seeds": len(results),
        "failed": sum(bool(result.broken) for result in results),
        "kills": sum(result.kills for result in results),
        "acknowledged": sum(result.findings.acknowledged for result in results),
        "lost": sum(len(result.findings.lost) for result in results),
        "doubled": sum(len(result.findings.doubled) for result in results),
        "reorgs": sum(result.reorganisations for result in results),
    }
    return " ".join(f"{name}={figure}" for name, figure in figures.items())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    wanted = parser.parse_args()
    seeds = dict.fromkeys([*kept_seeds(), *range(wanted.first, wanted.first + wanted.seeds)])
    with migrated_server() as url:
        results = []
        for seed in seeds:
            results.append(play(seed, url))
            print(f"seed {seed}: {'FAILED' if results[-1].broken else 'ok'}", flush=True)
    print(summary(results))
    return any(result.broken for result in results)


if __name__ == "__main__":
    sys.exit(main())
