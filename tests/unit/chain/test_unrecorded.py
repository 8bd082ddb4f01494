"""A refusal is never final (G2): what the node says to the single call decides."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import encode

from backend.chain import unrecorded
from backend.chain.answers import RpcError
from backend.chain.errors import errors
from backend.chain.unrecorded import MOST_TRIES, Patience, judge

ITEM = bytes(range(32))
HAND_OFF: dict[str, Any] = {"release": {"lines": [{"item": "0x" + ITEM.hex(), "number": 3}]}}
END: dict[str, Any] = {"end": {"item": "0x" + ITEM.hex(), "number": 3}}


def reverted(name: str, kinds: str = "", *values: Any) -> RpcError:
    selector = next(s for s, e in errors().items() if e.name == name)
    arguments = encode(kinds.split(), list(values)) if kinds else b""
    return RpcError(3, "execution reverted", selector + arguments)


def stale(given: int, current: int) -> RpcError:
    return reverted("StaleNumber", "bytes32 uint32 uint32", ITEM, given, current)


def state(answer: bytes | RpcError, payload: Any, number: int = 0, tries: int = 0) -> str | None:
    kind = "hand_off" if payload is HAND_OFF else "end"
    verdict = judge(answer, kind, payload, {ITEM: number}, tries)
    return verdict and verdict.state


def test_what_passes_now_is_sent_again() -> None:
    assert state(b"", HAND_OFF) == "pending"


def test_a_stale_number_is_final() -> None:
    """C3: a smaller custody number will never be good again."""
    assert state(stale(3, 4), HAND_OFF, number=4) == "rejected"
    assert state(stale(3, 3), END, number=3) == "rejected"


@pytest.mark.parametrize("payload", [HAND_OFF, END], ids=["hand_off", "end"])
def test_a_number_that_lies_ahead_waits_for_its_predecessor(payload: Any) -> None:
    """B8: it may come from elsewhere; but not for ever."""
    assert state(stale(3, 2), payload, number=2) == "pending"
    assert state(stale(3, 2), payload, number=2, tries=MOST_TRIES) == "rejected"


def test_another_holder_is_final_unless_a_record_is_missing() -> None:
    found = reverted("NotHolder", "bytes32 uint40 uint48", ITEM, 1, 2)
    assert state(found, HAND_OFF, number=3) == "rejected"
    assert state(found, HAND_OFF, number=2) == "pending"


def test_each_item_is_judged_by_its_own_custody_number() -> None:
    """C7: a packing names the receptacle's; the numbers of what is packed say nothing about it."""
    payload = {"packing": {"receptacle": "0x" + ITEM.hex(), "number": 3}}
    numbers = {ITEM: 2, bytes(32): 9}
    verdict = judge(stale(3, 2), "packing", payload, numbers, 0)
    assert verdict is not None
    assert verdict.state == "pending"
    other = reverted("NotHolder", "bytes32 uint40 uint48", bytes(32), 1, 2)
    verdict = judge(other, "packing", payload, numbers, 0)
    assert verdict is not None
    assert verdict.state == "rejected"


def test_a_passed_deadline_is_expired() -> None:
    assert state(reverted("PastDeadline", "uint40 uint40", 5, 6), HAND_OFF) == "expired"


@pytest.mark.parametrize(
    ("name", "kinds", "values"),
    [
        ("UnknownItem", "bytes32", [ITEM]),
        ("NotIssued", "uint64", [7]),
        ("UnknownCustodian", "uint40", [7]),
    ],
)
def test_what_another_record_may_cure_is_tried_again(
    name: str, kinds: str, values: list[Any]
) -> None:
    assert state(reverted(name, kinds, *values), HAND_OFF) == "pending"
    assert state(reverted(name, kinds, *values), HAND_OFF, tries=MOST_TRIES) == "rejected"


def test_time_cures_what_lies_ahead_however_long_it_takes() -> None:
    """C5: the chain's clock is behind ours; what was promised is not dropped for that."""
    found = reverted("TimeAhead", "uint40 uint40", 7, 6)
    assert state(found, HAND_OFF, tries=MOST_TRIES) == "pending"


def test_a_wrong_signature_is_final() -> None:
    found = reverted("WrongSignature", "address bytes32", "0x" + "11" * 20, ITEM)
    verdict = judge(found, "hand_off", HAND_OFF, {ITEM: 3}, 0)
    assert verdict is not None
    assert verdict.state == "rejected"
    assert verdict.refusal is not None
    assert verdict.refusal["name"] == "WrongSignature"


def test_a_node_in_trouble_says_nothing_about_the_record() -> None:
    for words in ("header not found", "rate limited", "Resource not found"):
        assert state(RpcError(-32000, words, b""), HAND_OFF, tries=99) is None


@pytest.mark.parametrize(
    "answer",
    [RpcError(-32603, "EVM error OutOfGas", b""), RpcError(3, "execution reverted", b"\1\2\3\4")],
    ids=["out of gas", "unknown error"],
)
def test_a_revert_that_nobody_can_explain_is_rejected_in_the_end(answer: RpcError) -> None:
    assert state(answer, HAND_OFF) == "pending"
    assert state(answer, HAND_OFF, tries=MOST_TRIES) == "rejected"


def test_rests_double_and_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(unrecorded.time, "monotonic", lambda: now[0])
    patience, rests = Patience(), []
    for _ in range(8):
        patience.rest(ITEM)
        rests.append(patience.until[ITEM] - now[0])
    assert rests == [1, 2, 4, 8, 16, 32, 60, 60]
    assert patience.resting() == {ITEM}
    now[0] += 61
    assert patience.resting() == set()
    assert patience.tries[ITEM] == 8
    now[0] += 600
    patience.resting()
    assert ITEM not in patience.tries
