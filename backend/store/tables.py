"""The tables, in three groups that are never mixed.

raw      what the node said, block by block; unique by (block hash, log index) (B4)
model    folded from raw; `posthorn rebuild` drops it and makes identical rows (B1)
own      what the chain does not know: submissions, print jobs, people, secrets

Times are seconds since 1970 (event times, block times) or timestamptz (`*_at` of own rows). Digests, items,
hashes and addresses are bytes.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Unsigned64(TypeDecorator[int]):
    """A uint64 of the chain in eight bytes: from 2^63 on it is stored as its negative twin.

    Any operator may put such a number on chain, and none may stop the indexer with it.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, _: Dialect) -> int | None:
        return None if value is None else in_eight_bytes(value)

    def process_result_value(self, value: int | None, _: Dialect) -> int | None:
        return None if value is None else from_eight_bytes(value)


def in_eight_bytes(value: int) -> int:
    """A uint64 as its column keeps it."""
    return value if value < 1 << 63 else value - (1 << 64)


def from_eight_bytes(value: int) -> int:
    """The reverse of in_eight_bytes."""
    return value if value >= 0 else value + (1 << 64)


def _now() -> Column:  # type: ignore[type-arg]
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())


# --- raw ------------------------------------------------------------------------------------------
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

# --- model ----------------------------------------------------------------------------------------
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

# --- own ------------------------------------------------------------------------------------------
person = Table(
    "person",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),  # clerk, auditor, admin
    Column("custodians", ARRAY(BigInteger), nullable=False, server_default=text("'{}'")),
    Column("pin_hash", Text),
    Column("disabled", Boolean, nullable=False, server_default=text("false")),
    _now(),
)
# Sign-in links (one use), sessions and API tokens: only hashes of secrets are kept.
credential = Table(
    "credential",
    metadata,
    Column("secret_hash", LargeBinary, primary_key=True),
    Column("kind", Text, nullable=False),  # link, session, token
    Column("person", Integer, ForeignKey("person.id"), nullable=False, index=True),
    Column("custodian", BigInteger),  # session: at which custodian the person works now
    Column("device", Text, nullable=False, server_default=text("''")),
    Column("label", Text, nullable=False, server_default=text("''")),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
    _now(),
)
# PINs tried in the last minutes and not found good, by the name that was typed.
pin_try = Table(
    "pin_try",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("name", Text, nullable=False, index=True),
    _now(),
)
custodian_name = Table(
    "custodian_name",
    metadata,
    Column("custodian", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("town", Text, nullable=False, server_default=text("''")),
)
lane = Table(
    "lane",
    metadata,
    Column("address", LargeBinary, primary_key=True),
    Column("key_name", Text, nullable=False),
    Column("next_nonce", BigInteger, nullable=False),
)
transaction = Table(
    "transaction",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("lane", LargeBinary, ForeignKey("lane.address"), nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),  # signed, broadcast, mined
    Column("block_number", BigInteger),
    Column("broadcast_at", DateTime(timezone=True)),
    _now(),
    Index("ix_transaction_open", "lane", "nonce", postgresql_where=text("state <> 'mined'")),
)
submission = Table(
    "submission",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("sequence", BigInteger, Identity(), nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("lane", Text, nullable=False),  # key name of who sends it
    Column("state", Text, nullable=False),
    Column("items", ARRAY(LargeBinary), nullable=False, server_default=text("'{}'")),
    Column("custodian", BigInteger),
    Column("person", Integer, ForeignKey("person.id")),
    Column("device", Text, nullable=False, server_default=text("''")),
    Column("waits_for", Text),
    Column("refusal", JSONB),
    Column("expires_at", DateTime(timezone=True)),
    Column("transaction_hash", LargeBinary, index=True),
    Column("block_number", BigInteger, index=True),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    _now(),
    Index(
        "ix_submission_due",
        "lane",
        "state",
        "sequence",
        postgresql_where=text("state IN ('pending', 'held', 'sent')"),
    ),
    Index("ix_submission_items", "items", postgresql_using="gin"),
)
# Where an item will be once all that is pending for it is recorded: what new records are judged by.
forecast = Table(
    "forecast",
    metadata,
    Column("item", LargeBinary, primary_key=True),
    Column("holder", BigInteger, nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("records", Integer, nullable=False),
    Column("latest_time", BigInteger, nullable=False),
    Column("ended", Integer),
    Column("keys", LargeBinary, nullable=False),
    Column("receptacle", BigInteger, nullable=False, server_default=text("0")),
    Column("closed", Boolean, nullable=False, server_default=text("false")),
    Column("opened", Boolean, nullable=False, server_default=text("false")),
)
# What the evidence of a record is, by its root on chain: a seal's number and kind, salted.
evidence = Table(
    "evidence",
    metadata,
    Column("root", LargeBinary, primary_key=True),
    Column("document", JSONB, nullable=False),
)
# Credentials on devices (N3): public parts alone. A right that the chain grants to `key` makes one good.
passkey = Table(
    "passkey",
    metadata,
    Column("credential", LargeBinary, primary_key=True),
    Column("custodian", BigInteger, nullable=False, index=True),
    Column("person", Integer, ForeignKey("person.id")),
    Column("point", LargeBinary, nullable=False),
    Column("rp_id", Text, nullable=False),
    Column("key", LargeBinary, nullable=False, unique=True),
    _now(),
)
# Stamps of acceptances and cancellations under way: one stamp is promised to one record (S4).
promised_use = Table(
    "promised_use",
    metadata,
    Column("stamp", Unsigned64, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False, index=True),
    Column("custodian", BigInteger, nullable=False),
    Column("time", BigInteger, nullable=False),
)
release = Table(
    "release",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("giver", BigInteger, nullable=False, index=True),
    Column("receiver", BigInteger, nullable=False, index=True),
    Column("time", BigInteger, nullable=False),
    Column("open_until", BigInteger, nullable=False),  # here; the chain knows the deadline alone
    Column("deadline", BigInteger, nullable=False),
    Column("lines", JSONB, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),  # open, received, withdrawn
    Column("person", Integer, ForeignKey("person.id")),
    Column("device", Text, nullable=False, server_default=text("''")),
    _now(),
    # C9: why another stands in for the giver; then nobody has signed for it.
    Column("stand_in_reason", Integer),
)
item_secret = Table(
    "item_secret",
    metadata,
    Column("item", LargeBinary, primary_key=True),
    Column("scheme", Integer, nullable=False),
    Column("value", Text, nullable=False, index=True),
    Column("trail_lookup", LargeBinary, nullable=False, unique=True),
    Column("trail_code", LargeBinary, nullable=False),
    Column("operator", Integer, nullable=False),
    Column("accepted_time", BigInteger, nullable=False),
    Column("weight_grams", Integer),
    Column("service", Text, nullable=False, server_default=text("''")),
    Column("destination", Text, nullable=False, server_default=text("''")),
    # Postage required, other payments, in the smallest unit of the currency.
    Column("franking", JSONB, nullable=False, server_default=text("'{}'")),
    Column("key_salt", LargeBinary),
    Column("recipient_key", LargeBinary),
    Column("sender_key", LargeBinary),
    _now(),
)
edition_terms = Table(
    "edition_terms",
    metadata,
    Column("edition", BigInteger, primary_key=True, autoincrement=False),
    Column("title", Text, nullable=False),
    Column("metadata", JSONB, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("next_serial", BigInteger, nullable=False, server_default=text("1")),
)
# A tree of claim keys (S1), kept because the seeds that it was made from are destroyed (S10). `addresses` are
# those of serials `first` to `last`, `nodes` the tree's layers from the leaves up, all laid end to end.
claim_tree = Table(
    "claim_tree",
    metadata,
    Column("root", LargeBinary, primary_key=True),
    Column("edition", BigInteger, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("addresses", LargeBinary, nullable=False),
    Column("nodes", LargeBinary, nullable=False),
)
print_job = Table(
    "print_job",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("edition", BigInteger, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # reserved, printed, confirmed
    Column("spoilt", ARRAY(BigInteger), nullable=False, server_default=text("'{}'")),
    Column("layout", Text, nullable=False),
    Column("start_label", Integer, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("custodian", BigInteger, nullable=False, index=True),
    Column("person", Integer, ForeignKey("person.id")),
    Column("confirmed_at", DateTime(timezone=True)),
    _now(),
    UniqueConstraint("edition", "first"),
)
sighting = Table(
    "sighting",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("stamp", Unsigned64, nullable=False, index=True),
    Column("custodian", BigInteger, nullable=False),
    Column("time", BigInteger, nullable=False),
    _now(),
)
scan_count = Table(
    "scan_count",
    metadata,
    Column("stamp", Unsigned64, primary_key=True, autoincrement=False),
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("scans", BigInteger, nullable=False),
)
idempotency = Table(
    "idempotency",
    metadata,
    Column("person", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    Column("status", Integer),
    Column("answer", JSONB),
    _now(),
)
# What the front page shows: the model item and the specimen sheet, each with what it should say.
showcase = Table(
    "showcase",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),  # item, stamp
    Column("value", Text, nullable=False),  # an item as 0x-hex, or the text of a public code
    Column("says", Text, nullable=False),
)
import_line = Table(
    "import_line",
    metadata,
    Column("source", LargeBinary, primary_key=True),  # SHA-256 of the line's meaning
    Column("digest", LargeBinary, nullable=False),
    _now(),
)
# What a person should look at, from when to when; of one source one at a time.
alarm = Table(
    "alarm",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("source", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("raised_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("ended_at", DateTime(timezone=True)),
    Index("ix_alarm_open", "source", unique=True, postgresql_where=text("ended_at IS NULL")),
)
# Other systems that are told of an operator's records (docs/decisions/0019). `cursor` is the block up to which there
# are messages; the secret follows from the salt and the keystore.
hook = Table(
    "hook",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("operator", Integer, nullable=False),
    Column("url", Text, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'on'")),  # on, off, disabled
    Column("cursor", BigInteger, nullable=False),
    # In a row, until a message is told: calls after which the hook rests, and messages refused.
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("refused", Integer, nullable=False, server_default=text("0")),
    Column("trouble", Text, nullable=False, server_default=text("''")),
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("told_at", DateTime(timezone=True)),
    Column("looked_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    _now(),
)
# A record of which a hook is still to be told; it goes when the receiver has taken it.
hook_message = Table(
    "hook_message",
    metadata,
    Column(
        "hook",
        Integer,
        ForeignKey("hook.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("item", LargeBinary, primary_key=True),
    Column("record", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, Identity(), nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    _now(),
    Index("ix_hook_message_due", "hook", "due_at", "sequence"),
)
OWN = (
    person,
    credential,
    pin_try,
    custodian_name,
    lane,
    transaction,
    submission,
    forecast,
    evidence,
    passkey,
    promised_use,
    release,
    item_secret,
    edition_terms,
    claim_tree,
    print_job,
    sighting,
    scan_count,
    idempotency,
    showcase,
    import_line,
    alarm,
    hook,
    hook_message,
)
