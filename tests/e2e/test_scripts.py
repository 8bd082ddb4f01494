"""The pages' scripts without a browser: on golden vectors under Node, and built as they are committed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.script_vectors import VECTORS, written

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def node() -> str:
    """The machine's Node, or the one that make brought along."""
    brought = ROOT / "build" / "node" / "stamp"
    if brought.exists():
        return brought.read_text().strip()
    found = shutil.which("node")
    assert found, "no Node here: run make setup"
    return found


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_scripts_agree_with_the_golden_vectors(node: str) -> None:
    said = run(node, "--test", "--test-reporter=tap", "tests/e2e/scripts.test.mjs")
    assert "# fail 0" in said
    assert "# skipped 0" in said


def test_built_scripts_are_those_that_the_sources_give(node: str) -> None:
    run(node, "scripts/build_web.mjs", "--check")


@pytest.mark.parametrize("name", ["trails.json", "delivery_keys.json"])
def test_vectors_are_what_python_gives(name: str) -> None:
    """To write them anew: python -m tests.e2e.script_vectors."""
    assert (VECTORS / name).read_text() == written()[name]
