"""ABI encoding of our own, beside eth_abi's."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from backend.chain.encoding import array, placed, struct, word

BYTES32 = st.binary(min_size=32, max_size=32)
POINT = "(bytes32,uint16)"
SHAPE = f"(uint40,bytes,{POINT}[],string,uint256[])"
SHAPES = st.tuples(
    st.integers(0, 2**40 - 1),
    st.binary(max_size=100),
    st.lists(st.tuples(BYTES32, st.integers(0, 2**16 - 1)), max_size=4),
    st.text(max_size=40),
    st.lists(st.integers(0, 2**256 - 1), max_size=3),
)


def point() -> Any:
    return struct("Point", [("item", word("bytes32")), ("line", word("uint16"))])


def shape() -> Any:
    members = [
        ("time", word("uint40")),
        ("signature", word("bytes")),
        ("points", array(point())),
        ("name", word("string")),
        ("words", array(word("uint256"))),
    ]
    return struct("Shape", members)


def as_json(value: tuple[Any, ...]) -> dict[str, Any]:
    time, signature, points, name, words = value
    return {
        "time": time,
        "signature": "0x" + signature.hex(),
        "points": [{"item": "0x" + item.hex(), "line": line} for item, line in points],
        "name": name,
        "words": [hex(one) for one in words],
    }


@given(st.lists(SHAPES, max_size=3), SHAPES, st.binary(min_size=20, max_size=20), st.booleans())
def test_words_are_those_of_eth_abi(many: list[Any], one: Any, address: bytes, is_so: bool) -> None:
    ours = placed(
        [
            (array(shape()), [as_json(value) for value in many]),
            (word("bool"), is_so),
            (shape(), as_json(one)),
            (word("address"), "0x" + address.hex()),
            (point(), {"item": "0x" + "11" * 32, "line": 7}),
        ]
    )
    kinds = [f"{SHAPE}[]", "bool", SHAPE, "address", POINT]
    assert ours == encode(kinds, [many, is_so, one, address, (b"\x11" * 32, 7)])


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uint16", 2**16),
        ("uint16", -1),
        ("uint16", "7"),
        ("uint16", True),
        ("uint16", None),
        ("uint256", "0x1" + "00" * 32),
        ("bytes32", "0x11"),
        ("bytes32", 7),
        ("bytes3", "EURO"),
        ("bytes", "1122"),
        ("address", "0x" + "11" * 21),
        ("bool", 1),
    ],
)
def test_values_of_another_type_are_refused(kind: str, value: Any) -> None:
    """What raises anything else would stop the sender instead of being rejected."""
    with pytest.raises((ValueError, TypeError, AttributeError)):
        word(kind).encode(value)


def test_objects_and_lists_of_another_shape_are_refused() -> None:
    good = {"item": "0x" + "11" * 32, "line": 7}
    with pytest.raises(ValueError, match="has the fields item, line"):
        point().encode(good | {"more": 1})
    with pytest.raises(KeyError):
        point().encode({"item": good["item"], "lines": 7})
    with pytest.raises(TypeError):
        array(point()).encode("0x11")


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ValueError, match="int8"):
        word("int8")
