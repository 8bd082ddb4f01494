"""What lies in a receptacle (C7): by the chain, and with the packings that are under way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, text
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


# By what is recorded: what is packed while it is closed was recorded before.
_HEIGHTS = text("""
WITH RECURSIVE nested AS (
    SELECT item AS root, receptacle, 1 AS height FROM item
    WHERE item = ANY(:items) AND receptacle <> 0 AND NOT opened
    UNION ALL
    SELECT nested.root, inner_one.receptacle, nested.height + 1
    FROM nested JOIN item AS inner_one ON inner_one.holder = nested.receptacle
    WHERE inner_one.receptacle <> 0 AND NOT inner_one.opened
)
SELECT root, max(height) AS height FROM nested GROUP BY root
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


def under_way(db: Connection, receptacle: bytes) -> Sequence[Row[Any]]:
    """Packings, closing and opening of a receptacle that are not on chain yet, in the order asked."""
    query = select(submission).where(
        submission.c["items"].contains(array([receptacle])),
        submission.c.kind.in_(("packing", "closing", "opening")),
        submission.c.state.in_(OPEN),
    )
    rows = db.execute(query.order_by(submission.c.sequence)).all()
    return [row for row in rows if row.payload[row.kind]["receptacle"] == "0x" + receptacle.hex()]


def heights(db: Connection, items: Iterable[bytes]) -> dict[bytes, int]:
    """How deep the contents of closed receptacles among the items are nested: 1 for a bag of letters."""
    rows = db.execute(_HEIGHTS, {"items": list(items)})
    return {row.root: row.height for row in rows}


def closed_by(db: Connection, receptacle: bytes) -> int | None:
    """Who closed it, recorded or under way: what is missing falls back to it."""
    query = select(entry.c.actor).where(entry.c.item == receptacle, entry.c.kind == "closing")
    under_way = select(submission.c.custodian).where(
        submission.c["items"].contains(array([receptacle])),
        submission.c.kind == "closing",
        submission.c.state.in_(OPEN),
    )
    return db.scalar(query) or db.scalar(under_way)
