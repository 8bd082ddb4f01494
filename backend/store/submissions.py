"""Submissions: what users asked to be put on chain, and how far it has come (design.md §2, B3).

pending -> sent -> settled (-> safe -> final, read off the chain's levels)
held: waits for a predecessor (B8); withdrawn, expired, rejected: will never be on chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.postgresql import insert

from backend.store.tables import recorded, submission

OPEN = ("pending", "held", "sent")


@dataclass(frozen=True, slots=True)
class NewSubmission:
    """`lane` is the key name of who sends it; `items` keep the order of records of one item."""

    digest: bytes
    kind: str
    payload: dict[str, Any]
    lane: str
    items: tuple[bytes, ...] = ()
    custodian: int | None = None
    person: int | None = None
    device: str = ""
    waits_for: str | None = None
    expires_at: datetime | None = None
    state: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", "held" if self.waits_for else "pending")


def enqueue(db: Connection, new: NewSubmission) -> bool:
    """Keep the row; False where the digest is known already (a repeat is the same submission, B3)."""
    statement = (
        insert(submission)
        .values(
            digest=new.digest,
            kind=new.kind,
            payload=new.payload,
            lane=new.lane,
            items=list(new.items),
            custodian=new.custodian,
            person=new.person,
            device=new.device,
            waits_for=new.waits_for,
            expires_at=new.expires_at,
            state=new.state,
        )
        .on_conflict_do_nothing()
        .returning(submission.c.sequence)
    )
    return db.execute(statement).first() is not None


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
