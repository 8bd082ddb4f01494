"""The same request twice is one request: answers kept by person and Idempotency-Key (B3)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from backend.errors import KeyReused
from backend.store.tables import idempotency


def remembered(
    db: Connection, person: int, key: str, request_hash: bytes
) -> tuple[int, dict[str, Any]] | None:
    """The stored status and answer of an earlier same request, or None: then this one goes on.

    The key is taken in this transaction, so a second request at once waits for the first.
    Raises KeyReused where the key came with another request before.
    """
    values = {"person": person, "key": key, "request_hash": request_hash}
    statement = insert(idempotency).values(**values).on_conflict_do_nothing()
    if db.execute(statement.returning(idempotency.c.key)).first() is not None:
        return None
    row = db.execute(
        select(idempotency).where(idempotency.c.person == person, idempotency.c.key == key)
    ).one()
    if row.request_hash != request_hash:
        raise KeyReused(
            f"The key {key!r} came with another request before.",
            "Send a new Idempotency-Key with each new request.",
        )
    return int(row.status), dict(row.answer)


def remember(db: Connection, person: int, key: str, status: int, answer: dict[str, Any]) -> None:
    db.execute(
        update(idempotency)
        .where(idempotency.c.person == person, idempotency.c.key == key)
        .values(status=status, answer=answer)
    )
