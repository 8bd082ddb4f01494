"""The auditor's table: records across operators by filters, counts, and reconciliation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select, tuple_

from backend.domain import codes
from backend.domain.ids import CUSTODIAN_TEXT, STAMP_TEXT, custodians_of, parse_custodian
from backend.domain.ids import BadNumber as BadCustodian
from backend.domain.item_numbers import (
    BadItemNumber,
    ItemNumber,
    has_standard_form,
    parse_item_number,
)
from backend.domain.trail import KIND_NAMES, Entry
from backend.errors import BadRequest, Unprocessable
from backend.queries.carriers import bag_names
from backend.queries.journeys import lay_in
from backend.queries.network import CustodianAnswer, named
from backend.queries.paging import Page, decode_cursor, encode_cursor, rows_asked
from backend.queries.status import AsOf, as_of
from backend.queries.submissions import numbers_of
from backend.queries.trails import LATE_SECONDS, flags, parties
from backend.queries.words import entry_text, when
from backend.store import items as item_rows
from backend.store import tables, tally
from backend.store.entries import entry_from_row
from backend.store.tables import item_secret, stamp_use
from stamps.errors import BadNumber
from stamps.number import parse_number

ENTRY = tables.entry
HEX32 = re.compile(r"0x[0-9a-f]{64}", re.IGNORECASE)
# What a filter leaves is counted up to here, one row after the other.
MOST_COUNTED = 10_000
# A name that more custodians share says too little, and costs too much.
MOST_CALLED = 50
SEARCHED = "Search for a number, a stamp, a custodian (its name or a number like 1-5), a block or a 0x-hash."
BLOCK = re.compile("[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Filters:
    """All that is given must hold. `text`: number, item, digest, transaction, block, or a part of a
    custodian's name. Times in seconds.

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
class Total:
    """How many there are, or, with `is_more`, than how many there are more."""

    count: int
    is_more: bool


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
    query = _filtered(db, select(ENTRY, _latest_before().label("latest")), filters)
    if cursor is not None:
        query = query.where(place < tuple(decode_cursor(cursor, int, int, bytes)))
    order = (ENTRY.c.block_number.desc(), ENTRY.c.log_index.desc(), ENTRY.c.item.desc())
    rows = db.execute(query.order_by(*order).limit(rows_asked(limit) + 1)).all()
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = encode_cursor(last.block_number, last.log_index, last.item)
    return Page(_answers(db, rows[:limit]), following)


def record(db: Connection, item: bytes, number: int) -> RecordAnswer | None:
    """One record of an item; None where there is none."""
    query = select(ENTRY, _latest_before().label("latest"))
    rows = db.execute(query.where(ENTRY.c.item == item, ENTRY.c.record == number)).all()
    return next(iter(_answers(db, rows)), None)


def count(db: Connection, filters: Filters) -> Total:
    """How many records the filters leave; of all of them the count is kept."""
    if filters == Filters():
        return Total(tally.kept(db)["records"], is_more=False)
    some = _filtered(db, select(ENTRY.c.record), filters).limit(MOST_COUNTED + 1).subquery()
    found = db.scalar(select(func.count()).select_from(some)) or 0
    return Total(min(found, MOST_COUNTED), is_more=found > MOST_COUNTED)


def _filtered(db: Connection, query: Select[Any], filters: Filters) -> Select[Any]:
    _check_span(filters)
    wanted: list[ColumnElement[bool]] = []
    if filters.text.strip():
        wanted.append(_of_text(db, filters.text.strip()))
    if filters.operator is not None:
        low, high = custodians_of(filters.operator)
        wanted.append(or_(ENTRY.c.actor.between(low, high), ENTRY.c.receiver.between(low, high)))
    if filters.custodian is not None:
        wanted.append(_of_custodians([filters.custodian]))
    if filters.kind is not None:
        wanted.append(_of_kind(filters.kind))
    if filters.since is not None:
        wanted.append(ENTRY.c.event_time >= filters.since)
    if filters.until is not None:
        wanted.append(ENTRY.c.event_time < filters.until)
    if filters.exception is not None:
        wanted.append(_of_exception(filters.exception))
    return query.where(*wanted)


def _check_span(filters: Filters) -> None:
    since, until = filters.since, filters.until
    if since is not None and until is not None and since >= until:
        raise Unprocessable(
            f"From ({when(since)}) is later than To ({when(until - 1)}).", "Change one of them."
        )


def _of_text(db: Connection, text: str) -> ColumnElement[bool]:
    """What one search box takes: a stamp, an item's number, a custodian's name, a block, or 32 bytes of anything."""
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
    return _of_word(db, text)


def _of_word(db: Connection, text: str) -> ColumnElement[bool]:
    """A word may be both: an item's number, and a custodian's name or number. What has the form of a standard
    number is that alone: no names are read for it.
    """
    called = () if has_standard_form(text) else _called(db, text)
    try:
        number = parse_item_number(text)
    except BadItemNumber as error:
        if not called:
            raise Unprocessable(f"{error}.", SEARCHED) from None
        return _of_custodians(_few(called, text))
    if len(called) > MOST_CALLED and item_rows.bearing(db, int(number.scheme), number.value):
        return _bears(number)
    return or_(_bears(number), _of_custodians(_few(called, text))) if called else _bears(number)


def _of_custodians(numbers: Sequence[int]) -> ColumnElement[bool]:
    return or_(ENTRY.c.actor.in_(numbers), ENTRY.c.receiver.in_(numbers))


def _called(db: Connection, text: str) -> Sequence[int]:
    """The custodian of this number, or those whose names hold a text, in whatever case: one more than there may be."""
    if CUSTODIAN_TEXT.fullmatch(text):
        return _numbered(text)
    name = tables.custodian_name.c.name
    query = select(tables.custodian_name.c.custodian).where(
        func.strpos(func.lower(name), text.lower()) > 0
    )
    return db.scalars(query.limit(MOST_CALLED + 1)).all()


def _numbered(text: str) -> Sequence[int]:
    """None where no custodian can have this number; an item can."""
    try:
        return (parse_custodian(text),)
    except BadCustodian:
        return ()


def _few(custodians: Sequence[int], text: str) -> Sequence[int]:
    """Raises Unprocessable where these are too many."""
    if len(custodians) > MOST_CALLED:
        raise Unprocessable(
            f"More than {MOST_CALLED} custodians have {text!r} in their names.",
            "Type more of the name, or choose the custodian.",
        )
    return custodians


def _bears(number: ItemNumber) -> ColumnElement[bool]:
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
    names = named(db, {n for row in rows for n in (row.actor, row.receiver) if n}, shows_bags=True)
    told = [entry_from_row(row) for row in rows]
    bags = bag_names(db, lay_in(told))
    return tuple(
        _answer(entry, row, numbers.get(row.item), entry_text(entry.body, names, bags), names, now)
        for entry, row in zip(told, rows, strict=True)
    )


def _answer(
    entry: Entry,
    row: Row[Any],
    number: str | None,
    text: str,
    names: dict[int, CustodianAnswer],
    now: AsOf,
) -> RecordAnswer:
    actor, receiver = parties(entry)
    return RecordAnswer(
        item=entry.item,
        number=number,
        record=entry.record,
        kind=entry.kind,
        text=text,
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
    """The counts of the front page, as they are kept."""
    return Statistics(**tally.kept(db))
