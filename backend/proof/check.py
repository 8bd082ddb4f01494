"""Check a bundle against a node alone: no Posthorn server is asked (C6, C12, G4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
from backend.proof.reading import read_story
from backend.proof.records import Refuted
from backend.proof.standing import check_standing
from backend.proof.story import Story


@dataclass(frozen=True, slots=True)
class Held:
    """A bundle that holds: what it proves, and what the chain has recorded since.

    `said` is the bundle's story, `story` that of the node's newest block, `at`, of which every word was checked
    in the same way; `later` counts the records that the bundle does not have yet, its receptacles' among them.
    """

    said: Story
    story: Story
    stamps: int
    later: int
    at: BlockMark

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self.said.entries

    @property
    def signatures(self) -> int:
        return self.said.signatures

    @property
    def receptacle_records(self) -> int:
        """How many records the bundle's receptacles have."""
        return _records(self.said) - len(self.said.entries)

    @property
    def state(self) -> TrailState:
        """The item's at the newest block."""
        return self.story.state


def check_bundle(bundle: Bundle, node: Node) -> Held:
    """Raises Refuted with the values that differ; Unavailable where the node cannot tell.

    BadSettings (OtherChain, NotDeployed, OtherBuild) where the node's chain has not these contracts.
    """
    check_deployment(node, bundle.deployment)
    source = NodeLogs(node, bundle.deployment)
    _check_blocks(bundle, source)
    said = _read(bundle)
    on_chain = _ask(bundle, said, source)
    _check_logs(bundle, said, on_chain)
    _check_begins(said, on_chain.story)
    views = Views(node, bundle.deployment)
    check_standing(on_chain.story, views, source.newest.number)
    _check_stamps(said, views, source.newest)
    return Held(
        said=said,
        story=on_chain.story,
        stamps=len(said.acceptance.stamps),
        later=_records(on_chain.story) - _records(said),
        at=source.newest,
    )


def _records(story: Story) -> int:
    return sum(len(trail.entries) for trail in story.trails.values())


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


def _read(bundle: Bundle) -> Story:
    """What the bundle says, held against its own signatures."""
    times = {mark.number: mark.time for mark in bundle.blocks}
    story = read_story(contracts_of(bundle.deployment), bundle.logs, times, bundle.item)
    if story.rights != bundle.rights:
        raise Refuted("The signing rights that are listed are not those of the network's events.")
    if strangers := sorted(set(bundle.facilities) - story.signers):
        named = ", ".join(map(custodian_text, strangers))
        raise Refuted(f"Facilities are named that have no part in the trail: {named}.")
    if bundle.opening is not None:
        check_opening(bundle.opening, story.acceptance)
    return story


def _ask(bundle: Bundle, said: Story, source: NodeLogs) -> Gathered:
    """The node's own words of the item, and of the receptacles that the bundle tells of."""
    try:
        return gather(source, bundle.deployment, bundle.item, set(said.trails) - {bundle.item})
    except NotFound as error:
        raise Refuted(error.detail) from None


def _check_logs(bundle: Bundle, said: Story, on_chain: Gathered) -> None:
    """Every log of the bundle is on the chain, and the chain had no other when the bundle was made."""
    found = _by_place(on_chain.logs)
    stated = _by_place(bundle.logs)
    for place, log in stated.items():
        if found.get(place) != log:
            raise Refuted(
                f"Log {place[1]} of block {place[0]} is not on the chain as the bundle has it."
            )
    for place in sorted(set(_by_place(_due(bundle, said, on_chain))) - set(stated)):
        if place[0] <= bundle.made.number:
            raise Refuted(f"The bundle leaves out log {place[1]} of block {place[0]}.")


def _due(bundle: Bundle, said: Story, on_chain: Gathered) -> Iterator[RawLog]:
    """The logs of these trails and of who signed in them; what has come in only later has no part in them."""
    for item in on_chain.story.lain_in(bundle.made.number):
        yield from on_chain.trails[item]
    operators = {operator_of_custodian(number) for number in said.signers}
    for log in on_chain.network:
        if int.from_bytes(log.topics[1], "big") in said.signers | operators:
            yield log


def _by_place(logs: Iterable[RawLog]) -> Mapping[tuple[int, int], RawLog]:
    return {(log.block_number, log.log_index): log for log in logs}


def _check_begins(said: Story, on_chain: Story) -> None:
    """Each trail of the bundle is the beginning of the chain's."""
    for item, trail in said.trails.items():
        if on_chain.trails[item].entries[: len(trail.entries)] != trail.entries:
            raise Refuted("The bundle leaves out records that the chain has.")


def _check_stamps(said: Story, views: Views, newest: BlockMark) -> None:
    """S4: the stamps of the franking were used in the block of the acceptance, and are not void."""
    accepted = said.entries[0].place.block
    for stamp in said.acceptance.stamps:
        use = views.use_of(stamp, at=newest.number)
        if use.is_void or use.block_number != accepted:
            raise Refuted(
                f"Stamp {stamp_text(stamp)} was used in block {use.block_number} on the chain, "
                f"in {accepted} by the bundle."
            )
