"""How values are written at this edge, in and out: one type for each.

custodian "1-5", edition "1-3", stamp "1-3-000017", item, digest and address 0x-hex, codes by name, times in
seconds since 1970, amounts in the currency's minor unit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from backend.domain import codes, ids
from backend.domain.codes import CodeList
from backend.domain.network import LONGEST_SIGNATURE
from backend.domain.times import LAST_SECOND
from stamps.number import parse_number

MOST_AMOUNT = 10**12


def _read(parse: Callable[[str], Any]) -> BeforeValidator:
    def read(value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError("is written as text")
        return parse(value)

    return BeforeValidator(read)


def _below(bits: int, parse: Callable[[str], int]) -> Callable[[str], int]:
    """The number, if the chain has room for it."""

    def parse_below(text: str) -> int:
        number = parse(text)
        if number >> bits:
            raise ValueError("names an operator above 65535")
        return number

    return parse_below


def _form(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": [example]})


def _hex(size: int) -> Callable[[str], bytes]:
    def parse(text: str) -> bytes:
        digits = text[2:]
        good = text[:2] == "0x" and len(digits) == 2 * size
        if not good or any(c not in "0123456789abcdefABCDEF" for c in digits):
            raise ValueError(f"is written as 0x and {2 * size} hex digits")
        return bytes.fromhex(digits)

    return parse


def hexed(value: bytes) -> str:
    """0x-hex."""
    return "0x" + value.hex()


_HEX_OUT = PlainSerializer(hexed, return_type=str)


def _hex_form(size: int) -> WithJsonSchema:
    return _form(f"^0x[0-9a-fA-F]{{{2 * size}}}$", "0x" + "1f" * size)


# --- in -------------------------------------------------------------------------------------------
CustodianIn = Annotated[
    int, _read(_below(40, ids.parse_custodian)), _form("^[0-9]{1,5}-[0-9]{1,8}$", "1-5")
]
EditionIn = Annotated[
    int, _read(_below(32, ids.parse_edition)), _form("^[0-9]{1,5}-[0-9]{1,5}$", "1-3")
]
StampIn = Annotated[
    int, _read(parse_number), _form("^[0-9]{1,5}-[0-9]{1,5}-[0-9]{1,10}$", "1-3-000017")
]
Bytes32In = Annotated[bytes, _read(_hex(32)), _hex_form(32)]
AddressIn = Annotated[bytes, _read(_hex(20)), _hex_form(20)]
# 64 bytes (EIP-2098), 128 of a P-256 key, some hundred of a passkey; the judge says what is wrong with any other.
SignatureIn = Annotated[
    bytes,
    BeforeValidator(lambda value: _signature(value)),
    _form(f"^0x([0-9a-fA-F]{{2}}){{1,{LONGEST_SIGNATURE}}}$", "0x" + "1f" * 64),
]
Seconds = Annotated[int, Field(ge=0, le=LAST_SECOND, description="seconds since 1970")]
Amount = Annotated[int, Field(ge=0, le=MOST_AMOUNT, description="in the currency's minor unit")]
Currency = Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")]
# Free text of ours: one line, printable.
Line = Annotated[str, StringConstraints(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")]
# What a scanner or a keyboard gave: a code, an address, a number.
Scanned = Annotated[
    str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")
]


def _signature(value: Any) -> bytes:
    text = value if isinstance(value, str) else ""
    digits = text[2:]
    if text[:2] != "0x" or not 2 <= len(digits) <= 2 * LONGEST_SIGNATURE or len(digits) % 2:
        raise ValueError("is written as 0x and 128 hex digits, more of a key on a device")
    return _hex(len(digits) // 2)(text)


@dataclass(frozen=True)
class CodeIn:
    """A code by its name; the error names those that there are."""

    listed: CodeList

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._parse)

    def __get_pydantic_json_schema__(
        self, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.listed.names())}

    def _parse(self, value: Any) -> int:
        if value not in self.listed.names():
            raise ValueError(f"is none of: {', '.join(self.listed.names())}")
        return self.listed.number(value)


SourceIn = Annotated[int, CodeIn(codes.SOURCES)]
ConditionIn = Annotated[int, CodeIn(codes.CONDITIONS)]
ModeIn = Annotated[int, CodeIn(codes.MODES)]
TakeUpReasonIn = Annotated[int, CodeIn(codes.TAKE_UP_REASONS)]
ReportIn = Annotated[int, CodeIn(codes.REPORTS)]
ReasonIn = Annotated[int, CodeIn(codes.REASONS)]
StandInReasonIn = Annotated[int, CodeIn(codes.STAND_IN_REASONS)]
SealIn = Annotated[int, CodeIn(codes.SEALS)]
SealStateIn = Annotated[int, CodeIn(codes.SEAL_STATES)]
CancelKindIn = Annotated[int, CodeIn(codes.CANCEL_KINDS)]
VoidReasonIn = Annotated[int, CodeIn(codes.VOID_REASONS)]
ClosingReasonIn = Annotated[int, CodeIn(codes.CLOSING_REASONS)]
PaymentIn = Annotated[int, CodeIn(codes.PAYMENTS)]
KindIn = Annotated[int, CodeIn(codes.KINDS)]
KeyKindIn = Annotated[int, CodeIn(codes.KEY_KINDS)]
KeyHolderIn = Annotated[int, CodeIn(codes.KEY_HOLDERS)]


# --- out ------------------------------------------------------------------------------------------
CustodianOut = Annotated[
    int, PlainSerializer(ids.custodian_text, return_type=str), WithJsonSchema({"type": "string"})
]
EditionOut = Annotated[
    int, PlainSerializer(ids.edition_text, return_type=str), WithJsonSchema({"type": "string"})
]
StampOut = Annotated[
    int, PlainSerializer(ids.stamp_text, return_type=str), WithJsonSchema({"type": "string"})
]
HexOut = Annotated[bytes, _HEX_OUT, WithJsonSchema({"type": "string", "pattern": "^0x[0-9a-f]*$"})]


# A code's name; its number as text where the list does not know it (lists may grow).
ConditionOut = Annotated[int, PlainSerializer(codes.CONDITIONS.name, return_type=str)]
StandInReasonOut = Annotated[int, PlainSerializer(codes.STAND_IN_REASONS.name, return_type=str)]
KindOut = Annotated[int, PlainSerializer(codes.KINDS.name, return_type=str)]
KeyHolderOut = Annotated[int, PlainSerializer(codes.KEY_HOLDERS.name, return_type=str)]
PaymentOut = Annotated[int, PlainSerializer(codes.PAYMENTS.name, return_type=str)]
# How custody ended: a mode, or a delivery that the addressee's key has signed.
EndedOut = Annotated[
    int,
    PlainSerializer(
        lambda mode: codes.MODES.name(mode) if mode else "delivered_with_key", return_type=str
    ),
]
VoidReasonOut = Annotated[int, PlainSerializer(codes.VOID_REASONS.name, return_type=str)]
