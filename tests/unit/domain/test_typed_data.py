"""What is signed, compared with an independent EIP-712 encoder and with the golden vectors."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from eth_utils import keccak

from backend.domain.commitments import commitment, hidden_keys, item_id, next_head
from backend.domain.item_numbers import parse_s10
from backend.domain.typed_data import (
    Acceptance,
    Cancel,
    Claim,
    Closing,
    Delivery,
    End,
    Finding,
    ForcedRelease,
    Issue,
    Line,
    Opening,
    Original,
    Packing,
    Recall,
    Receipt,
    Release,
    Report,
    Signed,
    SigningDomain,
    TakeUp,
    Void,
    received_bitmap,
)
from backend.domain.wire import BadWire, from_wire, to_wire

VECTORS = Path(__file__).parents[2] / "vectors" / "typed_data.json"
B = bytes(range(32))
LEDGER = SigningDomain("CustodyLedger", 31337, bytes.fromhex("11" * 20))
STAMPS = SigningDomain("CryptoStamp", 31337, bytes.fromhex("22" * 20))
SAMPLES: list[Signed] = [
    Acceptance(B, 16777217, 1_700_000_000, 1, B, bytes(32), B, (4294967297, 4294967298)),
    Release(16777217, 16777218, 1, 2, (Line(B, 1, 1), Line(B[::-1], 2, 3, B))),
    Receipt(B, 5, received_bitmap(300, frozenset({7, 299})), (Finding(0, 2, B),)),
    Delivery(B, 3, 16777217, bytes(range(20)), 5, 6, 1),
    End(B, 2, 16777217, 9, 5),
    TakeUp(B, 16777217, 9, 3, 1),
    Recall(B, 1, 16777217, 10),
    Report(B, 1, 9, 1, 16777217, 11),
    Cancel(16777217, 12, 1, bytes(32), (4294967297,)),
    Claim(4294967297, bytes(range(20)), 13),
    Original(4294967297, 14),
    Issue(65537, 1, 6, 16777217),
    Void(65537, 1, 6, 1),
    ForcedRelease(16777217, 16777218, 1, 2, (Line(B, 1, 1), Line(B[::-1], 2, 3, B))),
    Packing(B, 1, 16777217, 15, (B[::-1], B)),
    Closing(B, 2, 16777217, 16, 2, B[::-1], B),
    Opening(B, 3, 16777218, 17, (B,), (2**255 | 1, 5)),
]


def domain_of(record: Signed) -> SigningDomain:
    return STAMPS if record.CONTRACT == "CryptoStamp" else LEDGER


def types_of(type_string: str) -> dict[str, list[dict[str, str]]]:
    found = re.findall(r"(\w+)\(([^)]*)\)", type_string)
    return {
        name: [
            dict(zip(("type", "name"), member.split(" "), strict=True))
            for member in body.split(",")
        ]
        for name, body in found
    }


def message_of(record: Signed) -> dict[str, Any]:
    """The struct with the names of its type string, for the other encoder."""
    names = [member["name"] for member in types_of(record.TYPE)[type(record).__name__]]
    values = to_wire(record).values()
    message = dict(zip(names, values, strict=True))
    for name, value in message.items():
        if name in ("lines", "findings", "received", "found"):
            message[name] = [_plain(v) for v in value]
    return message


def _plain(value: Any) -> Any:
    return int(value, 16) if isinstance(value, str) else value


@pytest.mark.parametrize("record", SAMPLES, ids=lambda r: type(r).__name__)
def test_digest_is_that_of_an_independent_eip712_encoder(record: Signed) -> None:
    domain = domain_of(record)
    signable = encode_typed_data(
        domain_data={
            "name": domain.name,
            "version": "1",
            "chainId": domain.chain_id,
            "verifyingContract": "0x" + domain.contract.hex(),
        },
        message_types=types_of(record.TYPE),
        message_data=message_of(record),
    )
    expected = keccak(b"\x19" + signable.version + signable.header + signable.body)
    assert record.digest(domain) == expected


def vectors() -> dict[str, Any]:
    """What tests/vectors/typed_data.json must hold; this module run as a program writes it."""
    number, code = parse_s10("RR473124829AT"), bytes(range(16))
    opened = commitment(number, code)
    return {
        "domains": {d.name: "0x" + d.separator.hex() for d in (LEDGER, STAMPS)},
        "records": [
            {
                "type": type(r).__name__,
                "contract": r.CONTRACT,
                "record": to_wire(r),
                "digest": "0x" + r.digest(domain_of(r)).hex(),
            }
            for r in SAMPLES
        ],
        "commitment": {
            "number": number.value,
            "trail_code": code.hex(),
            "commitment": "0x" + opened.hex(),
            "item_of_operator_1": "0x" + item_id(1, opened).hex(),
        },
        "keys": "0x" + hidden_keys(bytes(range(20)), bytes(range(20, 40)), B).hex(),
        "head": "0x" + next_head(next_head(bytes(32), B), B[::-1], 7).hex(),
    }


def test_golden_vectors_are_current() -> None:
    assert json.loads(VECTORS.read_text()) == vectors(), (
        "run: python -m tests.unit.domain.test_typed_data"
    )


@pytest.mark.parametrize("record", SAMPLES, ids=lambda r: type(r).__name__)
def test_wire_form_goes_there_and_back_without_loss(record: Signed) -> None:
    assert from_wire(type(record), json.loads(json.dumps(to_wire(record)))) == record


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("number", -1, "whole number"),
        ("number", 2**32, "32 bits"),
        ("item", "0x12", "64 hex digits"),
        ("item", "0x" + "AB" * 32, "lower case"),
        ("time", "5", "whole number"),
        ("time", True, "whole number"),
    ],
)
def test_wire_form_is_read_strictly(field: str, value: Any, says: str) -> None:
    with pytest.raises(BadWire, match=says):
        from_wire(Recall, to_wire(SAMPLES[6]) | {field: value})


def test_wire_form_refuses_unknown_fields() -> None:
    with pytest.raises(BadWire, match="fields"):
        from_wire(Recall, to_wire(SAMPLES[6]) | {"more": 1})


def test_a_digest_is_bound_to_chain_and_contract() -> None:
    record = SAMPLES[0]
    other_chain = SigningDomain("CustodyLedger", 1, LEDGER.contract)
    other_contract = SigningDomain("CustodyLedger", 31337, STAMPS.contract)
    assert len({record.digest(d) for d in (LEDGER, other_chain, other_contract)}) == 3


def test_received_bitmap_has_one_word_for_256_lines_and_no_bit_beyond() -> None:
    words = received_bitmap(257, frozenset({0}))
    assert len(words) == 2
    assert words[1] == 1
    assert words[0] == 2**256 - 2


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(vectors(), indent=1) + "\n")
