"""Sealed files: one spelling, one checksum, and nothing else is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.proof.sealed import Damaged, NotSealed, OtherFormat, raw_bytes, seal, unseal

FORMAT = "posthorn.test.1"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2**64) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=10,
)
BODIES = st.dictionaries(
    st.text(max_size=8).filter(lambda name: name != "format"), VALUES, max_size=5
)


def writable(body: dict[str, Any]) -> bool:
    """Not every text of Python can be UTF-8."""
    try:
        seal(body)
    except UnicodeEncodeError:
        return False
    return True


@given(BODIES.filter(writable))
def test_what_was_sealed_is_read_again(body: dict[str, Any]) -> None:
    assert unseal(seal(body | {"format": FORMAT}), FORMAT) == body


@given(BODIES.filter(writable), st.data())
def test_no_changed_byte_is_read(body: dict[str, Any], data: st.DataObject) -> None:
    raw = bytearray(seal(body | {"format": FORMAT}))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises((Damaged, OtherFormat)):
        unseal(bytes(raw), FORMAT)


@pytest.mark.parametrize(
    "respell",
    [
        lambda raw: raw.replace(b'{"body":', b'{ "body":'),
        lambda raw: raw[:-1],
        lambda raw: raw + b"\n",
        lambda raw: raw.replace(b'"a":1', b'"\\u0061":1'),
        lambda raw: raw.replace(b'"a":1', b'"a":1,"a":1'),
        lambda raw: json.dumps(json.loads(raw), indent=1).encode(),
    ],
)
def test_the_same_meaning_in_another_spelling_is_refused(respell: Any) -> None:
    raw = seal({"format": FORMAT, "a": 1})
    assert unseal(raw, FORMAT) == {"a": 1}
    with pytest.raises(Damaged):
        unseal(respell(raw), FORMAT)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null\n",
        b"[]\n",
        b'{"body":1,"sha256":"x"}\n',
        b"\xff\xfe",
        b"[" * 100_000,
        b"1" * 5_000,
    ],
)
def test_anything_else_is_refused_in_one_sentence(raw: bytes) -> None:
    with pytest.raises(NotSealed) as caught:
        unseal(raw, FORMAT)
    assert "\n" not in str(caught.value)


def test_a_newer_format_is_said_to_be_one() -> None:
    with pytest.raises(OtherFormat, match=r"posthorn\.test\.2"):
        unseal(seal({"format": "posthorn.test.2"}), FORMAT)


@pytest.mark.parametrize("value", ["0xAB", "ab", "0xabc", "0x", 7, None])
def test_hex_is_lower_case_and_whole(value: Any) -> None:
    with pytest.raises(Damaged):
        raw_bytes(value, 1)
