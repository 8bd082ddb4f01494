"""Proves that each invariant can be broken: one mutant of the contracts for each, which must fail under its name.

    .venv/bin/python tests/mutants/check.py [quick] [Custody|Liveness|Stamps|Network|"S9 the original" ...]

A mutant is a copy of contracts/ with one small change, and has as many runs as SEEDS to break what it must, first or
after others (`Asked`). The tests are those of tests/invariants, unchanged; they load the mutant instead of what it was
made from (`World._create`). Prints a line for each and ends with 1 if one lives, breaks only other invariants, or does
not compile.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FORGE = ROOT / "build/bin/forge"
MUTANTS = ROOT / "build/forge/mutants"
# What is rebuilt for a change in a file that several contracts share.
BUILT = {
    "PostalNetwork.sol": "PostalNetwork",
    "libraries/Signatures.sol": "PostalNetwork",
    "CryptoStamp.sol": "CryptoStamp",
    "Editions.sol": "CryptoStamp",
}
# A mutant has so many runs to break what it must.
SEEDS = ("0x5eed", "0xca11", "0xf01d", "0x60a1", "0xd1ce", "0xb0b5")
LIVES = "lives"


@dataclass(frozen=True)
class Mutant:
    """`breaks` is how forge's reason of the failure begins."""

    number: int
    suite: str
    breaks: str
    file: str
    edits: list[list[str]]
    quick: bool

    @property
    def folder(self) -> Path:
        return MUTANTS / str(self.number)

    @property
    def contract(self) -> str:
        shared = "CryptoStamp" if self.suite == "Stamps" else "CustodyLedger"
        return BUILT.get(self.file, shared)

    def is_named(self, names: list[str]) -> bool:
        return any(self.suite == name or self.breaks.startswith(name) for name in names)


def read() -> list[Mutant]:
    """All mutants of the folder's tables, numbered in their order."""
    found: list[Mutant] = []
    for suite in ("Custody", "Stamps", "Network"):
        table = tomllib.loads((Path(__file__).parent / f"{suite.lower()}.toml").read_text())
        for row in table["mutant"]:
            row = {"number": len(found), "suite": suite, "quick": False} | row
            found.append(Mutant(**row))
    return found


def run(arguments: list[str], **settings: str) -> str:
    environment = os.environ | {"FOUNDRY_OFFLINE": "true"} | settings
    done = subprocess.run(
        [FORGE, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def build(mutant: Mutant) -> str:
    """Compiles the changed copy as the contracts are compiled; returns what went wrong."""
    shutil.rmtree(mutant.folder, ignore_errors=True)
    source = mutant.folder / "contracts"
    shutil.copytree(ROOT / "contracts", source)
    text = (source / mutant.file).read_text()
    for old, new in mutant.edits:
        if text.count(old) != 1:
            return f"{mutant.file} has {text.count(old)} times: {old}"
        text = text.replace(old, new)
    (source / mutant.file).write_text(text)
    said = run(
        ["build", str((source / f"{mutant.contract}.sol").relative_to(ROOT))],
        FOUNDRY_PROFILE="contracts",
        FOUNDRY_SRC=str(source.relative_to(ROOT)),
        FOUNDRY_OUT=str((mutant.folder / "out").relative_to(ROOT)),
        FOUNDRY_CACHE_PATH=str((mutant.folder / "cache").relative_to(ROOT)),
    )
    built = mutant.folder / "out" / f"{mutant.contract}.sol" / f"{mutant.contract}.json"
    return "" if built.exists() else said


def verdict(mutant: Mutant) -> str:
    """Empty if the mutant broke what it must break, else what happened instead in each run."""
    if problem := build(mutant):
        return problem
    others: list[str] = []
    for seed in SEEDS:
        first = broken(mutant, seed)
        # What it must break may be broken later in the same stories, and is then asked alone.
        if is_named(mutant, first) or (
            first != LIVES and is_named(mutant, broken(mutant, seed, mutant.breaks))
        ):
            shutil.rmtree(mutant.folder)
            return ""
        others.append(first)
    return "; ".join(dict.fromkeys(others))


def broken(mutant: Mutant, seed: str, only: str = "") -> str:
    """The invariant that the run broke first, of all or of one; LIVES if none."""
    said = run(
        ["test", "--match-contract", f"^{mutant.suite}Test$", "--fuzz-seed", seed],
        FOUNDRY_INVARIANT_SHRINK_RUN_LIMIT="0",
        FOUNDRY_INVARIANT_FAILURE_PERSIST_DIR=str(mutant.folder / "failures" / (only or "all")),
        ONLY=only,
        **{f"OUT_{mutant.contract}": str((mutant.folder / "out").relative_to(ROOT))},
    )
    reasons = [line for line in said.splitlines() if line.startswith("[FAIL")]
    if not reasons:
        return LIVES if "[PASS]" in said else said
    # Where an invariant does not hold at the beginning, forge says so first.
    return reasons[0].replace("failed to set up invariant testing environment: ", "")


def is_named(mutant: Mutant, reason: str) -> bool:
    return reason.startswith(f"[FAIL: {mutant.breaks}")


def main(arguments: list[str]) -> int:
    named = [name for name in arguments if name != "quick"]
    chosen = [
        mutant
        for mutant in read()
        if (mutant.quick or "quick" not in arguments) and (not named or mutant.is_named(named))
    ]
    broken = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for mutant, problem in zip(chosen, pool.map(verdict, chosen), strict=True):
            broken += not problem
            print(f"{mutant.suite}: {mutant.breaks}: {problem or 'broken, as it must'}", flush=True)
    print(f"{broken} passed, {len(chosen) - broken} failed")
    return 0 if broken == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
