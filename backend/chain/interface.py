"""The committed ABIs (scripts/export_abi.py), read once: selectors, types, and the way from JSON to calldata.

JSON names are the ABI's in snake_case (as domain/wire.py writes them). eth_abi does the packing; web3's
contract objects are not used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from eth_abi.abi import decode, encode

from backend.domain.keccak import keccak256

ABI_FOLDER = Path(__file__).parent / "abi"
CONTRACTS = ("PostalNetwork", "CustodyLedger", "CryptoStamp")
Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """`kind` is the ABI's type with tuples written out; `pack` goes from JSON to eth_abi, `unpack` back."""

    name: str
    kind: str
    pack: Convert
    unpack: Convert


@dataclass(frozen=True, slots=True)
class Entry:
    """A function or an error of a contract."""

    name: str
    selector: bytes
    inputs: tuple[Parameter, ...]
    outputs: tuple[Parameter, ...] = ()

    def calldata(self, *arguments: Any) -> bytes:
        """Selector and arguments, which are JSON values. Raises ValueError, KeyError, EncodingError."""
        pairs = zip(self.inputs, arguments, strict=True)
        return self.selector + encode(
            [parameter.kind for parameter in self.inputs],
            [parameter.pack(value) for parameter, value in pairs],
        )

    def answer(self, raw: bytes) -> list[Any]:
        """The decoded results of a call. Raises DecodingError."""
        return _unpacked(self.outputs, raw)

    def values(self, raw: bytes) -> dict[str, Any]:
        """The decoded inputs by name; of an error: its values. Raises DecodingError."""
        names = [parameter.name for parameter in self.inputs]
        return dict(zip(names, _unpacked(self.inputs, raw), strict=True))


@dataclass(frozen=True, slots=True)
class Interface:
    """One contract: functions by name, errors by selector, and how its deployed code is recognised."""

    functions: Mapping[str, Entry]
    errors: Mapping[bytes, Entry]
    code_hash: bytes
    immutables: tuple[int, ...]


@cache
def interface(contract: str) -> Interface:
    """The interface of one of CONTRACTS."""
    content = json.loads((ABI_FOLDER / f"{contract}.json").read_text())
    entries = content["abi"]
    functions = [_entry(e) for e in entries if e["type"] == "function"]
    errors = [_entry(e) for e in entries if e["type"] == "error"]
    return Interface(
        functions={entry.name: entry for entry in functions},
        errors={entry.selector: entry for entry in errors},
        code_hash=bytes.fromhex(content["codeHash"][2:]),
        immutables=tuple(content["immutables"]),
    )


def snake(name: str) -> str:
    """`firstDay` is `first_day`; OpenZeppelin's trailing underscores go."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: "_" + match[1].lower(), name).strip("_")


def _entry(entry: Mapping[str, Any]) -> Entry:
    inputs = _parameters(entry["inputs"])
    signature = f"{entry['name']}({','.join(parameter.kind for parameter in inputs)})"
    return Entry(
        name=entry["name"],
        selector=keccak256(signature.encode())[:4],
        inputs=inputs,
        outputs=_parameters(entry.get("outputs", ())),
    )


def _parameters(entries: Any) -> tuple[Parameter, ...]:
    return tuple(_parameter(entry, entry["type"]) for entry in entries)


def _parameter(entry: Mapping[str, Any], kind: str) -> Parameter:
    name = snake(entry["name"])
    if kind.endswith("[]"):
        one = _parameter(entry, kind[:-2])
        return Parameter(name, one.kind + "[]", _each(one.pack), _each(one.unpack))
    if kind == "tuple":
        return _struct(name, _parameters(entry["components"]))
    return Parameter(name, kind, _packer(kind), _address if kind == "address" else _same)


def _struct(name: str, members: tuple[Parameter, ...]) -> Parameter:
    packers = [(member.name, member.pack) for member in members]
    unpackers = [(member.name, member.unpack) for member in members]

    def pack(value: Mapping[str, Any]) -> tuple[Any, ...]:
        if len(value) != len(packers):
            raise ValueError(f"{name} has the fields {', '.join(n for n, _ in packers)}")
        return tuple([convert(value[member]) for member, convert in packers])

    def unpack(value: tuple[Any, ...]) -> dict[str, Any]:
        return {n: convert(one) for (n, convert), one in zip(unpackers, value, strict=True)}

    return Parameter(name, f"({','.join(member.kind for member in members)})", pack, unpack)


def _each(convert: Convert) -> Convert:
    return lambda values: [convert(value) for value in values]


def _packer(kind: str) -> Convert:
    if kind.startswith("uint"):
        return _number
    if match := re.fullmatch(r"bytes(\d+)", kind):
        size = int(match[1])
        return lambda value: _fixed(value, size)
    return _hex if kind in ("bytes", "address") else _same


def _number(value: int | str) -> int:
    """A number, or a 256-bit word as 0x-hex."""
    if isinstance(value, int):
        return value
    if not value.startswith("0x"):
        raise ValueError(f"{value!r} is neither a number nor 0x-hex")
    return int(value, 16)


def _hex(value: str) -> bytes:
    if not value.startswith("0x"):
        raise ValueError(f"{value!r} is not written as 0x and hex digits")
    return bytes.fromhex(value[2:])


def _fixed(value: str, size: int) -> bytes:
    """Hex, or ASCII filled with zeros (currencies, places)."""
    raw = _hex(value) if value.startswith("0x") else value.encode("ascii").ljust(size, b"\0")
    if len(raw) != size:
        raise ValueError(f"{value!r} is not {size} bytes")
    return raw


def _address(value: str) -> bytes:
    return bytes.fromhex(value[2:])


def _same(value: Any) -> Any:
    return value


def _unpacked(parameters: tuple[Parameter, ...], raw: bytes) -> list[Any]:
    values = decode([parameter.kind for parameter in parameters], raw)
    return [p.unpack(value) for p, value in zip(parameters, values, strict=True)]
