"""What a node answers is parsed strictly (B7), and its words mean what reliability says they do."""

from __future__ import annotations

from typing import Any

import pytest

from backend.chain import answers
from backend.chain.answers import (
    BadAnswer,
    Outcome,
    data,
    outcome_of,
    parse_block,
    parse_error,
    parse_logs,
    parse_receipt,
    quantity,
)

H1, H2 = "0x" + "11" * 32, "0x" + "22" * 32
BLOCK: dict[str, Any] = {
    "number": "0x10",
    "hash": H1,
    "parentHash": H2,
    "timestamp": "0x68e77800",
    "baseFeePerGas": "0x0",
    "logsBloom": "0x" + "00" * 256,
    "transactions": [H2],
}
LOG: dict[str, Any] = {
    "blockHash": H1,
    "blockNumber": "0x10",
    "logIndex": "0x0",
    "transactionHash": H2,
    "address": "0x" + "33" * 20,
    "topics": [H1],
    "data": "0x",
    "removed": False,
}


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ("already known", Outcome.TAKEN),
        ("AlreadyKnown: already known", Outcome.TAKEN),
        ("Known transaction", Outcome.TAKEN),
        ("transaction already imported", Outcome.TAKEN),
        ("Transaction with the same hash was already imported.", Outcome.TAKEN),
        ("unknown transaction", Outcome.UNKNOWN),
        ("nonce too low: next nonce 5, tx nonce 4", Outcome.NONCE_TOO_LOW),
        ("Nonce is too low", Outcome.NONCE_TOO_LOW),
        ("replacement transaction underpriced", Outcome.UNDERPRICED),
        ("nonce too high", Outcome.NONCE_TOO_HIGH),
        ("Transaction nonce is too far in the future", Outcome.NONCE_TOO_HIGH),
        ("nonce gap: tx nonce exceeds next nonce", Outcome.NONCE_TOO_HIGH),
        ("tx-nonce-too-high", Outcome.NONCE_TOO_HIGH),
        ("insufficient funds for gas * price + value", Outcome.NO_FUNDS),
        ("txpool is full", Outcome.POOL_FULL),
        ("internal error", Outcome.UNKNOWN),
        ("", Outcome.UNKNOWN),
    ],
)
def test_words_of_a_node_have_one_meaning(words: str, outcome: Outcome) -> None:
    assert outcome_of(words) is outcome


def test_a_block_is_read() -> None:
    block = parse_block(BLOCK)
    assert block is not None
    assert (block.number, block.time, block.base_fee_wei) == (16, 0x68E77800, 0)
    assert (block.hash, block.parent_hash) == (b"\x11" * 32, b"\x22" * 32)
    assert block.transactions == (b"\x22" * 32,)


def test_no_block_is_not_found_yet() -> None:
    assert parse_block(None) is None
    assert parse_receipt(None) is None


@pytest.mark.parametrize(
    "change",
    [
        {"number": 16},
        {"number": None},
        {"hash": "0x11"},
        {"hash": "11" * 32},
        {"timestamp": "0x"},
        {"timestamp": "0x-5"},
        {"timestamp": "0x" + "f" * 65},
        {"logsBloom": "0x00"},
        {"transactions": None},
        {"transactions": [{"hash": H2}]},
    ],
)
def test_a_block_of_another_form_is_no_block(change: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        parse_block(BLOCK | change)


def test_logs_come_in_their_order() -> None:
    answer = [LOG | {"logIndex": "0x2"}, LOG | {"logIndex": "0x0"}]
    assert [log.log_index for log in parse_logs(answer, b"\x11" * 32)] == [0, 2]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        ["log"],
        [LOG | {"blockHash": H2}],
        [LOG | {"removed": True}],
        [LOG, LOG],
        [LOG | {"topics": ["0x11"]}],
        [LOG | {"address": "0x"}],
        [LOG | {"address": ["0x11"]}],
        [LOG | {"logIndex": {}}],
    ],
    ids=[
        "null",
        "object",
        "text",
        "other block",
        "removed",
        "twice",
        "topic",
        "address",
        "list",
        "object for a number",
    ],
)
def test_logs_of_another_form_or_block_are_not_believed(answer: Any) -> None:
    with pytest.raises(BadAnswer):
        parse_logs(answer, b"\x11" * 32)


def test_fault_of_our_own_is_not_blamed_on_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "Log", lambda: None)
    with pytest.raises(TypeError):
        parse_logs([LOG], b"\x11" * 32)


def test_an_error_keeps_code_words_and_revert_data() -> None:
    error = parse_error({"code": 3, "message": "execution reverted", "data": "0x1234"})
    assert (error.code, error.message, error.data) == (3, "execution reverted", b"\x12\x34")
    assert parse_error({"code": "x", "message": None, "data": {"a": 1}}).data == b""
    with pytest.raises(BadAnswer):
        parse_error("words")


def test_numbers_and_bytes_are_hex() -> None:
    assert quantity("0xff") == 255
    assert data("0x00ff", 2) == b"\x00\xff"
    for wrong in ("ff", 255, None, "0xzz", ""):
        with pytest.raises(BadAnswer):
            quantity(wrong)
        with pytest.raises(BadAnswer):
            data(wrong)
    with pytest.raises(BadAnswer):
        data("0x00ff", 3)
