"""The logs of a trail, asked of a node: which of them belong together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
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
from backend.proof.bundle import BlockMark, place_of
from backend.proof.evidence import parties
from backend.proof.reading import read_story
from backend.proof.records import arguments
from backend.proof.story import Story

TRAIL = (
    *("Accepted", "ItemHandedOff", "Delivered", "Ended", "TakenUp", "Recalled", "Reported"),
    *("Stayed", "ItemMissing", "Packed", "Closed", "Opened"),
)
# C10: beside the trail.
EVIDENCE = "Equivocated"
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
    """All that a node knows of one item: logs, their blocks, and what they say.

    `trails` has the logs of the item and of each receptacle that it lay in, by item.
    """

    trails: Mapping[bytes, tuple[RawLog, ...]]
    network: tuple[RawLog, ...]
    marks: dict[int, BlockMark]
    newest: BlockMark
    story: Story

    @property
    def logs(self) -> tuple[RawLog, ...]:
        """Each once: a hand-off may be of several trails."""
        return _once(log for logs in (*self.trails.values(), self.network) for log in logs)


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

    def receptacle(self, number: int) -> bytes:
        """C7: the receptacle with this number, as an item."""
        return self._views.receptacle_of(number, self.newest.number).item

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


def gather(
    source: NodeLogs, deployment: Deployment, item: bytes, receptacles: Iterable[bytes] = ()
) -> Gathered:
    """The whole trail of an item with franking and signing rights, read and checked.

    With it come the receptacles that the item lay in, each up to its opening (C7). What was taken up out of a
    receptacle has no record of having lain there; `receptacles` names those that are known anyhow.
    Raises NotFound for an item without records, Refuted, Unavailable.
    """
    search = _Search(source, deployment)
    search.follow(item)
    for receptacle in receptacles:
        search.follow(receptacle, until_opened=True)
    logs = _once(log for logs in search.found.values() for log in logs)
    network = _of_network(source, deployment, logs)
    marks = source.marks({log.block_number for log in (*logs, *network)})
    times = {number: mark.time for number, mark in marks.items()}
    story = read_story(contracts_of(deployment), (*logs, *network), times, item)
    return Gathered(search.found, tuple(network), marks, source.newest, story)


def _once(logs: Iterable[RawLog]) -> tuple[RawLog, ...]:
    return tuple({place_of(log): log for log in logs}.values())


class _Search:
    """The logs of an item's trail, then of the receptacles that they name, and so on outwards."""

    def __init__(self, source: NodeLogs, deployment: Deployment) -> None:
        self._source = source
        self._deployment = deployment
        self._ledger = deployment.ledger.contract
        self.found: dict[bytes, tuple[RawLog, ...]] = {}

    def follow(self, item: bytes, until_opened: bool = False) -> None:
        """Raises NotFound for an item without records."""
        if item in self.found:
            return
        own = self._source.find(self._ledger, [_topics(*TRAIL, EVIDENCE), frozenset([item])])
        if not any(_is(log, "Accepted") for log in own):
            raise NotFound(f"The chain has no record of the item 0x{item.hex()}.")
        opened = [place_of(log) for log in own if _is(log, "Opened")]
        if until_opened and opened:
            own = [log for log in own if place_of(log) <= opened[0]]
        lines = [log for log in own if _is(log, "ItemHandedOff")]
        with_them = _hand_offs(self._source, self._ledger, lines) + self._refusals(own)
        frankings = _frankings(self._source, self._deployment, item)
        self.found[item] = (*own, *with_them, *frankings)
        numbers = _lain_in(own)
        if not (until_opened and opened):
            numbers |= {self._source.lies_in(item)} - {0}
        for number in sorted(numbers):
            self.follow(self._source.receptacle(number), until_opened=True)

    def _refusals(self, own: Sequence[RawLog]) -> list[RawLog]:
        """CE9: lines that were not packed, and whole packings of the same transaction that were refused (CE6)."""
        together = {(log.transaction_hash, log.topics[2]) for log in own if _is(log, "Packed")}
        digests = frozenset(digest for _, digest in together)
        if not digests:
            return []
        lines = self._source.find(self._ledger, [_topics("LineRefused"), digests])
        wholes = self._source.find(self._ledger, [_topics("Refused"), frozenset(), digests])
        by_digest = [(log, log.topics[1]) for log in lines] + [
            (log, log.topics[2]) for log in wholes
        ]
        return [log for log, digest in by_digest if (log.transaction_hash, digest) in together]


def _is(log: RawLog, event: str) -> bool:
    return log.topics[0] == topic(event)


def _lain_in(own: Iterable[RawLog]) -> set[int]:
    """The numbers of the receptacles that a trail's own logs name."""
    named = [
        (log, _reader(name)) for log in own for name in ("Stayed", "ItemMissing") if _is(log, name)
    ]
    return {arguments(reader, log)["receptacle"] for log, reader in named}


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


def _of_network(source: NodeLogs, deployment: Deployment, logs: Iterable[RawLog]) -> list[RawLog]:
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


def _signers(log: RawLog) -> Collection[int]:
    """The custodians that a log of a trail names; 0 is the addressee's key."""
    if log.topics[0] in _topics("ItemHandedOff", "Franked", "LineRefused", "Refused"):
        return ()
    if _is(log, EVIDENCE):
        a = arguments(_reader(EVIDENCE), log)
        return parties(a["giver"], a["first"], a["second"])
    places = (2, 3) if log.topics[0] in _topics("HandedOff", "HandOffForced") else (3,)
    numbers = (int.from_bytes(log.topics[place], "big") for place in places)
    return tuple(number for number in numbers if number)


def topic(event: str) -> bytes:
    """The first topic of one of the contracts' events."""
    return _reader(event).topic


def _topics(*events: str) -> frozenset[bytes]:
    return frozenset(map(topic, events))


def _reader(event: str) -> EventReader:
    return _readers_by_name()[event]


@cache
def _readers_by_name() -> dict[str, EventReader]:
    entries = [entry for name in CONTRACTS for entry in committed_abi(name)]
    return {e["name"]: EventReader(e) for e in entries if e["type"] == "event"}


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")
