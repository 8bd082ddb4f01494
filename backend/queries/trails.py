"""Trails: every record of an item with names, keys and blocks, and who answers for it now (C12)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from backend.domain import codes
from backend.domain.commitments import BadTrailCode, parse_trail_code, trail_code_lookup
from backend.domain.ids import is_receptacle
from backend.domain.item_numbers import BadItemNumber, Scheme, parse_item_number
from backend.domain.network import Right
from backend.domain.trail import Entry, HandedOff, Missing, Stay, TrailState
from backend.domain.typed_data import Acceptance, Delivery, End, Report, TakeUp
from backend.errors import NotFound, Unprocessable
from backend.queries import submissions
from backend.queries.carriers import CarrierAnswer, carriers
from backend.queries.journeys import hops, lay_in, seals
from backend.queries.network import CustodianAnswer, named, rights
from backend.queries.notices import NoticeAnswer, notices
from backend.queries.status import AsOf, as_of
from backend.queries.submissions import UnderWay
from backend.queries.words import answerable, entry_text, where_it_is
from backend.store import items as item_rows
from backend.store import tables
from backend.store.engine import straight
from backend.store.entries import body_to_json, entry_from_row, state_from_row
from backend.store.tables import forecast, from_eight_bytes, item_secret

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
class TrailAnswer:
    """An item's trail. `state` is None while its acceptance is still being recorded.

    `number`, `franking` and what `pending` is about are there only where the label's code or a session
    opened the trail.
    `sentence` says where the item is, `answerable` who answers for it now and why; `carried` are the moves of the
    closed receptacle in which it lies. `notices` are what a person should look at, `carriers` the receptacles that it
    lay in. `etag` changes with every change of the answer.
    """

    item: bytes
    number: str | None
    scheme: str | None
    franking: dict[str, Any] | None
    state: TrailState | None
    entries: tuple[EntryAnswer, ...]
    notices: tuple[NoticeAnswer, ...]
    carriers: tuple[CarrierAnswer, ...]
    carried: tuple[EntryAnswer, ...]
    holder: CustodianAnswer | None
    sentence: str
    answerable: str
    stamps: tuple[int, ...]
    pending: tuple[UnderWay, ...]
    as_of: AsOf
    etag: str


@dataclass(frozen=True, slots=True)
class ItemAnswer:
    """One line about an item, for lists. `recorded` False: this is where it will be once all is on chain."""

    item: bytes
    number: str | None
    holder: CustodianAnswer | None
    ended: int | None
    accepted_time: int
    latest_time: int
    records: int
    custody_number: int
    recorded: bool


def trail(db: Connection, item: bytes, opened: bool = False) -> TrailAnswer:
    """The trail of an item; `opened` by its label's code or a session: with its number. Raises NotFound."""
    state_row = db.exec_driver_sql("SELECT * FROM item WHERE item = %b", (item,)).first()
    secret = item_rows.secret(db, item)
    if state_row is None and secret is None:
        raise NotFound("There is no such item.", "Check what was typed, or scan its label again.")
    state = state_from_row(state_row) if state_row else None
    entries, now = _entries(db, item), as_of(db)
    inside = _lies_in(db, state)
    moves = hops(db, lay_in(entries) | set(inside))
    told = [*entries, *(move for some in moves.values() for move in some)]
    names = named(db, _mentioned(told, state))
    pending = submissions.open_of_item(db, item, opened)
    teller = _Teller(names, rights(db, names), now, moves, seals(db, entries) if opened else {})
    shown, beside = teller.tell(entries), notices(db, item)
    carried = tuple(one for bag in inside for one in teller.tell(moves[bag]))
    return TrailAnswer(
        item=item,
        number=secret.value if secret and opened else None,
        scheme=Scheme(secret.scheme).name.lower() if secret and opened else None,
        franking=secret.franking if secret and opened else None,
        state=state,
        entries=shown,
        notices=beside,
        carriers=carriers(db, item),
        carried=carried,
        holder=names.get(state.holder) if state else None,
        sentence=where_it_is(state, _since(entries), names),
        answerable=answerable(state, _answer_time(entries, state), names),
        stamps=_stamps(db, item),
        pending=pending,
        as_of=now,
        etag=_etag(state, shown + carried, beside, pending, opened),
    )


def by_code(db: Connection, trail_code: str) -> TrailAnswer:
    """The trail that a label's code opens. Raises NotFound, also for a text that is no trail code."""
    try:
        lookup = trail_code_lookup(parse_trail_code(trail_code))
    except BadTrailCode as error:
        raise NotFound(f"No label bears this code: {error}.", "Scan the label again.") from None
    secret = item_rows.by_trail_lookup(db, lookup)
    if secret is None:
        raise NotFound("No label of this post bears this code.", "Scan the label again.")
    return trail(db, secret.item, opened=True)


def bearing(db: Connection, number: str) -> tuple[ItemAnswer, ...]:
    """All items that bear a number, the newest first: numbers are used again. Raises Unprocessable."""
    try:
        parsed = parse_item_number(number)
    except BadItemNumber as error:
        raise Unprocessable(f"{error}.", number=number) from None
    rows = item_rows.bearing(db, int(parsed.scheme), parsed.value)
    found = lines(db, [row.item for row in rows])
    return tuple(found[row.item] for row in rows)


def lines(db: Connection, items: Sequence[bytes]) -> dict[bytes, ItemAnswer]:
    """One line for each item that is known: by the chain, or by the forecast where that is ahead."""
    chain, ahead = _standings(db, tables.item, items), _standings(db, forecast, items)
    overtaking = {
        item: row
        for item, row in ahead.items()
        if item not in chain or row.records >= chain[item].records
    }
    best = chain | overtaking
    secrets = _secrets(db, items)
    names = named(db, (row.holder for row in best.values()))
    return {
        item: ItemAnswer(
            item=item,
            number=secrets[item].value if item in secrets else None,
            holder=names.get(row.holder),
            ended=row.ended,
            accepted_time=_accepted(item, chain, secrets),
            latest_time=row.latest_time,
            records=row.records,
            custody_number=row.number,
            recorded=item not in overtaking,
        )
        for item, row in best.items()
    }


def _standings(db: Connection, table: Any, items: Sequence[bytes]) -> dict[bytes, Row[Any]]:
    return {row.item: row for row in db.execute(select(table).where(table.c.item.in_(items)))}


def _secrets(db: Connection, items: Sequence[bytes]) -> dict[bytes, Any]:
    query = select(item_secret.c.item, item_secret.c.value, item_secret.c.accepted_time)
    return {row.item: row for row in db.execute(query.where(item_secret.c.item.in_(items)))}


def _accepted(item: bytes, chain: dict[bytes, Row[Any]], secrets: dict[bytes, Any]) -> int:
    known = chain.get(item) or secrets.get(item)
    return int(known.accepted_time) if known else 0


def _entries(db: Connection, item: bytes) -> list[Entry]:
    query = "SELECT * FROM entry WHERE item = %b ORDER BY record"
    return [entry_from_row(row) for row in db.exec_driver_sql(query, (item,))]


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
    """Turns records into answers; `moves` are those of receptacles, `seals` what is kept of theirs."""

    names: dict[int, CustodianAnswer]
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
        key, receiver_key = self._keys(entry, giver, receiver, latest)
        by_operator = any(
            k and k.key_holder == codes.KEY_HOLDERS.number("operator") for k in (key, receiver_key)
        )
        found = (*flags(entry, latest), *(("key_of_operator",) if by_operator else ()))
        return EntryAnswer(
            entry=entry,
            at=self.names.get(giver),
            to=self.names.get(receiver),
            key=key,
            receiver_key=receiver_key,
            text=entry_text(entry.body, self.names),
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
        self, entry: Entry, giver: int, receiver: int, latest: int
    ) -> tuple[KeyAnswer | None, KeyAnswer | None]:
        released = entry.body.released_at if isinstance(entry.body, HandedOff) else entry.event_time
        signed = not isinstance(entry.body, Stay | Missing) and "forced" not in flags(entry, latest)
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


def _stamps(db: Connection, item: bytes) -> tuple[int, ...]:
    rows = straight(db, "SELECT stamp FROM stamp_use WHERE item = %b", (item,))
    return tuple(sorted(from_eight_bytes(stamp) for (stamp,) in rows))


def _etag(
    state: TrailState | None,
    entries: tuple[EntryAnswer, ...],
    notices_: tuple[NoticeAnswer, ...],
    pending: tuple[UnderWay, ...],
    opened: bool,
) -> str:
    """Head, what is final, what stands beside it, what is under way; the block up to which we looked is no change."""
    parts = [state.head if state else b"", bytes([opened])]
    parts += [entry.entry.digest + entry.status.encode() for entry in entries]
    parts += [notice.transaction for notice in notices_]
    parts += [submission.digest + submission.state.encode() for submission in pending]
    return hashlib.sha256(b"|".join(parts)).hexdigest()[:32]
