"""One event of a contract's ABI as a fast reader of its logs: built once, no web3 (measured.md).

Arguments bear the ABI's names; structs become the classes of the domain, whose fields must agree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from itertools import count
from typing import Any

from eth_abi.decoding import ContextFramesBytesIO
from eth_abi.exceptions import DecodingError
from eth_abi.registry import registry

from backend.domain.keccak import keccak256
from backend.domain.typed_data import (
    Acceptance,
    Cancel,
    Claim,
    Closing,
    Delivery,
    DeliveryKeys,
    End,
    Finding,
    Line,
    Opening,
    Original,
    Packing,
    Recall,
    Receipt,
    Release,
    Report,
    TakeUp,
)
from backend.indexer.events import EditionTerms, HandOff

Converter = Callable[[Any], Any]
_stream: Callable[[bytes], Any] = ContextFramesBytesIO

STRUCTS: dict[str, type] = {
    struct.__name__: struct
    for struct in (
        Acceptance,
        Cancel,
        Claim,
        Closing,
        Delivery,
        DeliveryKeys,
        End,
        Finding,
        Line,
        Opening,
        Original,
        Packing,
        Recall,
        Receipt,
        Release,
        Report,
        TakeUp,
    )
} | {"Edition": EditionTerms, "HandOff": HandOff}
# What eth_abi reads in the place of a type: its own addresses are text, its text must be good UTF-8.
READ_AS = {"string": "bytes", "address": "uint160"}


class NotReadable(Exception):
    """A log that is not what the ABI says; the message says why."""


class AbiMismatch(Exception):
    """An ABI that this version does not know: the contracts and the backend differ."""


class EventReader:
    """Reads the logs of one event."""

    def __init__(self, abi: Mapping[str, Any]) -> None:
        inputs: list[Any] = abi["inputs"]
        self.name: str = abi["name"]
        self.arguments = tuple(p["name"] for p in inputs)
        self.topic = keccak256(f"{self.name}{_signature(inputs, {})}".encode())
        self._topics = _Words([p for p in inputs if p["indexed"]])
        self._plain = [p for p in inputs if not p["indexed"]]

    @cached_property
    def data(self) -> _Words | _Encoded:
        """How its data is read. Raises AbiMismatch, which is why events that nobody reads never ask."""
        in_words = all(_is_word(p["type"]) for p in self._plain)
        return _Words(self._plain) if in_words else _Encoded(self._plain)

    def read(self, topics: Sequence[bytes], data: bytes) -> dict[str, Any]:
        """The event's arguments by name. Raises NotReadable."""
        try:
            return self._topics.read(b"".join(topics[1:])) | self.data.read(data)
        except (DecodingError, OverflowError, ValueError) as error:
            raise NotReadable(f"{self.name}: {error}") from error


class _Words:
    """Parameters of one word each: topics, and the data of the most frequent events.

    Six times as fast as eth_abi, which is for what has lengths and offsets.
    """

    def __init__(self, parameters: list[Any]) -> None:
        self._converters = [(p["name"], _word_converter(p["type"])) for p in parameters]

    def read(self, words: bytes) -> dict[str, Any]:
        """Raises ValueError or OverflowError."""
        if len(words) != 32 * len(self._converters):
            raise ValueError(f"{len(words)} bytes where {len(self._converters)} words were due")
        return {
            name: convert(words[start : start + 32])
            for start, (name, convert) in zip(count(0, 32), self._converters, strict=False)
        }


class _Encoded:
    """Parameters in the ABI's encoding of lengths and offsets."""

    def __init__(self, parameters: list[Any]) -> None:
        types = [_signature([p], READ_AS)[1:-1] for p in parameters]
        self._decode = registry.get_tuple_decoder(*types, strict=True)
        self._converters = [(p["name"], _converter(p)) for p in parameters]

    def read(self, data: bytes) -> dict[str, Any]:
        """Raises DecodingError or OverflowError."""
        values = zip(self._converters, self._decode(_stream(data)), strict=True)
        return {name: convert(v) if convert else v for (name, convert), v in values}


def _signature(parameters: list[Any], read_as: Mapping[str, str]) -> str:
    """`(uint16,(bytes32,bytes)[])`: the types of parameters, structs written out."""
    return "(" + ",".join(_type(p, read_as) for p in parameters) + ")"


def _type(parameter: Mapping[str, Any], read_as: Mapping[str, str]) -> str:
    kind: str = parameter["type"]
    if kind.startswith("tuple"):
        return _signature(parameter["components"], read_as) + kind.removeprefix("tuple")
    base, brackets, rest = kind.partition("[")
    return read_as.get(base, base) + brackets + rest


def _is_word(kind: str) -> bool:
    return kind != "bytes" and re.fullmatch(r"(uint|bytes)\d+|address", kind) is not None


def _word_converter(kind: str) -> Converter:
    """Raises OverflowError, when it converts, where the word holds more than the type."""
    if kind == "address":
        return lambda word: int.from_bytes(word, "big").to_bytes(20, "big")
    width = int(re.sub(r"\D", "", kind))
    if kind.startswith("bytes"):
        return bytes if width == 32 else lambda word: text(word[:width])
    return lambda word: _at_most(int.from_bytes(word, "big"), width)


def _at_most(number: int, bits: int) -> int:
    if number >> bits:
        raise OverflowError(f"{number} has more than {bits} bits")
    return number


def _converter(parameter: Mapping[str, Any]) -> Converter | None:
    """What makes our type of eth_abi's; None where they are the same."""
    kind: str = parameter["type"]
    if kind.endswith("[]"):
        element = _converter({**parameter, "type": kind[:-2]})
        return None if element is None else lambda values: tuple(map(element, values))
    if kind == "tuple":
        return _struct_converter(parameter)
    if kind == "address":
        return lambda number: number.to_bytes(20, "big")
    is_text = kind == "string" or re.fullmatch(r"bytes([12]?\d|30|31)", kind)
    return text if is_text else None


def _struct_converter(parameter: Mapping[str, Any]) -> Converter:
    name = re.split(r"[ .]", parameter["internalType"].removesuffix("[]"))[-1]
    names = tuple(snake(c["name"]) for c in parameter["components"])
    struct = STRUCTS.get(name)
    if struct is None or names != tuple(field.name for field in fields(struct)):
        raise AbiMismatch(f"the struct {name}({', '.join(names)}) is not known to this version")
    convert = [_converter(component) for component in parameter["components"]]
    if not any(convert):
        return lambda values: struct(*values)
    return lambda values: struct(*(c(v) if c else v for c, v in zip(convert, values, strict=True)))


def snake(name: str) -> str:
    """`conditionGiven` -> `condition_given`."""
    return re.sub(r"(?<=[a-z])([A-Z])", lambda match: "_" + match[1].lower(), name)


def text(raw: bytes) -> str:
    """Text that PostgreSQL takes, whatever bytes an operator put on chain."""
    return raw.rstrip(b"\0").decode("utf-8", errors="replace").replace("\0", "\ufffd")
