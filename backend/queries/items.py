"""What items are, in a line each, without their trails: by number, or by what the chain or the forecast knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from backend.domain.item_numbers import BadItemNumber, parse_item_number
from backend.errors import Unprocessable
from backend.queries.network import CustodianAnswer, named
from backend.store import items as item_rows
from backend.store import tables
from backend.store.tables import forecast, item_secret


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
    names = named(db, (row.holder for row in best.values()), shows_bags=True)
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
