"""What a node says of a block: links and blooms, checked without a node."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.keccak import keccak256
from backend.indexer.events import RawLog
from backend.indexer.verify import (
    NodeContradicts,
    bloom_of,
    check_complete,
    check_logs,
    has_gap,
    linked,
    may_hold,
)

OURS, THEIRS = b"o" * 20, b"t" * 20


@dataclass(frozen=True)
class Header:
    number: int
    hash: bytes
    parent_hash: bytes
    time: int = 0
    logs_bloom: bytes = bytes(256)
    transactions: tuple[bytes, ...] = ()


def log(index: int, address: bytes = OURS, *topics: bytes) -> RawLog:
    return RawLog(b"h" * 32, index, 1, b"x" * 32, address, topics or (bytes([index]) * 32,), b"")


def header(*logs: RawLog) -> Header:
    return Header(1, b"h" * 32, b"p" * 32, 0, bloom_of(logs), (b"x" * 32,))


def test_the_bloom_is_that_of_the_yellow_paper() -> None:
    """Section 4.3.1: three bits, the low 11 of the first three pairs of the hash."""
    digest = keccak256(OURS)
    bits = {int.from_bytes(digest[at : at + 2], "big") & 2047 for at in (0, 2, 4)}
    bloom = int.from_bytes(bloom_of([log(0)._replace(topics=())]), "big")
    assert {bit for bit in range(2048) if bloom >> bit & 1} == bits


@given(
    st.lists(st.binary(min_size=20, max_size=20), max_size=20), st.binary(min_size=20, max_size=20)
)
def test_a_bloom_never_denies_what_it_holds(addresses: list[bytes], other: bytes) -> None:
    bloom = bloom_of(log(0, address) for address in addresses)
    assert all(may_hold(bloom, [address]) for address in addresses)
    assert not may_hold(bytes(256), [other])


def test_logs_of_one_block_in_order_are_taken() -> None:
    check_logs(header(log(0), log(3)), [log(0), log(3)])


@pytest.mark.parametrize(
    "logs",
    [
        [log(0)._replace(block_hash=b"?" * 32)],
        [log(0)._replace(block_number=2)],
        [log(0)._replace(transaction_hash=b"?" * 32)],
        [log(3), log(0)],
        [log(3), log(3)],
    ],
)
def test_logs_of_elsewhere_or_out_of_turn_are_not(logs: list[RawLog]) -> None:
    with pytest.raises(NodeContradicts):
        check_logs(header(*logs), logs)


def test_all_logs_of_a_block_make_its_bloom() -> None:
    ours, theirs = [log(0), log(2)], [log(1, THEIRS)]
    everybody = [log(0), log(1, THEIRS), log(2)]
    check_complete(header(*ours, *theirs), ours, everybody, [OURS])
    for short, all_ in ((ours[:1], everybody), (ours, everybody[:2]), (ours[:1], everybody[:2])):
        with pytest.raises(NodeContradicts):
            check_complete(header(*ours, *theirs), short, all_, [OURS])


def test_a_log_that_adds_nothing_to_the_bloom_is_missed_by_its_index() -> None:
    """B7: a line of a hand-off bears its item and its record, and so may two other logs of the block."""
    item, record = b"i" * 32, b"r" * 32
    logs = [log(0, OURS, item), log(1, OURS, item, record), log(2, OURS, record)]
    short = [logs[0], logs[2]]
    assert bloom_of(short) == bloom_of(logs)
    assert (has_gap(short), has_gap(logs), has_gap([])) == (True, False, False)
    check_complete(header(*logs), logs, logs, [OURS])
    with pytest.raises(NodeContradicts):
        check_complete(header(*logs), short, short, [OURS])


def test_what_does_not_link_is_left_for_later() -> None:
    first, second = Header(5, b"5", b"4"), Header(6, b"6", b"5")
    assert linked([first, second, None, first], 5, b"4") == [first, second]
    assert linked([first, replace(second, parent_hash=b"?")], 5, b"4") == [first]
    assert linked([first, second], 5, b"?") == []
    assert linked([second], 5, None) == []
    assert linked([first], 5, None) == [first]
