"""The sender's rows: lanes with their nonces, signed transactions, submissions on their way (B3, B5).

transaction.state: signed -> broadcast -> mined (by the indexer alone), or superseded where another
transaction of the same nonce is on chain.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    Update,
    and_,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from backend.chain.transactions import Transaction
from backend.store.engine import straight
from backend.store.submissions import OPEN
from backend.store.tables import chain_state, lane, submission, transaction

UNDER_WAY = ("signed", "broadcast")
CHUNK_ROWS = 50
# Of two-key advisory locks: "post"; the second key is the lane's name.
LANE_LOCKS = 0x706F7374


def try_lock_lane(db: Connection, key_name: str) -> bool:
    """One worker per lane (B6): held until the connection ends."""
    query = text("SELECT pg_try_advisory_lock(:space, hashtext(:name))")
    return bool(db.scalar(query, {"space": LANE_LOCKS, "name": key_name}))


def unlock_lanes(db: Connection) -> None:
    """Give back all that this connection has locked."""
    db.execute(text("SELECT pg_advisory_unlock_all()"))


# From one lane to the next in the index of what is due, however much waits in each.
_LANES_WITH_WORK = """
WITH RECURSIVE due (lane) AS (
    (SELECT lane FROM submission WHERE state IN ('pending', 'held', 'sent') ORDER BY lane LIMIT 1)
    UNION ALL
    SELECT (SELECT lane FROM submission WHERE state IN ('pending', 'held', 'sent') AND lane > due.lane
            ORDER BY lane LIMIT 1)
    FROM due WHERE due.lane IS NOT NULL
)
SELECT lane FROM due WHERE lane IS NOT NULL
UNION
SELECT key_name FROM lane JOIN transaction ON transaction.lane = lane.address
WHERE transaction.state <> 'mined' AND transaction.state IN ('signed', 'broadcast')
"""


def lanes_with_work(db: Connection) -> list[str]:
    """Key names of lanes that have something to send, to look after, or to judge again."""
    return sorted(name for (name,) in straight(db, _LANES_WITH_WORK))


def indexed(db: Connection) -> tuple[int, bytes] | None:
    """Number and hash of the block that the indexer has reached; None before the first."""
    row = db.execute(select(chain_state.c.indexed_number, chain_state.c.indexed_hash)).first()
    return None if row is None or row.indexed_hash is None else (row[0], row[1])


# --- nonces -----------------------------------------------------------------------------------------
def next_nonce(db: Connection, address: bytes) -> int | None:
    """The lane's next nonce, its row locked until the commit; None for a lane that never sent."""
    query = select(lane.c.next_nonce).where(lane.c.address == address).with_for_update()
    return db.scalar(query)


def open_lane(db: Connection, address: bytes, key_name: str, nonce: int) -> None:
    db.execute(insert(lane).values(address=address, key_name=key_name, next_nonce=nonce))


def set_next_nonce(db: Connection, address: bytes, nonce: int) -> None:
    db.execute(update(lane).where(lane.c.address == address).values(next_nonce=nonce))


def nonces_kept(db: Connection, address: bytes, first: int) -> set[int]:
    """Nonces from `first` on for which signed bytes are kept, mined ones too."""
    query = select(transaction.c.nonce).where(
        transaction.c.lane == address,
        transaction.c.nonce >= first,
        transaction.c.state != "superseded",
    )
    return set(db.scalars(query))


# --- due submissions --------------------------------------------------------------------------------
def due(
    db: Connection, key_name: str, resting: Collection[bytes]
) -> Generator[Row[Any], None, None]:
    """Pending submissions of the lane in their sequence, locked; none overtakes one of the same item.

    What rests, is held, or is under way in another lane blocks what comes after it for its items.
    """
    query = (
        select(submission)
        .where(submission.c.lane == key_name, submission.c.state == "pending")
        .order_by(submission.c.sequence)
        .with_for_update()
    )
    result = db.execute(query, execution_options={"yield_per": CHUNK_ROWS})
    blocked: set[bytes] = set()
    try:
        for chunk in result.partitions():
            ahead = _ahead(db, key_name, chunk)
            for row in chunk:
                items = row.items
                while ahead and ahead[-1].sequence < row.sequence:
                    blocked.update(ahead.pop().items)
                if row.digest in resting or not blocked.isdisjoint(items):
                    blocked.update(items)
                else:
                    yield row
    finally:
        result.close()


def _ahead(db: Connection, key_name: str, chunk: Sequence[Row[Any]]) -> list[Row[Any]]:
    """What may block rows of the chunk, the first in sequence last: seldom anything, whatever the queue's length."""
    elsewhere = and_(
        or_(submission.c.lane < key_name, submission.c.lane > key_name),
        submission.c.state.in_(OPEN),
    )
    held = and_(submission.c.lane == key_name, submission.c.state == "held")
    query = (
        select(submission.c.sequence, submission.c["items"])
        .where(
            func.cardinality(submission.c["items"]) > 0,
            or_(elsewhere, held),
            submission.c.sequence < chunk[-1].sequence,
        )
        .order_by(submission.c.sequence.desc())
    )
    return list(db.execute(query))


_SENT = """
UPDATE submission SET state = 'sent', transaction_hash = %b, changed_at = now()
WHERE digest = ANY(ARRAY(SELECT unnest(%b::bytea[])))
"""


def save(db: Connection, address: bytes, signed: Transaction, digests: Collection[bytes]) -> None:
    """Keep signed bytes and what they carry, before anybody sees them (B3).

    After a reorganisation the very bytes may be wanted again that another price had superseded.
    """
    new = {"hash": signed.hash, "lane": address, "nonce": signed.nonce, "raw": signed.raw}
    again = {"state": "signed", "broadcast_at": None, "created_at": func.now()}
    db.execute(
        insert(transaction)
        .values(new | {"state": "signed"})
        .on_conflict_do_update(
            index_elements=["hash"], set_=again, where=transaction.c.state == "superseded"
        )
    )
    straight(db, _SENT, (signed.hash, list(digests)))


def replace(db: Connection, address: bytes, old: bytes, signed: Transaction) -> None:
    """Keep a replacement of the same nonce; what the old one carries, it carries too."""
    save(db, address, signed, [])
    db.execute(
        update(submission)
        .where(submission.c.transaction_hash == old, submission.c.state == "sent")
        .values(transaction_hash=signed.hash)
    )


# --- transactions under way -------------------------------------------------------------------------
def under_way(db: Connection, key_name: str) -> Sequence[Row[Any]]:
    """Transactions signed and not mined, by nonce, without their bytes; also of a key rotated since.

    `waited_seconds`: since the last broadcast, None before the first. `age_seconds`: since signed.
    """
    waited = _seconds_since(transaction.c.broadcast_at)
    age = _seconds_since(transaction.c.created_at)
    query: Select[Any] = (
        select(
            transaction.c.hash,
            transaction.c.lane,
            transaction.c.nonce,
            transaction.c.state,
            waited.label("waited_seconds"),
            age.label("age_seconds"),
        )
        .join(lane, lane.c.address == transaction.c.lane)
        .where(lane.c.key_name == key_name, transaction.c.state.in_(UNDER_WAY))
        .order_by(transaction.c.nonce, transaction.c.created_at)
    )
    return db.execute(query).all()


def _seconds_since(time: Column[Any]) -> ColumnElement[Any]:
    """After the database's clock was set back, what bears a later time is old: it is not waited for again."""
    return func.abs(func.extract("epoch", func.now() - time))


def count_under_way(db: Connection, key_name: str) -> int:
    """How many transactions of the lane are signed and not mined."""
    query = (
        select(func.count())
        .select_from(transaction)
        .join(lane, lane.c.address == transaction.c.lane)
        .where(lane.c.key_name == key_name, transaction.c.state.in_(UNDER_WAY))
    )
    return int(db.execute(query).scalar_one())


def raw_bytes(db: Connection, hashes: Collection[bytes]) -> dict[bytes, bytes]:
    """The signed bytes of transactions by hash."""
    query = select(transaction.c.hash, transaction.c.raw).where(transaction.c.hash.in_(hashes))
    return {row.hash: row.raw for row in db.execute(query)}


def mark_sent(db: Connection, hashes: Collection[bytes], taken: bool) -> None:
    """Tried just now; `taken`: the node has them, or may have them."""
    states = {"state": "broadcast"} if taken else {}
    db.execute(
        update(transaction)
        .where(transaction.c.hash.in_(hashes), transaction.c.state.in_(UNDER_WAY))
        .values(broadcast_at=func.now(), **states)
    )


def supersede_twins(db: Connection, key_name: str) -> None:
    """Where another transaction of the same nonce was mined, that one carries the submissions (K8)."""
    mined = transaction.alias()
    ours = select(lane.c.address).where(lane.c.key_name == key_name)
    statement = (
        update(transaction)
        .where(
            transaction.c.lane == mined.c.lane,
            transaction.c.nonce == mined.c.nonce,
            transaction.c.lane.in_(ours),
            transaction.c.state.in_(UNDER_WAY),
            mined.c.state == "mined",
        )
        .values(state="superseded")
        .returning(transaction.c.hash, mined.c.hash.label("instead"))
    )
    for row in db.execute(statement).all():
        db.execute(
            update(submission)
            .where(submission.c.transaction_hash == row.hash)
            .values(transaction_hash=row.instead)
        )


def is_mined(db: Connection, address: bytes, nonce: int) -> bool:
    """Whether the indexer found one of our transactions with this nonce in a block."""
    query = select(transaction.c.hash).where(
        transaction.c.lane == address,
        transaction.c.nonce == nonce,
        transaction.c.state == "mined",
    )
    return db.execute(query).first() is not None


def give_up_nonce(db: Connection, address: bytes, nonce: int) -> int:
    """Somebody else used the nonce: what it should have carried is pending again; how many."""
    statement = (
        update(transaction)
        .where(
            transaction.c.lane == address,
            transaction.c.nonce == nonce,
            transaction.c.state.in_(UNDER_WAY),
        )
        .values(state="superseded")
        .returning(transaction.c.hash)
    )
    lost = list(db.scalars(statement))
    carried = submission.c.transaction_hash.in_(lost)
    return db.execute(_pending_again().where(carried)).rowcount


def send_again(db: Connection, digest: bytes) -> None:
    """A sent submission that no transaction carries any more is pending again."""
    db.execute(_pending_again().where(submission.c.digest == digest))


def _pending_again() -> Update:
    return (
        update(submission)
        .where(submission.c.state == "sent")
        .values(state="pending", transaction_hash=None, changed_at=func.now())
    )


# --- what the chain did not record ------------------------------------------------------------------
# The transactions still under way are few, and nearly always carry all that is sent.
_UNRECORDED = """
SELECT submission.*, EXISTS (
    SELECT FROM submission AS ahead WHERE ahead.items && submission.items
        AND ahead.sequence < submission.sequence AND ahead.state IN ('pending', 'held', 'sent')
) AS follows
FROM submission
WHERE lane = %b AND state = 'sent' AND transaction_hash <> ALL(ARRAY(
    SELECT hash FROM transaction WHERE state <> 'mined' AND state IN ('signed', 'broadcast')))
ORDER BY sequence LIMIT %b
"""


def unrecorded(db: Connection, key_name: str, most: int) -> Sequence[Row[Any]]:
    """Sent submissions whose transaction is done and which the indexer did not find recorded.

    `follows`: an earlier one about one of its items is still under way.
    """
    return db.exec_driver_sql(_UNRECORDED, (key_name, most)).all()


def close(
    db: Connection, row: Row[Any], state: str, refusal: dict[str, Any], **values: Any
) -> bool:
    """Rejected, expired or held, unless the row has moved on meanwhile (settled, withdrawn)."""
    statement = (
        update(submission)
        .where(submission.c.digest == row.digest, submission.c.state == row.state)
        .values(state=state, refusal=refusal, changed_at=func.now(), **values)
    )
    return db.execute(statement).rowcount == 1


# --- held and overdue -------------------------------------------------------------------------------
# What a held record waits for shows in its items' record numbers, on chain or expected; a sale of stamps,
# for which acceptances and cancellations wait, in any new block.
_HELD = text("""
SELECT submission.digest,
    coalesce(sum(item.records), 0) AS on_chain,
    coalesce(sum(forecast.records), 0) AS expected,
    CASE WHEN submission.kind IN ('hand_off', 'forced_hand_off') THEN 0
         ELSE (SELECT indexed_number FROM chain_state) END AS block
FROM submission
LEFT JOIN LATERAL unnest(submission.items) AS one (item) ON true
LEFT JOIN item ON item.item = one.item
LEFT JOIN forecast ON forecast.item = one.item
WHERE submission.lane = :lane AND submission.state = 'held'
GROUP BY submission.digest
""")


def held(db: Connection, key_name: str) -> dict[bytes, tuple[Any, ...]]:
    """Held submissions of the lane, each with something that changes when what it waits for may be there."""
    rows = db.execute(_HELD, {"lane": key_name})
    return {row.digest: (row.on_chain, row.expected, row.block) for row in rows}


def lock_held(db: Connection, digests: Iterable[bytes]) -> Sequence[Row[Any]]:
    """Those of the submissions that are still held, in their sequence, locked."""
    query = (
        select(submission)
        .where(submission.c.digest.in_(list(digests)), submission.c.state == "held")
        .order_by(submission.c.sequence)
        .with_for_update()
    )
    return db.execute(query).all()


def release_held(db: Connection, digest: bytes) -> None:
    """What it waited for is there."""
    db.execute(
        update(submission)
        .where(submission.c.digest == digest)
        .values(state="pending", waits_for=None, changed_at=func.now())
    )


def overdue(db: Connection, key_name: str, chain_time: int) -> Sequence[Row[Any]]:
    """Pending and held submissions whose deadline has passed on the chain's clock, locked."""
    query = (
        select(submission)
        .where(
            submission.c.lane == key_name,
            submission.c.state.in_(("pending", "held")),
            submission.c.expires_at < func.to_timestamp(chain_time),
        )
        .order_by(submission.c.sequence)
        .with_for_update()
    )
    return db.execute(query).all()
