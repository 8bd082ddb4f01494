"""What a bundle's logs tell together: an item's trail, and those of the receptacles that it lay in (C6, C7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from backend.chain.views import ReceptacleOnChain
from backend.domain.ids import is_receptacle
from backend.domain.trail import (
    Entry,
    HandedOff,
    Missing,
    Packed,
    Stay,
    TrailState,
)
from backend.domain.typed_data import Acceptance, Delivery, Opening, Report, TakeUp
from backend.indexer.events import Equivocated
from backend.proof.bundle import KeyRight
from backend.proof.evidence import parties


class Outcome(StrEnum):
    """How a carriage ended for the item."""

    LIES = "lies_in_it"
    FOUND = "found"
    INFERRED = "inferred"
    MISSING = "missing"
    TAKEN_UP = "taken_up_out_of_it"


@dataclass(frozen=True, slots=True)
class Carriage:
    """C7: an item's time in a receptacle. `place` is its own in the order of packing, from 0.

    `end` is the item's record that ended it, None while it lies there.
    """

    receptacle: bytes
    number: int
    packing: Entry
    place: int
    end: Entry | None = None

    @property
    def outcome(self) -> Outcome:
        match self.end.body if self.end else None:
            case None:
                return Outcome.LIES
            case Stay(verified=True):
                return Outcome.FOUND
            case Stay():
                return Outcome.INFERRED
            case Missing():
                return Outcome.MISSING
            case _:
                return Outcome.TAKEN_UP

    @property
    def packed_by(self) -> int:
        assert isinstance(self.packing.body, Packed)
        return self.packing.body.custodian

    def spans(self, entry: Entry) -> bool:
        """Whether a record of the receptacle lies within this time, by the order of the chain."""
        until = order_of(self.end) if self.end else None
        return order_of(self.packing) < order_of(entry) and (
            until is None or order_of(entry) <= until
        )


@dataclass(frozen=True, slots=True)
class Trail:
    """One item's records with its stays among them. `unwritten`: the receptacle of a stay without its log (CE10)."""

    entries: tuple[Entry, ...]
    state: TrailState
    carriages: tuple[Carriage, ...]
    unwritten: int


@dataclass(frozen=True, slots=True)
class Contents:
    """C7: what was packed into a receptacle, what was refused, and what its opening says was there."""

    facts: ReceptacleOnChain
    packings: tuple[Packed, ...]
    opening: Opening | None

    @property
    def refused(self) -> int:
        """How many lines of the packings packed nothing."""
        return sum(len(packing.refused) for packing in self.packings)

    def said(self) -> dict[bytes, Outcome]:
        """What the opening says of each item, where it was packed last; before it, that it lies there."""
        items = [item for packing in self.packings for item in packing.items]
        if self.opening is None:
            return dict.fromkeys(items, Outcome.LIES)
        missing = set(self.opening.missing)
        return {
            item: Outcome.MISSING
            if item in missing
            else Outcome.FOUND
            if self.opening.has_found(place)
            else Outcome.INFERRED
            for place, item in enumerate(items)
        }


@dataclass(frozen=True, slots=True)
class Story:
    """Records that hold together: every signature by a key that had the right to sign.

    `trails` are the item's and those of all receptacles; `receptacles` are, by number, what the contract must
    say of them; `evidence` changes no trail (C10).
    """

    item: bytes
    trails: Mapping[bytes, Trail]
    receptacles: Mapping[int, ReceptacleOnChain]
    evidence: tuple[Equivocated, ...]
    rights: tuple[KeyRight, ...]
    signatures: int

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self.trails[self.item].entries

    @property
    def state(self) -> TrailState:
        return self.trails[self.item].state

    @property
    def carriages(self) -> tuple[Carriage, ...]:
        return self.trails[self.item].carriages

    @property
    def contents(self) -> Contents | None:
        """Of an item that is a receptacle: what its own records say of what was in it."""
        if not self.state.receptacle:
            return None
        bodies = [entry.body for entry in self.entries]
        packings = tuple(body for body in bodies if isinstance(body, Packed))
        opening = next((body for body in bodies if isinstance(body, Opening)), None)
        return Contents(self.receptacles[self.state.receptacle], packings, opening)

    @property
    def acceptance(self) -> Acceptance:
        return acceptance_of(self.entries)

    @property
    def signers(self) -> frozenset[int]:
        """The custodians that signed or received."""
        entries = (entry for trail in self.trails.values() for entry in trail.entries)
        by_records = {number for entry in entries for number in _parties(entry)}
        return frozenset(
            by_records.union(*(parties(e.giver, e.first, e.second) for e in self.evidence))
        )

    def lain_in(self, block: int | None = None) -> frozenset[bytes]:
        """C7: the item, the receptacles that it was packed into (up to a block), and these into others."""
        found = [self.item]
        for inside in found:
            packed = (c for c in self.trails[inside].carriages if _is_by(c.packing, block))
            found += [one.receptacle for one in packed if one.receptacle not in found]
        return frozenset(found)

    def custodian(self) -> int:
        """C7: who holds the item, or the receptacle that it lies in; 0 if none does."""
        holder = self.state.holder
        while is_receptacle(holder):
            holder = self.trails[self.receptacles[holder].item].state.holder
        return holder

    def hops(self, carriage: Carriage) -> list[Entry]:
        """The hand-offs and take-ups of the receptacle that moved the item with it."""
        entries = self.trails[carriage.receptacle].entries
        return [e for e in entries if isinstance(e.body, HandedOff | TakeUp) and carriage.spans(e)]

    def carried_on(self, carriage: Carriage) -> list[Carriage]:
        """The receptacles that carried the receptacle meanwhile."""
        outer = self.trails[carriage.receptacle].carriages
        return [one for one in outer if carriage.spans(one.packing)]

    def way(self, carriage: Carriage) -> list[Entry | Carriage]:
        """Both, in the order of the chain."""
        steps: list[Entry | Carriage] = [*self.hops(carriage), *self.carried_on(carriage)]
        return sorted(steps, key=lambda s: order_of(s.packing if isinstance(s, Carriage) else s))


def acceptance_of(entries: Iterable[Entry]) -> Acceptance:
    """What a trail begins with."""
    body = next(iter(entries)).body
    assert isinstance(body, Acceptance)  # the fold begins with nothing else
    return body


def _is_by(entry: Entry, block: int | None) -> bool:
    return block is None or entry.place.block <= block


def order_of(entry: Entry) -> tuple[int, int]:
    """Where a record stands in the order of the chain."""
    return entry.place.block, entry.place.log_index


def _parties(entry: Entry) -> tuple[int, ...]:
    body = entry.body
    if isinstance(body, HandedOff):
        return body.giver, body.receiver
    if isinstance(body, Delivery):
        return (body.giver,)
    who = body.reporter if isinstance(body, Report) else body.custodian
    return (who,) if who else ()
