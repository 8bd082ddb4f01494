"""Notices beside a trail: what a person should look at, and never a verdict (C10, design.md §2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from backend.queries.network import CustodianAnswer, named
from backend.queries.words import when
from backend.store.engine import named_rows


@dataclass(frozen=True, slots=True)
class NoticeAnswer:
    """Two complete hand-offs of one item by one giver, as somebody has shown them on the chain (C10).

    `releases` are the digests of what the giver signed, the earlier first.
    """

    text: str
    giver: CustodianAnswer
    receivers: tuple[CustodianAnswer, CustodianAnswer]
    releases: tuple[bytes, bytes]
    custody_number: int
    block: int
    block_time: int
    transaction: bytes


def notices(db: Connection, item: bytes) -> tuple[NoticeAnswer, ...]:
    """Those of an item, in the order in which they were shown."""
    query = "SELECT * FROM equivocation WHERE item = %b ORDER BY block_number, log_index"
    rows = named_rows(db, query, (item,))
    names = named(db, _mentioned(rows)) if rows else {}
    return tuple(_notice(row, names) for row in rows)


def _mentioned(rows: Sequence[Row[Any]]) -> set[int]:
    return {n for row in rows for n in (row.giver, row.first["receiver"], row.second["receiver"])}


def _notice(row: Row[Any], names: Mapping[int, CustodianAnswer]) -> NoticeAnswer:
    giver, pair = names[row.giver], (row.first, row.second)
    first, second = (
        f"{names[one['receiver']].name}, released {when(one['released_at'])}" for one in pair
    )
    return NoticeAnswer(
        text=f"Two complete hand-offs of this item by {giver.name} lie within one another’s time: "
        f"one to {first}; one to {second}. Somebody should look at this. It changes nothing in the "
        "trail and says of nobody why it came to be.",
        giver=giver,
        receivers=(names[row.first["receiver"]], names[row.second["receiver"]]),
        releases=(bytes.fromhex(pair[0]["release"][2:]), bytes.fromhex(pair[1]["release"][2:])),
        custody_number=row.number,
        block=row.block_number,
        block_time=row.block_time,
        transaction=row.transaction_hash,
    )
