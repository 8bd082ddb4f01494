"""What clients asked for and were told, held against what the chain has.

Each request bears a marker of its own as evidence, in the signed record itself: so it is found on the chain
whatever digest it got, and whether or not its asker was told one. The chain is read from the node, by nothing that
the product uses: three events, decoded here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from eth_abi.abi import decode

from backend.domain.keccak import keccak256
from backend.embedded.json_rpc import JsonRpc

ACKNOWLEDGED, REFUSED, UNKNOWN = "acknowledged", "refused", "unknown"
ACCEPTANCE = "(bytes32,uint40,uint40,uint16,bytes32,bytes32,bytes32,uint64[])"
REPORT = "(bytes32,uint16,uint16,uint32,uint40,uint40,bytes32)"
KEYS = "(address,address,bytes32)"


@dataclass
class Asked:
    """One request about items. `asked` and `answered` are moments on one clock; a moment is never twice.

    Unknown: its asker gave up before an answer, so that it may be on chain, once.
    """

    marker: bytes
    items: tuple[bytes, ...]
    asked: int
    answered: int | None = None
    outcome: str = UNKNOWN
    digest: bytes = b""

    def __str__(self) -> str:
        items = " ".join(item.hex()[:8] for item in self.items)
        when = f"asked at {self.asked}, answered at {self.answered}"
        return f"{self.outcome} {self.digest.hex()} for {items}, {when}"


@dataclass(frozen=True)
class Recorded:
    """One record of one item, as the chain tells it."""

    item: bytes
    digest: bytes
    marker: bytes


@dataclass
class Findings:
    """What must not be: each list is empty where all is well."""

    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    recorded_though_refused: list[str] = field(default_factory=list)
    never_asked: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)

    @property
    def broken(self) -> list[str]:
        """Every finding in words."""
        found = [*self.lost, *self.doubled, *self.recorded_though_refused]
        return [*found, *self.never_asked, *self.out_of_order]


def check(history: Sequence[Asked], chain: Sequence[Recorded]) -> Findings:
    """Each acknowledged record is on chain exactly once, each refused never, and items keep their order."""
    found = Findings(sum(asked.outcome == ACKNOWLEDGED for asked in history))
    counts = Counter((one.item, one.marker) for one in chain)
    digests = {(one.item, one.marker): one.digest for one in chain}
    known = {asked.marker for asked in history}
    found.never_asked = [f"never asked: {one}" for one in chain if one.marker not in known]
    for asked in history:
        for item in asked.items:
            place = item, asked.marker
            if asked.outcome == ACKNOWLEDGED and digests.get(place) != asked.digest:
                found.lost.append(f"lost for {item.hex()}: {asked}")
            if counts[place] > 1:
                found.doubled.append(f"{counts[place]} times for {item.hex()}: {asked}")
            if asked.outcome == REFUSED and counts[place]:
                found.recorded_though_refused.append(f"recorded though refused: {asked}")
    found.out_of_order = _out_of_order(history, chain)
    return found


def _out_of_order(history: Iterable[Asked], chain: Sequence[Recorded]) -> list[str]:
    """Of two records of an item the one that was promised before the other was asked for comes first."""
    places = {(one.item, one.marker): place for place, one in enumerate(chain)}
    of_item: dict[bytes, list[Asked]] = {}
    for asked in sorted(history, key=lambda one: one.asked):
        for item in asked.items:
            if asked.outcome == ACKNOWLEDGED and (item, asked.marker) in places:
                of_item.setdefault(item, []).append(asked)
    return [
        f"out of order for {item.hex()}: {first} then {second}"
        for item, records in of_item.items()
        for first, second in combinations(records, 2)
        if (first.answered or 0) < second.asked
        and places[item, first.marker] > places[item, second.marker]
    ]


# --- the chain's own words --------------------------------------------------------------------------
def _topic(event: str) -> str:
    return "0x" + keccak256(event.encode()).hex()


ACCEPTED = _topic(f"Accepted(bytes32,bytes32,uint40,{ACCEPTANCE},bytes)")
HANDED_OFF = _topic(
    "ItemHandedOff(bytes32,bytes32,uint16,uint32,uint32,uint16,uint16,bytes32,bytes32)"
)
REPORTED = _topic(f"Reported(bytes32,bytes32,uint40,uint32,{REPORT},{KEYS},bytes)")


def read_chain(url: str, ledger: bytes) -> list[Recorded]:
    """Every acceptance, hand-off and report of the ledger, in the order of the chain."""
    wanted = {"fromBlock": "0x0", "toBlock": "latest", "address": "0x" + ledger.hex()}
    with JsonRpc(url) as node:
        logs = node.call("eth_getLogs", wanted | {"topics": [[ACCEPTED, HANDED_OFF, REPORTED]]})
    places = [(int(log["blockNumber"], 16), int(log["logIndex"], 16)) for log in logs]
    assert places == sorted(places), "the node tells its logs out of order"
    return [
        Recorded(
            item=bytes.fromhex(log["topics"][1][2:]),
            digest=bytes.fromhex(log["topics"][2][2:]),
            marker=_evidence(log["topics"][0], bytes.fromhex(log["data"][2:])),
        )
        for log in logs
    ]


def _evidence(topic: str, data: bytes) -> bytes:
    if topic == ACCEPTED:
        acceptance, _ = decode([ACCEPTANCE, "bytes"], data)
        return bytes(acceptance[6])
    if topic == HANDED_OFF:
        types = ["uint16", "uint32", "uint32", "uint16", "uint16", "bytes32", "bytes32"]
        return bytes(decode(types, data)[5])
    _, report, _, _ = decode(["uint32", REPORT, KEYS, "bytes"], data)
    return bytes(report[6])
