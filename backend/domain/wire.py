"""Signed structs as JSON and back, without loss: how submissions keep them and bundles carry them.

Byte strings are 0x-hex, `uint256` words are 0x-hex (JSON readers cut numbers above 2^53), other numbers
are numbers. Field names are those of the Python classes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any, TypeVar

from backend.domain.typed_data import Finding, Line, Signed, schema

S = TypeVar("S", bound=Signed)
NESTED: dict[str, type[Signed]] = {"Line": Line, "Finding": Finding}
Convert = Callable[[Any], Any]
HEX = re.compile(r"0x([0-9a-f]*)")


class BadWire(ValueError):
    """JSON that is not the struct it should be: a field missing, unknown, or of another type."""


def to_wire(record: Signed) -> dict[str, Any]:
    """The struct as JSON types."""
    return {name: write(getattr(record, name)) for name, write in _writers(type(record).TYPE)}


@cache
def _writers(type_string: str) -> tuple[tuple[str, Convert], ...]:
    return tuple((name, _writer(kind)) for kind, name in schema(type_string)[1])


def _writer(kind: str) -> Convert:
    if kind.endswith("[]"):
        one = _writer(kind[:-2])
        return lambda values: [one(value) for value in values]
    if kind in NESTED:
        return to_wire
    if kind == "uint256":
        return hex
    return _same if kind.startswith("uint") else lambda raw: "0x" + raw.hex()


def _same(value: Any) -> Any:
    return value


def from_wire(struct: type[S], data: Any) -> S:
    """The reverse of to_wire; takes nothing but exactly the fields. Raises BadWire."""
    readers = _readers(struct.TYPE)
    if not isinstance(data, dict) or data.keys() != readers.keys():
        raise BadWire(f"{struct.__name__} has the fields {', '.join(sorted(readers))}")
    return struct(**{name: read(data[name]) for name, read in readers.items()})


@cache
def _readers(type_string: str) -> dict[str, Convert]:
    return {name: _reader(kind, name) for kind, name in schema(type_string)[1]}


def _reader(kind: str, name: str) -> Convert:
    if kind.endswith("[]"):
        one = _reader(kind[:-2], name)
        return lambda values: tuple([one(value) for value in _list(values, name)])
    if kind in NESTED:
        return partial(from_wire, NESTED[kind])
    if kind == "uint256":
        return lambda value: _number(int(_hex(value, name) or "0", 16), 256, name)
    if kind.startswith("uint"):
        return partial(_number, bits=int(kind[4:]), name=name)
    length = 40 if kind == "address" else 64
    return lambda value: bytes.fromhex(_hex(value, name, length))


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise BadWire(f"{name} is a list")
    return value


def _number(value: Any, bits: int, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << bits:
        raise BadWire(f"{name} is a whole number of at most {bits} bits")
    return value


def _hex(value: Any, name: str, length: int | None = None) -> str:
    found = HEX.fullmatch(value) if isinstance(value, str) else None
    if found is None or length not in (None, len(found[1])):
        wanted = "0x and hex digits" if length is None else f"0x and {length} hex digits"
        raise BadWire(f"{name} is written as {wanted}, in lower case")
    return found[1]
