"""The send and read loops by hand, on a chain whose clock the maker moves."""

from __future__ import annotations

from backend.chain.client import Node
from backend.chain.sender import Sender
from backend.indexer.follow import Indexer

MOST_ROUNDS = 20


class NotSettled(RuntimeError):
    """Records of the demonstration did not reach the chain; the log of the sender says why."""


class HandMovedLoops:
    """`sender` must not mine by itself (Pace.mine_every_seconds None)."""

    def __init__(self, node: Node, sender: Sender, indexer: Indexer) -> None:
        self._node = node
        self._sender = sender
        self._indexer = indexer

    def settle(self, block_time: int) -> None:
        """All that is due goes into blocks of this time. Raises NotSettled after twenty rounds."""
        for _ in range(MOST_ROUNDS):
            planned = self._sender.step()
            if self._node.waiting():
                self._node.set_next_block_time(block_time)
                self._node.mine()
            elif not planned:
                return
            while self._indexer.step():
                pass
        raise NotSettled(f"after {MOST_ROUNDS} blocks at {block_time} something is still due")
