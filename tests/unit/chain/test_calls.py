"""Submissions as calldata, against what Brownie's encoder makes of the same arguments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from eth_abi.exceptions import EncodingError

from backend.chain.calls import (
    ACTS,
    DEVICE_SIGNATURE_GAS,
    RECORDS,
    TRANSACTION_GAS,
    TRANSACTION_GAS_CAP,
    batch_call,
    bytes_of,
    contract_of,
    gas_of,
    single_call,
)

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "golden_calls.json").read_text()
)


def test_every_kind_of_submission_has_a_vector() -> None:
    assert [vector["kind"] for vector in VECTORS] == [*RECORDS, *ACTS]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["kind"]))
def test_calldata_is_what_brownie_makes(vector: dict[str, Any]) -> None:
    kind, payloads, calls = vector["kind"], vector["payloads"], vector["calls"]
    assert contract_of(kind) == vector["contract"]
    assert "0x" + single_call(kind, payloads[0]).hex() == calls["single"]["calldata"]
    whole = calls.get("batch", calls["single"])
    assert "0x" + batch_call(kind, payloads).hex() == whole["calldata"]


def payload(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(v["payloads"][0] for v in VECTORS if v["kind"] == kind)
    return json.loads(json.dumps(found))


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("end", {"signature": "12" * 64}),
        ("end", {"signature": None}),
        ("end", {"end": {}}),
        ("void", {"last": "twelve"}),
        ("admit_operator", {"admin": "0x1234"}),
        ("enrol", {"place": "thirteen bytes"}),
        ("withdraw_edition", {"from": 2**40}),
    ],
)
def test_a_payload_of_another_form_makes_no_call(kind: str, change: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError, TypeError, AttributeError, EncodingError)) as caught:
        single_call(kind, payload(kind) | change)
    assert str(caught.value)


def test_a_struct_with_a_field_too_many_makes_no_call() -> None:
    """What the contract would ignore was not meant: a number signed under another name."""
    end = payload("end")
    end["end"]["reason"] = 1
    with pytest.raises(ValueError, match="has the fields item, number"):
        single_call("end", end)


def test_a_list_of_500_lines_fits_into_one_transaction() -> None:
    """C2 and EIP-7825."""
    lists = payload("hand_off")
    lists["release"]["lines"] *= 250
    assert gas_of("hand_off", lists) + TRANSACTION_GAS < TRANSACTION_GAS_CAP


def test_no_record_is_planned_above_the_cap() -> None:
    """A range that cannot be voided at once goes alone, and the chain says so."""
    whole = payload("void") | {"first": 1, "last": 65_536}
    assert gas_of("void", whole) + TRANSACTION_GAS == TRANSACTION_GAS_CAP


def test_device_signatures_take_the_gas_of_a_chain_without_the_precompile() -> None:
    """N3: else a full transaction of them would run out of gas, and none of them be recorded."""
    payload = {"recall": {}, "signature": "0x" + "11" * 64}
    device = payload | {"signature": "0x" + "11" * 600}
    more = gas_of("recall", device) - gas_of("recall", payload)
    assert more >= DEVICE_SIGNATURE_GAS + 40 * 600
    assert bytes_of("recall", device) - bytes_of("recall", payload) >= 600


def test_a_range_whose_first_serial_is_named_is_no_hand_off() -> None:
    """Members of the same name mean other things in other acts."""
    closing = {"edition": 1, "first": 1, "last": 50, "reason": 1}
    assert gas_of("close_claims", closing) == gas_of("suspend_custodian", {"custodian": 1})
