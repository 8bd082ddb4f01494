"""Due submissions are cut into transactions: one kind each, within gas and size, in each item's order."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backend.chain.calls import TRANSACTION_GAS_CAP, gas_of
from backend.chain.runs import Run, cut

NUMBERS = count(1)
PAYLOADS: dict[str, dict[str, Any]] = {
    "acceptance": {"acceptance": {"stamps": []}},
    "hand_off": {"release": {"lines": [{}]}},
    "report": {},
    "issue": {"first": 1, "last": 6},
    "enrol": {},
}
ROOMY = 120_000


@dataclass
class Row:
    kind: str
    items: list[bytes]
    payload: dict[str, Any] = field(default_factory=dict)
    digest: bytes = field(default_factory=lambda: next(NUMBERS).to_bytes(32))


def row(kind: str, *items: str, **payload: Any) -> Row:
    return Row(kind, [item.encode() for item in items], PAYLOADS[kind] | payload)


def shape(runs: list[Run]) -> list[tuple[str, int]]:
    return [(run.kind, len(run.rows)) for run in runs]


def test_a_mixed_stream_makes_one_transaction_a_kind() -> None:
    rows = [row(kind, f"item {n}") for n in range(50) for kind in ("acceptance", "hand_off")]
    assert shape(cut(rows, 8, ROOMY)) == [("acceptance", 50), ("hand_off", 50)]


def test_records_of_one_item_go_in_their_order() -> None:
    kinds = ("acceptance", "hand_off", "report", "hand_off", "hand_off")
    rows = [row(kind, "parcel") for kind in kinds]
    assert shape(cut(rows, 8, ROOMY)) == [
        ("acceptance", 1),
        ("hand_off", 1),
        ("report", 1),
        ("hand_off", 2),
    ]


def test_a_full_transaction_is_followed_by_another() -> None:
    rows = [row("acceptance", f"item {n}") for n in range(300)]
    runs = cut(rows, 8, 10**9)
    assert len(runs) == 3
    assert all(run.gas <= TRANSACTION_GAS_CAP for run in runs)
    assert shape(cut(rows, 8, 10_000))[0] == ("acceptance", 18)


def test_no_more_transactions_than_asked_for() -> None:
    rows = [row(kind, "parcel") for kind in ("acceptance", "hand_off", "report")]
    assert shape(cut(rows, 2, ROOMY)) == [("acceptance", 1), ("hand_off", 1)]
    assert cut(rows, 0, ROOMY) == []


def test_a_record_that_is_too_large_for_any_transaction_goes_alone() -> None:
    """The chain then says what is wrong with it, instead of nobody."""
    large = row("issue", first=1, last=10**6)
    assert shape(cut([row("issue"), large, row("issue")], 8, ROOMY)) == [("issue", 1)] * 3


def test_acts_stand_alone_and_nothing_overtakes_them() -> None:
    """An act names no item: whatever came after it may rest on it."""
    rows = [row("report", "a"), row("enrol"), row("enrol"), row("report", "b")]
    assert shape(cut(rows, 8, ROOMY)) == [("report", 1), ("enrol", 1), ("enrol", 1), ("report", 1)]


def test_stamps_are_issued_before_what_came_later_uses_them() -> None:
    rows = [row("acceptance", "a"), row("issue"), row("acceptance", "b")]
    assert shape(cut(rows, 8, ROOMY)) == [("acceptance", 1), ("issue", 1), ("acceptance", 1)]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(PAYLOADS)), st.lists(st.sampled_from("abcde"), max_size=3)
        ),
        max_size=60,
    ),
    st.integers(1, 6),
    st.sampled_from([2_000, ROOMY]),
)
def test_any_stream_keeps_order_and_limits(
    stream: list[tuple[str, list[str]]], most: int, most_bytes: int
) -> None:
    """What is sent is, of each item, the beginning of its stream, in order; nothing twice."""
    rows = [row(kind, *set(items)) for kind, items in stream]
    runs = cut(rows, most, most_bytes)
    sent = [one for run in runs for one in run.rows]
    assert len(runs) <= most
    assert len({one.digest for one in sent}) == len(sent)
    for run in runs:
        assert {one.kind for one in run.rows} == {run.kind}
        assert sum(gas_of(one.kind, one.payload) for one in run.rows) <= TRANSACTION_GAS_CAP
    for item in {item for one in rows for item in one.items}:
        of_item = [one.digest for one in rows if item in one.items]
        of_sent = [one.digest for one in sent if item in one.items]
        assert of_sent == of_item[: len(of_sent)]
