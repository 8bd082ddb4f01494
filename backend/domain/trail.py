"""The custody fold: `apply(state, entry) -> state`, pure (C3, C6, C12).

An entry is one record of one item as the chain's logs tell it. The same fold serves the indexer, the
pages, the command line and a proof bundle; the contract's state must equal it at every record.

What is made for every record is a NamedTuple: it takes a quarter of a frozen dataclass's time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from backend.domain import codes
from backend.domain.commitments import next_head
from backend.domain.typed_data import (
    ZERO32,
    Acceptance,
    Closing,
    Delivery,
    End,
    Opening,
    Packing,
    Recall,
    Report,
    TakeUp,
)


class Place(NamedTuple):
    """Where the chain keeps a record: its block's time is the record time."""

    block: int
    block_hash: bytes
    block_time: int
    transaction: bytes
    log_index: int


@dataclass(frozen=True, slots=True)
class HandedOff:
    """One received line of a hand-off: given and found side by side (C2)."""

    giver: int
    receiver: int
    released_at: int
    received_at: int
    deadline: int
    given: int
    found: int
    evidence_given: bytes
    evidence_found: bytes
    # C9: who stood in for the giver, and why; the reason is 0 where the giver signed.
    forced_by: bytes = b""
    reason: int = 0

    @property
    def reservation(self) -> bool:
        """The receiver found another condition than the giver gave."""
        return self.given != self.found


@dataclass(frozen=True, slots=True)
class Packed:
    """C7: a packing as it was recorded: `refused` are the places in its list of what was not packed."""

    packing: Packing
    receptacle: int
    refused: tuple[int, ...] = ()

    @property
    def custodian(self) -> int:
        return self.packing.custodian

    @property
    def time(self) -> int:
        return self.packing.time

    @property
    def items(self) -> tuple[bytes, ...]:
        """What was really packed, in its order."""
        pairs = enumerate(self.packing.items)
        return tuple(item for place, item in pairs if place not in self.refused)


@dataclass(frozen=True, slots=True)
class Stay:
    """C7: an item's time in a receptacle, one record: it lay in it from its packing to the opening.

    `verified`: it was seen when the receptacle was opened; else it was inferred from what was packed.
    `answerable` answered for the receptacle then.
    """

    receptacle: bytes
    custodian: int
    time: int
    verified: bool
    answerable: int


@dataclass(frozen=True, slots=True)
class Missing:
    """C7: not there when the receptacle was opened; `custodian`, who closed it, holds it again."""

    receptacle: bytes
    custodian: int
    opener: int
    time: int


Body = (
    Acceptance
    | HandedOff
    | Packed
    | Closing
    | Opening
    | Stay
    | Missing
    | Delivery
    | End
    | TakeUp
    | Recall
    | Report
)


class Entry(NamedTuple):
    """A record of a trail: `record` counts all, `number` is the custody number after it (C3)."""

    item: bytes
    record: int
    number: int
    digest: bytes
    line: int
    body: Body
    signatures: tuple[bytes, ...]
    place: Place

    @property
    def event_time(self) -> int:
        """When it happened, as signed: a hand-off happens when it is received."""
        return self.body.received_at if isinstance(self.body, HandedOff) else self.body.time

    @property
    def kind(self) -> str:
        """Its word in KIND_NAMES, like `hand_off`."""
        return KIND_NAMES[type(self.body)]


KIND_NAMES: dict[type, str] = {
    Acceptance: "acceptance",
    HandedOff: "hand_off",
    Packed: "packing",
    Closing: "closing",
    Opening: "opening",
    Stay: "stay",
    Missing: "missing",
    Delivery: "delivery",
    End: "end",
    TakeUp: "take_up",
    Recall: "recall",
    Report: "report",
}


class Why(StrEnum):
    """From which fact it follows who answers for an item."""

    ACCEPTED = "accepted"
    TAKEN_OVER = "taken_over"
    TAKEN_UP = "taken_up"
    RESERVATION = "reservation"
    UNPACKED = "found_in_its_receptacle"
    INFERRED = "inferred_from_its_receptacle"
    MISSING = "missing_from_its_receptacle"
    DELIVERED = "delivered"
    STATED = "stated_by_the_carrier_alone"
    CONTESTED = "contested_by_the_addressee"
    LEFT = "left_the_network"
    DISPOSED = "disposed"


class Answer(NamedTuple):
    """C12: who answers for the item now; custodian 0 is nobody. `record` is the fact it follows from."""

    custodian: int
    record: int
    why: Why


class TrailState(NamedTuple):
    """An item after its latest record. `ended` is a mode, 0 delivery by key, None under custody."""

    item: bytes
    holder: int
    number: int
    records: int
    latest_time: int
    head: bytes
    ended: int | None
    keys: bytes
    answer: Answer
    last_answerable: int
    # C7: its own number as a receptacle (0 for none), and whether it is closed, or was opened.
    receptacle: int = 0
    closed: bool = False
    opened: bool = False


DELIVERED_BY_KEY = 0


class BrokenTrail(ValueError):
    """Entries that cannot be one trail: a gap, a repeat, or a first record that is no acceptance."""


def apply(state: TrailState | None, entry: Entry) -> TrailState:
    """The state after one more record. Raises BrokenTrail where record numbers have a gap (C6)."""
    expected = 1 if state is None else state.records + 1
    if entry.record != expected:
        raise BrokenTrail(f"record {entry.record} where {expected} was due")
    before = state or _unborn(entry)
    answer = _answer(before, entry)
    return TrailState(
        item=before.item,
        keys=before.keys,
        holder=_holder(before, entry),
        number=entry.number,
        records=entry.record,
        latest_time=_latest_time(before, entry),
        head=next_head(before.head, entry.digest, entry.line),
        ended=_ended(before, entry),
        answer=answer,
        last_answerable=answer.custodian or before.last_answerable,
        receptacle=entry.body.receptacle if isinstance(entry.body, Packed) else before.receptacle,
        closed=isinstance(entry.body, Closing) or (before.closed and not _opens(entry)),
        opened=before.opened or _opens(entry),
    )


def _opens(entry: Entry) -> bool:
    return isinstance(entry.body, Opening)


def stay(
    opening: Entry, before: TrailState, after: TrailState, item: TrailState, place: int
) -> Entry:
    """C7: what an opening says of one item that lay in the receptacle and is not missing, as the item's record.

    `before` and `after` are the receptacle's states around the opening; `place` is the item's in the order of
    packing, from 0. The chain writes this record with the item's next one (CE10); it counts from the opening.
    """
    body = opening.body
    assert isinstance(body, Opening)
    return Entry(
        item=item.item,
        record=item.records + 1,
        number=item.number + 1,
        digest=after.head,
        line=0,
        body=Stay(
            receptacle=opening.item,
            custodian=body.custodian,
            time=after.latest_time,
            verified=body.has_found(place),
            answerable=before.last_answerable,
        ),
        signatures=(),
        place=opening.place,
    )


def packed(state: TrailState, receptacle: int) -> TrailState:
    """In a receptacle: no record of the item's own yet (C7)."""
    return state._replace(holder=receptacle)


def fold(entries: Iterable[Entry]) -> TrailState:
    """The state after all entries, at least one. Raises BrokenTrail."""
    state: TrailState | None = None
    for entry in entries:
        state = apply(state, entry)
    if state is None:
        raise BrokenTrail("no records")
    return state


def _unborn(entry: Entry) -> TrailState:
    if not isinstance(entry.body, Acceptance):
        raise BrokenTrail(f"a trail begins with an acceptance, not with {entry.kind}")
    nobody = Answer(0, 0, Why.ACCEPTED)
    return TrailState(entry.item, 0, 0, 0, 0, ZERO32, None, entry.body.keys, nobody, 0)


def _holder(before: TrailState, entry: Entry) -> int:
    match entry.body:
        case Acceptance() | TakeUp() | Stay() | Missing():
            return entry.body.custodian
        case HandedOff():
            return entry.body.receiver
        case Delivery() | End():
            return 0
        case _:
            return before.holder


def _latest_time(before: TrailState, entry: Entry) -> int:
    if isinstance(entry.body, Report):
        return before.latest_time
    return max(before.latest_time, entry.event_time)


def _ended(before: TrailState, entry: Entry) -> int | None:
    match entry.body:
        case Delivery():
            return DELIVERED_BY_KEY
        case End():
            return entry.body.mode
        case TakeUp():
            return None
        case _:
            return before.ended


def _answer(before: TrailState, entry: Entry) -> Answer:
    body = entry.body
    match body:
        case Acceptance():
            return Answer(body.custodian, entry.record, Why.ACCEPTED)
        case HandedOff():
            return _answer_of_hand_off(before, body, entry.record)
        case Stay() | Missing():
            return _answer_of_contents(body, entry.record)
        case TakeUp():
            if body.condition != codes.SOUND and before.last_answerable:
                return Answer(before.last_answerable, entry.record, Why.RESERVATION)
            return Answer(body.custodian, entry.record, Why.TAKEN_UP)
        case Delivery():
            return Answer(0, entry.record, Why.DELIVERED)
        case End():
            return Answer(0, entry.record, _why_ended(body.mode))
        case Report() if _contests(body, before):
            return Answer(before.last_answerable, entry.record, Why.CONTESTED)
        case _:
            return before.answer


def _contests(report: Report, before: TrailState) -> bool:
    """The addressee states that what was stated by the carrier alone did not happen."""
    said = report.code == codes.REPORTS.number("not_received")
    return said and before.answer.why is Why.STATED


def _answer_of_hand_off(before: TrailState, body: HandedOff, record: int) -> Answer:
    if body.reservation:
        return Answer(before.last_answerable, record, Why.RESERVATION)
    return Answer(body.receiver, record, Why.TAKEN_OVER)


def _answer_of_contents(body: Stay | Missing, record: int) -> Answer:
    """C7: who opened it answers for what it saw; for what was only inferred, who answered for the receptacle."""
    if isinstance(body, Missing):
        return Answer(body.custodian, record, Why.MISSING)
    if body.verified:
        return Answer(body.custodian, record, Why.UNPACKED)
    return Answer(body.answerable, record, Why.INFERRED)


def _why_ended(mode: int) -> Why:
    if mode == codes.MODES.number("left_the_network"):
        return Why.LEFT
    return Why.STATED if mode in codes.DELIVERY_MODES else Why.DISPOSED
