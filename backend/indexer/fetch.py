"""A run of blocks with our contracts' logs, as the node has them now, checked (B7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from backend.errors import Unavailable
from backend.indexer.node import Block, Log, Node
from backend.indexer.verify import (
    NodeContradicts,
    bloom_of,
    check_complete,
    check_logs,
    has_gap,
    linked,
    may_hold,
)

# Most headers in one request, blocks whose logs are asked for at once, and logs in one transaction.
HEADERS = 100
BLOCKS_OF_LOGS = 8
MOST_LOGS = 20_000
# Most receipts in one request.
RECEIPTS = 50


@dataclass(slots=True)
class Reach:
    """How many blocks are asked for at once: half as many after each failure, twice as many after each success.

    A node's limit (of a body, of results, of seconds) is known by its errors only, and these have no common form.
    """

    headers: int = HEADERS
    blocks_of_logs: int = BLOCKS_OF_LOGS

    def shrink(self) -> None:
        self.headers = max(1, self.headers // 2)
        self.blocks_of_logs = max(1, self.blocks_of_logs // 2)

    def grow(self) -> None:
        self.headers = min(HEADERS, self.headers * 2)
        self.blocks_of_logs = min(BLOCKS_OF_LOGS, self.blocks_of_logs * 2)


@dataclass(slots=True)
class Run:
    """Blocks that follow one another, and the logs of our contracts in them, in order."""

    blocks: list[Block] = field(default_factory=list)
    logs: list[Log] = field(default_factory=list)


def fetch(
    node: Node,
    addresses: Sequence[bytes],
    first: int,
    last: int,
    parent_hash: bytes | None,
    reach: Reach,
) -> Run:
    """The blocks from `first` on that follow the parent, with their logs: at most MOST_LOGS or so.

    An empty run: the block is not found yet, or it does not follow the parent.
    Raises NodeContradicts, and Unavailable where no node answers; then the reach is smaller.
    """
    try:
        run = _fetch(node, addresses, first, last, parent_hash, reach)
    except Unavailable:
        reach.shrink()
        raise
    reach.grow()
    return run


def _fetch(
    node: Node,
    addresses: Sequence[bytes],
    first: int,
    last: int,
    parent_hash: bytes | None,
    reach: Reach,
) -> Run:
    numbers = range(first, min(last, first + reach.headers - 1) + 1)
    headers = linked(node.blocks(numbers), first, parent_hash)
    run = Run()
    for start in range(0, len(headers), reach.blocks_of_logs):
        part = headers[start : start + reach.blocks_of_logs]
        run.blocks += part
        run.logs += _logs(node, addresses, part)
        if len(run.logs) >= MOST_LOGS:
            break
    return run


def _logs(node: Node, addresses: Sequence[bytes], blocks: Sequence[Block]) -> list[Log]:
    """Asked by block hash; a block whose bloom holds none of our contracts has no log of ours."""
    asked = [block for block in blocks if may_hold(block.logs_bloom, addresses)]
    answers = node.logs([block.hash for block in asked], addresses) if asked else []
    for block, logs in zip(asked, answers, strict=True):
        check_logs(block, logs)
        if bloom_of(logs) != block.logs_bloom or has_gap(logs):
            (everybodys,) = node.logs([block.hash], ())
            check_complete(block, logs, everybodys, addresses)
    return [log for logs in answers for log in logs]


def check_receipts(
    node: Node, addresses: Sequence[bytes], logs: Sequence[Log], transactions: set[bytes]
) -> None:
    """The logs of these transactions by our contracts are those of the receipts. Raises NodeContradicts.

    For what cannot be read: a block's last log may be missing unnoticed, and those before it that it completes
    say nothing without it. Where a node keeps no receipt so old, nothing contradicts it.
    """
    had: dict[bytes, list[int]] = {}
    for log in logs:
        if log.transaction_hash in transactions:
            had.setdefault(log.transaction_hash, []).append(log.log_index)
    asked = list(had)
    for start in range(0, len(asked), RECEIPTS):
        part = asked[start : start + RECEIPTS]
        for transaction, told in zip(part, node.logs_in_receipts(part), strict=True):
            ours = [log.log_index for log in told or () if log.address in addresses]
            if told is not None and ours != had[transaction]:
                raise NodeContradicts(
                    f"The node's logs of transaction 0x{transaction.hex()}, {len(had[transaction])} by our "
                    f"contracts, are not those of its receipt, {len(ours)}."
                )
