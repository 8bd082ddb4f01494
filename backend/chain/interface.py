"""The committed ABIs (scripts/export_abi.py), read once: selectors, types, and the way from JSON to calldata.

JSON names are the ABI's in snake_case (as domain/wire.py writes them). eth_abi reads answers; web3's contract
objects are not used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from eth_abi.abi import decode

from backend.chain.encoding import Encoder, array, placed, struct, word
from backend.domain.keccak import keccak256

ABI_FOLDER = Path(__file__).parent / "abi"
CONTRACTS = ("PostalNetwork", "CustodyLedger", "CryptoStamp")
Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """`kind` is the ABI's type with tuples written out; `encoder` makes words of JSON, `unpack` JSON of eth_abi's."""

    name: str
    kind: str
    encoder: Encoder
    unpack: Convert


@dataclass(frozen=True, slots=True)
class Entry:
    """A function or an error of a contract."""

    name: str
    selector: bytes
    inputs: tuple[Parameter, ...]
    outputs: tuple[Parameter, ...] = ()

    def calldata(self, *arguments: Any) -> bytes:
        """Selector and arguments, which are JSON values. Raises what encoders raise (encoding.py)."""
        encoders = [parameter.encoder for parameter in self.inputs]
        return self.selector + placed(zip(encoders, arguments, strict=True))

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
        return Parameter(name, one.kind + "[]", array(one.encoder), _each(one.unpack))
    if kind == "tuple":
        return _struct(name, _parameters(entry["components"]))
    return Parameter(name, kind, word(kind), _address if kind == "address" else _same)


def _struct(name: str, members: tuple[Parameter, ...]) -> Parameter:
    unpackers = [(member.name, member.unpack) for member in members]

    def unpack(value: tuple[Any, ...]) -> dict[str, Any]:
        return {n: convert(one) for (n, convert), one in zip(unpackers, value, strict=True)}

    kind = f"({','.join(member.kind for member in members)})"
    return Parameter(name, kind, struct(name, [(m.name, m.encoder) for m in members]), unpack)


def _each(convert: Convert) -> Convert:
    return lambda values: [convert(value) for value in values]


def _address(value: str) -> bytes:
    return bytes.fromhex(value[2:])


def _same(value: Any) -> Any:
    return value


def _unpacked(parameters: tuple[Parameter, ...], raw: bytes) -> list[Any]:
    values = decode([parameter.kind for parameter in parameters], raw)
    return [p.unpack(value) for p, value in zip(parameters, values, strict=True)]
