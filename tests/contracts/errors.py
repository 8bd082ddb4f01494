"""Typed errors in tests: one way to expect them, as reverts of single calls and as reasons of refusals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from brownie.exceptions import VirtualMachineError, decode_typed_error


def error(name: str, *values: Any) -> str:
    """An error as Brownie writes it: `Name: value, value`."""
    return f"{name}: {', '.join(_text(value) for value in values)}"


def _text(value: Any) -> str:
    if isinstance(value, bytes) and len(value) == 20:
        return "0x" + value.hex()
    if isinstance(value, str) and value.startswith("0x"):
        return value.lower()
    return str(value)


@contextmanager
def reverts_with(name: str, *values: Any) -> Iterator[None]:
    """The call inside reverts with this error and these values."""
    with pytest.raises(VirtualMachineError) as caught:
        yield
    assert caught.value.revert_msg == error(name, *values)


def refusals(transaction: Any, event: str = "Refused") -> list[tuple[int, str]]:
    """(index, error) of each refused record of a batch, or of each refused line or stamp."""
    place = "line" if event == "LineRefused" else "index"
    if event not in transaction.events:
        return []
    found = transaction.events[event]
    return [(each[place], decode_typed_error(str(each["reason"]))) for each in found]
