"""Every time that the chain may hold can be said."""

from __future__ import annotations

import pytest

from backend.domain.refusals import show
from backend.domain.texts import is_digits
from backend.domain.times import LAST_SECOND, written
from backend.queries.words import day, when
from backend.web.render import short_time, time_element


def test_last_second_of_the_calendar_is_written_and_the_next_is_far_in_the_future() -> None:
    assert day(LAST_SECOND) == "31 December 9999"
    for seconds in (LAST_SECOND + 1, 2**38 - 1, 2**40 - 1):
        assert written(seconds, "%Y") == when(seconds) == day(seconds) == "far in the future"
        assert time_element(seconds) == short_time(seconds) == "far in the future"


@pytest.mark.parametrize("seconds", [LAST_SECOND + 1, 2**38 - 1])
def test_refusal_names_a_deadline_that_no_calendar_has(seconds: int) -> None:
    assert show("deadline", seconds) == "far in the future"


@pytest.mark.parametrize("text", ["²", "٤٧", "", " 1", "1" * 19, "-1"])
def test_only_ascii_digits_are_digits(text: str) -> None:
    assert not is_digits(text)
    assert is_digits("0123456789")
