"""One event of a contract's ABI as a fast reader of its logs: built once, no web3 (measured.md, layout.py).

Arguments bear the ABI's names; structs become the classes of the domain, whose fields must agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from typing import Any

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
from backend.indexer.layout import WORD, Member, Row, is_word, many, octets, row, word

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
        self.topic = keccak256(f"{self.name}{_signature(inputs)}".encode())
        self._indexed = [p for p in inputs if p["indexed"]]
        self._topics = Row([_member(p) for p in self._indexed])
        self._plain = [p for p in inputs if not p["indexed"]]
        self._names = tuple(p["name"] for p in (*self._indexed, *self._plain))

    @cached_property
    def data(self) -> Row:
        """How its data is read. Raises AbiMismatch, which is why events that nobody reads never ask."""
        return Row([_member(p) for p in self._plain])

    def read(self, topics: Sequence[bytes], data: bytes) -> dict[str, Any]:
        """The event's arguments by name. Raises NotReadable."""
        try:
            words = b"".join(topics[1:])
            _must_be_all(self._topics, words)
            if self.data.is_static:
                _must_be_all(self.data, data)
            values = self._topics.read(words, 0) + self.data.read(data, 0)
        except (OverflowError, ValueError) as error:
            raise NotReadable(f"{self.name}: {error}") from error
        return dict(zip(self._names, values, strict=True))


def _must_be_all(row_: Row, words: bytes) -> None:
    if len(words) != row_.size:
        raise ValueError(f"{len(words)} bytes where {row_.size // WORD} words were due")


def _signature(parameters: list[Any]) -> str:
    """`(uint16,(bytes32,bytes)[])`: the types of parameters, structs written out."""
    return "(" + ",".join(map(_type, parameters)) + ")"


def _type(parameter: Mapping[str, Any]) -> str:
    kind: str = parameter["type"]
    if kind.startswith("tuple"):
        return _signature(parameter["components"]) + kind.removeprefix("tuple")
    return kind


def _member(parameter: Mapping[str, Any]) -> Member:
    """Raises AbiMismatch for a struct that is not of the domain, and for a type that no event had yet."""
    kind: str = parameter["type"]
    if kind.endswith("[]"):
        return many(_member({**parameter, "type": kind[:-2]}))
    if kind == "tuple":
        struct = _struct(parameter)
        return row(Row([_member(c) for c in parameter["components"]], lambda v: struct(*v)))
    if kind in ("bytes", "string"):
        return octets(text if kind == "string" else None)
    if is_word(kind):
        return word(kind, text)
    raise AbiMismatch(f"the type {kind} is not known to this version")


def _struct(parameter: Mapping[str, Any]) -> type:
    name = re.split(r"[ .]", parameter["internalType"].removesuffix("[]"))[-1]
    names = tuple(snake(c["name"]) for c in parameter["components"])
    struct = STRUCTS.get(name)
    if struct is None or names != tuple(field.name for field in fields(struct)):
        raise AbiMismatch(f"the struct {name}({', '.join(names)}) is not known to this version")
    return struct


def snake(name: str) -> str:
    """`conditionGiven` -> `condition_given`."""
    return re.sub(r"(?<=[a-z])([A-Z])", lambda match: "_" + match[1].lower(), name)


def text(raw: bytes) -> str:
    """Text that PostgreSQL takes, whatever bytes an operator put on chain."""
    return raw.rstrip(b"\0").decode("utf-8", errors="replace").replace("\0", "\ufffd")
