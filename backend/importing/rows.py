"""The rows that an import reads and writes, many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert

from backend.domain.item_numbers import ItemNumber, Scheme
from backend.store.submissions import OPEN
from backend.store.tables import custodian, import_line, item_secret, release, submission

GONE = ("rejected", "expired", "withdrawn")


def places(db: Connection) -> dict[int, str]:
    """The place code of every custodian."""
    found = db.execute(select(custodian.c.number, custodian.c.place))
    return {row.number: row.place for row in found}


def imported(db: Connection, meanings: Sequence[bytes]) -> set[bytes]:
    """Which of these lines were imported before and are on chain, or still may be."""
    found = db.execute(
        select(import_line.c.source)
        .join(submission, submission.c.digest == import_line.c.digest)
        .where(import_line.c.source.in_(meanings), submission.c.state.not_in(GONE))
    )
    return set(found.scalars())


def bearing(
    db: Connection, numbers: Sequence[ItemNumber]
) -> dict[ItemNumber, list[tuple[int, bytes]]]:
    """Items that bear the numbers: (accepted, item), the oldest first. Locks the numbers, as accept does."""
    keys = sorted({f"{int(n.scheme)}:{n.value}" for n in numbers})
    db.execute(
        text(
            "SELECT pg_advisory_xact_lock(hashtextextended(k, 0)) "
            "FROM unnest(CAST(:keys AS text[])) AS k"
        ),
        {"keys": keys},
    )
    columns = (item_secret.c.scheme, item_secret.c.value)
    found: dict[ItemNumber, list[tuple[int, bytes]]] = {}
    for row in db.execute(
        select(*columns, item_secret.c.accepted_time, item_secret.c.item)
        .where(tuple_(*columns).in_([(int(n.scheme), n.value) for n in set(numbers)]))
        .order_by(item_secret.c.accepted_time)
    ):
        number = ItemNumber(Scheme(row.scheme), row.value)
        found.setdefault(number, []).append((row.accepted_time, row.item))
    return found


def keep(
    db: Connection,
    submissions: Sequence[dict[str, Any]],
    secrets: Sequence[dict[str, Any]],
    releases: Sequence[dict[str, Any]],
    lines: Sequence[dict[str, Any]],
) -> None:
    """Write all rows of a batch, the submissions in their order."""
    for table, rows in (
        (submission, submissions),
        (item_secret, secrets),
        (release, releases),
    ):
        if rows:
            db.execute(insert(table), rows)
    if lines:
        statement = upsert(import_line)
        digest = {"digest": statement.excluded.digest}
        db.execute(statement.on_conflict_do_update(index_elements=["source"], set_=digest), lines)


def still_open(db: Connection, device: str) -> int:
    """How many submissions of an import are not on chain yet."""
    query = select(func.count()).where(submission.c.device == device, submission.c.state.in_(OPEN))
    return int(db.scalar(query) or 0)


def refused_by_chain(db: Connection, device: str) -> dict[bytes, dict[str, Any] | None]:
    """Of an import: the meanings of lines whose submission will never be on chain, and why."""
    found = db.execute(
        select(import_line.c.source, submission.c.state, submission.c.refusal)
        .join(submission, submission.c.digest == import_line.c.digest)
        .where(submission.c.device == device, submission.c.state.in_(GONE))
    )
    return {row.source: row.refusal or {"name": row.state} for row in found}
