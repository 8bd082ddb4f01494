"""The contracts' errors in the house's words: revert data to a Refusal (domain/refusals.py), proven total."""

from __future__ import annotations

from functools import cache
from keyword import iskeyword
from typing import Any

from eth_abi.exceptions import DecodingError

from backend.chain.interface import CONTRACTS, Entry, interface
from backend.domain.explanations import EXPLANATIONS
from backend.domain.refusals import Refusal, refusal


def decode_refusal(data: bytes) -> Refusal | None:
    """What revert data, or the `reason` of a Refused event, says.

    None where it is no error of the contracts that a record can meet: empty (out of gas), a panic, one of
    OpenZeppelin's. Such a transaction says nothing about the record.
    """
    error = errors().get(data[:4])
    if error is None or error.name not in EXPLANATIONS:
        return None
    try:
        values = error.values(data[4:])
    except DecodingError:
        return None
    return refusal(error.name, **{_python_name(name): value for name, value in values.items()})


@cache
def errors() -> dict[bytes, Entry]:
    """All errors of the three contracts by selector. Any of them may refuse a record (IRecords)."""
    return {
        selector: error
        for contract in CONTRACTS
        for selector, error in interface(contract).errors.items()
    }


def refusal_json(found: Refusal) -> dict[str, Any]:
    """As `submission.refusal` keeps it: the words for people, and the values, byte strings as 0x-hex."""
    values = {
        name: "0x" + value.hex() if isinstance(value, bytes) else value
        for name, value in found.values.items()
    }
    return {
        "name": found.name,
        "rule": found.rule,
        "detail": found.detail,
        "what_now": found.what_now,
        "values": values,
    }


def _python_name(name: str) -> str:
    return name + "_" if iskeyword(name) else name
