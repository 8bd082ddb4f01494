"""own: what the chain does not know: submissions, print jobs, people, secrets."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from backend.store.tables.shared import Unsigned64, metadata, now

person = Table(
    "person",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),  # clerk, auditor, admin
    Column("custodians", ARRAY(BigInteger), nullable=False, server_default=text("'{}'")),
    Column("pin_hash", Text),
    Column("disabled", Boolean, nullable=False, server_default=text("false")),
    now(),
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
    now(),
)
# PINs tried in the last minutes and not found good, by the name that was typed.
pin_try = Table(
    "pin_try",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("name", Text, nullable=False, index=True),
    now(),
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
    now(),
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
    now(),
    Index(
        "ix_submission_due",
        "lane",
        "state",
        "sequence",
        postgresql_where=text("state IN ('pending', 'held', 'sent')"),
    ),
    Index("ix_submission_items", "items", postgresql_using="gin"),
    Index(
        "ix_submission_stamps_under_way",
        "sequence",
        postgresql_where=text("kind IN ('issue', 'void') AND state IN ('pending', 'held', 'sent')"),
    ),
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
    now(),
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
    Column("deadline", BigInteger, nullable=False),
    Column("lines", JSONB, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),  # open, received, withdrawn
    Column("person", Integer, ForeignKey("person.id")),
    Column("device", Text, nullable=False, server_default=text("''")),
    now(),
    # C9: why another stands in for the giver; then nobody has signed for it.
    Column("stand_in_reason", Integer),
    # Until when it can be taken over here, where that is not the deadline, which is all that the chain knows.
    Column("open_until", BigInteger),
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
    now(),
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
    now(),
    UniqueConstraint("edition", "first"),
)
sighting = Table(
    "sighting",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("stamp", Unsigned64, nullable=False, index=True),
    Column("custodian", BigInteger, nullable=False),
    Column("time", BigInteger, nullable=False),
    now(),
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
    now(),
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
    now(),
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
    Column("salt", LargeBinary, nullable=False, unique=True),
    Column("state", Text, nullable=False, server_default=text("'on'")),  # on, off, disabled
    Column("cursor", BigInteger, nullable=False),
    # In a row, until a message is told: calls after which the hook rests, and messages refused.
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("refused", Integer, nullable=False, server_default=text("0")),
    Column("trouble", Text, nullable=False, server_default=text("''")),
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("told_at", DateTime(timezone=True)),
    Column("looked_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    now(),
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
    now(),
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
