"""Numbers on labels: S10 (UPU), SSCC (GS1), own schemes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.item_numbers import (
    BadItemNumber,
    Scheme,
    make_s10,
    parse_item_number,
    parse_s10,
    parse_sscc,
    s10_check_digit,
)


def test_takes_a_good_s10_number_in_any_case_and_spacing() -> None:
    assert parse_s10(" rr 4731 2482 9 at ").value == "RR473124829AT"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("RR473124828AT", "check digit 8 does not fit (expected 9)"),
        ("RR123456789CN", "check digit"),
        ("JA473124829AT", "reserved"),
        ("RR473124829QQ", "unknown issuer QQ"),
        ("RR47312482AT", "not an S10 number"),
    ],
)
def test_refuses_a_bad_s10_number_and_says_why(text: str, says: str) -> None:
    with pytest.raises(BadItemNumber, match=says.replace("(", r"\(").replace(")", r"\)")):
        parse_s10(text)


def test_misread_number_says_apart_what_is_wrong_and_what_to_do() -> None:
    with pytest.raises(BadItemNumber) as raised:
        parse_s10("RR473124829QQ")
    assert raised.value.fault == "RR473124829QQ: unknown issuer QQ"
    assert raised.value.what_now == "read the last two letters again"
    assert str(raised.value) == f"{raised.value.fault}; {raised.value.what_now}"


def test_check_digit_maps_10_to_0_and_11_to_5() -> None:
    digits = {s10_check_digit(f"{n:08d}") for n in range(500)}
    assert digits == set(range(10))
    assert s10_check_digit("00000000") == 5


@given(st.integers(0, 99_999_999), st.sampled_from(["RR", "CP", "EE", "VV"]))
def test_every_made_s10_number_is_read_back(serial: int, service: str) -> None:
    assert parse_s10(make_s10(service, serial, "AT")).scheme is Scheme.S10


def test_an_sscc_may_bear_its_application_identifier() -> None:
    for text in ("399999990000001230", "00399999990000001230", "(00)399999990000001230"):
        assert parse_sscc(text).value == "399999990000001230"
    with pytest.raises(BadItemNumber, match="check digit"):
        parse_sscc("399999990000001231")


def test_what_looks_like_s10_is_never_taken_for_an_own_number() -> None:
    with pytest.raises(BadItemNumber, match="check digit"):
        parse_item_number("RR473124828AT")
    assert parse_item_number("MD12345678901X").scheme is Scheme.OWN
