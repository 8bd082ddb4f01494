"""What a node says of a block, checked before it is written (B7): links, places, and the bloom.

The bloom filter (Ethereum yellow paper, section 4.3.1) is part of the header that its hash covers: a
node that leaves out a log of a block contradicts the block itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from backend.domain.keccak import keccak256
from backend.errors import Unavailable
from backend.indexer.node import Block, Log

BLOOM_BITS = 2048


class NodeContradicts(Unavailable):
    """The node's answers do not fit each other. Nothing was written; it is asked again."""


@lru_cache(maxsize=4096)
def _bits(value: bytes) -> int:
    """The three bits that a value sets."""
    digest = keccak256(value)
    low_bits = (int.from_bytes(digest[at : at + 2], "big") % BLOOM_BITS for at in (0, 2, 4))
    return sum({1 << bit for bit in low_bits})


def may_hold(bloom: bytes, addresses: Iterable[bytes]) -> bool:
    """False where the block surely has no log of any of the contracts."""
    filled = int.from_bytes(bloom, "big")
    return any(filled & bits == bits for bits in map(_bits, addresses))


def bloom_of(logs: Iterable[Log]) -> bytes:
    """The bloom that exactly these logs make, 256 bytes."""
    held: set[bytes] = set()
    for log in logs:
        held.add(log.address)
        held.update(log.topics)
    filled = 0
    for value in held:
        filled |= _bits(value)
    return filled.to_bytes(BLOOM_BITS // 8, "big")


def check_logs(block: Block, logs: Sequence[Log]) -> None:
    """Logs of one block, in order, each once, by its transactions. Raises NodeContradicts."""
    before = -1
    transactions = set(block.transactions)
    for log in logs:
        wrong = (
            log.block_hash != block.hash
            or log.block_number != block.number
            or log.transaction_hash not in transactions
            or log.log_index <= before
        )
        if wrong:
            raise NodeContradicts(
                f"Log {log.log_index} does not belong into block {block.number}, "
                f"0x{block.hash.hex()}, or came out of turn."
            )
        before = log.log_index


def has_gap(logs: Sequence[Log]) -> bool:
    """Whether any log of a block before the last of these is not among them: indexes count from 0 through the block."""
    return bool(logs) and logs[-1].log_index != len(logs) - 1


def check_complete(
    block: Block, ours: Sequence[Log], everybodys: Sequence[Log], addresses: Collection[bytes]
) -> None:
    """Everybody's logs have no gap and make the block's bloom; those by our addresses are ours, all of them.

    The bloom alone does not tell: what a log adds to it, others of the same item and record may have added.
    Raises NodeContradicts.
    """
    by_us = [log for log in everybodys if log.address in addresses]
    fit = bloom_of(everybodys) == block.logs_bloom and not has_gap(everybodys)
    if not fit or by_us != list(ours):
        raise NodeContradicts(
            f"The node's logs of block {block.number}, 0x{block.hash.hex()}, {len(ours)} of "
            f"{len(everybodys)} by our contracts, do not make the block's bloom."
        )


def linked(blocks: Iterable[Block | None], number: int, parent_hash: bytes | None) -> list[Block]:
    """Those of the blocks that follow one another from `number` on, up to the first that does not.

    The chain may change between two answers: what does not link is asked for again.
    """
    chain: list[Block] = []
    for block in blocks:
        if block is None or block.number != number:
            break
        if parent_hash is not None and block.parent_hash != parent_hash:
            break
        chain.append(block)
        number, parent_hash = number + 1, block.hash
    return chain
