"""What a bundle's logs tell together: the item's trail, folded through the receptacles that it lay in (C6, C7).

Nothing is believed of a receptacle that its own records do not show: its packings with their lines, the closing's
count and hash of what was really packed, every hop with its signatures, and the opening.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from backend.chain.views import ReceptacleOnChain
from backend.domain.commitments import next_contents
from backend.domain.ids import custodian_text, is_receptacle, receptacle_text
from backend.domain.trail import (
    BrokenTrail,
    Entry,
    HandedOff,
    Missing,
    Packed,
    Stay,
    TrailState,
)
from backend.domain.trails import Trails
from backend.domain.typed_data import ZERO32, Acceptance, Closing, Delivery, Opening, Report, TakeUp
from backend.indexer.decode import Contracts
from backend.indexer.events import Equivocated, RawLog
from backend.proof.bundle import KeyRight
from backend.proof.evidence import check_equivocation
from backend.proof.records import Records, Refuted
from backend.proof.rights import rights_of


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
        until = _order(self.end) if self.end else None
        return _order(self.packing) < _order(entry) and (until is None or _order(entry) <= until)


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
        return _acceptance(self.entries)

    @property
    def signers(self) -> frozenset[int]:
        """The custodians that signed or received."""
        entries = (entry for trail in self.trails.values() for entry in trail.entries)
        by_records = {number for entry in entries for number in _parties(entry)}
        return frozenset(by_records.union(*(equivocation_parties(e) for e in self.evidence)))

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
        return sorted(steps, key=lambda s: _order(s.packing if isinstance(s, Carriage) else s))


def read_story(
    contracts: Contracts, logs: Iterable[RawLog], times: Mapping[int, int], item: bytes
) -> Story:
    """What the logs tell of an item, checked record by record. `times` gives each block's time.

    Raises Refuted, with the values that differ.
    """
    records = Records(contracts, logs, times)
    reading = _Reading(records)
    for event in records.events:
        if isinstance(event, Entry):
            reading.take(event)
        elif isinstance(event, Equivocated):
            check_equivocation(event, contracts.ledger, records.events)
    if item not in reading.entries:
        raise Refuted("There is no record of the item in it.")
    written = reading.check_written_stays()
    return Story(
        item=item,
        trails={one: reading.trail(one, written) for one in reading.entries},
        receptacles=reading.receptacles(),
        evidence=tuple(event for event in records.events if isinstance(event, Equivocated)),
        rights=rights_of(records.events),
        signatures=reading.signatures,
    )


class _Reading:
    """Records taken one by one, in the order of the chain."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._trails = Trails()
        self._items: dict[int, bytes] = {}
        self._at_opening: dict[int, TrailState] = {}
        self._carriages: dict[bytes, list[Carriage]] = {}
        self.entries: dict[bytes, list[Entry]] = {}
        self.signatures = 0

    def take(self, entry: Entry) -> None:
        """One record and the stays that end with it. Raises Refuted."""
        self._check_receptacle(entry)
        before = self.entries.get(entry.item)
        self.signatures += self._records.check(entry, _acceptance(before) if before else None)
        try:
            taken = self._trails.take(entry)
        except BrokenTrail as error:
            raise Refuted(f"The trail of 0x{entry.item.hex()} is broken: {error}.") from None
        for record in taken:
            self.entries.setdefault(record.item, []).append(record)
            if isinstance(record.body, Stay | Missing | TakeUp):
                self._take_out(record)
        if isinstance(entry.body, Packed):
            self._pack(entry, entry.body)
        if isinstance(entry.body, Opening):
            state = self._trails.states[entry.item]
            self._at_opening[state.receptacle] = state

    def _take_out(self, record: Entry) -> None:
        """Whatever takes an item out of a receptacle ends its time there; a take-up may find it elsewhere."""
        own = self._carriages.get(record.item, [])
        if own and own[-1].end is None:
            last = own.pop()
            own.append(Carriage(last.receptacle, last.number, last.packing, last.place, record))

    def _pack(self, record: Entry, body: Packed) -> None:
        first = len(self._trails.contents[body.receptacle]) - len(body.items)
        for place, item in enumerate(body.items, start=first):
            if item in self.entries:
                carriage = Carriage(record.item, body.receptacle, record, place)
                self._carriages.setdefault(item, []).append(carriage)

    # --- what the records of a receptacle must agree with (C7) --------------------------------------
    def _check_receptacle(self, entry: Entry) -> None:
        match entry.body:
            case Packed():
                self._check_packing(entry, entry.body)
            case Closing():
                self._check_closing(entry, entry.body)
            case Opening():
                self._check_opening(entry, entry.body)
            case Missing():
                self._check_missing(entry, entry.body)
            case _:
                pass

    def _check_packing(self, entry: Entry, body: Packed) -> None:
        state = self._trails.states.get(entry.item)
        known = state.receptacle if state else 0
        if self._items.setdefault(body.receptacle, entry.item) != entry.item or known not in (
            0,
            body.receptacle,
        ):
            raise Refuted(f"{receptacle_text(body.receptacle)} is stated for two items.")
        if not body.items or any(place >= len(body.packing.items) for place in body.refused):
            raise Refuted(f"Record {entry.record}: lines are refused that the packing has not.")
        for item in body.items:
            packed = self._trails.states.get(item)
            if packed is not None and packed.holder != body.custodian:
                raise Refuted(
                    f"Record {entry.record}: {custodian_text(body.custodian)} packed what "
                    f"{custodian_text(packed.holder)} held."
                )

    def _check_closing(self, entry: Entry, body: Closing) -> None:
        """Count and hash, signed by who closed it, are those of what was really packed."""
        number = self._number(entry)
        found = self._contents(number)
        if found != (body.count, body.contents):
            raise Refuted(
                f"Record {entry.record}: {receptacle_text(number)} was closed with {body.count} items, "
                f"0x{body.contents.hex()}; the packings give {found[0]}, 0x{found[1].hex()}."
            )

    def _check_opening(self, entry: Entry, body: Opening) -> None:
        count = len(self._trails.contents.get(self._number(entry), ()))
        state = self._trails.states[entry.item]
        if not state.closed or state.opened:
            raise Refuted(f"Record {entry.record}: what is opened was not closed.")
        if len(body.found) != (count + 255) // 256 or len(body.missing) > count:
            raise Refuted(f"Record {entry.record}: the opening does not fit {count} items.")

    def _check_missing(self, entry: Entry, body: Missing) -> None:
        """The opening names the item, it lay there until then, and falls back to who closed the receptacle."""
        number, state = self._records.missed_from(entry), self._trails.states.get(entry.item)
        opening = self.entries.get(body.receptacle, [None])[-1]
        if (
            opening is None
            or not isinstance(opening.body, Opening)
            or opening.digest != entry.digest
            or opening.body.missing[entry.line : entry.line + 1] != (entry.item,)
            or self._items.get(number) != body.receptacle
            or state is None
            or state.holder != number
            or body.custodian != self._closed_by(body.receptacle)
        ):
            raise Refuted(
                f"Record {entry.record}: the item was not missing from {receptacle_text(number)}."
            )

    def _number(self, entry: Entry) -> int:
        """The receptacle's own number. Raises Refuted where nothing was packed into it."""
        state = self._trails.states.get(entry.item)
        if state is None or not state.receptacle:
            raise Refuted(f"Record {entry.record}: nothing was packed into 0x{entry.item.hex()}.")
        return state.receptacle

    def _contents(self, number: int) -> tuple[int, bytes]:
        items, running = self._trails.contents.get(number, []), ZERO32
        for item in items:
            running = next_contents(running, item)
        return len(items), running

    def _closed_by(self, receptacle: bytes) -> int:
        closers = (
            e.body.custodian for e in self.entries[receptacle] if isinstance(e.body, Closing)
        )
        return next(closers, 0)

    # --- what comes of it ---------------------------------------------------------------------------
    def check_written_stays(self) -> set[tuple[bytes, int]]:
        """CE10: Stayed logs say what follows from the receptacles; returns item and record of each. Raises Refuted."""
        written = set()
        for a in self._records.stays:
            own = self.entries.get(a["item"], [])
            stay = own[a["record"] - 1] if 0 < a["record"] <= len(own) else None
            said = a["digest"], a["custodian"], a["number"], self._items.get(a["receptacle"])
            if (
                stay is None
                or not isinstance(stay.body, Stay)
                or said != (stay.digest, stay.body.custodian, stay.number, stay.body.receptacle)
            ):
                raise Refuted(
                    f"Record {a['record']}, a stay in {receptacle_text(a['receptacle'])}, is not "
                    "what the receptacle's own trail says."
                )
            written.add((a["item"], a["record"]))
        return written

    def trail(self, item: bytes, written: set[tuple[bytes, int]]) -> Trail:
        """Raises Refuted where a stay was passed over without having been written."""
        entries, unwritten = self.entries[item], 0
        for entry in entries:
            if isinstance(entry.body, Stay) and (item, entry.record) not in written:
                if entry is not entries[-1]:
                    raise Refuted(f"Record {entry.record}, a stay, was never written.")
                unwritten = self._trails.states[entry.body.receptacle].receptacle
        carriages = tuple(self._carriages.get(item, ()))
        return Trail(tuple(entries), self._trails.states[item], carriages, unwritten)

    def receptacles(self) -> dict[int, ReceptacleOnChain]:
        """By number, what the contract must say of them."""
        found = {}
        for number, item in self._items.items():
            opened = self._at_opening.get(number)
            count, contents = self._contents(number)
            found[number] = ReceptacleOnChain(
                item=item,
                contents=contents,
                head_at_opening=opened.head if opened else ZERO32,
                count=count,
                closed_by=self._closed_by(item),
                opened_by=opened.holder if opened else 0,
                opened_at=opened.latest_time if opened else 0,
            )
        return found


def _acceptance(entries: Iterable[Entry]) -> Acceptance:
    body = next(iter(entries)).body
    assert isinstance(body, Acceptance)  # the fold begins with nothing else
    return body


def _order(entry: Entry) -> tuple[int, int]:
    return entry.place.block, entry.place.log_index


def _parties(entry: Entry) -> tuple[int, ...]:
    body = entry.body
    if isinstance(body, HandedOff):
        return body.giver, body.receiver
    if isinstance(body, Delivery):
        return (body.giver,)
    who = body.reporter if isinstance(body, Report) else body.custodian
    return (who,) if who else ()


def equivocation_parties(event: Equivocated) -> frozenset[int]:
    """The giver and the two receivers."""
    return frozenset({event.giver, event.first.release.receiver, event.second.release.receiver})
