"""Signed structs as JSON and back, without loss: how submissions keep them and bundles carry them.

Byte strings are 0x-hex, `uint256` words are 0x-hex (JSON readers cut numbers above 2^53), other numbers
are numbers. Field names are those of the Python classes.
"""

from __future__ import annotations

from typing import Any, TypeVar

from backend.domain.typed_data import Finding, Line, Signed, schema

S = TypeVar("S", bound=Signed)
NESTED: dict[str, type[Signed]] = {"Line": Line, "Finding": Finding}


class BadWire(ValueError):
    """JSON that is not the struct it should be: a field missing, unknown, or of another type."""


def to_wire(record: Signed) -> dict[str, Any]:
    """The struct as JSON types."""
    _, members = schema(type(record).TYPE)
    return {name: _out(kind, getattr(record, name)) for kind, name in members}


def _out(kind: str, value: Any) -> Any:
    if kind.endswith("[]"):
        return [_out(kind[:-2], element) for element in value]
    if kind in NESTED:
        return to_wire(value)
    if kind == "uint256":
        return hex(value)
    return "0x" + value.hex() if isinstance(value, bytes) else value


def from_wire(struct: type[S], data: Any) -> S:
    """The reverse of to_wire; takes nothing but exactly the fields. Raises BadWire."""
    _, members = schema(struct.TYPE)
    expected = {name for _, name in members}
    if not isinstance(data, dict) or set(data) != expected:
        raise BadWire(f"{struct.__name__} has the fields {', '.join(sorted(expected))}")
    return struct(**{name: _in(kind, data[name], name) for kind, name in members})


def _in(kind: str, value: Any, name: str) -> Any:
    if kind.endswith("[]"):
        if not isinstance(value, list):
            raise BadWire(f"{name} is a list")
        return tuple(_in(kind[:-2], element, name) for element in value)
    if kind in NESTED:
        return from_wire(NESTED[kind], value)
    if kind == "uint256":
        return _number(int(_hex(value, name) or "0", 16), 256, name)
    if kind.startswith("uint"):
        return _number(value, int(kind[4:]), name)
    size = 20 if kind == "address" else 32
    return bytes.fromhex(_hex(value, name, 2 * size))


def _number(value: Any, bits: int, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << bits:
        raise BadWire(f"{name} is a whole number of at most {bits} bits")
    return value


def _hex(value: Any, name: str, length: int | None = None) -> str:
    text = value[2:] if isinstance(value, str) and value.startswith("0x") else None
    good = text is not None and all(c in "0123456789abcdef" for c in text)
    if text is None or not good or (length is not None and len(text) != length):
        wanted = "0x and hex digits" if length is None else f"0x and {length} hex digits"
        raise BadWire(f"{name} is written as {wanted}, in lower case")
    return text
