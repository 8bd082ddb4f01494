"""Whether a database was ever worked with, and with which sending keys."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import Connection, Engine, inspect, select

from backend.errors import Unavailable
from backend.store.engine import begin
from backend.store.tables import block, lane, submission


def has_no_tables(engine: Engine) -> bool:
    """Whether nobody has made the tables yet. Raises Unavailable."""
    with begin(engine) as db:
        return not _has_tables(db)


def was_used(engine: Engine) -> bool:
    """Whether anything was read from a chain or is to be sent to one; where the database is away, it is taken to be."""
    try:
        with begin(engine) as db:
            return _has_tables(db) and any(
                db.execute(select(table).limit(1)).first() for table in (block, lane, submission)
            )
    except Unavailable:
        return True


def addresses_by_key(engine: Engine) -> dict[str, list[bytes]]:
    """The addresses under which each key has sent, by the key's name. Raises Unavailable."""
    found: dict[str, list[bytes]] = defaultdict(list)
    with begin(engine) as db:
        rows = db.execute(select(lane.c.key_name, lane.c.address)).all() if _has_tables(db) else ()
    for row in rows:
        found[row.key_name].append(row.address)
    return dict(found)


def _has_tables(db: Connection) -> bool:
    return inspect(db).has_table(block.name)
