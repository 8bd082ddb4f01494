"""Lists handed over: what is on them, who gave them to whom, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from backend.domain.typed_data import Receipt
from backend.domain.wire import from_wire
from backend.errors import NotFound
from backend.queries import submissions
from backend.queries.network import CustodianAnswer, named
from backend.queries.submissions import RECORDED, SubmissionAnswer, numbers_of
from backend.store.engine import named_rows
from backend.store.releases import open_until
from backend.store.tables import person, release


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """One line: index, item, its number off chain where known here, custody number, condition given."""

    line: int
    item: bytes
    number: str | None
    custody_number: int
    condition: int


@dataclass(frozen=True, slots=True)
class ReleaseAnswer:
    """`state`: open, received, withdrawn, expired (nobody took it over while it was open).

    `stand_in_reason`: why its giver did not sign (C9), else None.
    """

    digest: bytes
    giver: CustodianAnswer
    receiver: CustodianAnswer
    time: int
    open_until: int
    deadline: int
    lines: tuple[LineAnswer, ...]
    state: str
    person: str | None
    stand_in_reason: int | None


_ONE = """
SELECT release.*, person.name AS person_name
FROM release LEFT JOIN person ON person.id = release.person WHERE digest = %b
"""


def one(db: Connection, digest: bytes, now: int) -> ReleaseAnswer:
    """Raises NotFound."""
    rows = named_rows(db, _ONE, (digest,))
    if not rows:
        raise NotFound("There is no such list.", "Scan the list's code again.")
    return _answers(db, rows, now)[0]


@dataclass(frozen=True, slots=True)
class Taken:
    """The condition found of each line that was taken over, by line; `recorded`: the chain has it."""

    found: dict[int, int]
    recorded: bool


# By its items first: asked for the newest, PostgreSQL would read all submissions backwards.
_RECEIPT = """
WITH about AS MATERIALIZED (SELECT * FROM submission WHERE items && ARRAY(SELECT unnest(%b::bytea[])))
SELECT digest FROM about WHERE kind IN ('hand_off', 'forced_hand_off')
    AND coalesce(payload -> 'receipt', payload -> 'forced' -> 'receipt') ->> 'release' = %b
ORDER BY sequence DESC LIMIT 1
"""


def receipt_of(db: Connection, release_: ReleaseAnswer) -> SubmissionAnswer | None:
    """How far the record is by which a list was taken over; None where it was not."""
    if release_.state != "received":
        return None
    items = [line.item for line in release_.lines]
    rows = named_rows(db, _RECEIPT, (items, "0x" + release_.digest.hex()))
    return submissions.one(db, rows[0].digest) if rows else None


def taken(release_: ReleaseAnswer, by: SubmissionAnswer | None) -> Taken | None:
    """What the receiver found here, `by` its record; None where nothing is taken over, or never will be."""
    if by is None or by.came_to_nothing:
        return None
    receipt = from_wire(Receipt, by.payload.get("forced", by.payload)["receipt"])
    given = {line.line: line.condition for line in release_.lines if receipt.has(line.line)}
    found = given | {finding.line: finding.condition for finding in receipt.findings}
    return Taken(found, by.state in RECORDED)


def to_take_over(db: Connection, custodian: int, now: int) -> tuple[ReleaseAnswer, ...]:
    """Open lists for a custodian, the oldest first."""
    return _open(db, _known().where(release.c.receiver == custodian), now)


def handed_over(db: Connection, custodian: int, now: int) -> tuple[ReleaseAnswer, ...]:
    """Open lists of a custodian that nobody has taken over yet, the oldest first."""
    return _open(db, _known().where(release.c.giver == custodian), now)


def _known() -> Select[Any]:
    return select(release, person.c.name.label("person_name")).outerjoin(
        person, person.c.id == release.c.person
    )


def _open(db: Connection, query: Select[Any], now: int) -> tuple[ReleaseAnswer, ...]:
    query = query.where(
        release.c.state == "open", func.coalesce(release.c.open_until, release.c.deadline) >= now
    )
    return _answers(db, db.execute(query.order_by(release.c.time)).all(), now)


def _answers(db: Connection, rows: Sequence[Any], now: int) -> tuple[ReleaseAnswer, ...]:
    names = named(db, {n for row in rows for n in (row.giver, row.receiver)})
    numbers = numbers_of(db, {bytes.fromhex(x["item"][2:]) for row in rows for x in row.lines})
    return tuple(
        ReleaseAnswer(
            digest=row.digest,
            giver=names[row.giver],
            receiver=names[row.receiver],
            time=row.time,
            open_until=open_until(row),
            deadline=row.deadline,
            lines=tuple(_line(i, x, numbers) for i, x in enumerate(row.lines)),
            state="expired" if row.state == "open" and open_until(row) < now else row.state,
            person=row.person_name,
            stand_in_reason=row.stand_in_reason,
        )
        for row in rows
    )


def _line(index: int, line: dict[str, Any], numbers: dict[bytes, str]) -> LineAnswer:
    item = bytes.fromhex(line["item"][2:])
    return LineAnswer(index, item, numbers.get(item), line["number"], line["condition"])
