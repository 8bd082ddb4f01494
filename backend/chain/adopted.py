"""Rows of a lane's transactions that this database did not sign, or no longer knows (reconcile.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from backend.chain.outbox import UNDER_WAY
from backend.store.submissions import OPEN
from backend.store.tables import lane, submission, transaction


def unknown_nonces(db: Connection, address: bytes, on_chain: int) -> set[int]:
    """Nonces below `on_chain` of which no transaction of ours is known to be mined: unknown here, or under way.

    Below the oldest that is kept, nothing is looked for; of a lane that is new here, everything.
    """
    expected = db.scalar(select(lane.c.next_nonce).where(lane.c.address == address)) or 0
    mine = (transaction.c.lane == address, transaction.c.nonce < on_chain)
    under_way = select(transaction.c.nonce).where(*mine, transaction.c.state.in_(UNDER_WAY))
    mined = select(transaction.c.nonce).where(*mine, transaction.c.state == "mined")
    waiting = set(db.scalars(under_way.except_(mined)))
    return set(range(expected, on_chain)) | waiting


def set_lane(db: Connection, address: bytes, key_name: str, nonce: int) -> None:
    """The lane's next nonce is this or a later one."""
    statement = insert(lane).values(address=address, key_name=key_name, next_nonce=nonce)
    later = func.greatest(lane.c.next_nonce, nonce)
    db.execute(
        statement.on_conflict_do_update(index_elements=["address"], set_={"next_nonce": later})
    )


def adopt(db: Connection, address: bytes, hash_: bytes, nonce: int, raw: bytes, block: int) -> None:
    """A mined transaction of the lane that was not known here."""
    values = {"lane": address, "nonce": nonce, "raw": raw, "state": "mined", "block_number": block}
    statement = insert(transaction).values(hash=hash_, **values)
    db.execute(
        statement.on_conflict_do_update(
            index_elements=["hash"], set_={"state": "mined", "block_number": block}
        )
    )


def open_of_lane(db: Connection, key_name: str) -> Sequence[Row[Any]]:
    """Submissions of the lane that are not over, in their sequence, locked."""
    query = (
        select(submission)
        .where(submission.c.lane == key_name, submission.c.state.in_(OPEN))
        .order_by(submission.c.sequence)
        .with_for_update()
    )
    return db.execute(query).all()


def settle_adopted(db: Connection, digest: bytes, hash_: bytes, block: int) -> None:
    """An act that an adopted transaction has carried out, as the indexer would have settled it."""
    values = {"state": "settled", "transaction_hash": hash_, "block_number": block}
    db.execute(
        update(submission)
        .where(submission.c.digest == digest)
        .values(**values, refusal=None, changed_at=func.now())
    )
