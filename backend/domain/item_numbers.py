"""An item's number off chain: a scheme and a value (design.md §2). Check digits as the standards give them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

# ASCII alone: other scripts have digits too, and int() reads them.
S10_FORM = re.compile("[A-Z]{2}[0-9]{9}[A-Z]{2}")
SSCC_FORM = re.compile(r"(\(00\)|00)?[0-9]{18}")
# In front of the stamp's number for an item that is known by its stamp alone.
STAMP_PREFIX = "STAMP-"
S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
# Service indicators that UPU S10 keeps in reserve begin with one of these.
S10_RESERVED_FIRST_LETTERS = frozenset("JKSTW")
# Issuer codes (UPU S31) are ISO 3166-1 alpha-2, with AN and YU still met on old stock.
ISSUERS = frozenset(
    """
    AD AE AF AG AI AL AM AN AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO
    BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK
    DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR
    GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM
    KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP
    MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL
    PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST
    SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG
    VI VN VU WF WS YE YT YU ZA ZM ZW
    """.split()
)


class Scheme(IntEnum):
    """How an item is numbered. The value is part of the item's commitment, for ever."""

    S10 = 1
    SSCC = 2
    OWN = 3
    STAMP = 4


class BadItemNumber(ValueError):
    """A number that cannot stand on an item: what is wrong with it and, where there is a next step, `what_now`."""

    def __init__(self, fault: str, what_now: str = "") -> None:
        super().__init__(f"{fault}; {what_now}" if what_now else fault)
        self.fault = fault
        self.what_now = what_now


@dataclass(frozen=True, slots=True)
class ItemNumber:
    """Scheme and normalised value (upper case, no blanks). Not unique over the years."""

    scheme: Scheme
    value: str

    def __str__(self) -> str:
        return self.value


def s10_check_digit(serial: str) -> int:
    """Check digit of an eight-digit serial (UPU S10): 11 - (weighted sum mod 11); 10 -> 0, 11 -> 5."""
    rest = 11 - sum(int(d) * w for d, w in zip(serial, S10_WEIGHTS, strict=True)) % 11
    return {10: 0, 11: 5}.get(rest, rest)


def make_s10(service: str, serial: int, issuer: str) -> str:
    """`RR473124829AT` from `RR`, 47312482, `AT`."""
    digits = f"{serial:08d}"
    return f"{service}{digits}{s10_check_digit(digits)}{issuer}"


def parse_s10(text: str) -> ItemNumber:
    """A UPU S10 identifier. Raises BadItemNumber for form, prefix, check digit, issuer."""
    value = _normalised(text)
    if not S10_FORM.fullmatch(value):
        raise BadItemNumber(
            f"{text!r} is not an S10 number: two letters, nine digits, two letters, like RR473124829AT"
        )
    if value[0] in S10_RESERVED_FIRST_LETTERS:
        raise BadItemNumber(
            f"{value}: the prefix {value[:2]} is reserved by UPU S10", "read the label again"
        )
    expected = s10_check_digit(value[2:10])
    if int(value[10]) != expected:
        raise BadItemNumber(
            f"{value}: check digit {value[10]} does not fit (expected {expected})",
            "scan again or type the number anew",
        )
    if value[11:] not in ISSUERS:
        raise BadItemNumber(
            f"{value}: unknown issuer {value[11:]}", "read the last two letters again"
        )
    return ItemNumber(Scheme.S10, value)


def gs1_check_digit(digits: str) -> int:
    """GS1 General Specifications 7.9: weights 3, 1, 3 ... from the right."""
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(reversed(digits)))
    return -total % 10


def parse_sscc(text: str) -> ItemNumber:
    """An 18-digit SSCC, with or without its application identifier 00. Raises BadItemNumber."""
    value = re.sub(r"^\(00\)", "", _normalised(text))
    value = value[2:] if len(value) == 20 and value.startswith("00") else value
    if not re.fullmatch("[0-9]{18}", value):
        raise BadItemNumber(f"{text!r} is not an SSCC: 18 digits, or 00 and 18 digits")
    expected = gs1_check_digit(value[:-1])
    if int(value[-1]) != expected:
        raise BadItemNumber(
            f"{value}: SSCC check digit {value[-1]} does not fit (expected {expected})",
            "scan again",
        )
    return ItemNumber(Scheme.SSCC, value)


def parse_own(text: str) -> ItemNumber:
    """The operator's own scheme: 4 to 35 letters, digits and dashes. Raises BadItemNumber."""
    value = _normalised(text)
    if not re.fullmatch(r"[A-Z0-9][A-Z0-9-]{2,33}[A-Z0-9]", value):
        raise BadItemNumber(f"{text!r}: an own number has 4 to 35 letters, digits or dashes")
    return ItemNumber(Scheme.OWN, value)


def parse_item_number(text: str) -> ItemNumber:
    """What a scanner or a keyboard gave: S10 or SSCC by its form, else an own number.

    What looks like S10 or SSCC but fails its check is refused, never taken as an own number.
    """
    value = _normalised(text)
    if S10_FORM.fullmatch(value):
        return parse_s10(value)
    if SSCC_FORM.fullmatch(value):
        return parse_sscc(value)
    return parse_own(value)


def has_standard_form(text: str) -> bool:
    """Whether it looks like an S10 number or an SSCC, well read or not."""
    value = _normalised(text)
    return bool(S10_FORM.fullmatch(value) or SSCC_FORM.fullmatch(value))


def numbered(scheme: str, text: str) -> ItemNumber:
    """A number of a named scheme (`s10`, `sscc`, `own`, `auto`). Raises BadItemNumber."""
    parsers = {"s10": parse_s10, "sscc": parse_sscc, "own": parse_own, "auto": parse_item_number}
    if scheme not in parsers:
        raise BadItemNumber(f"unknown scheme {scheme!r}", f"use one of {', '.join(parsers)}")
    return parsers[scheme](text)


def _normalised(text: str) -> str:
    return re.sub(r"\s+", "", text).upper()
