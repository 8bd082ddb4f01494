"""Reading a bundle's logs: the item's trail, folded through the receptacles that it lay in (C6, C7).

Nothing is believed of a receptacle that its own records do not show: its packings with their lines, the closing's
count and hash of what was really packed, every hop with its signatures, and the opening.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backend.chain.views import ReceptacleOnChain
from backend.domain.commitments import next_contents
from backend.domain.ids import custodian_text, receptacle_text
from backend.domain.trail import BrokenTrail, Entry, Missing, Packed, Stay, TrailState
from backend.domain.trails import Trails
from backend.domain.typed_data import ZERO32, Closing, Opening, TakeUp
from backend.indexer.decode import Contracts
from backend.indexer.events import Equivocated, RawLog
from backend.proof.evidence import check_equivocation
from backend.proof.records import Records, Refuted
from backend.proof.rights import rights_of
from backend.proof.story import Carriage, Story, Trail, acceptance_of


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
    story = Story(
        item=item,
        trails={one: reading.trail(one, written) for one in reading.entries},
        receptacles=reading.receptacles(),
        evidence=tuple(event for event in records.events if isinstance(event, Equivocated)),
        rights=rights_of(records.events),
        signatures=reading.signatures,
    )
    if strangers := set(story.trails) - story.lain_in():
        raise Refuted(f"0x{min(strangers).hex()} has no part in this: it never carried the item.")
    return story


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
        self.signatures += self._records.check(entry, acceptance_of(before) if before else None)
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
        """Into an open receptacle that its custodian holds, of what it holds too: so none lies in itself."""
        into = self._trails.states.get(entry.item)
        known = into.receptacle if into else 0
        first = self._items.setdefault(body.receptacle, entry.item)
        if first != entry.item or known not in (0, body.receptacle):
            raise Refuted(f"{receptacle_text(body.receptacle)} is stated for two items.")
        if not body.items or any(place >= len(body.packing.items) for place in body.refused):
            raise Refuted(f"Record {entry.record}: lines are refused that the packing has not.")
        if into is None or into.closed or into.opened or into.holder != body.custodian:
            raise Refuted(
                f"Record {entry.record}: {receptacle_text(body.receptacle)} took nothing."
            )
        for item in body.items:
            state = self._trails.states.get(item)
            if state is not None and not _may_be_packed(state, body.custodian):
                raise Refuted(
                    f"Record {entry.record}: {custodian_text(body.custodian)} packed what "
                    f"{custodian_text(state.holder)} held, or what was not closed."
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


def _may_be_packed(state: TrailState, custodian: int) -> bool:
    """Held by who packs it; of receptacles only closed ones, and those that have been opened."""
    return state.holder == custodian and (not state.receptacle or state.closed or state.opened)
