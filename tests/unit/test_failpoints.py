"""Failpoints are passed without a word, and nothing from outside a process can arm one (docs/decisions/0013)."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend import failpoints
from backend.config import read_settings
from backend.errors import BadSettings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoints.disarm()


def calls(name: str) -> Iterator[tuple[Path, ast.Call]]:
    """Every call of a function of this name in the product."""
    for file in sorted((ROOT / "backend").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and name in (
                getattr(node.func, "id", ""),
                getattr(node.func, "attr", ""),
            ):
                yield file, node


def test_every_instant_is_reached_at_one_place_and_no_other_is() -> None:
    reached = [ast.literal_eval(call.args[0]) for _, call in calls("reach")]
    assert sorted(reached) == sorted(failpoints.INSTANTS)


def test_no_code_of_the_product_arms_one() -> None:
    assert list(calls("arm")) == []


def test_a_setting_cannot_arm_one() -> None:
    for name in ("POSTHORN_FAILPOINT", "POSTHORN_FAILPOINTS"):
        with pytest.raises(BadSettings, match=f"{name} is unknown"):
            read_settings({name: "signed, not saved"})


def test_an_instant_that_is_not_armed_is_passed() -> None:
    failpoints.reach("signed, not saved")
    failpoints.arm("signed, not saved", end=lambda: pytest.fail("another instant"))
    failpoints.reach("saved, not broadcast")


def test_an_unknown_instant_is_refused() -> None:
    with pytest.raises(KeyError):
        failpoints.arm("before the beginning")


def test_ends_at_the_pass_that_was_asked_for_and_only_then() -> None:
    ends: list[int] = []
    failpoints.arm("signed, not saved", passes=2, end=lambda: ends.append(1))
    counts = []
    for _ in range(3):
        failpoints.reach("signed, not saved")
        counts.append(len(ends))
    assert counts == [0, 1, 1]


def test_to_die_is_kill_9() -> None:
    code = "from backend import failpoints as f; f.arm('signed, not saved'); f.reach('signed, not saved')"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == -9
