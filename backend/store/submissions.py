"""Submissions: what users asked to be put on chain, and how far it has come (design.md §2, B3).

pending -> sent -> settled (-> safe -> final, read off the chain's levels)
held: waits for a predecessor (B8); withdrawn, expired, rejected: will never be on chain.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, select, update

from backend.store.engine import straight
from backend.store.tables import recorded, submission

OPEN = ("pending", "held", "sent")


@dataclass(frozen=True, slots=True)
class NewSubmission:
    """`lane` is the key name of who sends it; `items` keep the order of records of one item.

    `expires_at` in seconds since 1970.
    """

    digest: bytes
    kind: str
    payload: dict[str, Any]
    lane: str
    items: tuple[bytes, ...] = ()
    custodian: int | None = None
    person: int | None = None
    device: str = ""
    waits_for: str | None = None
    expires_at: int | None = None
    state: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", "held" if self.waits_for else "pending")


# Rows are taken in the order given: their sequences rise in it.
_ENQUEUE = """
INSERT INTO submission (digest, kind, payload, lane, items, custodian, person, device, waits_for,
    expires_at, state)
SELECT digest, kind, payload::jsonb, lane, items::bytea[], custodian, person, device, waits_for,
    to_timestamp(expires_at), state
FROM unnest(%b::bytea[], %b::text[], %b::text[], %b::text[], %b::text[], %b::bigint[],
    %b::integer[], %b::text[], %b::text[], %b::bigint[], %b::text[]) AS new (digest, kind, payload,
    lane, items, custodian, person, device, waits_for, expires_at, state)
ON CONFLICT DO NOTHING RETURNING digest
"""


def enqueue(db: Connection, new: Sequence[NewSubmission]) -> set[bytes]:
    """Keep the rows; the digests of those that were not known yet (a repeat is the same submission, B3)."""
    if not new:
        return set()
    columns = zip(*map(_values, new), strict=True)
    return {digest for (digest,) in straight(db, _ENQUEUE, [list(column) for column in columns])}


def _values(new: NewSubmission) -> tuple[Any, ...]:
    """In the order of _ENQUEUE; JSON and arrays as text."""
    items = ",".join([f'"\\\\x{item.hex()}"' for item in new.items])
    return (
        new.digest,
        new.kind,
        json.dumps(new.payload, separators=(",", ":")),
        new.lane,
        f"{{{items}}}",
        new.custodian,
        new.person,
        new.device,
        new.waits_for,
        new.expires_at,
        new.state,
    )


def states(db: Connection, digests: Sequence[bytes]) -> dict[bytes, tuple[str, str | None]]:
    """State and what it waits for of those submissions that are kept."""
    query = "SELECT digest, state, waits_for FROM submission WHERE digest = ANY(%b)"
    rows = straight(db, query, (list(digests),)) if digests else ()
    return {digest: (state, waits_for) for digest, state, waits_for in rows}


def find(db: Connection, digest: bytes) -> Row[Any] | None:
    return db.execute(select(submission).where(submission.c.digest == digest)).first()


def open_for_items(db: Connection, items: Sequence[bytes]) -> Sequence[Row[Any]]:
    """Submissions not yet on chain that concern any of the items, in order."""
    return db.execute(
        select(submission)
        .where(submission.c["items"].overlap(list(items)), submission.c.state.in_(OPEN))
        .order_by(submission.c.sequence)
    ).all()


def withdraw(db: Connection, digest: bytes) -> bool:
    """Withdraw what was not sent yet (B8); False where it is too late."""
    statement = (
        update(submission)
        .where(submission.c.digest == digest, submission.c.state.in_(("pending", "held")))
        .values(state="withdrawn")
    )
    return db.execute(statement).rowcount == 1


def is_recorded(db: Connection, digest: bytes) -> bool:
    """Whether the chain has it, whoever sent it."""
    return (
        db.execute(select(recorded.c.digest).where(recorded.c.digest == digest)).first() is not None
    )
