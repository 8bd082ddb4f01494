"""What a scanner or a keyboard gave, as items; and what stands on an item's label.

An item is named by its 0x-hex, by its label's trail code (bare or as the address that the QR opens), by its
number, or, where it bears none, by its stamp.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, tuple_

from backend.domain.commitments import (
    BadTrailCode,
    parse_trail_code,
    trail_code_lookup,
)
from backend.domain.ids import STAMP_TEXT, stamp_text
from backend.domain.item_numbers import BadItemNumber, ItemNumber, Scheme, numbered
from backend.domain.refusals import told_list, what_now_of_list
from backend.errors import Conflict, NotFound, PosthornError, Unprocessable
from backend.queries import items as item_answers
from backend.queries import network
from backend.queries.items import ItemAnswer
from backend.queries.network import OperatorAnswer
from backend.store import items as item_rows
from backend.store.tables import item_secret
from stamps.errors import BadCode
from stamps.number import parse_number
from stamps.payload import PAYLOAD_IN_URL, parse

HEX32 = re.compile(r"0x[0-9a-fA-F]{64}")
TRAIL_URL = re.compile(r"(?:https?://[^/?#]+)?/t/([^/?#]+)/?", re.IGNORECASE)
AGAIN = "Scan the label again, or type the number on it."


@dataclass(frozen=True, slots=True)
class LabelAnswer:
    """What stands on an item's label; `written` is its number as a person reads it."""

    item: bytes
    number: ItemNumber
    written: str
    trail_code: bytes
    operator: OperatorAnswer
    service: str


def label(db: Connection, item: bytes) -> LabelAnswer:
    """The label of an item that was accepted here. Raises NotFound."""
    row = item_rows.secret(db, item)
    if row is None:
        raise NotFound("No such item was accepted here; its label is another post's.", AGAIN)
    return LabelAnswer(
        item=item,
        number=ItemNumber(Scheme(row.scheme), row.value),
        written=_written(row.scheme, row.value),
        trail_code=row.trail_code,
        operator=network.operator(db, row.operator),
        service=row.service,
    )


def _written(scheme: int, value: str) -> str:
    """`RR 473 124 829 AT` (UPU S10), an SSCC in groups; others as they are."""
    if scheme == Scheme.S10:
        return " ".join((value[:2], value[2:5], value[5:8], value[8:11], value[11:]))
    if scheme == Scheme.SSCC:
        return " ".join(("(00)", value[:1], value[1:8], value[8:17], value[17:]))
    return value


def find_item(db: Connection, text: str) -> bytes:
    """The one item that a text names. Raises NotFound, Conflict (several bear it), Unprocessable."""
    found = _find(db, [text])[0]
    if isinstance(found, PosthornError):
        raise found
    return found


def find_items(db: Connection, texts: Sequence[str]) -> list[bytes]:
    """The items of a list, in its order. Raises Unprocessable that names every line without one."""
    found = _find(db, texts)
    bad = [(line, one) for line, one in enumerate(found) if isinstance(one, PosthornError)]
    if bad:
        lines = [
            {
                "line": index,
                "number": None,
                "name": one.name,
                "detail": one.detail,
                "what_now": one.what_now,
            }
            for index, one in bad
        ]
        raise Unprocessable(told_list(lines), what_now_of_list(lines), lines=lines)
    return [one for one in found if isinstance(one, bytes)]


def _find(db: Connection, texts: Sequence[str]) -> list[bytes | PosthornError]:
    """For each text its item, or what is wrong with it; a few selects for the whole list."""
    named = [_read(text.strip()) for text in texts]
    by_code = _by_lookup(db, (code for code in named if isinstance(code, _Code)))
    numbers = {_number_of(one) for one in named} - {None}
    bearing = _bearing(db, [number for number in numbers if number is not None])
    return [_chosen(one, by_code, bearing) for one in named]


@dataclass(frozen=True, slots=True)
class _Code:
    """What may be a trail code; 26 characters may also be an operator's own number."""

    lookup: bytes
    number: ItemNumber | None


_Named = bytes | _Code | ItemNumber | PosthornError


def _read(text: str) -> _Named:
    if HEX32.fullmatch(text):
        return bytes.fromhex(text[2:])
    in_url = TRAIL_URL.fullmatch(text)
    try:
        return _Code(trail_code_lookup(parse_trail_code(in_url[1] if in_url else text)), _own(text))
    except BadTrailCode as error:
        if in_url:
            return Unprocessable(f"This is no label's code: {error}.", AGAIN)
    return _read_number(text)


def _read_number(text: str) -> ItemNumber | PosthornError:
    try:
        if STAMP_TEXT.match(text):
            return numbered("own", f"STAMP-{stamp_text(parse_number(text))}")
        if PAYLOAD_IN_URL.fullmatch(text):
            return numbered("own", f"STAMP-{stamp_text(parse(text).stamp)}")
        return numbered("auto", text)
    except (BadItemNumber, BadCode) as error:
        return Unprocessable(f"{error}.", AGAIN)


def _own(text: str) -> ItemNumber | None:
    try:
        return numbered("own", text)
    except BadItemNumber:
        return None


def _number_of(named: _Named) -> ItemNumber | None:
    if isinstance(named, _Code):
        return named.number
    return named if isinstance(named, ItemNumber) else None


def _by_lookup(db: Connection, codes: Iterable[_Code]) -> dict[bytes, bytes]:
    lookups = [code.lookup for code in codes]
    query = select(item_secret.c.trail_lookup, item_secret.c.item)
    rows = db.execute(query.where(item_secret.c.trail_lookup.in_(lookups))) if lookups else ()
    return {row.trail_lookup: row.item for row in rows}


def _bearing(db: Connection, numbers: Sequence[ItemNumber]) -> dict[ItemNumber, list[ItemAnswer]]:
    """All items that bear one of the numbers, the newest first."""
    if not numbers:
        return {}
    pairs = [(int(number.scheme), number.value) for number in numbers]
    columns = (item_secret.c.item, item_secret.c.scheme, item_secret.c.value)
    query = select(*columns).where(tuple_(item_secret.c.scheme, item_secret.c.value).in_(pairs))
    rows = db.execute(query.order_by(item_secret.c.accepted_time.desc())).all()
    lines = item_answers.lines(db, [row.item for row in rows])
    found: dict[ItemNumber, list[ItemAnswer]] = {}
    for row in rows:
        if row.item in lines:
            number = ItemNumber(Scheme(row.scheme), row.value)
            found.setdefault(number, []).append(lines[row.item])
    return found


def _chosen(
    named: _Named, by_code: dict[bytes, bytes], bearing: dict[ItemNumber, list[ItemAnswer]]
) -> bytes | PosthornError:
    """J46: of several items with one number the open one; where that does not decide, ask."""
    if isinstance(named, bytes | PosthornError):
        return named
    if isinstance(named, _Code) and named.lookup in by_code:
        return by_code[named.lookup]
    number = _number_of(named)
    found = bearing.get(number, []) if number else []
    if not found:
        what = number.value if number and not isinstance(named, _Code) else "this code"
        return NotFound(f"No item here bears {what}.", AGAIN)
    still_open = [one for one in found if one.ended is None]
    if len(still_open) == 1 or (not still_open and len(found) == 1):
        return (still_open or found)[0].item
    return Conflict(
        f"{len(found)} items bear {number}.",
        "Scan the label's QR code: it names one of them.",
        items=["0x" + one.item.hex() for one in found],
    )
