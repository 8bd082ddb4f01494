"""Who may import whom (design.md §7). A new arrow is a decision: it is added here, with a reason."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EVERYTHING = None

# Room -> rooms it may import besides itself. A room is a module or package right under backend, or
# one of the packages beside it.
MAY_IMPORT: dict[str, set[str] | None] = {
    "domain": set(),
    # an error says a refusal in the words of the rule-book
    "errors": {"domain"},
    "failpoints": set(),
    "ports": {"domain", "errors"},
    "config": {"errors"},
    # `up`, which stays small, asks whether keys are there, and does not open them
    "key_files": {"errors"},
    "keystore": {"domain", "errors", "key_files"},
    "embedded": {"errors"},
    # what it tells is written by who composes
    "hooks": {"domain", "errors", "failpoints", "ports", "store"},
    "store": {"domain", "errors", "ports"},
    "usecases": {"domain", "errors", "ports", "stamps", "store"},
    # chain and indexer write rows, and do not know of each other
    "chain": {"domain", "errors", "failpoints", "ports", "store"},
    "indexer": {"domain", "errors", "failpoints", "ports", "store"},
    "queries": {"domain", "errors", "ports", "stamps", "store"},
    # a proof is gathered from, and checked against, a node's logs
    "proof": {"chain", "domain", "errors", "indexer", "stamps"},
    # it moves the chain's clock and both loops by hand
    "demonstration": {
        "chain",
        "domain",
        "errors",
        "indexer",
        "keystore",
        "ports",
        "stamps",
        "store",
        "usecases",
    },
    "importing": {"domain", "errors", "ports", "store", "usecases"},
    # the edge opens the transaction and keeps sessions and answers in it (docs/decisions/0001)
    "api": {
        "domain",
        "errors",
        "failpoints",
        "ports",
        "proof",
        "queries",
        "stamps",
        "store",
        "usecases",
    },
    # pages and API are two faces of one session, one sign-in and one service
    "web": {
        "api",
        "domain",
        "errors",
        "passkeys",
        "ports",
        "proof",
        "queries",
        "stamps",
        "usecases",
    },
    # checks what devices signed by the rule that a proof is checked by
    "passkeys": {"domain", "errors", "keystore", "proof"},
    # composes too, with no more than commands need
    "house": {"chain", "config", "hooks", "key_files", "keystore", "passkeys", "ports", "store"},
    "app": EVERYTHING,
    "cli": EVERYTHING,
    "stamps": set(),
    "scripts": set(),
}
COMPOSE = {"app", "cli"}

# Package from outside -> rooms that may import it, besides those that compose.
OWNERS = {
    "web3": {"chain"},
    "brownie": {"scripts"},
    "fastapi": {"api", "web"},
    "starlette": {"api", "web"},
    "sqlalchemy": {
        "store",
        "chain",
        "indexer",
        "queries",
        "usecases",
        "importing",
        "demonstration",
        "hooks",
    },
    "standardwebhooks": {"hooks"},
    "alembic": {"store"},
    "psycopg": {"store", "indexer", "queries"},
    "typer": set[str](),
    "requests": {"chain"},
}
STANDARD_LIBRARY_ONLY = {"domain", "errors", "failpoints", "key_files", "ports", "embedded"}
KECCAK = "eth_hash"  # the one package from outside that domain may use

# Faces hand connections on to use cases and queries, and write no SQL.
HANDED_ON = {("sqlalchemy", name) for name in ("Connection", "Engine", "Row")}
FACES = {"api", "web"}

HEAVY = ("web3", "fastapi", "sqlalchemy", "PIL", "eth_account")


def source_files() -> list[Path]:
    folders = (ROOT / "backend", ROOT / "stamps", ROOT / "scripts")
    return [file for folder in folders for file in sorted(folder.rglob("*.py"))]


def room_of(parts: tuple[str, ...]) -> str:
    return parts[1] if parts[0] == "backend" and len(parts) > 1 else parts[0]


def imported(file: Path) -> Iterator[tuple[str, ...]]:
    """The dotted names that a file imports anywhere, also inside functions."""
    for node in ast.walk(ast.parse(file.read_text(), str(file))):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: imports are absolute"
            for alias in node.names:
                yield (*(node.module or "").split("."), alias.name)


@pytest.mark.parametrize("file", source_files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_follow_the_table(file: Path) -> None:
    room = room_of(file.relative_to(ROOT).with_suffix("").parts)
    if room == "__init__":
        assert not list(imported(file)), "backend/__init__.py imports nothing"
        return
    assert room in MAY_IMPORT, f"{room} is not in the table of {Path(__file__).name}"
    for name in imported(file):
        if name[0] in ("backend", "stamps", "scripts"):
            check_inside(room, room_of(name))
        elif name[0] not in sys.stdlib_module_names:
            check_outside(room, name)


def check_inside(room: str, other: str) -> None:
    allowed = MAY_IMPORT[room]
    if allowed is not EVERYTHING:
        assert other == room or other in allowed, f"{room} may not import {other}"
    assert room == "scripts" or other != "scripts", "nothing imports scripts: it needs Brownie"


def check_outside(room: str, name: tuple[str, ...]) -> None:
    package = name[0]
    if room in FACES and name in HANDED_ON:
        return
    if room in STANDARD_LIBRARY_ONLY:
        assert (room, package) == ("domain", KECCAK), f"{room} may not import {package}"
    if package in OWNERS and room not in COMPOSE:
        assert room in OWNERS[package], f"{room} may not import {package}"
    assert package != "brownie" or room == "scripts", "Brownie has an environment of its own"


def test_no_arrow_goes_round() -> None:
    """Were two rooms to import each other, they would be one."""
    left = {room: set(allowed or ()) for room, allowed in MAY_IMPORT.items()}
    while free := [room for room, needs in left.items() if not needs & left.keys()]:
        for room in free:
            del left[room]
    assert not left


def test_command_line_starts_without_heavy_imports() -> None:
    """`posthorn --help` answers at once: commands import what they need when they run."""
    code = f"import sys, backend.cli; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shown.stdout.split() == []
