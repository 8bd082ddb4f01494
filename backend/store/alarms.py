"""Alarms: what a person should look at, raised and ended by whoever watches, and kept with their times."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, and_, func, select, update
from sqlalchemy.dialects.postgresql import insert

from backend.store.tables import alarm


def raise_alarm(db: Connection, source: str, text: str) -> None:
    """Something is wrong with the source; the same again is no second alarm."""
    if db.scalar(select(alarm.c.text).where(_open(source))) != text:
        end_alarm(db, source)
        db.execute(insert(alarm).values(source=source, text=text).on_conflict_do_nothing())


def end_alarm(db: Connection, source: str) -> None:
    """It is all right again."""
    db.execute(update(alarm).where(_open(source)).values(ended_at=func.now()))


def _open(source: str) -> ColumnElement[bool]:
    return and_(alarm.c.source == source, alarm.c.ended_at.is_(None))
