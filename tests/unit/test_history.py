"""The checker of histories: a canary that must sing when a record is lost, doubled, refused or out of order."""

from __future__ import annotations

import pytest
from history import ACKNOWLEDGED, REFUSED, Asked, Findings, Recorded, check

ITEM, OTHER = b"i" * 32, b"o" * 32


def asked(name: str, at: int, outcome: str = ACKNOWLEDGED, *items: bytes) -> Asked:
    marker, digest = name.encode().ljust(32), name.encode().rjust(32)
    return Asked(marker, items or (ITEM,), at, at + 1, outcome, digest)


def recorded(one: Asked) -> list[Recorded]:
    return [Recorded(item, one.digest, one.marker) for item in one.items]


ACCEPTANCE, REPORT = asked("acceptance", 1), asked("report", 3)
REFUSAL = asked("refusal", 5, REFUSED)
HISTORY = [ACCEPTANCE, REPORT, REFUSAL, asked("list", 7, ACKNOWLEDGED, ITEM, OTHER)]
CHAIN = [one for each in HISTORY if each.outcome == ACKNOWLEDGED for one in recorded(each)]


def test_a_history_that_is_kept_has_no_findings() -> None:
    assert check(HISTORY, CHAIN) == Findings(acknowledged=3)


@pytest.mark.parametrize("place", range(len(CHAIN)))
def test_a_record_that_is_missing_is_lost(place: int) -> None:
    found = check(HISTORY, CHAIN[:place] + CHAIN[place + 1 :])
    assert (len(found.lost), len(found.broken)) == (1, 1)


@pytest.mark.parametrize("place", range(len(CHAIN)))
def test_a_record_that_is_there_twice_is_doubled(place: int) -> None:
    found = check(HISTORY, [*CHAIN[: place + 1], CHAIN[place], *CHAIN[place + 1 :]])
    assert (len(found.doubled), len(found.broken)) == (1, 1)


def test_a_record_with_another_digest_than_was_promised_is_lost() -> None:
    first, *rest = CHAIN
    found = check(HISTORY, [Recorded(first.item, b"x" * 32, first.marker), *rest])
    assert (len(found.lost), len(found.broken)) == (1, 1)


def test_what_was_refused_must_not_be_there() -> None:
    found = check(HISTORY, CHAIN + recorded(REFUSAL))
    assert (len(found.recorded_though_refused), len(found.broken)) == (1, 1)


def test_what_nobody_asked_for_must_not_be_there() -> None:
    found = check(HISTORY, CHAIN + recorded(asked("stranger", 9)))
    assert (len(found.never_asked), len(found.broken)) == (1, 1)


def test_records_of_an_item_in_another_order_are_found() -> None:
    first, second, *rest = CHAIN
    found = check(HISTORY, [second, first, *rest])
    assert (len(found.out_of_order), len(found.broken)) == (1, 1)


def test_records_that_were_asked_for_at_once_have_no_order() -> None:
    together = [asked("a", 1), asked("b", 1)]
    chain = [one for each in reversed(together) for one in recorded(each)]
    assert not check(together, chain).broken


@pytest.mark.parametrize("times", [0, 1])
def test_what_its_asker_gave_up_may_be_there_once(times: int) -> None:
    given_up = Asked(b"m" * 32, (ITEM,), 9)
    here = [Recorded(ITEM, b"d" * 32, given_up.marker)]
    assert not check([*HISTORY, given_up], CHAIN + here * times).broken


def test_what_its_asker_gave_up_must_not_be_there_twice() -> None:
    given_up = Asked(b"m" * 32, (ITEM,), 9)
    here = [Recorded(ITEM, b"d" * 32, given_up.marker)]
    assert len(check([*HISTORY, given_up], CHAIN + here * 2).doubled) == 1
