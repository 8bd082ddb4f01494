"""A stamp's number as people read and type it (S2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stamps.errors import BadNumber
from stamps.number import number_text, parse_number

numbers = st.tuples(st.integers(1, 0xFFFF), st.integers(1, 0xFFFF), st.integers(1, 0xFFFFFFFF)).map(
    lambda parts: parts[0] << 48 | parts[1] << 32 | parts[2]
)


@given(numbers)
def test_reads_back(stamp: int) -> None:
    assert parse_number(number_text(stamp)) == stamp


@pytest.mark.parametrize(
    "typed", ["1-3-000017", "1-3-17", " 1-3-17 ", "01-03-0017", "1 - 3 - 17", "1–3–17"]
)
def test_reads_what_people_type(typed: str) -> None:
    assert parse_number(typed) == 1 << 48 | 3 << 32 | 17


def test_is_written_with_six_digits_or_more() -> None:
    assert number_text(1 << 48 | 3 << 32 | 17) == "1-3-000017"
    assert number_text(1 << 48 | 3 << 32 | 12345678) == "1-3-12345678"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "17",
        "1-3",
        "1-3-0",
        "0-3-17",
        "1-0-17",
        "65536-1-1",
        "1-3-4294967296",
        "1-3-x",
        "1-3-17-1",
        "1-3-١٧",
    ],
)
def test_refuses_what_is_no_number_and_shows_how_one_is_written(typed: str) -> None:
    with pytest.raises(BadNumber, match="stamp's number"):
        parse_number(typed)
