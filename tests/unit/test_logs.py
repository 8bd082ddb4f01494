"""Logs bear no personal data: what may stand in them is listed here, and everything else is refused."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.api.middleware import trace_of

ROOT = Path(__file__).resolve().parents[2]
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
LOGGERS = {"log", "logger"}
# Of the chain and of the machine: heights, hashes, nonces, lanes, counts, kinds, words of nodes and databases.
# No name, number of an item, address on paper, PIN, token, trail code, payload or device.
HARMLESS = frozenset(
    "acts_settled block chain count digest edition first fork hook kind lane last log_index logs max_wei nonce "
    "nonces outcome problem reason refusal route run sent_again state trace trouble words".split()
)


def calls() -> Iterator[tuple[Path, ast.Call]]:
    for file in sorted((ROOT / "backend").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and _is_log(node.func):
                yield file, node


def _is_log(function: ast.expr) -> bool:
    if not isinstance(function, ast.Attribute) or function.attr not in LEVELS:
        return False
    logger = function.value
    if isinstance(logger, ast.Call):
        return isinstance(logger.func, ast.Attribute) and logger.func.attr == "get_logger"
    return isinstance(logger, ast.Name) and logger.id in LOGGERS


def facts_of(file: Path, call: ast.Call) -> set[str]:
    """The names of what is logged; of `**facts` those of the dictionary that was made for it."""
    names = {keyword.arg for keyword in call.keywords if keyword.arg is not None}
    if any(keyword.arg is None for keyword in call.keywords):
        made = [n for n in ast.walk(ast.parse(file.read_text())) if _makes_facts(n)]
        keys = (key for n in made for key in n.value.keys)  # type: ignore[attr-defined]
        names |= {key.value for key in keys if isinstance(key, ast.Constant)}
    return names


def _makes_facts(node: ast.AST) -> bool:
    is_facts = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "facts"
    return is_facts and isinstance(node.value, ast.Dict)  # type: ignore[attr-defined]


def test_every_log_line_is_a_fixed_text_with_harmless_facts() -> None:
    found = list(calls())
    assert len(found) > 20
    for file, call in found:
        where = f"{file.relative_to(ROOT)}:{call.lineno}"
        (event,) = call.args
        assert isinstance(event, ast.Constant), where
        assert facts_of(file, call) <= HARMLESS, where


def test_a_fact_that_nobody_lists_is_refused() -> None:
    (call,) = (n for n in ast.walk(ast.parse("log.info('signed_in', name=x)")) if _is_call(n))
    assert isinstance(call, ast.Call)
    assert _is_log(call.func)
    assert not facts_of(Path(__file__), call) <= HARMLESS


def _is_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call)


def test_the_trace_of_a_bug_says_where_and_not_what() -> None:
    """Messages of errors quote the values that they are about."""

    def parse(name: str) -> int:
        try:
            return int(name)
        except ValueError as error:
            raise KeyError(name) from error

    name = " ".join(("Jane", "Doe"))
    with pytest.raises(KeyError) as caught:
        parse(name)
    trace = trace_of(caught.value)
    assert "Jane" not in trace
    assert "in parse" in trace
    assert trace.index("ValueError") < trace.index("KeyError")
