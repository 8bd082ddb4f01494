"""What the chain says of the blocks that come next: fetched, checked, decoded, and packed for the database."""

from __future__ import annotations

from dataclasses import dataclass
from struct import error as StructError  # noqa: N812
from typing import Any

from sqlalchemy import Row

from backend.indexer.decode import Contracts, Decoder
from backend.indexer.events import Event, Unreadable
from backend.indexer.fetch import Reach, Run, check_receipts, fetch
from backend.indexer.node import Block, Deployment, Node
from backend.indexer.raw import Levels, packed_logs
from backend.indexer.verify import NodeContradicts


@dataclass(frozen=True, slots=True)
class Fetched:
    """What follows a block (None: the first), what it says, and what was safe and final before it was fetched.

    `logs` are rows of the table, packed.
    """

    parent_hash: bytes | None
    levels: Levels
    blocks: list[Block]
    logs: list[bytes]
    events: list[Event]

    def follows(self, newest: Block | Row[Any] | None, head: Block) -> bool:
        """Whether it may be written after `newest`, as far as the node's head tells."""
        reached = bool(self.blocks) and self.blocks[-1].number <= head.number
        return reached and newest is not None and newest.hash == self.parent_hash

    @property
    def transactions(self) -> dict[bytes, int]:
        """The number of the block of each transaction."""
        return {hash_: block.number for block in self.blocks for hash_ in block.transactions}


class Reader:
    """Reads one deployment's logs from a node.

    `finality_depth`: how many blocks from the head down are not final, where the chain does not say itself
    which are (the `finalized` tag); 0 where blocks are final at once (QBFT).
    """

    def __init__(
        self, node: Node, deployment: Deployment, finality_depth: int | None = None
    ) -> None:
        contracts = Contracts(deployment.network, deployment.ledger, deployment.stamps)
        self.decoder = Decoder(contracts)
        self._node = node
        self._addresses = contracts.addresses
        self._finality_depth = finality_depth
        self._reach = Reach()

    def fetch(self, first: int, head: Block, parent_hash: bytes | None) -> Fetched:
        """The run that begins with this number, up to the head, on the block of this hash (None: on any).

        Raises Unavailable where no node answers, or it contradicts itself.
        """
        # Asked first: what is fetched after it, up to its number, can no longer be replaced.
        levels = self._levels(head)
        run = fetch(self._node, self._addresses, first, head.number, parent_hash, self._reach)
        times = {block.number: block.time for block in run.blocks}
        events = self.decoder.decode(run.logs, times)
        unclear = {event.place.transaction for event in events if isinstance(event, Unreadable)}
        check_receipts(self._node, self._addresses, run.logs, unclear)
        return Fetched(parent_hash, levels, run.blocks, _packed(run), events)

    def _levels(self, head: Block) -> Levels:
        """By the chain's own tags; what is final by the depth, where one is set."""
        safe, finalized = self._node.levels()
        if self._finality_depth is not None:
            finalized = max(0, head.number - self._finality_depth)
        if safe is not None and finalized is not None:
            safe = max(safe, finalized)
        return Levels(safe, finalized)


def _packed(run: Run) -> list[bytes]:
    try:
        return packed_logs(run.logs)
    except StructError as error:
        raise NodeContradicts(f"The node numbers a log as no node does: {error}.") from error
