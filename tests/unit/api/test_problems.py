"""Errors in their public form (RFC 9457)."""

from __future__ import annotations

import pytest

from backend.api.problems import problem_of
from backend.api.v1 import problems
from backend.domain.explanations import EXPLANATIONS
from backend.errors import (
    Conflict,
    KeyReused,
    NotAllowed,
    NotFound,
    NotSignedIn,
    PosthornError,
    RefusedByRule,
    Unavailable,
    Unprocessable,
)

ERRORS = (KeyReused, Conflict, NotAllowed, NotFound, NotSignedIn, Unavailable, Unprocessable)


@pytest.mark.parametrize("kind", ERRORS)
def test_error_says_what_happened_and_what_to_do(kind: type[PosthornError]) -> None:
    problem = problem_of(kind("It rains.", "Take an umbrella.", drops=3))
    assert (problem.type, problem.status) == (f"urn:posthorn:{kind.__name__}", kind.status)
    assert (problem.detail, problem.what_now) == ("It rains.", "Take an umbrella.")
    assert (problem.title, problem.values) == (kind.title, {"drops": 3})


@pytest.mark.parametrize("name", EXPLANATIONS)
def test_refusal_is_named_as_the_contract_names_it(name: str) -> None:
    """G2: the same name at the counter and on chain, with its rule."""
    explained = EXPLANATIONS[name]
    problem = problem_of(RefusedByRule(name, explained.detail, explained.what_now, explained.rule))
    assert (problem.type, problem.rule) == (f"urn:posthorn:{name}", explained.rule)
    assert problem.status == 409


def test_values_are_written_as_everywhere() -> None:
    error = Conflict(
        "x", custodian=1 << 24 | 5, stamp=1 << 48 | 1 << 32 | 17, item=b"\x01", holder=0
    )
    assert problem_of(error).values == {
        "custodian": "1-5",
        "stamp": "1-1-000017",
        "item": "0x01",
        "holder": 0,
    }


def test_every_leaf_of_the_error_tree_stands_in_openapi() -> None:
    described = problems()
    for kind in ERRORS:
        assert kind.__name__ in described[kind.status]["description"]
    assert "TooMany" in described[429]["description"]
