"""model: folded from raw; `posthorn rebuild` drops it and makes identical rows (B1)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from backend.store.tables.shared import Unsigned64, metadata

operator = Table(
    "operator",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("admin", LargeBinary, nullable=False),
    Column("name", Text, nullable=False),
    Column("suspended_block", BigInteger),
    Column("admitted_block", BigInteger, nullable=False),
)
submitter = Table(
    "submitter",
    metadata,
    Column("operator", Integer, primary_key=True, autoincrement=False),
    Column("address", LargeBinary, primary_key=True),
    Column("from_block", BigInteger, nullable=False),
    Column("until_block", BigInteger),
)
stamp_signer = Table(
    "stamp_signer",
    metadata,
    Column("operator", Integer, primary_key=True, autoincrement=False),
    Column("address", LargeBinary, primary_key=True),
    Column("from_block", BigInteger, nullable=False),
    Column("revoked_block", BigInteger),
)
custodian = Table(
    "custodian",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("operator", Integer, nullable=False, index=True),
    Column("kind", Integer, nullable=False),
    Column("place", Text, nullable=False),
    Column("suspended", Boolean, nullable=False, server_default=text("false")),
    Column("enrolled_block", BigInteger, nullable=False),
)
signing_right = Table(
    "signing_right",
    metadata,
    Column("custodian", BigInteger, primary_key=True, autoincrement=False),
    Column("from_time", BigInteger, primary_key=True, autoincrement=False),
    Column("key", LargeBinary, primary_key=True),
    Column("key_kind", Integer, nullable=False),
    Column("key_holder", Integer, nullable=False),
    Column("until_time", BigInteger, nullable=False),
    Column("compromised_block", BigInteger),
    Column("granted_block", BigInteger, nullable=False),
)
item = Table(
    "item",
    metadata,
    Column("item", LargeBinary, primary_key=True),
    Column("operator", Integer, nullable=False),
    Column("commitment", LargeBinary, nullable=False),
    Column("holder", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("records", Integer, nullable=False),
    Column("latest_time", BigInteger, nullable=False),
    Column("head", LargeBinary, nullable=False),
    Column("ended", Integer),
    Column("keys", LargeBinary, nullable=False),
    Column("answer_custodian", BigInteger, nullable=False),
    Column("answer_record", Integer, nullable=False),
    Column("answer_why", Text, nullable=False),
    Column("last_answerable", BigInteger, nullable=False),
    Column("accepted_time", BigInteger, nullable=False),
    # C7: its own number as a receptacle, 0 for none; whether it is closed, or was opened.
    Column("receptacle", BigInteger, nullable=False, server_default=text("0")),
    Column("closed", Boolean, nullable=False, server_default=text("false")),
    Column("opened", Boolean, nullable=False, server_default=text("false")),
    Index("ix_item_receptacle", "receptacle", postgresql_where=text("receptacle <> 0")),
    Index("ix_item_holder_open", "holder", postgresql_where=text("ended IS NULL")),
)
# C7: what was really packed into a receptacle, in its order; `record` is the item's record number then.
content = Table(
    "content",
    metadata,
    Column("receptacle", BigInteger, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("item", LargeBinary, nullable=False, index=True),
    Column("record", Integer, nullable=False),
    Column("block_number", BigInteger, nullable=False, index=True),
)
entry = Table(
    "entry",
    metadata,
    Column("item", LargeBinary, primary_key=True),
    Column("record", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, index=True),
    Column("line", Integer, nullable=False),
    # The custodian that acts (giver of a hand-off) and, of a hand-off, who receives.
    Column("actor", BigInteger, nullable=False, index=True),
    Column("receiver", BigInteger, index=True),
    Column("event_time", BigInteger, nullable=False, index=True),
    Column("body", JSONB, nullable=False),
    Column("signatures", ARRAY(LargeBinary), nullable=False),
    Column("block_number", BigInteger, nullable=False, index=True),
    Column("block_hash", LargeBinary, nullable=False),
    Column("block_time", BigInteger, nullable=False),
    Column("transaction_hash", LargeBinary, nullable=False, index=True),
    Column("log_index", Integer, nullable=False),
)
# C10: what anybody has shown of two hand-offs of one item by one giver. It changes no trail.
equivocation = Table(
    "equivocation",
    metadata,
    Column("block_number", BigInteger, primary_key=True, autoincrement=False),
    Column("log_index", Integer, primary_key=True, autoincrement=False),
    Column("item", LargeBinary, nullable=False, index=True),
    Column("giver", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("first", JSONB, nullable=False),
    Column("second", JSONB, nullable=False),
    Column("block_time", BigInteger, nullable=False),
    Column("transaction_hash", LargeBinary, nullable=False),
)
edition = Table(
    "edition",
    metadata,
    Column("edition", BigInteger, primary_key=True, autoincrement=False),
    Column("quantity", BigInteger, nullable=False),
    Column("face_value", Unsigned64, nullable=False),
    Column("currency", Text, nullable=False),
    Column("service", Integer, nullable=False),  # 0 where there is a face value
    Column("first_day", BigInteger, nullable=False),
    Column("metadata_hash", LargeBinary, nullable=False),
    Column("claim_root", LargeBinary, nullable=False),
    Column("withdrawn_from", BigInteger),
    Column("created_block", BigInteger, nullable=False),
)
issued_range = Table(
    "issued_range",
    metadata,
    Column("edition", BigInteger, primary_key=True, autoincrement=False),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("block_time", BigInteger, nullable=False),
)
stamp_use = Table(
    "stamp_use",
    metadata,
    Column("stamp", Unsigned64, primary_key=True, autoincrement=False),
    Column("custodian", BigInteger, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("kind", Integer, nullable=False),  # a cancel kind, 0 for a franking
    Column("item", LargeBinary, nullable=False, index=True),
    Column("digest", LargeBinary, nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("transaction_hash", LargeBinary, nullable=False),
)
void_range = Table(
    "void_range",
    metadata,
    Column("edition", BigInteger, primary_key=True, autoincrement=False),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("reason", Integer, nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("block_time", BigInteger, nullable=False),
)
twin = Table(
    "twin",
    metadata,
    Column("stamp", Unsigned64, primary_key=True, autoincrement=False),
    Column("owner", LargeBinary, nullable=False),
    Column("claimed_block", BigInteger, nullable=False),
    Column("claimed_time", BigInteger, nullable=False),
)
claims_closed = Table(
    "claims_closed",
    metadata,
    Column("edition", BigInteger, primary_key=True, autoincrement=False),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("reason", Integer, nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("block_time", BigInteger, nullable=False),
)
claim_root = Table(
    "claim_root",
    metadata,
    Column("edition", BigInteger, primary_key=True, autoincrement=False),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("block_time", BigInteger, nullable=False),
)
original_shown = Table(
    "original_shown",
    metadata,
    Column("stamp", Unsigned64, primary_key=True, autoincrement=False),
    Column("block_number", BigInteger, primary_key=True, autoincrement=False),
    Column("block_time", BigInteger, nullable=False),
)
# Every digest that the chain has recorded, at its first appearance: what settles a submission. An act
# has no digest on chain; its transaction settles it.
recorded = Table(
    "recorded",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("block_number", BigInteger, nullable=False, index=True),
    Column("block_time", BigInteger, nullable=False),
    Column("transaction_hash", LargeBinary, nullable=False),
)
# Logs of the contracts that say nothing the model understands: kept, counted, shown; never skipped.
quarantine = Table(
    "quarantine",
    metadata,
    Column("block_number", BigInteger, primary_key=True, autoincrement=False),
    Column("log_index", Integer, primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
)
# The digest of the blocks that share a thousand, and of their logs: two indexers compare them.
span = Table(
    "span",
    metadata,
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("logs", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
)
# One row of counts over the tables of the model, which their triggers keep (migrations/versions/0012_tally.py): rows
# that are dropped, folded or rewound are counted in the same transaction.
tally = Table(
    "tally",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, server_default=text("1")),
    Column("operators", BigInteger, nullable=False),
    Column("custodians", BigInteger, nullable=False),
    Column("items", BigInteger, nullable=False),
    Column("items_open", BigInteger, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("hand_offs", BigInteger, nullable=False),
    Column("signatures", BigInteger, nullable=False),
    Column("stamps_issued", BigInteger, nullable=False),
    Column("stamps_used", BigInteger, nullable=False),
    Column("stamps_void", BigInteger, nullable=False),
    Column("twins_claimed", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)
MODEL = (
    operator,
    submitter,
    stamp_signer,
    custodian,
    signing_right,
    item,
    content,
    entry,
    equivocation,
    edition,
    issued_range,
    stamp_use,
    void_range,
    twin,
    claims_closed,
    claim_root,
    original_shown,
    recorded,
    quarantine,
    span,
)
