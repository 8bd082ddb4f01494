"""The auditor's table: records across operators by filters, counts, and reconciliation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select, tuple_

from backend.domain import codes
from backend.domain.ids import STAMP_TEXT
from backend.domain.item_numbers import BadItemNumber, parse_item_number
from backend.domain.trail import KIND_NAMES
from backend.errors import BadRequest, Unprocessable
from backend.queries.network import CustodianAnswer, named
from backend.queries.paging import Page, decode_cursor, encode_cursor, rows_asked
from backend.queries.status import AsOf, as_of
from backend.queries.submissions import numbers_of
from backend.queries.trails import LATE_SECONDS, flags, parties
from backend.queries.words import entry_text
from backend.store import tables
from backend.store.entries import entry_from_row
from backend.store.tables import issued_range, item_secret, stamp_use, twin, void_range
from stamps.errors import BadNumber
from stamps.number import parse_number

ENTRY = tables.entry
HEX32 = re.compile(r"0x[0-9a-f]{64}", re.IGNORECASE)
BLOCK = re.compile("[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Filters:
    """All that is given must hold. `text`: number, item, digest, transaction or block. Times in seconds.

    `exception`: late, reservation, take_up, clock_behind, stated_alone (as the flags of entries).
    """

    text: str = ""
    operator: int | None = None
    custodian: int | None = None
    kind: str | None = None
    since: int | None = None
    until: int | None = None
    exception: str | None = None


@dataclass(frozen=True, slots=True)
class RecordAnswer:
    """One record in the table. `number` is the item's number where this installation accepted it."""

    item: bytes
    number: str | None
    record: int
    kind: str
    text: str
    at: CustodianAnswer | None
    to: CustodianAnswer | None
    event_time: int
    block_time: int
    block: int
    transaction: bytes
    digest: bytes
    flags: tuple[str, ...]
    status: str


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts over the whole network, as indexed."""

    operators: int
    custodians: int
    items: int
    items_open: int
    records: int
    hand_offs: int
    signatures: int
    stamps_issued: int
    stamps_used: int
    stamps_void: int
    twins_claimed: int


def search(
    db: Connection, filters: Filters, cursor: str | None = None, limit: int = 50
) -> Page[RecordAnswer]:
    """Records, the newest block first. Raises BadRequest, Unprocessable."""
    place = tuple_(ENTRY.c.block_number, ENTRY.c.log_index, ENTRY.c.item)
    query = _filtered(select(ENTRY, _latest_before().label("latest")), filters)
    if cursor is not None:
        query = query.where(place < tuple(decode_cursor(cursor, int, int, bytes)))
    order = (ENTRY.c.block_number.desc(), ENTRY.c.log_index.desc(), ENTRY.c.item.desc())
    rows = db.execute(query.order_by(*order).limit(rows_asked(limit) + 1)).all()
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = encode_cursor(last.block_number, last.log_index, last.item)
    return Page(_answers(db, rows[:limit]), following)


def count(db: Connection, filters: Filters) -> int:
    """How many records the filters leave."""
    return db.scalar(_filtered(select(func.count()).select_from(ENTRY), filters)) or 0


def _filtered(query: Select[Any], filters: Filters) -> Select[Any]:
    wanted: list[ColumnElement[bool]] = []
    if filters.text.strip():
        wanted.append(_of_text(filters.text.strip()))
    if filters.operator is not None:
        low, high = filters.operator << 24, filters.operator << 24 | 0xFFFFFF
        wanted.append(or_(ENTRY.c.actor.between(low, high), ENTRY.c.receiver.between(low, high)))
    if filters.custodian is not None:
        number = filters.custodian
        wanted.append(or_(ENTRY.c.actor == number, ENTRY.c.receiver == number))
    if filters.kind is not None:
        wanted.append(_of_kind(filters.kind))
    if filters.since is not None:
        wanted.append(ENTRY.c.event_time >= filters.since)
    if filters.until is not None:
        wanted.append(ENTRY.c.event_time < filters.until)
    if filters.exception is not None:
        wanted.append(_of_exception(filters.exception))
    return query.where(*wanted)


def _of_text(text: str) -> ColumnElement[bool]:
    """What one search box takes: a stamp, an item's number, a block, or 32 bytes of anything."""
    if HEX32.fullmatch(text):
        value = bytes.fromhex(text[2:])
        in_block = select(tables.block.c.number).where(tables.block.c.hash == value)
        columns = (ENTRY.c.item, ENTRY.c.digest, ENTRY.c.transaction_hash)
        of_block = ENTRY.c.block_number == in_block.scalar_subquery()  # its hash has no index here
        return or_(of_block, *(column == value for column in columns))
    if STAMP_TEXT.match(text):
        paid = select(stamp_use.c.item).where(stamp_use.c.stamp == _stamp(text))
        return ENTRY.c.item.in_(paid)
    if BLOCK.fullmatch(text):
        return ENTRY.c.block_number == int(text)
    try:
        number = parse_item_number(text)
    except BadItemNumber as error:
        raise Unprocessable(
            str(error), "Search for a number, a stamp, a block or a 0x-hash."
        ) from None
    bears = item_secret.c.scheme == int(number.scheme), item_secret.c.value == number.value
    return ENTRY.c.item.in_(select(item_secret.c.item).where(*bears))


def _stamp(text: str) -> int:
    try:
        return parse_number(text)
    except BadNumber as error:
        raise Unprocessable(str(error), "A stamp's number stands under its code.") from None


def _of_kind(kind: str) -> ColumnElement[bool]:
    if kind not in KIND_NAMES.values():
        known = ", ".join(KIND_NAMES.values())
        raise BadRequest(f"{kind!r} is no kind of record.", f"One of: {known}.")
    return ENTRY.c.kind == kind


def _of_exception(name: str) -> ColumnElement[bool]:
    """The same facts as trails.flags, asked of the database."""
    body = ENTRY.c.body
    exceptions = {
        "late": ENTRY.c.block_time - ENTRY.c.event_time > LATE_SECONDS,
        "reservation": or_(
            and_(
                ENTRY.c.kind == "hand_off", body["given"].as_integer() != body["found"].as_integer()
            ),
            and_(ENTRY.c.kind == "take_up", body["condition"].as_integer() != codes.SOUND),
        ),
        "take_up": ENTRY.c.kind == "take_up",
        "clock_behind": or_(
            ENTRY.c.event_time < _latest_before(),
            and_(ENTRY.c.kind == "hand_off", ENTRY.c.event_time < body["released_at"].as_integer()),
        ),
        "stated_alone": and_(
            ENTRY.c.kind == "end", body["mode"].as_integer().in_(sorted(codes.DELIVERY_MODES))
        ),
    }
    if name not in exceptions:
        raise BadRequest(f"{name!r} is no exception.", f"One of: {', '.join(exceptions)}.")
    return exceptions[name]


def _latest_before() -> ColumnElement[int]:
    """The item's latest event time before a record; reports do not raise it (C5)."""
    earlier = ENTRY.alias()
    return func.coalesce(
        select(func.max(earlier.c.event_time))
        .where(
            earlier.c.item == ENTRY.c.item,
            earlier.c.record < ENTRY.c.record,
            earlier.c.kind != "report",
        )
        .scalar_subquery(),
        0,
    )


def _answers(db: Connection, rows: Sequence[Row[Any]]) -> tuple[RecordAnswer, ...]:
    numbers, now = numbers_of(db, {row.item for row in rows}), as_of(db)
    names = named(db, {n for row in rows for n in (row.actor, row.receiver) if n})
    return tuple(_answer(row, numbers.get(row.item), names, now) for row in rows)


def _answer(
    row: Row[Any], number: str | None, names: dict[int, CustodianAnswer], now: AsOf
) -> RecordAnswer:
    entry = entry_from_row(row)
    actor, receiver = parties(entry)
    return RecordAnswer(
        item=entry.item,
        number=number,
        record=entry.record,
        kind=entry.kind,
        text=entry_text(entry.body, names),
        at=names.get(actor),
        to=names.get(receiver),
        event_time=entry.event_time,
        block_time=entry.place.block_time,
        block=entry.place.block,
        transaction=entry.place.transaction,
        digest=entry.digest,
        flags=flags(entry, row.latest),
        status=now.status(entry.place.block),
    )


def statistics(db: Connection) -> Statistics:
    """The counts of the front page."""
    item = tables.item
    one_row = select(
        _rows(tables.operator).label("operators"),
        _rows(tables.custodian).label("custodians"),
        _rows(item).label("items"),
        _rows(item, item.c.ended.is_(None)).label("items_open"),
        _rows(ENTRY).label("records"),
        _rows(ENTRY, ENTRY.c.kind == "hand_off").label("hand_offs"),
        _sum(func.cardinality(ENTRY.c.signatures)).label("signatures"),
        _sum(issued_range.c.last - issued_range.c.first + 1).label("stamps_issued"),
        _rows(stamp_use).label("stamps_used"),
        _sum(void_range.c.last - void_range.c.first + 1).label("stamps_void"),
        _rows(twin).label("twins_claimed"),
    )
    return Statistics(**{name: int(n) for name, n in db.execute(one_row).one()._mapping.items()})


def _rows(table: Any, *where: ColumnElement[bool]) -> Any:
    return select(func.count()).select_from(table).where(*where).scalar_subquery()


def _sum(value: ColumnElement[Any]) -> Any:
    return select(func.coalesce(func.sum(value), 0)).scalar_subquery()
