"""A receptacle as people see it: what was packed into it, and what came of each (C7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from backend.domain.network import Standing
from backend.domain.typed_data import Closing, Opening
from backend.domain.wire import from_wire
from backend.errors import NotFound
from backend.queries.journeys import seal_words
from backend.queries.network import CustodianAnswer, named
from backend.queries.status import AsOf, as_of
from backend.queries.submissions import numbers_of
from backend.queries.words import entry_text
from backend.store import items as item_rows
from backend.store import receptacles as rows
from backend.store.evidence import documents
from backend.store.tables import entry

# What closes and opens a receptacle, each once (C7), in this order.
STEPS: dict[str, type[Closing] | type[Opening]] = {"closing": Closing, "opening": Opening}


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


@dataclass(frozen=True, slots=True)
class SealAnswer:
    """`text`: the closing or opening in a phrase; `seal`: what is kept of the seal, for people of the posts."""

    text: str
    seal: str
    recorded: bool


def receptacle(db: Connection, item: bytes) -> ReceptacleAnswer:
    """Any item may become one. Raises NotFound."""
    standing = item_rows.look(db, [item]).get(item)
    if standing is None:
        raise NotFound("There is no such item.", "Accept it first, or scan its label again.")
    contents = rows.expected(db, item)
    numbers = numbers_of(db, {item, *contents.items})
    # Read before the records: what leaves here meanwhile is found there.
    waiting = rows.under_way(db, item)
    states = _states(db, item, standing, contents.items, waiting)
    return ReceptacleAnswer(
        item=item,
        number=numbers.get(item),
        state=_state(standing),
        custody_number=standing.number,
        holder=named(db, [standing.holder], shows_bags=True).get(standing.holder),
        contents=tuple(
            ContentAnswer(place, one, numbers.get(one), states[one])
            for place, one in enumerate(contents.items)
        ),
        recorded=not waiting,
        as_of=as_of(db),
    )


def _state(standing: Standing) -> str:
    if not standing.receptacle:
        return "none"
    if standing.opened:
        return "opened"
    return "closed" if standing.closed else "open"


def _states(
    db: Connection,
    item: bytes,
    standing: Standing,
    contents: tuple[bytes, ...],
    waiting: Sequence[Row[Any]],
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
    for row in waiting:
        if row.kind == "opening":
            stated = from_wire(Opening, row.payload["opening"])
            return _stated(stated, contents, set(row._mapping["items"]))
    outcomes = select(entry.c.item, entry.c.kind, entry.c.body).where(
        entry.c.item.in_(contents),
        entry.c.kind.in_(("stay", "missing")),
        entry.c.body["receptacle"].as_string() == "0x" + item.hex(),
    )
    return dict.fromkeys(contents, "taken_out") | {
        row.item: _outcome(row.kind, row.body) for row in db.execute(outcomes)
    }


def _stated(opening: Opening, contents: tuple[bytes, ...], inside: set[bytes]) -> dict[bytes, str]:
    """By an opening that is under way; `inside`: what its submission moves, the rest had been taken up before."""
    missing, states = set(opening.missing), {}
    for place, one in enumerate(contents):
        if one not in inside:
            states[one] = "taken_out"
        elif one in missing:
            states[one] = "missing"
        else:
            states[one] = "found" if opening.has_found(place) else "inferred"
    return states


def _outcome(kind: str, body: dict[str, Any]) -> str:
    if kind == "missing":
        return "missing"
    return "found" if body["verified"] else "inferred"


def seals(db: Connection, item: bytes) -> tuple[SealAnswer, ...]:
    """The closing and the opening of a receptacle, recorded or under way, if something is kept here of its seal."""
    waiting = {row.kind: (row.payload[row.kind], False) for row in rows.under_way(db, item)}
    query = select(entry.c.kind, entry.c.body).where(entry.c.item == item, entry.c.kind.in_(STEPS))
    known = waiting | {row.kind: (row.body, True) for row in db.execute(query)}
    steps = [
        (from_wire(struct, known[kind][0]), known[kind][1])
        for kind, struct in STEPS.items()
        if kind in known
    ]
    kept = documents(db, [body.evidence for body, _ in steps])
    names = named(db, [body.custodian for body, _ in steps])
    return tuple(
        SealAnswer(entry_text(body, names), seal_words(kept[body.evidence]), recorded)
        for body, recorded in steps
        if body.evidence in kept
    )
