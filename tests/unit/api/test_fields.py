"""Values at the edge: one way to write each, the same in and out."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from backend.api.fields import (
    AddressIn,
    Bytes32In,
    ConditionIn,
    ConditionOut,
    CustodianIn,
    CustodianOut,
    EditionIn,
    EditionOut,
    EndedOut,
    HexOut,
    Line,
    Scanned,
    Seconds,
    SignatureIn,
    StampIn,
    StampOut,
)
from backend.domain import codes


class In(BaseModel):
    custodian: CustodianIn = 0
    edition: EditionIn = 0
    stamp: StampIn = 0
    item: Bytes32In = b""
    address: AddressIn = b""
    signature: SignatureIn = b""
    condition: ConditionIn = 0
    time: Seconds = 0
    line: Line = ""
    scanned: Scanned = ""


class Out(BaseModel):
    custodian: CustodianOut
    edition: EditionOut
    stamp: StampOut
    item: HexOut
    condition: ConditionOut


def test_what_goes_out_comes_in_again() -> None:
    out = Out(
        custodian=1 << 24 | 5,
        edition=1 << 16 | 3,
        stamp=1 << 48 | 3 << 32 | 17,
        item=bytes(32),
        condition=11,
    )
    written = out.model_dump(mode="json")
    assert written == {
        "custodian": "1-5",
        "edition": "1-3",
        "stamp": "1-3-000017",
        "item": "0x" + "00" * 32,
        "condition": "wet_and_crushed",
    }
    read = In(**written)
    assert (read.custodian, read.stamp, read.condition) == (out.custodian, out.stamp, 11)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("custodian", 16777221),
        ("custodian", "1-0"),
        ("custodian", "0-1"),
        ("custodian", "1-16777216"),
        ("edition", "1-65536"),
        ("stamp", "1-3"),
        ("stamp", "70000-1-1"),
        ("item", "00" * 32),
        ("item", "0x" + "00" * 31),
        ("item", "0x" + "0g" * 32),
        ("address", "0x" + "00" * 32),
        ("signature", "0x"),
        ("signature", "0x1"),
        ("condition", "soaked"),
        ("condition", 2),
        ("condition", ["wet"]),
        ("time", -1),
        ("time", 2**40),
        ("line", "two\nlines"),
        ("line", "\x00"),
        ("scanned", ""),
        ("scanned", "x" * 301),
    ],
)
def test_value_that_cannot_be_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        In(**{field: value})


def test_unknown_code_names_those_that_there_are() -> None:
    with pytest.raises(ValidationError, match="sound, wet, crushed"):
        In.model_validate({"condition": "soaked"})


def test_code_that_the_list_does_not_know_is_shown_as_its_number() -> None:
    """Lists may grow at another operator first; nothing is guessed."""
    out = Out(
        custodian=1 << 24 | 1,
        edition=1 << 16 | 1,
        stamp=1 << 48 | 1 << 32 | 1,
        item=b"",
        condition=999,
    )
    assert out.model_dump(mode="json")["condition"] == "999"


def test_custody_that_a_key_ended_is_named_so() -> None:
    class Ended(BaseModel):
        ended: EndedOut

    assert Ended(ended=0).model_dump(mode="json") == {"ended": "delivered_with_key"}
    mode = codes.MODES.number("neighbour")
    assert Ended(ended=mode).model_dump(mode="json") == {"ended": "neighbour"}
