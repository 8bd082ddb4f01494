"""JSON values to ABI words (Solidity's ABI specification, "Formal Specification of the Encoding").

What a type takes is found out once; a value then costs a tenth of what eth_abi's encoder asks for it. Every
encoder raises ValueError, TypeError, KeyError or AttributeError for a value that is not of its type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

WORD_BYTES = 32


@dataclass(frozen=True, slots=True)
class Encoder:
    """`dynamic`: its length varies, so that where it is due only the place stands at which it begins."""

    dynamic: bool
    encode: Callable[[Any], bytes]


def array(one: Encoder) -> Encoder:
    """`T[]`: the count, then the elements."""

    def encode(values: Any) -> bytes:
        if not isinstance(values, list | tuple):
            raise TypeError(f"{values!r} is no list")
        each = [placed((one, v) for v in values)] if one.dynamic else map(one.encode, values)
        return len(values).to_bytes(WORD_BYTES, "big") + b"".join(each)

    return Encoder(True, encode)


def struct(name: str, members: Sequence[tuple[str, Encoder]]) -> Encoder:
    """A tuple from an object that has exactly the members."""

    def fields(value: Any) -> list[tuple[Encoder, Any]]:
        if len(value) != len(members):
            raise ValueError(f"{name} has the fields {', '.join(member for member, _ in members)}")
        return [(one, value[member]) for member, one in members]

    if any(one.dynamic for _, one in members):
        return Encoder(True, lambda value: placed(fields(value)))
    return Encoder(False, lambda value: b"".join([one.encode(v) for one, v in fields(value)]))


def placed(pairs: Iterable[tuple[Encoder, Any]]) -> bytes:
    """Values in a row; dynamic ones behind them, in their place the distance from the row's begin."""
    parts = [(one.dynamic, one.encode(value)) for one, value in pairs]
    place = sum(WORD_BYTES if dynamic else len(raw) for dynamic, raw in parts)
    heads, tails = [], []
    for dynamic, raw in parts:
        heads.append(place.to_bytes(WORD_BYTES, "big") if dynamic else raw)
        if dynamic:
            tails.append(raw)
            place += len(raw)
    return b"".join(heads + tails)


def word(kind: str) -> Encoder:
    """A type without parts: uintN, bytesN, address, bool, bytes, string. Raises ValueError for another."""
    if kind.startswith("uint"):
        return Encoder(False, _number(int(kind[4:])))
    if match := re.fullmatch(r"bytes(\d+)", kind):
        size = int(match[1])
        return Encoder(False, lambda value: _fixed(value, size).ljust(WORD_BYTES, b"\0"))
    if kind == "address":
        return Encoder(False, lambda value: _sized(_hex(value), 20).rjust(WORD_BYTES, b"\0"))
    if kind == "bool":
        return Encoder(False, lambda value: _flag(value).to_bytes(WORD_BYTES, "big"))
    if kind in ("bytes", "string"):
        return Encoder(
            True, lambda value: _long(_hex(value) if kind == "bytes" else value.encode())
        )
    raise ValueError(f"no value of ours is written as {kind}")


def _number(bits: int) -> Callable[[Any], bytes]:
    def encode(value: Any) -> bytes:
        """A number, or a 256-bit word as 0x-hex."""
        number = value if type(value) is int else _from_hex(value)
        if number < 0 or number >> bits:
            raise ValueError(f"{number} is no number of {bits} bits")
        return number.to_bytes(WORD_BYTES, "big")

    return encode


def _from_hex(value: Any) -> int:
    if not isinstance(value, str) or not value.startswith("0x"):
        raise ValueError(f"{value!r} is neither a number nor 0x-hex")
    return int(value, 16)


def _hex(value: str) -> bytes:
    if not value.startswith("0x"):
        raise ValueError(f"{value!r} is not written as 0x and hex digits")
    return bytes.fromhex(value[2:])


def _fixed(value: str, size: int) -> bytes:
    """Hex, or ASCII filled with zeros (currencies, places)."""
    text = not value.startswith("0x")
    return _sized(value.encode("ascii").ljust(size, b"\0") if text else _hex(value), size)


def _sized(raw: bytes, size: int) -> bytes:
    if len(raw) != size:
        raise ValueError(f"0x{raw.hex()} is not {size} bytes")
    return raw


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _long(raw: bytes) -> bytes:
    whole_words = -(-len(raw) // WORD_BYTES) * WORD_BYTES
    return len(raw).to_bytes(WORD_BYTES, "big") + raw.ljust(whole_words, b"\0")
