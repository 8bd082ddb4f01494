"""raw: what the node said, block by block; unique by (block hash, log index) (B4)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    Table,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from backend.store.tables.shared import metadata

block = Table(
    "block",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("parent_hash", LargeBinary, nullable=False),
    Column("time", BigInteger, nullable=False),
    # Only on the embedded chain: the signed bytes in order, from which the chain is rebuilt.
    Column("raw_transactions", ARRAY(LargeBinary)),
)
log = Table(
    "log",
    metadata,
    Column("block_hash", LargeBinary, primary_key=True),
    Column("log_index", Integer, primary_key=True, autoincrement=False),
    Column("block_number", BigInteger, nullable=False, index=True),
    Column("transaction_hash", LargeBinary, nullable=False),
    Column("address", LargeBinary, nullable=False),
    Column("topics", ARRAY(LargeBinary), nullable=False),
    Column("data", LargeBinary, nullable=False),
)
# One row: how far the indexer is, and how its nodes are. Written with the newest block (B2).
chain_state = Table(
    "chain_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, server_default=text("1")),
    Column("indexed_number", BigInteger),
    Column("indexed_hash", LargeBinary),
    # The newest indexed block that the node calls final; it never falls.
    Column("finalized_number", BigInteger),
    Column("head_number", BigInteger),
    Column("checked_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    # The newest indexed block that the node calls safe.
    Column("safe_number", BigInteger),
    Column("head_time", BigInteger),
    # Of block 0: with it a node shows that it serves this chain (B7).
    Column("genesis_hash", LargeBinary),
    Column("nodes", JSONB, nullable=False, server_default=text("'[]'")),
    Column("looked_again_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("id = 1", name="one_row"),
)
RAW = (block, log, chain_state)
