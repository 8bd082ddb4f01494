"""A receptacle as people see it: what was packed into it, and what came of each (C7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from backend.domain.network import Standing
from backend.errors import NotFound
from backend.queries.network import CustodianAnswer, named
from backend.queries.status import AsOf, as_of
from backend.queries.submissions import numbers_of
from backend.store import items as item_rows
from backend.store import receptacles as rows
from backend.store.tables import entry


@dataclass(frozen=True, slots=True)
class ContentAnswer:
    """One thing that was packed. `state`: inside, found, inferred, missing, taken_out (taken up meanwhile)."""

    place: int
    item: bytes
    number: str | None
    state: str


@dataclass(frozen=True, slots=True)
class ReceptacleAnswer:
    """`state`: none (nothing was packed yet), open, closed, opened. `recorded` False: some of it is under way."""

    item: bytes
    number: str | None
    state: str
    custody_number: int
    holder: CustodianAnswer | None
    contents: tuple[ContentAnswer, ...]
    recorded: bool
    as_of: AsOf


def receptacle(db: Connection, item: bytes) -> ReceptacleAnswer:
    """Any item may become one. Raises NotFound."""
    standing = item_rows.look(db, [item]).get(item)
    if standing is None:
        raise NotFound("There is no such item.", "Accept it first, or scan its label again.")
    contents = rows.expected(db, item)
    numbers = numbers_of(db, {item, *contents.items})
    states = _states(db, item, standing, contents.items)
    return ReceptacleAnswer(
        item=item,
        number=numbers.get(item),
        state=_state(standing),
        custody_number=standing.number,
        holder=named(db, [standing.holder]).get(standing.holder),
        contents=tuple(
            ContentAnswer(place, one, numbers.get(one), states[one])
            for place, one in enumerate(contents.items)
        ),
        recorded=contents == rows.recorded(db, item),
        as_of=as_of(db),
    )


def _state(standing: Standing) -> str:
    if not standing.receptacle:
        return "none"
    if standing.opened:
        return "opened"
    return "closed" if standing.closed else "open"


def _states(
    db: Connection, item: bytes, standing: Standing, contents: tuple[bytes, ...]
) -> dict[bytes, str]:
    """Of what was not there at the opening and is not missing: it had been taken up before."""
    if not standing.opened:
        held = item_rows.look(db, contents)
        return {
            one: "inside"
            if one in held and held[one].holder == standing.receptacle
            else "taken_out"
            for one in contents
        }
    outcomes = select(entry.c.item, entry.c.kind, entry.c.body).where(
        entry.c.item.in_(contents),
        entry.c.kind.in_(("stay", "missing")),
        entry.c.body["receptacle"].as_string() == "0x" + item.hex(),
    )
    return dict.fromkeys(contents, "taken_out") | {
        row.item: _outcome(row.kind, row.body) for row in db.execute(outcomes)
    }


def _outcome(kind: str, body: dict[str, Any]) -> str:
    if kind == "missing":
        return "missing"
    return "found" if body["verified"] else "inferred"
