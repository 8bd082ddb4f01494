"""Numbers on chain: an operator's number is readable from all that belongs to it (N2, S2).

custodian (40 bits) = operator 16 | serial 24      edition (32) = operator 16 | number 16
stamp (64) = edition 32 | serial 32                serials start at 1; number 0 never exists
"""

from __future__ import annotations

import re

CUSTODIAN_TEXT = re.compile("([0-9]{1,5})-([0-9]{1,8})")
STAMP_TEXT = re.compile("^([0-9]{1,5})-([0-9]{1,5})-([0-9]{1,10})$")


class BadNumber(ValueError):
    """A number that no operator, custodian, edition or stamp can have."""


def _compose(high: int, low: int, bits: int, what: str) -> int:
    if high < 1 or not 1 <= low < 1 << bits:
        raise BadNumber(f"{what} must lie between 1 and {(1 << bits) - 1}, got {low} (of {high})")
    return high << bits | low


def _check_operator(operator: int) -> None:
    if not 1 <= operator < 1 << 16:
        raise BadNumber(f"an operator's number lies between 1 and 65535, got {operator}")


def custodian_number(operator: int, serial: int) -> int:
    """The custodian `serial` of an operator. Raises BadNumber."""
    _check_operator(operator)
    return _compose(operator, serial, 24, "custodian serial")


def edition_number(operator: int, number: int) -> int:
    """The edition `number` of an operator. Raises BadNumber."""
    _check_operator(operator)
    return _compose(operator, number, 16, "edition number")


def stamp_number(edition: int, serial: int) -> int:
    """The stamp `serial` of an edition. Raises BadNumber."""
    return _compose(edition, serial, 32, "stamp serial")


def operator_of_custodian(custodian: int) -> int:
    return custodian >> 24


def custodians_of(operator: int) -> tuple[int, int]:
    """Between which numbers, both of them included, an operator's custodians lie."""
    return operator << 24, operator << 24 | 0xFFFFFF


def operator_of_edition(edition: int) -> int:
    return edition >> 16


def operator_of_stamp(stamp: int) -> int:
    return stamp >> 48


def edition_of(stamp: int) -> int:
    return stamp >> 32


def serial_of(stamp: int) -> int:
    return stamp & 0xFFFFFFFF


def custodian_text(custodian: int) -> str:
    """`1-5`: operator and serial; of a holder that is a receptacle, its words."""
    if is_receptacle(custodian):
        return receptacle_text(custodian)
    return f"{custodian >> 24}-{custodian & 0xFFFFFF}"


def edition_text(edition: int) -> str:
    """`1-3`: operator and number."""
    return f"{edition >> 16}-{edition & 0xFFFF}"


def stamp_text(stamp: int) -> str:
    """`1-3-000017`: operator, edition's number, serial; what stands on the paper."""
    return f"{edition_text(edition_of(stamp))}-{serial_of(stamp):06d}"


def parse_operator(text: str) -> int:
    """Raises BadNumber."""
    if not re.fullmatch("[0-9]{1,5}", text.strip()):
        raise BadNumber(f"an operator is a number like 1, got {text!r}")
    return int(text)


def parse_custodian(text: str) -> int:
    """The reverse of custodian_text. Raises BadNumber."""
    match = CUSTODIAN_TEXT.fullmatch(text.strip())
    if not match:
        raise BadNumber(f"a custodian is written like 1-5, got {text!r}")
    return custodian_number(int(match[1]), int(match[2]))


def parse_edition(text: str) -> int:
    """The reverse of edition_text. Raises BadNumber."""
    match = re.fullmatch("([0-9]{1,5})-([0-9]{1,5})", text.strip())
    if not match:
        raise BadNumber(f"an edition is written like 1-3, got {text!r}")
    return edition_number(int(match[1]), int(match[2]))


def parse_stamp(text: str) -> int:
    """The reverse of stamp_text. Raises BadNumber."""
    match = STAMP_TEXT.match(text.strip())
    if not match:
        raise BadNumber(f"a stamp's number is written like 1-3-000017, got {text!r}")
    edition = edition_number(int(match[1]), int(match[2]))
    return stamp_number(edition, int(match[3]))


# Holders from this number on are receptacles, below it custodians (C7).
FIRST_RECEPTACLE = 1 << 40
# Stands for one whose first packing is on its way: the chain gives the number with it.
UNNUMBERED_RECEPTACLE = (1 << 48) - 1


def is_receptacle(holder: int) -> bool:
    """Whether a holder's number is a receptacle's."""
    return holder >= FIRST_RECEPTACLE


def receptacle_text(number: int) -> str:
    """`receptacle 1`: counted from the network's first."""
    if number == UNNUMBERED_RECEPTACLE:
        return "a receptacle that is being packed"
    return f"receptacle {number - FIRST_RECEPTACLE + 1}"
