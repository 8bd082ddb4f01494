"""Every statement of the contracts replaced by a revert, one at a time: the invariants must notice each.

    .venv/bin/python tests/mutants/reverts.py [CryptoStamp.sol|HandOffs.sol:_take ...]

These are slither-mutate's revert mutants (RR), compiled all at once instead of one by one, which took a minute
each: before each statement of a copy of contracts/ stands a check that reverts where the balance of one address is
the statement's number, and the tests give that address its balance (`World`). survivors.toml lists the statements
that may live, each with its reason. Ends with 1 where another lives, or where one of the list is killed.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from check import ROOT, SEED, run

FOLDER = ROOT / "build/forge/reverts"
CONTRACTS = ("PostalNetwork", "CustodyLedger", "CryptoStamp")
SURVIVORS = Path(__file__).with_name("survivors.toml")
# The suite that is closest to a file is asked first, shortly and then at length; what lives is shown to all of them.
CLOSEST = {
    "PostalNetwork.sol": "Network",
    "libraries/Signatures.sol": "Keys",
    "CryptoStamp.sol": "Stamps",
    "Editions.sol": "Stamps",
    "libraries/StampTypes.sol": "Stamps",
}
SHORT, LONG = ("8", "256")
MUTATION = """// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev Reverts where this statement is the one that is replaced.
function mutant(uint256 number) pure {
    function() view returns (uint256) looks = chosen;
    function() pure returns (uint256) look;
    assembly ("memory-safe") {
        look := looks
    }
    if (look() == number) {
        assembly ("memory-safe") {
            revert(0, 0)
        }
    }
}

function chosen() view returns (uint256) {
    return address(uint160(uint256(keccak256("mutant")))).balance;
}
"""


@dataclass(frozen=True)
class Statement:
    """One statement; `start` and `end` are offsets in bytes, `bare` ones are the body of an if or a loop."""

    number: int
    file: str
    function: str
    start: int
    end: int
    bare: bool
    line: int
    words: str

    @property
    def name(self) -> str:
        return f"{self.file}:{self.function}: {self.words}"


def walk(node: Any, function: str = "") -> Iterator[tuple[dict[str, Any], str, bool]]:
    """Every statement under a node of the compiler's tree, its function, and whether it stands without braces."""
    if isinstance(node, list):
        for one in node:
            yield from walk(one, function)
    if not isinstance(node, dict) or node.get("nodeType") == "InlineAssembly":
        return
    if node.get("nodeType") in ("FunctionDefinition", "ModifierDefinition"):
        function = node["name"] or node.get("kind", "")
    for key, child in node.items():
        if key == "statements":
            yield from ((one, function, False) for one in child if not _is_block(one))
        elif key in BODIES and isinstance(child, dict) and not _is_block(child):
            yield child, function, True
        yield from walk(child, function)


# Of an if or a loop; a function's body is always a block.
BODIES = ("trueBody", "falseBody", "body")


def _is_block(node: dict[str, Any]) -> bool:
    return node["nodeType"] in ("Block", "UncheckedBlock")


def statements() -> list[Statement]:
    """All statements of contracts/, numbered from 1 in the order of files and places."""
    said = run(
        ["build"],
        FOUNDRY_PROFILE="contracts",
        FOUNDRY_AST="true",
        FOUNDRY_OUT="build/forge/reverts/ast",
        FOUNDRY_CACHE_PATH="build/forge/reverts/ast-cache",
    )
    trees = {}
    for built in (FOLDER / "ast").glob("*/*.json"):
        tree = json.loads(built.read_text()).get("ast", {})
        trees[tree.get("absolutePath", "")] = tree
    ours = sorted(path for path in trees if path.startswith("contracts/"))
    if not ours:
        sys.exit(said)
    found: list[Statement] = []
    for path in ours:
        source = (ROOT / path).read_bytes()
        for node, function, bare in walk(trees[path]):
            start, length, _ = map(int, node["src"].split(":"))
            words = " ".join(source[start : start + length].decode().split())
            found.append(
                Statement(
                    len(found) + 1,
                    path.removeprefix("contracts/"),
                    function,
                    start,
                    start + length,
                    bare,
                    source[:start].count(b"\n") + 1,
                    words,
                )
            )
    return found


def write(found: list[Statement]) -> None:
    """The copy of contracts/ in which each statement can be turned into a revert."""
    copy = FOLDER / "contracts"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(ROOT / "contracts", copy)
    (copy / "Mutation.sol").write_text(MUTATION)
    for file in {one.file for one in found}:
        source = (copy / file).read_bytes()
        marks: list[tuple[int, bytes]] = []
        for one in (one for one in found if one.file == file):
            end = one.end + (source[one.end : one.end + 1] == b";")
            call = b"mutant(%d); " % one.number
            marks.append((one.start, b"{ " + call if one.bare else call))
            if one.bare:
                marks.append((end, b" }"))
        for at, text in sorted(marks, key=lambda mark: mark[0], reverse=True):
            source = source[:at] + text + source[at:]
        depth = "../" * file.count("/") or "./"
        pragma = b"pragma solidity 0.8.37;\n"
        line = f'import {{mutant}} from "{depth}Mutation.sol";\n'
        (copy / file).write_bytes(source.replace(pragma, pragma + line.encode(), 1))


def build() -> None:
    said = run(
        ["build", *(f"build/forge/reverts/contracts/{name}.sol" for name in CONTRACTS)],
        FOUNDRY_PROFILE="contracts",
        FOUNDRY_SRC="build/forge/reverts/contracts",
        FOUNDRY_OUT="build/forge/reverts/out",
        FOUNDRY_CACHE_PATH="build/forge/reverts/cache",
    )
    if not (FOLDER / "out/CustodyLedger.sol/CustodyLedger.json").exists():
        sys.exit(said)


def test(number: int, suite: str, runs: str) -> str:
    """What forge says of the tests while this statement reverts; 0: none does."""
    failures = str(FOLDER / f"failures/{number}")
    return run(
        ["test", "--fail-fast", "--fuzz-seed", SEED, "--match-contract", suite],
        MUTANT=str(number),
        FOUNDRY_THREADS="1",
        FOUNDRY_CODE_SIZE_LIMIT="100000",
        FOUNDRY_INVARIANT_RUNS=runs,
        FOUNDRY_INVARIANT_SHRINK_RUN_LIMIT="0",
        FOUNDRY_INVARIANT_FAILURE_PERSIST_DIR=failures,
        FOUNDRY_FUZZ_FAILURE_PERSIST_DIR=failures,
        **{f"OUT_{name}": "build/forge/reverts/out" for name in CONTRACTS},
    )


def lives(one: Statement) -> bool:
    """Whether no test notices that the statement reverts."""
    closest = f"^{CLOSEST.get(one.file, 'Custody')}Test$"
    for suite, runs in ((closest, SHORT), (closest, LONG), ("Test$", LONG)):
        said = test(one.number, suite, runs)
        if "[FAIL" in said:
            return False
        if "[PASS]" not in said:
            sys.exit(said)
    return True


def main(names: list[str]) -> int:
    shutil.rmtree(FOLDER, ignore_errors=True)
    found = statements()
    write(found)
    build()
    said = test(0, "Test$", SHORT)
    if "[FAIL" in said or "[PASS]" not in said:
        sys.exit(f"The tests fail without a mutant:\n{said}")
    chosen = [one for one in found if not names or any(one.name.startswith(n) for n in names)]
    listed = {row["statement"] for row in tomllib.loads(SURVIVORS.read_text())["survivor"]}
    wrong = killed = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for one, alive in zip(chosen, pool.map(lives, chosen), strict=True):
            killed += not alive
            if alive != (one.name in listed):
                wrong += 1
                print(
                    f"{'lives' if alive else 'is killed'}: line {one.line}, {one.name}", flush=True
                )
    print(
        f"{len(chosen)} statements, {killed} killed, {len(chosen) - killed} live, {wrong} unexpected"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
