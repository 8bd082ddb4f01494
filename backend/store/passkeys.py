"""Passkeys that devices have registered here: credential, public key, and for which custodian (N3)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.postgresql import insert

from backend.store.tables import passkey


def keep(db: Connection, **values: Any) -> None:
    """What is kept already stays."""
    statement = insert(passkey).values(**values)
    db.execute(statement.on_conflict_do_nothing(index_elements=["credential"]))


def has_key(db: Connection, key: bytes) -> bool:
    return db.execute(select(passkey.c.key).where(passkey.c.key == key)).first() is not None


def find(db: Connection, credential: bytes) -> Row[Any] | None:
    return db.execute(select(passkey).where(passkey.c.credential == credential)).first()
