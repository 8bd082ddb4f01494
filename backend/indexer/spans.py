"""A digest for each thousand blocks and their logs: two indexers compare theirs without sending the rows.

The digest of a log is SHA-256 over its place, transaction, address, topics and data; that of a block SHA-256
over its hash and the digests of its logs; that of a span SHA-256 over the digests of its blocks. They are made
by the database from the stored rows, so that they also say whether these are still what was written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from backend.indexer.bulk import insert_new
from backend.store.tables import block, span

SPAN_BLOCKS = 1_000
# array_send writes an array of bytes with all lengths: no two lists of topics look alike.
_BLOCKS = """
SELECT block.number, coalesce(of_block.logs, 0) AS logs,
    sha256(block.hash || coalesce(of_block.digests, ''::bytea)) AS digest
FROM block LEFT JOIN (
    SELECT block_number, count(*) AS logs, string_agg(
        sha256(int4send(log_index) || transaction_hash || address || array_send(topics) || data),
        ''::bytea ORDER BY log_index) AS digests
    FROM log WHERE block_number BETWEEN %(first)s AND %(last)s GROUP BY block_number
) AS of_block ON of_block.block_number = block.number
WHERE block.number BETWEEN %(first)s AND %(last)s
"""
_SPANS = f"""
SELECT min(number) AS first, max(number) AS last, sum(logs)::bigint AS logs,
    sha256(string_agg(digest, ''::bytea ORDER BY number)) AS digest
FROM ({_BLOCKS}) AS of_blocks GROUP BY number / %(size)s ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Digest:
    """Blocks `first` to `last`, how many logs they have, and the digest of all of it."""

    first: int
    last: int
    logs: int
    digest: bytes


def add_spans(db: Connection, first: int, last: int) -> None:
    """Keep the digests of the spans that end in the new blocks `first` to `last`."""
    complete = last - (last + 1) % SPAN_BLOCKS
    begin = first // SPAN_BLOCKS * SPAN_BLOCKS
    if complete < begin:
        return
    bounds = {"first": begin, "last": complete, "size": SPAN_BLOCKS}
    insert_new(db, span, [row._asdict() for row in db.exec_driver_sql(_SPANS, bounds)])


def refold_spans(db: Connection) -> None:
    """The digests of all stored blocks."""
    stored = db.execute(select(func.min(block.c.number), func.max(block.c.number))).one()
    if stored[0] is not None:
        add_spans(db, *stored)


def spans(db: Connection) -> list[Digest]:
    """The kept digests in their order."""
    rows = db.execute(select(span).order_by(span.c.first))
    return [Digest(row.first, row.last, row.logs, row.digest) for row in rows]


def blocks_of_span(db: Connection, first: int) -> list[Digest]:
    """The digests of each block of the span that `first` is in, made now."""
    begin = first // SPAN_BLOCKS * SPAN_BLOCKS
    bounds = {"first": begin, "last": begin + SPAN_BLOCKS - 1}
    rows = db.exec_driver_sql(f"{_BLOCKS} ORDER BY block.number", bounds)
    return [Digest(row.number, row.number, row.logs, row.digest) for row in rows]


def first_difference(ours: Sequence[Digest], theirs: Sequence[Digest]) -> Digest | None:
    """The first of ours that theirs have otherwise, or lack between others; None where nothing differs.

    How far each has come is no difference.
    """
    known = {one.first: one for one in theirs}
    end = min(ours[-1].last, theirs[-1].last) if ours and theirs else -1
    differing = (one for one in ours if one.last <= end and known.get(one.first) != one)
    return next(differing, None)
