"""Releases: the giver's signed halves of hand-offs, kept until the receiver signs (C2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.postgresql import insert

from backend.store.tables import release


def keep_release(db: Connection, **values: Any) -> bool:
    """False where this very release is kept already."""
    statement = (
        insert(release)
        .values(state="open", **values)
        .on_conflict_do_nothing()
        .returning(release.c.digest)
    )
    return db.execute(statement).first() is not None


def find_release(db: Connection, digest: bytes, lock: bool = False) -> Row[Any] | None:
    query = select(release).where(release.c.digest == digest)
    return db.execute(query.with_for_update() if lock else query).first()


def set_release(db: Connection, digest: bytes, state: str) -> None:
    db.execute(update(release).where(release.c.digest == digest).values(state=state))


def offered_to(db: Connection, receiver: int, now: int) -> Sequence[Row[Any]]:
    """Open releases to a receiver whose deadline has not passed, the oldest first."""
    return db.execute(
        select(release)
        .where(release.c.receiver == receiver, release.c.state == "open", release.c.deadline >= now)
        .order_by(release.c.time)
    ).all()


def offered_by(db: Connection, giver: int, now: int) -> Sequence[Row[Any]]:
    """Open releases of a giver whose deadline has not passed, the oldest first."""
    return db.execute(
        select(release)
        .where(release.c.giver == giver, release.c.state == "open", release.c.deadline >= now)
        .order_by(release.c.time)
    ).all()
