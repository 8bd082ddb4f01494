"""The audit page: one search box, filters in the address, every record with its proof."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from backend.domain import ids
from backend.domain.texts import is_digits
from backend.domain.times import written
from backend.domain.trail import KIND_NAMES
from backend.errors import BadRequest, PosthornError
from backend.queries import audit, network, trails
from backend.queries import items as item_answers
from backend.queries.audit import Filters, RecordAnswer
from backend.queries.paging import MOST_ROWS, Page
from backend.web.desk import digest_of
from backend.web.render import ASKS_NODES
from backend.web.stories import trail_story
from backend.web.visit import PageRoute, Visit, Visiting

router = APIRouter(route_class=PageRoute, include_in_schema=False)
EXCEPTIONS = {
    "late": "recorded late",
    "reservation": "taken over under reservation",
    "take_up": "taken up with one signature",
    "clock_behind": "a clock was behind",
    "stated_alone": "delivery stated by the carrier alone",
}
KINDS = {name: name.replace("_", "-") for name in KIND_NAMES.values()}
COLUMNS = (
    "item", "number", "record", "kind", "what", "custodian", "to", "event_time_utc",
    "record_time_utc", "block", "transaction", "digest", "flags", "status",
)  # fmt: skip
# A cell that begins with one of these is a formula to a spreadsheet (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters as they stand in the address; days are UTC, `until` counts whole."""

    text: str
    operator: str
    custodian: str
    kind: str
    since: str
    until: str
    exception: str

    def address(self, path: str, **more: str) -> str:
        """The same view as a link."""
        pairs = {name: getattr(self, name) for name in self.__slots__} | more
        query = urlencode({name: value for name, value in pairs.items() if value})
        return f"{path}?{query}" if query else path


def asked(
    text: Annotated[str, Query(max_length=400)] = "",
    operator: Annotated[str, Query(max_length=5)] = "",
    custodian: Annotated[str, Query(max_length=14)] = "",
    kind: Annotated[str, Query(max_length=20)] = "",
    since: Annotated[str, Query(max_length=10)] = "",
    until: Annotated[str, Query(max_length=10)] = "",
    exception: Annotated[str, Query(max_length=20)] = "",
) -> Asked:
    """The address's query."""
    return Asked(text.strip(), operator, custodian, kind, since, until, exception)


Asking = Annotated[Asked, Depends(asked)]


def filters_of(query: Asked) -> Filters:
    """What the read model is asked. Raises BadRequest."""
    until = _day(query.until)
    try:
        return Filters(
            text=query.text,
            operator=ids.parse_operator(query.operator) if query.operator else None,
            custodian=ids.parse_custodian(query.custodian) if query.custodian else None,
            kind=query.kind or None,
            since=_day(query.since),
            until=until + 86_400 if until is not None else None,
            exception=query.exception or None,
        )
    except ValueError as error:
        raise BadRequest(
            f"This filter cannot be read: {error}.", "Clear it, begin again."
        ) from None


def _day(text: str) -> int | None:
    """The beginning of a UTC day."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"{text!r} is no day.", "Write it like 2026-03-03.") from None
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


@router.get("/audit")
def audit_page(
    visit: Visiting, query: Asking, cursor: Annotated[str | None, Query(max_length=400)] = None
) -> Response:
    """Records across operators, the newest block first; a link opens the same view for a colleague."""
    visit.person("auditor", "admin")
    try:
        wanted = filters_of(query)
        with visit.begin() as db:
            found, total = audit.search(db, wanted, cursor), audit.count(db, wanted)
            bearing = _several(visit, query.text)
    except PosthornError as error:
        if error.status >= 500:
            raise
        return _table(visit, query, Page((), None), audit.Total(0, False), (), error)
    return _table(visit, query, found, total, bearing)


def _several(visit: Visit, text: str) -> tuple[item_answers.ItemAnswer, ...]:
    """Items that bear the same number over the years: the reader has to say which one."""
    if not text or is_digits(text) or text.startswith("0x") or ids.STAMP_TEXT.match(text):
        return ()
    with visit.begin() as db:
        try:
            found = item_answers.bearing(db, text)
        except PosthornError:
            return ()
    return found


def _table(
    visit: Visit,
    query: Asked,
    found: Page[RecordAnswer],
    total: audit.Total,
    bearing: tuple[item_answers.ItemAnswer, ...],
    error: PosthornError | None = None,
) -> Response:
    with visit.begin() as db:
        operators, custodians = network.operators(db), network.custodians(db)
    return visit.page(
        "audit.html",
        status=error.status if error else 200,
        query=query,
        found=found,
        total=total,
        bearing=bearing,
        stamp=query.text if ids.STAMP_TEXT.match(query.text) else "",
        operators=operators,
        custodians=custodians,
        kinds=KINDS,
        exceptions=EXCEPTIONS,
        error=error,
    )


@router.get("/audit/records.csv")
def export(visit: Visiting, query: Asking) -> Response:
    """The whole result as CSV, read a page at a time."""
    visit.person("auditor", "admin")
    wanted = filters_of(query)
    with visit.begin() as db:
        first = audit.search(
            db, wanted, None, MOST_ROWS
        )  # a refusal must come before the first byte
    headers = {"Content-Disposition": 'attachment; filename="posthorn-records.csv"'}
    return StreamingResponse(_csv(visit, wanted, first), headers=headers, media_type="text/csv")


def _csv(visit: Visit, wanted: Filters, page: Page[RecordAnswer]) -> Iterator[str]:
    yield _line(COLUMNS)
    while True:
        for row in page.rows:
            yield _line(_cells(row))
        if page.cursor is None:
            return
        with visit.begin() as db:
            page = audit.search(db, wanted, page.cursor, MOST_ROWS)


def _cells(row: RecordAnswer) -> tuple[str, ...]:
    return (
        "0x" + row.item.hex(),
        row.number or "",
        str(row.record),
        row.kind,
        row.text,
        row.at.name if row.at else "",
        row.to.name if row.to else "",
        _utc(row.event_time),
        _utc(row.block_time),
        str(row.block),
        "0x" + row.transaction.hex(),
        "0x" + row.digest.hex(),
        " ".join(row.flags),
        row.status,
    )


def _utc(seconds: int) -> str:
    return written(seconds, "%Y-%m-%dT%H:%M:%SZ")


def _line(cells: tuple[str, ...]) -> str:
    """One line of CSV in which no cell is a formula."""
    target = io.StringIO()
    csv.writer(target).writerow(f"'{c}" if c.startswith(FORMULA) else c for c in cells)
    return target.getvalue()


@router.get("/items/{item}")
def item_page(visit: Visiting, item: str) -> Response:
    """Every record of an item with all that proves it. With its number for who has signed in."""
    visit.look()
    with visit.begin() as db:
        found = trails.trail(db, digest_of(item), opened=visit.who is not None)
    return visit.page("item.html", ASKS_NODES, trail=found, story=trail_story(visit.house, found))
