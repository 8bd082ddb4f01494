"""Who could sign when, as the network's events tell it (N3, NE8-NE10)."""

from __future__ import annotations

from backend.domain.network import FOR_EVER
from backend.domain.trail import Place
from backend.indexer.events import Event, KeyCompromised, RightGranted
from backend.proof.rights import right_at, rights_of

COURIER = 1 << 24 | 5
FIRST, SECOND = b"\x01" * 20, b"\x02" * 20


def place(block: int) -> Place:
    return Place(block, bytes(32), 1_000 * block, bytes(32), 0)


def granted(key: bytes, block: int, from_time: int, until_time: int = FOR_EVER) -> Event:
    return RightGranted(place(block), COURIER, key, 1, 2, from_time, until_time)


def lost(key: bytes, block: int) -> Event:
    return KeyCompromised(place(block), COURIER, key)


def key_at(events: list[Event], time: int, block: int) -> bytes | None:
    found = right_at(events, COURIER, time, (block, 0))
    return found.key if found else None


def test_a_rotated_key_keeps_its_right_for_earlier_event_times() -> None:
    events = [granted(FIRST, 1, 1_000), granted(SECOND, 5, 5_000)]
    assert key_at(events, 4_999, 9) == FIRST
    assert key_at(events, 5_000, 9) == SECOND
    assert [right.until_time for right in rights_of(events)] == [5_000, FOR_EVER]


def test_a_later_rotation_does_not_undo_what_a_record_was_judged_by() -> None:
    """An event time may lie five minutes ahead of its block (C5), and a rotation in between."""
    events = [granted(FIRST, 1, 1_000), granted(SECOND, 5, 5_000)]
    assert key_at(events, 5_100, 5) == FIRST
    assert key_at(events, 5_100, 6) == SECOND


def test_a_lost_key_signs_nothing_more_and_keeps_what_it_signed() -> None:
    events = [granted(FIRST, 1, 1_000), lost(FIRST, 7)]
    assert key_at(events, 2_000, 7) == FIRST
    assert key_at(events, 2_000, 8) is None
    assert rights_of(events)[0].lost_block == 7


def test_a_lapsed_right_covers_no_later_time() -> None:
    events = [granted(FIRST, 1, 1_000, 2_000), granted(FIRST, 3, 3_000)]
    assert key_at(events, 1_999, 9) == FIRST
    assert key_at(events, 2_000, 9) is None
    assert key_at(events, 3_000, 9) == FIRST


def test_nobody_has_a_right_before_it_was_granted() -> None:
    assert key_at([granted(FIRST, 4, 4_000)], 4_000, 4) is None
    assert key_at([], 0, 99) is None


def test_a_right_that_never_began_covers_nothing_and_leaves_no_gap_behind() -> None:
    """NE9: granted for later and replaced before it began; when the next one ends, the first does not come back."""
    third = b"\x03" * 20
    events = [
        granted(FIRST, 1, 1_000),
        granted(SECOND, 5, 9_000),
        granted(third, 6, 6_000, until_time=7_000),
    ]
    assert key_at(events, 5_999, 20) == FIRST
    assert key_at(events, 6_000, 20) == third
    assert [key_at(events, time, 20) for time in (7_000, 8_999, 9_000)] == [None, None, None]
