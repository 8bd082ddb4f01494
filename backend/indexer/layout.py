"""The ABI's encoding as fast readers, made once for each event: a row of words is one `struct.unpack`.

eth_abi looks at every word in turn and costs some 50 microseconds an acceptance; here it is five. What does
not fit its type, points outside, or is cut short is an error, as in eth_abi's strict decoder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any

WORD = 32
_length = Struct(">24xQ")

Reader = Callable[[bytes, int], Any]
Converter = Callable[[Any], Any]


def is_word(kind: str) -> bool:
    """Whether a value of the type is one word."""
    return kind == "bool" or re.fullmatch(r"(uint|bytes)\d+|address", kind) is not None


class Row:
    """Values that lie one after the other: the arguments of an event, the members of a struct.

    `members` are their types, each with what makes our value of it; None for values that stay as they are.
    """

    def __init__(
        self, members: Sequence[Member], build: Callable[[list[Any]], Any] = lambda values: values
    ) -> None:
        self._build = build
        self._members = [(i, m.reader, m.convert) for i, m in enumerate(members)]
        self._converting = [(i, convert) for i, _, convert in self._members if convert]
        self._pointed = [(i, reader) for i, reader, _ in self._members if reader]
        self._head = Struct(">" + "".join(m.format for m in members))
        self._zeros = int.from_bytes(b"".join(m.zeros for m in members))
        self.is_static = not self._pointed
        self.size = self._head.size

    def read(self, data: bytes, at: int) -> Any:
        """The values that begin at the byte `at`. Raises ValueError, OverflowError."""
        head = data[at : at + self.size]
        if len(head) != self.size:
            raise ValueError(f"{len(head)} bytes where {self.size // WORD} words were due")
        if int.from_bytes(head) & self._zeros:
            raise OverflowError(f"a word of {self.size // WORD} holds more than its type")
        values = list(self._head.unpack(head))
        for index, reader in self._pointed:
            values[index] = reader(data, at + values[index])
        for index, convert in self._converting:
            values[index] = convert(values[index])
        return self._build(values)


class Member:
    """One value of a row: how its part of the head is unpacked, and which bits of that must be zero.

    `reader` reads what the head only points to; None for what stands there itself.
    """

    def __init__(
        self,
        format_: str,
        zeros: bytes,
        reader: Reader | None = None,
        convert: Converter | None = None,
    ) -> None:
        self.format, self.zeros, self.reader, self.convert = format_, zeros, reader, convert


def word(kind: str, text: Converter) -> Member:
    """A member of one word; `text` makes text of short bytes."""
    if kind == "address":
        return Member("12x20s", b"\xff" * 12 + bytes(20))
    if kind.startswith("bytes"):
        width = int(kind.removeprefix("bytes"))
        convert = None if width == WORD else text
        return Member(f"{width}s{WORD - width}x", bytes(WORD), convert=convert)
    bits = 1 if kind == "bool" else int(kind.removeprefix("uint"))
    zeros = ((1 << 256) - (1 << bits)).to_bytes(WORD)
    if bits > 64:
        return Member("32s", zeros, convert=int.from_bytes)
    return Member("24xQ", zeros, convert=bool if kind == "bool" else None)


def row(inner: Row) -> Member:
    """A struct: among the others where all of it is words, else behind a pointer."""
    if not inner.is_static:
        return _pointer(inner.read)
    return Member(f"{inner.size}s", bytes(inner.size), convert=lambda raw: inner.read(raw, 0))


def octets(convert: Converter | None) -> Member:
    """`bytes` and `string`, padded with zeros to whole words."""

    def read(data: bytes, at: int) -> bytes:
        length = _read_length(data, at)
        begin = at + WORD
        end, padded = begin + length, begin + -(-length // WORD) * WORD
        if padded > len(data) or any(data[end:padded]):
            raise ValueError(f"{length} bytes are cut short, or not padded with zeros")
        return data[begin:end]

    return Member("24xQ", _POINTER_ZEROS, read, convert)


def many(element: Member) -> Member:
    """A list of any length."""
    inner = Row([element], lambda values: values[0])
    step, is_static = inner.size, inner.is_static

    def read(data: bytes, at: int) -> tuple[Any, ...]:
        length, begin = _read_length(data, at), at + WORD
        if begin + length * step > len(data):
            raise ValueError(f"a list of {length} is cut short")
        if is_static:
            return tuple(inner.read(data, begin + n * step) for n in range(length))
        reader, convert = element.reader, element.convert or (lambda value: value)
        assert reader is not None
        pointers = (_read_length(data, begin + n * step) for n in range(length))
        return tuple(convert(reader(data, begin + pointer)) for pointer in pointers)

    return Member("24xQ", _POINTER_ZEROS, read)


def _pointer(reader: Reader) -> Member:
    return Member("24xQ", _POINTER_ZEROS, reader)


_POINTER_ZEROS = b"\xff" * 24 + bytes(8)


def _read_length(data: bytes, at: int) -> int:
    """A word that counts or points. Raises ValueError, OverflowError."""
    word_ = data[at : at + WORD]
    if len(word_) != WORD:
        raise ValueError("a length is cut short")
    if any(word_[:24]):
        raise OverflowError("a length is larger than any data")
    length: int = _length.unpack(word_)[0]
    return length
