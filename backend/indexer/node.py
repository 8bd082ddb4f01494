"""What the indexer asks of a node; backend/chain's Node answers it.

A block that a node does not have is *not found yet*, never *empty*. Every method raises Unavailable where
no node answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from backend.domain.typed_data import SigningDomain


class Block(Protocol):
    """A header, and the hashes of the block's transactions in order."""

    @property
    def number(self) -> int: ...
    @property
    def hash(self) -> bytes: ...
    @property
    def parent_hash(self) -> bytes: ...
    @property
    def time(self) -> int: ...
    @property
    def logs_bloom(self) -> bytes: ...
    @property
    def transactions(self) -> tuple[bytes, ...]: ...


class Log(Protocol):
    """One raw log."""

    @property
    def block_hash(self) -> bytes: ...
    @property
    def log_index(self) -> int: ...
    @property
    def block_number(self) -> int: ...
    @property
    def transaction_hash(self) -> bytes: ...
    @property
    def address(self) -> bytes: ...
    @property
    def topics(self) -> tuple[bytes, ...]: ...
    @property
    def data(self) -> bytes: ...


class Receipt(Protocol):
    """Whether a transaction did what it should, and in which block."""

    @property
    def transaction_hash(self) -> bytes: ...
    @property
    def block_hash(self) -> bytes: ...
    @property
    def succeeded(self) -> bool: ...


class Health(Protocol):
    """One URL of the node; `trouble` is empty where it answers and serves our chain."""

    @property
    def name(self) -> str: ...
    @property
    def trouble(self) -> str: ...
    @property
    def serves_other_chain(self) -> bool: ...
    @property
    def head(self) -> int | None: ...


class Node(Protocol):
    """The chain as one node sees it; raises ChainReplaced where it serves another one than ours."""

    def head(self) -> Block:
        """The newest block."""

    def levels(self) -> tuple[int | None, int | None]:
        """Numbers of the newest safe and the newest final block; None where the chain does not say."""

    def doubt(self) -> None:
        """What it said cannot be right: ask another URL first, and check all anew."""

    def survey(self) -> Sequence[Health]:
        """How each URL is. Raises nothing."""

    def health(self) -> Sequence[Health]:
        """How each URL was found last; nothing is asked."""

    def blocks(self, ats: Sequence[int | bytes]) -> Sequence[Block | None]: ...

    def logs(
        self, block_hashes: Sequence[bytes], addresses: Sequence[bytes]
    ) -> Sequence[Sequence[Log]]:
        """The logs of each block by these contracts, in order; of all contracts where none is named."""

    def receipts(self, hashes: Sequence[bytes]) -> Sequence[Receipt | None]: ...

    def logs_in_receipts(self, hashes: Sequence[bytes]) -> Sequence[Sequence[Log] | None]:
        """The logs of each transaction by all contracts, asked for in another way; None where it has no receipt."""

    def raw_transactions(self, hashes: Sequence[bytes]) -> Sequence[bytes]: ...


class Deployment(Protocol):
    """Which contracts on which chain; `first_block` is the block of the first of them."""

    @property
    def chain_id(self) -> int: ...
    @property
    def network(self) -> bytes: ...
    @property
    def ledger(self) -> SigningDomain: ...
    @property
    def stamps(self) -> SigningDomain: ...
    @property
    def first_block(self) -> int: ...
