"""Raw rows: what the node said, block by block (B4), and how far the indexer is (B2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from backend.indexer.bulk import copy, copy_packed, packed
from backend.indexer.events import RawLog
from backend.indexer.node import Block, Health, Log
from backend.store.alarms import end_alarm, raise_alarm
from backend.store.tables import block, chain_state, log

# Whoever waits for settled rows listens here: the sender, event streams. The payload is a number.
CHANNEL = "posthorn_indexed"
# The source of alarms that keep the indexer from going on.
ALARM = "indexer"
# The source of the alarm that no URL of the node answers.
NODES = "nodes"


@dataclass(frozen=True, slots=True)
class Levels:
    """The newest blocks that are safe (hardly ever replaced) and final (never); None where nobody says."""

    safe: int | None
    finalized: int | None


UNKNOWN = Levels(None, None)


def newest_block(db: Connection) -> Row[Any] | None:
    """The cursor: the newest block that is indexed, without the bytes of its transactions."""
    query = "SELECT number, hash, time FROM block ORDER BY number DESC LIMIT 1"
    return db.exec_driver_sql(query).first()


def block_hashes(db: Connection, first: int, last: int) -> dict[int, bytes]:
    """The hashes of stored blocks by number."""
    rows = db.execute(
        select(block.c.number, block.c.hash).where(block.c.number.between(first, last))
    )
    return {row.number: row.hash for row in rows}


def keep_blocks(
    db: Connection, blocks: Sequence[Block], raw_transactions: Sequence[list[bytes]] | None
) -> None:
    """Append blocks; with the signed bytes of their transactions on the embedded chain."""
    raws: Sequence[list[bytes] | None] = raw_transactions or [None] * len(blocks)
    rows = [
        {
            "number": b.number,
            "hash": b.hash,
            "parent_hash": b.parent_hash,
            "time": b.time,
            "raw_transactions": raw,
        }
        for b, raw in zip(blocks, raws, strict=True)
    ]
    copy(db, block, rows)


def packed_logs(logs: Sequence[Log]) -> list[bytes]:
    """Rows for `keep_logs`. Raises struct.error for a number that no row takes."""
    rows = (
        {
            "block_hash": one.block_hash,
            "log_index": one.log_index,
            "block_number": one.block_number,
            "transaction_hash": one.transaction_hash,
            "address": one.address,
            "topics": one.topics,
            "data": one.data,
        }
        for one in logs
    )
    return list(packed(log, rows))


def keep_logs(db: Connection, rows: Sequence[bytes]) -> None:
    """Append logs that `packed_logs` packed."""
    copy_packed(db, log, rows)


def stored_logs(db: Connection, *conditions: Any) -> tuple[list[RawLog], dict[int, int]]:
    """Raw logs in the order of the chain, and the times of their blocks."""
    rows = db.execute(
        select(log, block.c.time)
        .join(block, block.c.number == log.c.block_number)
        .where(*conditions)
        .order_by(log.c.block_number, log.c.log_index)
    ).all()
    return [_raw_log(row) for row in rows], {row.block_number: row.time for row in rows}


def _raw_log(row: Row[Any]) -> RawLog:
    return RawLog(
        block_hash=row.block_hash,
        log_index=row.log_index,
        block_number=row.block_number,
        transaction_hash=row.transaction_hash,
        address=row.address,
        topics=tuple(row.topics),
        data=row.data,
    )


def finalized_number(db: Connection) -> int | None:
    """The newest indexed block that was once final: below it nothing is ever rewound."""
    return db.scalar(select(chain_state.c.finalized_number))


def note_progress(
    db: Connection, newest: Block | Row[Any] | None, head: Block, levels: Levels = UNKNOWN
) -> None:
    """Say how far the indexer is, and wake who waits. Ends its alarm.

    Levels are kept as far as they are indexed; what is final never falls, and is safe.
    """
    number = newest.number if newest else None
    values = {
        "indexed_number": number,
        "indexed_hash": newest.hash if newest else None,
        "head_number": head.number,
        "head_time": head.time,
        "safe_number": _reached(levels.safe, number),
        "finalized_number": _reached(levels.finalized, number),
        "checked_at": func.now(),
    }
    statement = insert(chain_state).values(id=1, **values)
    old, new = chain_state.c, statement.excluded
    final = func.greatest(old.finalized_number, new.finalized_number)
    safe = func.least(func.coalesce(new.safe_number, old.safe_number), new.indexed_number)
    later = {"finalized_number": final, "safe_number": func.greatest(safe, final)}
    db.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values | later))
    end_alarm(db, ALARM)
    db.execute(select(func.pg_notify(CHANNEL, str(number))))


def _reached(level: int | None, indexed: int | None) -> int | None:
    return None if indexed is None or level is None else min(indexed, level)


def note_nodes(db: Connection, nodes: Sequence[Health]) -> None:
    """How the node's URLs are; that one serves another chain, and that none answers, are alarms of their own."""
    rows = [{"name": n.name, "trouble": n.trouble, "head": n.head} for n in nodes]
    db.execute(update(chain_state).values(nodes=rows))
    for one in nodes:
        if one.serves_other_chain:
            raise_alarm(db, f"node {one.name}", f"{one.trouble} It is passed over.")
        else:
            end_alarm(db, f"node {one.name}")
    if all(n.trouble for n in nodes) and not all(n.serves_other_chain for n in nodes):
        troubles = " ".join(n.trouble for n in nodes)
        raise_alarm(db, NODES, f"No node answers, and nothing is settled meanwhile: {troubles}")
    else:
        end_alarm(db, NODES)


def seconds_unchecked(db: Connection) -> float:
    """How long ago an indexer, whichever, has read the chain; for ever where none has."""
    age = func.extract("epoch", func.now() - chain_state.c.checked_at)
    seconds = db.scalar(select(age))
    return math.inf if seconds is None else float(seconds)


def note_genesis(db: Connection, genesis: Block) -> None:
    """Block 0, by which a node shows that it serves this chain."""
    db.execute(update(chain_state).values(genesis_hash=genesis.hash))


def knows_genesis(db: Connection) -> bool:
    return db.scalar(select(chain_state.c.genesis_hash)) is not None


def note_alarm(db: Connection, text: str) -> None:
    """What keeps the indexer from going on, for the status and the pages' banner."""
    statement = insert(chain_state).values(id=1, checked_at=func.now())
    now = {"checked_at": func.now()}
    db.execute(statement.on_conflict_do_update(index_elements=["id"], set_=now))
    raise_alarm(db, ALARM, text)
