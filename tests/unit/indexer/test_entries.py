"""Entries and their JSON: whatever was signed comes back as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.trail import KIND_NAMES, HandedOff, Missing, Packed, Stay
from backend.domain.typed_data import Acceptance, Packing, schema
from backend.domain.wire import BadWire
from backend.store.entries import body_from_json, body_to_json

WORD = st.binary(min_size=32, max_size=32)
HAND_OFFS = st.builds(
    HandedOff,
    *[st.integers(0, 2**40 - 1)] * 5,
    *[st.integers(0, 2**16 - 1)] * 2,
    WORD,
    WORD,
)


def values(kind: str) -> st.SearchStrategy[Any]:
    if kind.endswith("[]"):
        return st.lists(values(kind[:-2]), max_size=3).map(tuple)
    if kind.startswith("uint"):
        return st.integers(0, 2 ** int(kind[4:]) - 1)
    return WORD if kind == "bytes32" else st.binary(min_size=20, max_size=20)


TIMES = st.integers(0, 2**40 - 1)
UNSIGNED = {
    HandedOff: HAND_OFFS,
    Stay: st.builds(Stay, WORD, TIMES, TIMES, st.booleans(), TIMES),
    Missing: st.builds(Missing, WORD, TIMES, TIMES, TIMES),
}


def bodies(struct: Any) -> st.SearchStrategy[Any]:
    if struct in UNSIGNED:
        return UNSIGNED[struct]
    if struct is Packed:
        places = st.lists(st.integers(0, 500), max_size=3).map(tuple)
        return st.builds(Packed, bodies(Packing), st.integers(2**40, 2**48 - 1), places)
    _, members = schema(struct.TYPE)
    return st.builds(struct, **{name: values(kind) for kind, name in members})


@given(st.sampled_from(sorted(KIND_NAMES, key=str)).flatmap(bodies))
def test_a_body_comes_back_from_its_json(body: Any) -> None:
    as_stored = json.loads(json.dumps(body_to_json(body)))
    assert body_from_json(KIND_NAMES[type(body)], as_stored) == body


def test_json_that_was_tampered_with_is_not_taken() -> None:
    body = body_to_json(Acceptance(bytes(32), 1, 2, 3))
    with pytest.raises(BadWire):
        body_from_json("acceptance", body | {"time": "2"})
    with pytest.raises(BadWire):
        body_from_json("recall", body)
