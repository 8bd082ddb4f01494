"""What a row of a CSV says, and what is wrong with one that says nothing."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from backend.domain import codes
from backend.domain.ids import custodian_number
from backend.importing.files import Row
from backend.importing.scans import BadRow, Facilities, Scan, Understanding

COUNTER, OTHER_COUNTER, HALL = (custodian_number(1, n) for n in (1, 2, 4))
FACILITIES = Facilities(
    {COUNTER: "AT602001", OTHER_COUNTER: "AT602001", HALL: "AT606090"},
    {COUNTER: "Innsbruck 1, counter 1", HALL: "Hall in Tirol"},
)
UNDERSTANDING = Understanding(FACILITIES, UTC)
GOOD = {
    "item": "RR 473124829 AT",
    "event": "acceptance",
    "facility": "1-1",
    "time": "2026-11-22T10:00:00+01:00",
}


def scan(understanding: Understanding = UNDERSTANDING, line: int = 2, **cells: str) -> Scan:
    return understanding.scan(Row(line, GOOD | cells))


def why(**cells: str) -> str:
    with pytest.raises(BadRow) as caught:
        scan(**cells)
    assert caught.value.what_to_do
    return str(caught.value)


def test_an_acceptance_with_all_that_may_be_said() -> None:
    found = scan(weight_grams="1200", service="CP", destination="CH", source="pick_up")
    assert (found.number.value, found.at, found.time) == ("RR473124829AT", COUNTER, 1_795_338_000)
    assert (found.weight_grams, found.destination) == (1200, "CH")
    assert found.source == codes.SOURCES.number("pick_up")
    assert scan().source == codes.SOURCES.number("bulk")


def test_a_hand_off_is_found_as_given_and_received_when_released_unless_said() -> None:
    found = scan(event="hand-off", next_facility="Hall in Tirol", condition="wet")
    wet = codes.CONDITIONS.number("wet")
    assert (found.to, found.received, found.condition, found.found) == (HALL, found.time, wet, wet)
    later = scan(
        event="hand_off", next_facility="at606090", received="2026-11-22T12:00Z", found="2"
    )
    assert later.received - later.time == 3 * 3600
    assert later.found == wet


def test_a_delivery_has_a_mode_from_the_row_or_for_the_whole_file() -> None:
    assert scan(event="EMI", mode="letter_box").mode == codes.MODES.number("letter_box")
    whole_file = Understanding(FACILITIES, UTC, codes.MODES.number("signature_kept"))
    assert scan(whole_file, event="delivery").mode == whole_file.mode
    assert why(event="delivery") == "The mode is missing."
    assert "no delivery" in why(event="delivery", mode="seized")


def test_times_without_a_zone_are_in_the_files_zone() -> None:
    vienna = Understanding(FACILITIES, ZoneInfo("Europe/Vienna"))
    assert scan(vienna, time="2026-11-22 10:00").time == scan().time


@pytest.mark.parametrize(
    "time", ["", "22.11.2026", "2026-11-22", "10:00", "0001-01-01T00:00", "soon"]
)
def test_what_is_no_time_is_said(time: str) -> None:
    assert repr(time) in why(time=time)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"item": "RR473124828AT"}, "check digit 8"),
        ({"item": "RR47312482OAT"}, "not an S10 number"),
        ({"item": "RR473124829XX"}, "unknown issuer XX"),
        ({"item": "JA473124822AT"}, "reserved"),
        ({"scheme": "isbn"}, "unknown scheme"),
        ({"event": "teleport"}, "'teleport' is no event"),
        ({"facility": "Nowhere"}, "No facility is called 'Nowhere'"),
        ({"facility": "AT602001"}, "may be any of 1-1, 1-2"),
        ({"facility": ""}, "No facility"),
        ({"event": "hand_off"}, "needs a next_facility"),
        ({"weight_grams": "1,2 kg"}, "no weight"),
        ({"weight_grams": "0"}, "no weight"),
        ({"source": "stork"}, "no source"),
    ],
)
def test_what_cannot_be_understood_is_said(cells: dict[str, str], words: str) -> None:
    assert words in why(**cells)


def test_unknown_facility_is_told_where_all_are_listed() -> None:
    with pytest.raises(BadRow) as caught:
        scan(facility="Nowhere")
    assert "`posthorn custodians`" in caught.value.what_to_do


def test_the_same_scan_means_the_same_wherever_and_however_it_is_written() -> None:
    same = scan(line=900, item="rr473124829at", facility="innsbruck 1, COUNTER 1")
    assert same.meaning == scan().meaning
    utc = scan(time="2026-11-22T09:00Z")
    assert utc.meaning == scan().meaning
    for other in (
        {"time": "2026-11-22T10:00:01+01:00"},
        {"facility": "1-2"},
        {"source": "counter"},
    ):
        assert scan(**other).meaning != scan().meaning


def test_a_row_with_a_fault_is_refused_with_it() -> None:
    with pytest.raises(BadRow, match="5 cells"):
        UNDERSTANDING.scan(Row(9, {}, "It has 5 cells, the header has 4."))


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("time", "9999-12-31T23:59:59-14:00"),
        ("time", "0001-01-01T00:00:00+14:00"),
        ("weight_grams", "1" * 5_000),
        ("weight_grams", "٤٧"),
        ("source", "²"),
        ("service", "CP\0"),
        ("destination", "\0"),
        ("item", "STAMP-1-1-000017"),
        ("item", "A" * 35),
    ],
)
def test_cell_that_cannot_be_kept_or_printed_refuses_its_own_line(column: str, cell: str) -> None:
    assert why(**{column: cell})


def test_scan_of_an_item_that_is_known_by_its_stamp_is_understood() -> None:
    cells = {"event": "hand_off", "item": "STAMP-1-1-000017", "next_facility": "1-4"}
    assert scan(**cells).number.value == "STAMP-1-1-000017"
