"""The logs of a trail, asked of a node: which of them belong together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from backend.chain.answers import Log, RpcError, data, parse_logs
from backend.chain.client import Node
from backend.chain.deployment import Deployment
from backend.chain.interface import CONTRACTS
from backend.chain.views import Views
from backend.domain.ids import operator_of_custodian
from backend.errors import NotFound, Unavailable
from backend.indexer.abi import EventReader
from backend.indexer.decode import Contracts, committed_abi
from backend.indexer.events import RawLog
from backend.proof.bundle import BlockMark
from backend.proof.records import Reader, Trail

# What a receptacle's trail and its contents' trails have besides (C7).
RECEPTACLES = ("Stayed", "ItemMissing", "Packed", "Closed", "Opened")
TRAIL = (
    *("Accepted", "ItemHandedOff", "Delivered", "Ended", "TakenUp", "Recalled", "Reported"),
    *RECEPTACLES,
)
OPERATORS = ("OperatorAdmitted", "AdminChanged", "OperatorSuspended", "OperatorReinstated")
CUSTODIANS = (
    "CustodianEnrolled",
    "RightGranted",
    "KeyCompromised",
    "CustodianSuspended",
    "CustodianReinstated",
)
# How many blocks are asked for at once before a node has said how many it takes.
FIRST_SPAN_BLOCKS = 1 << 20

# Topics by place: any of these values; an empty set is any value.
Topics = Sequence[frozenset[bytes]]


@dataclass(frozen=True, slots=True)
class Gathered:
    """All that a node knows of one trail: its logs, their blocks, and what they say."""

    logs: tuple[RawLog, ...]
    marks: dict[int, BlockMark]
    newest: BlockMark
    trail: Trail


class NodeLogs:
    """A node's raw logs, up to the block that was its newest when this began."""

    def __init__(self, node: Node, deployment: Deployment) -> None:
        head = node.head()
        self._node = node
        self._views = Views(node, deployment)
        self._first = deployment.first_block
        self._span_blocks = FIRST_SPAN_BLOCKS
        self.newest = BlockMark(head.number, head.hash, head.time)

    def find(self, address: bytes, topics: Topics) -> list[RawLog]:
        """The logs of a contract that fit. Asks again for fewer blocks at a time where the node refuses as many."""
        found: list[RawLog] = []
        first = self._first
        while first <= self.newest.number:
            last = min(first + self._span_blocks - 1, self.newest.number)
            try:
                found += self._find(address, topics, first, last)
                first = last + 1
            except RpcError:
                if first == last:
                    raise
                self._span_blocks = (last - first + 1) // 2
        return found

    def _find(self, address: bytes, topics: Topics, first: int, last: int) -> list[RawLog]:
        answer = self._node.request(
            "eth_getLogs",
            {
                "address": "0x" + address.hex(),
                "fromBlock": hex(first),
                "toBlock": hex(last),
                "topics": [["0x" + value.hex() for value in sorted(any_)] for any_ in topics],
            },
        )
        return [raw_log(log) for log in parse_found(answer)]

    def lies_in(self, item: bytes) -> int:
        """C7: the receptacle that the item lies in, or whose stay is not written yet; 0 for none."""
        return self._views.lying_in(item, self.newest.number)

    def marks(self, numbers: Iterable[int]) -> dict[int, BlockMark]:
        """The blocks with these numbers. Raises Unavailable where one is missing."""
        wanted = sorted(numbers)
        blocks = self._node.blocks(wanted)
        found = {b.number: BlockMark(b.number, b.hash, b.time) for b in blocks if b is not None}
        if missing := set(wanted) - set(found):
            raise Unavailable(
                f"The node does not have block {min(missing)}.",
                "Wait until it has caught up, or ask a node that keeps the whole chain.",
            )
        return found


def raw_log(log: Log) -> RawLog:
    """The node's log as the indexer keeps it."""
    return RawLog(
        block_number=log.block_number,
        block_hash=log.block_hash,
        transaction_hash=log.transaction_hash,
        log_index=log.log_index,
        address=log.address,
        topics=log.topics,
        data=log.data,
    )


def parse_found(answer: Any) -> list[Log]:
    """The logs of many blocks. Raises BadAnswer."""
    by_block: dict[bytes, list[Any]] = {}
    for log in answer if isinstance(answer, list) else [answer]:
        stated = log.get("blockHash") if isinstance(log, dict) else None
        by_block.setdefault(data(stated, 32), []).append(log)
    return [log for block, logs in by_block.items() for log in parse_logs(logs, block)]


def contracts_of(deployment: Deployment) -> Contracts:
    """The contracts as the decoder wants them."""
    return Contracts(deployment.network, deployment.ledger, deployment.stamps)


def gather(source: NodeLogs, deployment: Deployment, item: bytes) -> Gathered:
    """The whole trail of an item with franking and signing rights, read and checked.

    Raises NotFound for an item without records, Refuted, Unavailable.
    """
    logs = _of_item(source, deployment, item)
    logs += _of_network(source, deployment, logs)
    marks = source.marks({log.block_number for log in logs})
    times = {number: mark.time for number, mark in marks.items()}
    trail = Reader(contracts_of(deployment)).read(logs, times, item)
    return Gathered(tuple(logs), marks, source.newest, trail)


def _of_item(source: NodeLogs, deployment: Deployment, item: bytes) -> list[RawLog]:
    ledger = deployment.ledger.contract
    own = source.find(ledger, [_topics(*TRAIL), frozenset([item])])
    if not own:
        raise NotFound(f"The chain has no record of the item 0x{item.hex()}.")
    if any(log.topics[0] in _topics(*RECEPTACLES) for log in own) or source.lies_in(item):
        raise Unavailable(
            "This item has lain in a receptacle, or is one: this version cannot prove such a trail yet.",
            "Its records are on the chain; ask again after the next release.",
        )
    lines = [log for log in own if log.topics[0] == topic("ItemHandedOff")]
    return own + _hand_offs(source, ledger, lines) + _frankings(source, deployment, item)


def _hand_offs(source: NodeLogs, ledger: bytes, lines: Sequence[RawLog]) -> list[RawLog]:
    """CE4. A hand-off may come again for lines that were refused at first (CE5): each line has its own."""
    if not lines:
        return []
    together = {(log.transaction_hash, log.topics[2]) for log in lines}
    digests = frozenset(digest for _, digest in together)
    found = source.find(ledger, [_topics("HandedOff", "HandOffForced"), digests])
    return [log for log in found if (log.transaction_hash, log.topics[1]) in together]


def _frankings(source: NodeLogs, deployment: Deployment, item: bytes) -> list[RawLog]:
    whose = [_topics("Franked"), frozenset[bytes](), frozenset([item])]
    return source.find(deployment.stamps.contract, whose)


def _of_network(source: NodeLogs, deployment: Deployment, logs: Sequence[RawLog]) -> list[RawLog]:
    """Admission and key history of the custodians that signed, and of their operators."""
    signers = {number for log in logs for number in _signers(log)}
    operators = {operator_of_custodian(number) for number in signers}
    return [
        log
        for names, numbers in ((CUSTODIANS, signers), (OPERATORS, operators))
        for log in source.find(
            deployment.network, [_topics(*names), frozenset(map(_word, numbers))]
        )
    ]


def _signers(log: RawLog) -> tuple[int, ...]:
    """The custodians that a log of a trail names in its topics; 0 is the addressee's key."""
    if log.topics[0] in (topic("ItemHandedOff"), topic("Franked")):
        return ()
    places = (2, 3) if log.topics[0] in _topics("HandedOff", "HandOffForced") else (3,)
    numbers = (int.from_bytes(log.topics[place], "big") for place in places)
    return tuple(number for number in numbers if number)


def topic(event: str) -> bytes:
    """The first topic of one of the contracts' events."""
    return _topics_by_name()[event]


def _topics(*events: str) -> frozenset[bytes]:
    return frozenset(map(topic, events))


@cache
def _topics_by_name() -> dict[str, bytes]:
    entries = [entry for name in CONTRACTS for entry in committed_abi(name)]
    return {e["name"]: EventReader(e).topic for e in entries if e["type"] == "event"}


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")
