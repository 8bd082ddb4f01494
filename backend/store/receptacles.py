"""What lies in a receptacle (C7): by the chain, and with the packings that are under way."""

from __future__ import annotations

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import array

from backend.domain.packing import Contents
from backend.store.submissions import OPEN
from backend.store.tables import content, entry, item, submission

# One statement, so that no packing is seen twice or not at all while the indexer carries it over.
_EXPECTED = text("""
SELECT content.item, 0::bigint AS sequence, content.place
FROM content JOIN item ON item.receptacle = content.receptacle
WHERE item.item = :receptacle
UNION ALL
SELECT decode(substr(one.item, 3), 'hex'), submission.sequence, one.place
FROM submission, jsonb_array_elements_text(submission.payload -> 'packing' -> 'items')
    WITH ORDINALITY AS one (item, place)
WHERE submission.kind = 'packing' AND submission.state = ANY(:open)
    AND submission.items @> ARRAY[CAST(:receptacle AS bytea)]
    AND decode(substr(submission.payload -> 'packing' ->> 'receptacle', 3), 'hex') = :receptacle
ORDER BY 2, 3
""")


def expected(db: Connection, receptacle: bytes) -> Contents:
    """What will be packed into it once all that is under way is on chain, if all of that counts."""
    rows = db.execute(_EXPECTED, {"receptacle": receptacle, "open": list(OPEN)})
    return Contents(tuple(row.item for row in rows))


def recorded(db: Connection, receptacle: bytes) -> Contents:
    """What the chain has recorded as packed into it, missing and inferred items included."""
    query = (
        select(content.c.item)
        .join(item, item.c.receptacle == content.c.receptacle)
        .where(item.c.item == receptacle)
        .order_by(content.c.place)
    )
    return Contents(tuple(db.scalars(query)))


def height(db: Connection, receptacle: bytes) -> int:
    """How deep its contents are nested: 1 for a bag of letters."""
    return 1 + max((height(db, inner) for inner in _receptacles_in(db, receptacle)), default=0)


def _receptacles_in(db: Connection, receptacle: bytes) -> list[bytes]:
    inside = expected(db, receptacle).items
    query = select(item.c.item).where(
        item.c.item.in_(inside), item.c.receptacle != 0, ~item.c.opened
    )
    return list(db.scalars(query)) if inside else []


def closed_by(db: Connection, receptacle: bytes) -> int | None:
    """Who closed it, recorded or under way: what is missing falls back to it."""
    query = select(entry.c.actor).where(entry.c.item == receptacle, entry.c.kind == "closing")
    under_way = select(submission.c.custodian).where(
        submission.c["items"].contains(array([receptacle])),
        submission.c.kind == "closing",
        submission.c.state.in_(OPEN),
    )
    return db.scalar(query) or db.scalar(under_way)
