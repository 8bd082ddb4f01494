"""Every error of the contracts has words for people, and no words are for an error that does not exist."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import encode

from backend.chain.errors import decode_refusal, errors, refusal_json
from backend.chain.interface import CONTRACTS, Entry, interface
from backend.domain.explanations import EXPLANATIONS
from backend.domain.refusals import Refusal, refusal, show

# What the contracts inherit from OpenZeppelin: met by collectors who move their twins, and by nobody who
# submits a record. They are no refusals of records.
FOREIGN = frozenset(
    "ERC721IncorrectOwner ERC721InsufficientApproval ERC721InvalidApprover ERC721InvalidOperator "
    "ERC721InvalidOwner ERC721InvalidReceiver ERC721InvalidSender ERC721NonexistentToken "
    "InvalidShortString StringTooLong".split()
)
OWN = sorted({e.name: e for e in errors().values() if e.name not in FOREIGN}.items())


def example(kind: str) -> Any:
    if kind == "address":
        return "0x" + "12" * 20
    if kind.startswith("bytes") and kind != "bytes":
        return bytes(range(1, int(kind[5:]) + 1))
    return {"bytes": b"\1", "string": "x", "bool": True}.get(kind, 7)


def data_of(error: Entry) -> bytes:
    kinds = [parameter.kind for parameter in error.inputs]
    return error.selector + encode(kinds, [example(kind) for kind in kinds])


def test_errors_and_explanations_are_the_same_names() -> None:
    assert {name for name, _ in OWN} == set(EXPLANATIONS)


def test_the_foreign_errors_are_those_of_the_contracts() -> None:
    assert {error.name for error in errors().values()} >= FOREIGN


def test_an_error_of_one_name_is_the_same_in_all_contracts() -> None:
    """A custodian's refusal is worded by PostalNetwork, whoever gives it (IRecords)."""
    selectors: dict[str, set[bytes]] = {}
    for contract in CONTRACTS:
        for selector, error in interface(contract).errors.items():
            selectors.setdefault(error.name, set()).add(selector)
    assert all(len(found) == 1 for found in selectors.values())


@pytest.mark.parametrize(("name", "error"), OWN, ids=[name for name, _ in OWN])
def test_every_error_decodes_and_reads_as_a_sentence(name: str, error: Entry) -> None:
    found = decode_refusal(data_of(error))
    assert found is not None
    assert found.name == name
    kept = refusal_json(found)
    assert kept["detail"] == found.detail
    assert "{" not in found.detail
    assert kept["rule"]
    assert len(kept["values"]) == len(error.inputs)


def test_values_keep_their_names_and_types() -> None:
    """C3: `StaleNumber(bytes32 item, uint32 given, uint32 current)`."""
    selector = next(s for s, e in errors().items() if e.name == "StaleNumber")
    item = bytes(range(32))
    found = decode_refusal(selector + encode(["bytes32", "uint32", "uint32"], [item, 1, 2]))
    assert found is not None
    assert found.values == {"item": item, "given": 1, "current": 2}
    assert refusal_json(found)["values"]["item"] == "0x" + item.hex()


@pytest.mark.parametrize("length", [20, 32])
def test_refusal_retold_from_what_was_kept_shows_bytes_as_short_as_before(length: int) -> None:
    """What is kept has 0x-hex where the refusal had bytes (B2)."""
    found = refusal("NotGovernor", account=b"\xab" * length)
    retold = Refusal(found.name, refusal_json(found)["values"])
    assert retold.detail == found.detail
    assert found.detail == "0xabababab… is not the network's governor."


def test_other_values_of_a_kept_refusal_are_shown_whole() -> None:
    assert show("count", "0x" + "ab" * 21) == "0x" + "ab" * 21
    assert show("count", 12) == "12"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x4e\x48\x7b\x71" + bytes(31) + b"\x11",  # Panic(0x11)
        bytes.fromhex("08c379a0") + encode(["string"], ["words"]),  # Error(string)
        next(s for s, e in errors().items() if e.name == "StaleNumber") + bytes(40),  # cut short
        next(s for s, e in errors().items() if e.name == "ERC721InvalidOwner") + bytes(32),
    ],
    ids=["nothing", "a panic", "words", "cut short", "of ERC-721"],
)
def test_what_says_nothing_about_the_record_is_no_refusal(data: bytes) -> None:
    assert decode_refusal(data) is None
