"""Trails: every record of an item with names, keys and blocks, and who answers for it now (C12)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, select

from backend.domain import codes
from backend.domain.commitments import BadTrailCode, parse_trail_code, trail_code_lookup
from backend.domain.ids import is_receptacle
from backend.domain.item_numbers import Scheme
from backend.domain.network import Right
from backend.domain.trail import Entry, HandedOff, Missing, Stay, TrailState
from backend.domain.typed_data import Acceptance, Delivery, End, Report, TakeUp
from backend.errors import NotFound
from backend.queries import submissions
from backend.queries.carriers import CarrierAnswer, bag_names, carriers
from backend.queries.journeys import hops, lay_in, packing_of, seals
from backend.queries.network import CustodianAnswer, named, rights
from backend.queries.notices import NoticeAnswer, notices
from backend.queries.status import AS_OF, AsOf
from backend.queries.submissions import UnderWay
from backend.queries.words import answerable, entry_text, packed_text, where_it_is
from backend.store import items as item_rows
from backend.store import tables
from backend.store.engine import named_row, named_rows, straight
from backend.store.entries import body_to_json, entry_from_row, state_from_row
from backend.store.tables import from_eight_bytes

# A record that reaches the chain later than this after its event is shown as late.
LATE_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class KeyAnswer:
    """Whose key signed: its address, and whether device or operator held it (codes.KEY_HOLDERS, N2)."""

    address: bytes
    key_holder: int
    compromised_later: bool


@dataclass(frozen=True, slots=True)
class EntryAnswer:
    """One record: the domain's entry, and the words for it.

    `at` is the custodian that acts (a hand-off's giver), None where the addressee reports; `to` a
    hand-off's receiver. `flags` name what a reader should see: late, clock_behind, reservation, forced,
    inferred, missing, key_of_operator, take_up, stated_alone, corrects. `status` is settled, safe or final; `body` is
    what was signed, as JSON. `carried` are the moves of the receptacle in which the item lay (C7); `seal` what is kept
    of a receptacle's seal.
    """

    entry: Entry
    at: CustodianAnswer | None
    to: CustodianAnswer | None
    key: KeyAnswer | None
    receiver_key: KeyAnswer | None
    text: str
    flags: tuple[str, ...]
    status: str
    body: dict[str, Any]
    carried: tuple[EntryAnswer, ...] = ()
    seal: str | None = None


@dataclass(frozen=True, slots=True)
class PackedAnswer:
    """C7: how an item came into the bag in which it lies; no record of its own before the bag is opened."""

    text: str
    time: int


@dataclass(frozen=True, slots=True)
class TrailAnswer:
    """An item's trail. `state` is None while its acceptance is still being recorded.

    `number`, `franking` and what `pending` is about are there only where the label's code or a session
    opened the trail.
    `sentence` says where the item is, `answerable` who answers for it now and why; `packed` says how it came into the
    receptacle in which it lies, `carried` are the moves of that since it was closed. `notices` are what a person should
    look at, `carriers` the receptacles that it lay in. `etag` changes with every change of the answer.
    """

    item: bytes
    number: str | None
    scheme: str | None
    franking: dict[str, Any] | None
    state: TrailState | None
    entries: tuple[EntryAnswer, ...]
    notices: tuple[NoticeAnswer, ...]
    carriers: tuple[CarrierAnswer, ...]
    packed: PackedAnswer | None
    carried: tuple[EntryAnswer, ...]
    holder: CustodianAnswer | None
    sentence: str
    answerable: str
    stamps: tuple[int, ...]
    pending: tuple[UnderWay, ...]
    as_of: AsOf
    etag: str


def trail(
    db: Connection, item: bytes, opened: bool = False, *, by_label: bool = False
) -> TrailAnswer:
    """The trail of an item; `opened` by its label's code or a session: with its number. Raises NotFound.

    Its own label alone (`by_label`) does not open the numbers of the bags that it lay in.
    """
    shows_bags = opened and not by_label
    state, secret = _known(db, item)
    beside = _beside(db, item)
    entries, now = _entries(db, item), beside.now
    lies = _bags_of(db, item, state, entries)
    names = named(db, _mentioned([*entries, *lies.records], state), shows_bags=shows_bags)
    pending = submissions.open_of_item(db, item, opened, shows_bags=shows_bags)
    bags = bag_names(db, lies.moves) if shows_bags else {}
    shown_seals = seals(db, entries) if opened else {}
    teller = _Teller(names, bags, rights(db, names), now, lies.moves, shown_seals)
    answer = TrailAnswer(
        item=item,
        number=secret.value if secret and opened else None,
        scheme=Scheme(secret.scheme).name.lower() if secret and opened else None,
        franking=secret.franking if secret and opened else None,
        state=state,
        entries=teller.tell(entries),
        notices=notices(db, item) if beside.has_notices else (),
        carriers=carriers(db, item, shows_bags=shows_bags) if beside.was_packed else (),
        packed=_packed(lies.packing, names, bags),
        carried=tuple(one for bag in lies.inside for one in teller.tell(lies.moves[bag])),
        holder=names.get(state.holder) if state else None,
        sentence=where_it_is(state, _since(entries), names),
        answerable=answerable(state, _answer_time(entries, state), names),
        stamps=beside.stamps,
        pending=pending,
        as_of=now,
        etag="",
    )
    return replace(answer, etag=_etag(answer, opened))


def _known(db: Connection, item: bytes) -> tuple[TrailState | None, Any]:
    """By the chain, and by its label; at least one of them."""
    state_row = named_row(db, "SELECT * FROM item WHERE item = %b", (item,))
    secret = item_rows.secret(db, item)
    if state_row is None and secret is None:
        raise NotFound("There is no such item.", "Check what was typed, or scan its label again.")
    return state_from_row(state_row) if state_row else None, secret


@dataclass(frozen=True, slots=True)
class _Bags:
    """Those in which an item lies now (`inside`), and how it came there; `moves` also of those in which it lay."""

    inside: list[bytes]
    moves: dict[bytes, tuple[Entry, ...]]
    packing: Entry | None

    @property
    def records(self) -> list[Entry]:
        """All that is told of them."""
        found = [move for some in self.moves.values() for move in some]
        return [*found, self.packing] if self.packing else found


def _bags_of(db: Connection, item: bytes, state: TrailState | None, entries: list[Entry]) -> _Bags:
    inside = _lies_in(db, state)
    packing = packing_of(db, item, inside[0]) if inside else None
    return _Bags(inside, hops(db, lay_in(entries) | set(inside)), packing)


def _packed(
    packing: Entry | None, names: dict[int, CustodianAnswer], bags: dict[bytes, str]
) -> PackedAnswer | None:
    if packing is None:
        return None
    text = packed_text(names[parties(packing)[0]], bags.get(packing.item, "a bag"))
    return PackedAnswer(text, packing.event_time)


def by_code(db: Connection, trail_code: str) -> TrailAnswer:
    """The trail that a label's code opens. Raises NotFound, also for a text that is no trail code."""
    try:
        lookup = trail_code_lookup(parse_trail_code(trail_code))
    except BadTrailCode as error:
        raise NotFound(f"No label bears this code: {error}.", "Scan the label again.") from None
    secret = item_rows.by_trail_lookup(db, lookup)
    if secret is None:
        raise NotFound("No label of this post bears this code.", "Scan the label again.")
    return trail(db, secret.item, opened=True, by_label=True)


def _entries(db: Connection, item: bytes) -> list[Entry]:
    query = "SELECT * FROM entry WHERE item = %b ORDER BY record"
    return [entry_from_row(row) for row in named_rows(db, query, (item,))]


def parties(entry: Entry) -> tuple[int, int]:
    """The custodian that acts (0: the addressee) and, of a hand-off, who receives (else 0)."""
    body = entry.body
    if isinstance(body, HandedOff):
        return body.giver, body.receiver
    if isinstance(body, Delivery):
        return body.giver, 0
    return (body.reporter if isinstance(body, Report) else body.custodian), 0


def _mentioned(entries: Iterable[Entry], state: TrailState | None) -> set[int]:
    numbers = {number for entry in entries for number in parties(entry)}
    return numbers | ({state.holder, state.answer.custodian} if state else set())


def _lies_in(db: Connection, state: TrailState | None) -> list[bytes]:
    """The closed receptacle in which the item lies now, and those in which that one lies (C7); the inmost first."""
    found: list[bytes] = []
    holder = state.holder if state is not None else 0
    while is_receptacle(holder):
        query = select(tables.item).where(tables.item.c.receptacle == holder)
        row = db.execute(query).one()
        found.append(row.item)
        holder = row.holder
    return found


@dataclass(frozen=True, slots=True)
class _Teller:
    """Turns records into answers; `moves` are those of receptacles, `seals` what is kept of theirs.

    `bags` says how receptacles, as items, are called.
    """

    names: dict[int, CustodianAnswer]
    bags: dict[bytes, str]
    held: dict[int, tuple[Right, ...]]
    now: AsOf
    moves: dict[bytes, tuple[Entry, ...]]
    seals: dict[bytes, str]

    def tell(self, entries: Iterable[Entry]) -> tuple[EntryAnswer, ...]:
        """Records of one item, in their order."""
        latest, shown = 0, []
        for entry in entries:
            shown.append(self._one(entry, latest))
            if not isinstance(entry.body, Report):
                latest = max(latest, entry.event_time)
        return tuple(shown)

    def _one(self, entry: Entry, latest: int) -> EntryAnswer:
        giver, receiver = parties(entry)
        seen = flags(entry, latest)
        key, receiver_key = self._keys(entry, giver, receiver, "forced" in seen)
        by_operator = any(
            k and k.key_holder == codes.KEY_HOLDERS.number("operator") for k in (key, receiver_key)
        )
        found = (*seen, *(("key_of_operator",) if by_operator else ()))
        return EntryAnswer(
            entry=entry,
            at=self.names.get(giver),
            to=self.names.get(receiver),
            key=key,
            receiver_key=receiver_key,
            text=entry_text(entry.body, self.names, self.bags),
            flags=found,
            status=self.now.status(entry.place.block),
            body=body_to_json(entry.body),
            carried=self._carried(entry),
            seal=self.seals.get(entry.digest),
        )

    def _carried(self, entry: Entry) -> tuple[EntryAnswer, ...]:
        if not isinstance(entry.body, Stay | Missing):
            return ()
        return self.tell(self.moves.get(entry.body.receptacle, ()))

    def _keys(
        self, entry: Entry, giver: int, receiver: int, is_forced: bool
    ) -> tuple[KeyAnswer | None, KeyAnswer | None]:
        released = entry.body.released_at if isinstance(entry.body, HandedOff) else entry.event_time
        signed = not isinstance(entry.body, Stay | Missing) and not is_forced
        key = _key(self.held.get(giver, ()), released) if signed else None
        return key, _key(self.held.get(receiver, ()), entry.event_time)


def _key(rights_: tuple[Right, ...], time: int) -> KeyAnswer | None:
    """Whose right covered the event time; a key that was lost later did sign then (N3)."""
    for right in reversed(rights_):
        if right.from_time <= time < right.until_time:
            return KeyAnswer(right.key, right.key_holder, right.compromised)
    return None


def flags(entry: Entry, latest: int) -> tuple[str, ...]:
    """What a reader should see of a record; `latest` is the item's event time before it."""
    body = entry.body
    behind = latest if not isinstance(body, HandedOff) else max(latest, body.released_at)
    found = {
        "late": entry.place.block_time - entry.event_time > LATE_SECONDS,
        "clock_behind": entry.event_time < behind,
        "reservation": _reservation(body),
        "forced": isinstance(body, HandedOff) and bool(body.forced_by),
        "inferred": isinstance(body, Stay) and not body.verified,
        "missing": isinstance(body, Missing),
        "take_up": isinstance(body, TakeUp),
        "stated_alone": isinstance(body, End) and body.mode in codes.DELIVERY_MODES,
        "corrects": isinstance(body, Report) and body.corrects > 0,
    }
    return tuple(name for name, is_so in found.items() if is_so)


def _reservation(body: object) -> bool:
    if isinstance(body, TakeUp):
        return body.condition != codes.SOUND
    return isinstance(body, HandedOff) and body.reservation


def _since(entries: list[Entry]) -> int:
    """The event time of the last record that moved the item or ended its custody."""
    moved = [entry for entry in entries if isinstance(entry.body, MOVES)]
    return moved[-1].event_time if moved else 0


MOVES = Acceptance | HandedOff | Stay | Missing | Delivery | End | TakeUp


def _answer_time(entries: list[Entry], state: TrailState | None) -> int:
    record = state.answer.record if state else 0
    return next((entry.event_time for entry in entries if entry.record == record), 0)


@dataclass(frozen=True, slots=True)
class _Beside:
    """What goes with every trail, and whether there is what goes with few: that is asked for only then."""

    now: AsOf
    has_notices: bool
    was_packed: bool
    stamps: tuple[int, ...]


_BESIDE = f"""
SELECT EXISTS (SELECT FROM equivocation WHERE item = %(item)b), EXISTS (SELECT FROM content WHERE item = %(item)b),
    ARRAY(SELECT stamp FROM stamp_use WHERE item = %(item)b), indexed.*
FROM (VALUES (1)) AS always LEFT JOIN ({AS_OF}) AS indexed ON true
"""


def _beside(db: Connection, item: bytes) -> _Beside:
    ((has_notices, was_packed, stamps, *now),) = straight(db, _BESIDE, {"item": item})
    own = tuple(sorted(map(from_eight_bytes, stamps)))
    return _Beside(AsOf(*now), has_notices, was_packed, own)


def _etag(told: TrailAnswer, opened: bool) -> str:
    """Of what is on the chain, final or not, what stands beside it, what is under way, and the words for it: a bag
    in which the item lies goes into another one, and a custodian gets another name, without a record of the item.

    The block up to which we looked is no change.
    """
    parts = [told.state.head if told.state else b"", bytes([opened])]
    parts += [
        one.entry.digest + f"{one.status} {one.text}".encode()
        for one in _with_carried(told.entries + told.carried)
    ]
    parts += [notice.transaction for notice in told.notices]
    parts += [submission.digest + submission.state.encode() for submission in told.pending]
    words = (told.holder, told.sentence, told.answerable, told.packed, told.carriers, told.stamps)
    parts.append(repr(words).encode())
    return hashlib.sha256(b"|".join(parts)).hexdigest()[:32]


def _with_carried(entries: Iterable[EntryAnswer]) -> Iterator[EntryAnswer]:
    for one in entries:
        yield one
        yield from _with_carried(one.carried)
