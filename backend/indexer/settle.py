"""What the chain has recorded, carried to our own rows: submissions, transactions, forecasts (B2).

Nobody else marks anything settled. A record is settled by its digest, whoever sent it; an act, which
has no digest on chain, by its transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection

from backend.domain.ids import FIRST_RECEPTACLE
from backend.domain.trail import Place
from backend.store.engine import straight

ACTS = (
    "equivocation",
    "create_edition",
    "withdraw_edition",
    "close_claims",
    "replace_claim_root",
    "admit_operator",
    "suspend_operator",
    "reinstate_operator",
    "add_submitter",
    "add_stamp_signer",
    "revoke_stamp_signer",
    "enrol",
    "grant_right",
    "compromise",
    "suspend_custodian",
    "reinstate_custodian",
)
# Rows are locked in the order in which senders take them.
_SETTLE_RECORDS = """
WITH due AS (
    SELECT submission.digest, found.block_number
    FROM submission JOIN unnest(%b::bytea[], %b::bigint[]) AS found (digest, block_number)
      ON submission.digest = found.digest
    WHERE submission.state <> 'settled' ORDER BY submission.sequence FOR UPDATE OF submission
)
UPDATE submission SET state = 'settled', block_number = due.block_number, refusal = NULL,
    waits_for = NULL, changed_at = now()
FROM due WHERE submission.digest = due.digest
RETURNING submission.digest, submission.items
"""
_SETTLE_MISSED = """
UPDATE submission SET state = 'settled', block_number = recorded.block_number, refusal = NULL,
    waits_for = NULL, changed_at = now()
FROM recorded
WHERE recorded.digest = submission.digest AND submission.state IN ('pending', 'held', 'sent')
"""
_MARK_MINED = """
UPDATE transaction SET state = 'mined', block_number = found.block_number
FROM unnest(%b::bytea[], %b::bigint[]) AS found (hash, block_number)
WHERE transaction.hash = found.hash
"""
# A transaction may have been replaced: its call is the same under every hash of its nonce.
_ACTS_OF = """
SELECT DISTINCT mined.hash FROM transaction AS mined
JOIN transaction AS any_of ON (any_of.lane, any_of.nonce) = (mined.lane, mined.nonce)
JOIN submission ON submission.transaction_hash = any_of.hash
WHERE mined.hash = ANY(%b::bytea[]) AND submission.kind = ANY(%b::text[])
"""
_SETTLE_ACTS = """
UPDATE submission SET state = 'settled', block_number = found.block_number, refusal = NULL,
    changed_at = now()
FROM unnest(%b::bytea[], %b::bigint[]) AS found (hash, block_number)
JOIN transaction AS mined ON mined.hash = found.hash
JOIN transaction AS any_of ON (any_of.lane, any_of.nonce) = (mined.lane, mined.nonce)
WHERE submission.transaction_hash = any_of.hash AND submission.kind = ANY(%b::text[])
  AND submission.state <> 'settled'
"""
# Forecasts are locked in the order of their items, as whoever makes them does.
_FORGET_FORECASTS = """
DELETE FROM forecast WHERE item = ANY(ARRAY(
    SELECT forecast.item FROM forecast JOIN item ON forecast.item = item.item
    WHERE forecast.item = ANY(ARRAY(SELECT unnest(%b::bytea[])))
      AND (forecast.records < item.records OR forecast.records = item.records
           AND (forecast.holder < %b OR item.holder >= %b))
    ORDER BY forecast.item FOR UPDATE OF forecast))
"""
# Lines of a list stand alone: of one that the chain refused, the forecast would wait for ever. Locked first, by a
# statement of its own: who was just then recording something of the item has ended, and is seen by the next one.
_LOCK_FORECASTS = """
SELECT FROM forecast WHERE item = ANY(%b::bytea[]) ORDER BY item FOR UPDATE
"""
_FORGET_UNFOUNDED = """
DELETE FROM forecast WHERE item = ANY(%b::bytea[]) AND NOT EXISTS (
    SELECT FROM submission WHERE submission.items @> ARRAY[forecast.item]
        AND submission.state IN ('pending', 'held', 'sent'))
"""
_SEND_AGAIN = """
UPDATE submission SET state = CASE WHEN transaction_hash IS NULL THEN 'pending' ELSE 'sent' END,
    block_number = NULL, changed_at = now()
WHERE state = 'settled' AND block_number > %b
"""
_BROADCAST_AGAIN = """
UPDATE transaction SET state = 'broadcast', block_number = NULL
WHERE state = 'mined' AND block_number > %b
"""
# Until what vanished is recorded again, new records are judged by where it had led (B4).
_EXPECT_AGAIN = """
INSERT INTO forecast
    (item, holder, number, records, latest_time, ended, keys, receptacle, closed, opened)
SELECT item, holder, number, records, latest_time, ended, keys, receptacle, closed, opened FROM item
WHERE item IN (SELECT unnest(items) FROM submission WHERE state = 'settled' AND block_number > %b)
ORDER BY item
ON CONFLICT (item) DO NOTHING
"""


def settle_records(
    db: Connection, records: Mapping[bytes, Place], lines: Collection[tuple[bytes, bytes]]
) -> set[bytes]:
    """Submissions whose digest the chain has recorded are settled.

    `lines` are the records of items, by digest and item. Returns the items of settled submissions that have none:
    the lines that the chain refused, and what has no record of its own, like things packed.
    """
    if not records:
        return set()
    blocks = [place.block for place in records.values()]
    settled = straight(db, _SETTLE_RECORDS, (list(records), blocks))
    return {item for digest, items in settled for item in items if (digest, item) not in lines}


def settle_missed(db: Connection) -> None:
    """Submissions kept after the chain had recorded what they ask for are settled."""
    db.exec_driver_sql(_SETTLE_MISSED)


def our_acts(db: Connection, transactions: Collection[bytes]) -> list[bytes]:
    """Those of the transactions that carry an act of ours: their receipts must be asked for."""
    rows = db.exec_driver_sql(_ACTS_OF, (list(transactions), list(ACTS)))
    return [row.hash for row in rows]


def settle_acts(db: Connection, succeeded: Mapping[bytes, int]) -> None:
    """Acts of the transactions (hash -> block) that did not revert are settled."""
    if succeeded:
        values = (list(succeeded), list(succeeded.values()), list(ACTS))
        db.exec_driver_sql(_SETTLE_ACTS, values)


def mark_mined(db: Connection, blocks: Mapping[bytes, int]) -> None:
    """Our transactions (hash -> block) are in the chain, whatever came of them."""
    if blocks:
        db.exec_driver_sql(_MARK_MINED, (list(blocks), list(blocks.values())))


def forget_forecasts(db: Connection, items: Iterable[bytes], refused: Iterable[bytes]) -> None:
    """Forecasts of changed items that the chain has reached or overtaken go; so do those of items that settled
    submissions name without a record, if no other submission stands for them.

    Being packed is no record of the item's own: it is reached when the chain has it in a receptacle (C7).
    """
    straight(db, _FORGET_FORECASTS, (sorted(items), FIRST_RECEPTACLE, FIRST_RECEPTACLE))
    if unfounded := sorted(refused):
        straight(db, _LOCK_FORECASTS, (unfounded,))
        straight(db, _FORGET_UNFOUNDED, (unfounded,))


def unsettle(db: Connection, fork: int) -> None:
    """Blocks above the fork have vanished, the items are still as these left them: send again (B4)."""
    db.exec_driver_sql(_EXPECT_AGAIN, (fork,))
    db.exec_driver_sql(_SEND_AGAIN, (fork,))
    db.exec_driver_sql(_BROADCAST_AGAIN, (fork,))
