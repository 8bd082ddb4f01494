"""Check a bundle against a node alone: no Posthorn server is asked (C6, C12, G4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backend.chain.client import Node
from backend.chain.deployment import check_deployment
from backend.chain.views import Views
from backend.domain.commitments import commitment
from backend.domain.ids import custodian_text, operator_of_custodian, stamp_text
from backend.domain.trail import Entry, TrailState
from backend.domain.typed_data import Acceptance
from backend.errors import NotFound, Unavailable
from backend.indexer.events import RawLog
from backend.proof.bundle import BlockMark, Bundle, Opening
from backend.proof.gather import Gathered, NodeLogs, contracts_of, gather
from backend.proof.records import Reader, Refuted, Trail


@dataclass(frozen=True, slots=True)
class Held:
    """A bundle that holds: what it proves, and what the chain has recorded since.

    `state` is the item's at the node's newest block, `at`; `later` counts the records that the bundle
    does not have yet.
    """

    entries: tuple[Entry, ...]
    signatures: int
    stamps: int
    later: int
    state: TrailState
    at: BlockMark


def check_bundle(bundle: Bundle, node: Node) -> Held:
    """Raises Refuted with the values that differ; Unavailable where the node cannot tell.

    BadSettings (OtherChain, NotDeployed, OtherBuild) where the node's chain has not these contracts.
    """
    check_deployment(node, bundle.deployment)
    source = NodeLogs(node, bundle.deployment)
    _check_blocks(bundle, source)
    said = _read(bundle)
    on_chain = _ask(bundle, source)
    _check_logs(bundle, said, on_chain)
    if on_chain.trail.entries[: len(said.entries)] != said.entries:
        raise Refuted("The bundle leaves out records that the chain has.")
    views = Views(node, bundle.deployment)
    _check_head(bundle, on_chain, views)
    _check_stamps(said, views, source.newest)
    return Held(
        entries=said.entries,
        signatures=said.signatures,
        stamps=len(said.acceptance.stamps),
        later=len(on_chain.trail.entries) - len(said.entries),
        state=on_chain.trail.state,
        at=source.newest,
    )


def check_opening(opening: Opening, acceptance: Acceptance) -> None:
    """C1: number and trail code give the commitment that acceptance signed. Raises Refuted."""
    if commitment(opening.number, opening.trail_code) != acceptance.commitment:
        raise Refuted(
            f"The number {opening.number} and its trail code are not what this item's acceptance "
            "commits to."
        )


def _check_blocks(bundle: Bundle, source: NodeLogs) -> None:
    if source.newest.number < bundle.made.number:
        raise Unavailable(
            f"The node is at block {source.newest.number}, the bundle was made at {bundle.made.number}.",
            "Wait until the node has caught up, or ask another one.",
        )
    stated = [*bundle.blocks, bundle.made]
    found = source.marks({mark.number for mark in stated})
    for mark in stated:
        if found[mark.number] != mark:
            raise Refuted(
                f"Block {mark.number} is 0x{mark.hash.hex()} at {mark.time} in the bundle, "
                f"0x{found[mark.number].hash.hex()} at {found[mark.number].time} on the chain."
            )


def _read(bundle: Bundle) -> Trail:
    """What the bundle says, held against its own signatures."""
    times = {mark.number: mark.time for mark in bundle.blocks}
    trail = Reader(contracts_of(bundle.deployment)).read(bundle.logs, times, bundle.item)
    if trail.rights != bundle.rights:
        raise Refuted("The signing rights that are listed are not those of the network's events.")
    if strangers := sorted(set(bundle.facilities) - trail.signers):
        named = ", ".join(map(custodian_text, strangers))
        raise Refuted(f"Facilities are named that have no part in the trail: {named}.")
    if bundle.opening is not None:
        check_opening(bundle.opening, trail.acceptance)
    return trail


def _ask(bundle: Bundle, source: NodeLogs) -> Gathered:
    try:
        return gather(source, bundle.deployment, bundle.item)
    except NotFound as error:
        raise Refuted(error.detail) from None


def _check_logs(bundle: Bundle, said: Trail, on_chain: Gathered) -> None:
    """Every log of the bundle is on the chain, and the chain had no other when the bundle was made."""
    found = _by_place(on_chain.logs)
    stated = _by_place(bundle.logs)
    for place, log in stated.items():
        if found.get(place) != log:
            raise Refuted(
                f"Log {place[1]} of block {place[0]} is not on the chain as the bundle has it."
            )
    for place in sorted(set(found) - set(stated)):
        if place[0] <= bundle.made.number and _concerns(found[place], bundle, said):
            raise Refuted(f"The bundle leaves out log {place[1]} of block {place[0]}.")


def _concerns(log: RawLog, bundle: Bundle, said: Trail) -> bool:
    """Whether a log belongs to these records; custodians that sign only later have no part in them."""
    if log.address != bundle.deployment.network:
        return True
    operators = {operator_of_custodian(number) for number in said.signers}
    return int.from_bytes(log.topics[1], "big") in said.signers | operators


def _by_place(logs: tuple[RawLog, ...]) -> Mapping[tuple[int, int], RawLog]:
    return {(log.block_number, log.log_index): log for log in logs}


def _check_head(bundle: Bundle, on_chain: Gathered, views: Views) -> None:
    """C6: the records give the head that the contract keeps, so that none is left out or put in."""
    head = views.head_of(bundle.item, at=on_chain.newest.number)
    if head != on_chain.trail.state.head:
        raise Refuted(
            f"The records give the head 0x{on_chain.trail.state.head.hex()}, "
            f"the contract has 0x{head.hex()}."
        )


def _check_stamps(said: Trail, views: Views, newest: BlockMark) -> None:
    """S4: the stamps of the franking were used in the block of the acceptance, and are not void."""
    accepted = said.entries[0].place.block
    for stamp in said.acceptance.stamps:
        use = views.use_of(stamp, at=newest.number)
        if use.is_void or use.block_number != accepted:
            raise Refuted(
                f"Stamp {stamp_text(stamp)} was used in block {use.block_number} on the chain, "
                f"in {accepted} by the bundle."
            )
