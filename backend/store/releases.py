"""Releases: the giver's signed halves of hand-offs, kept until the receiver signs (C2)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from backend.store.engine import named_rows, straight

COLUMNS = (
    "digest",
    "giver",
    "receiver",
    "time",
    "open_until",
    "deadline",
    "signature",
    "person",
    "device",
    "stand_in_reason",
    "lines",
)
_KEEP = f"""
INSERT INTO release (state, {", ".join(COLUMNS)})
SELECT 'open', digest, giver, receiver, time, open_until, deadline, signature, person, device,
    stand_in_reason, lines::jsonb
FROM unnest(%b::bytea[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[],
    %b::bytea[], %b::integer[], %b::text[], %b::integer[], %b::text[]) AS new ({", ".join(COLUMNS)})
ORDER BY digest ON CONFLICT DO NOTHING RETURNING digest
"""
_LOCK = """
SELECT * FROM release WHERE digest = ANY(ARRAY(SELECT unnest(%b::bytea[]))) ORDER BY digest FOR UPDATE
"""
_SET_STATE = """
UPDATE release SET state = %b WHERE digest = ANY(ARRAY(SELECT unnest(%b::bytea[])))
"""


def keep(db: Connection, rows: Sequence[dict[str, Any]]) -> set[bytes]:
    """Open releases; the digests of those that are new. Others stay as they are."""
    columns = [[row[name] for row in rows] for name in COLUMNS]
    columns[-1] = [json.dumps(lines, separators=(",", ":")) for lines in columns[-1]]
    return {digest for (digest,) in straight(db, _KEEP, columns)} if rows else set()


def lock(db: Connection, digests: Iterable[bytes]) -> dict[bytes, Any]:
    """Those of the releases that are kept, locked in one order until the commit."""
    return {row.digest: row for row in named_rows(db, _LOCK, (list(digests),))}


def open_until(row: Any) -> int:
    """Until when a list may be taken over here, in seconds since 1970."""
    return int(row.deadline if row.open_until is None else row.open_until)


def set_state(db: Connection, digests: Iterable[bytes], state: str) -> None:
    """`open`, `received` or `withdrawn`."""
    straight(db, _SET_STATE, (state, list(digests)))
