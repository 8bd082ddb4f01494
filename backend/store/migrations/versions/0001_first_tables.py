"""The first tables: raw, model and own (backend/store/tables/)."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "block",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("parent_hash", sa.LargeBinary(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("raw_transactions", sa.ARRAY(sa.LargeBinary()), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_block")),
        sa.UniqueConstraint("hash", name=op.f("uq_block_hash")),
    )
    op.create_table(
        "chain_state",
        sa.Column(
            "id", sa.Integer(), server_default=sa.text("1"), autoincrement=False, nullable=False
        ),
        sa.Column("indexed_number", sa.BigInteger(), nullable=True),
        sa.Column("indexed_hash", sa.LargeBinary(), nullable=True),
        sa.Column("finalized_number", sa.BigInteger(), nullable=True),
        sa.Column("head_number", sa.BigInteger(), nullable=True),
        sa.Column(
            "checked_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("alarm", sa.Text(), nullable=True),
        sa.CheckConstraint("id = 1", name="one_row"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chain_state")),
    )
    op.create_table(
        "custodian",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("operator", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("suspended", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("enrolled_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_custodian")),
    )
    op.create_index(op.f("ix_custodian_operator"), "custodian", ["operator"], unique=False)
    op.create_table(
        "custodian_name",
        sa.Column("custodian", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("town", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.PrimaryKeyConstraint("custodian", name=op.f("pk_custodian_name")),
    )
    op.create_table(
        "edition",
        sa.Column("edition", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("face_value", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("service", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.BigInteger(), nullable=False),
        sa.Column("metadata_hash", sa.LargeBinary(), nullable=False),
        sa.Column("claim_root", sa.LargeBinary(), nullable=False),
        sa.Column("withdrawn_from", sa.BigInteger(), nullable=True),
        sa.Column("created_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("edition", name=op.f("pk_edition")),
    )
    op.create_table(
        "edition_terms",
        sa.Column("edition", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("next_serial", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("edition", name=op.f("pk_edition_terms")),
    )
    op.create_table(
        "entry",
        sa.Column("item", sa.LargeBinary(), nullable=False),
        sa.Column("record", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("actor", sa.BigInteger(), nullable=False),
        sa.Column("receiver", sa.BigInteger(), nullable=True),
        sa.Column("event_time", sa.BigInteger(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("signatures", sa.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.LargeBinary(), nullable=False),
        sa.Column("block_time", sa.BigInteger(), nullable=False),
        sa.Column("transaction_hash", sa.LargeBinary(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("item", "record", name=op.f("pk_entry")),
    )
    op.create_index(op.f("ix_entry_actor"), "entry", ["actor"], unique=False)
    op.create_index(op.f("ix_entry_block_number"), "entry", ["block_number"], unique=False)
    op.create_index(op.f("ix_entry_digest"), "entry", ["digest"], unique=False)
    op.create_index(op.f("ix_entry_event_time"), "entry", ["event_time"], unique=False)
    op.create_index(op.f("ix_entry_receiver"), "entry", ["receiver"], unique=False)
    op.create_index(op.f("ix_entry_transaction_hash"), "entry", ["transaction_hash"], unique=False)
    op.create_table(
        "forecast",
        sa.Column("item", sa.LargeBinary(), nullable=False),
        sa.Column("holder", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("latest_time", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.Integer(), nullable=True),
        sa.Column("keys", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("item", name=op.f("pk_forecast")),
    )
    op.create_index(op.f("ix_forecast_holder"), "forecast", ["holder"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("person", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("person", "key", name=op.f("pk_idempotency")),
    )
    op.create_table(
        "import_line",
        sa.Column("source", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_import_line")),
    )
    op.create_table(
        "issued_range",
        sa.Column("edition", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("edition", "first", name=op.f("pk_issued_range")),
    )
    op.create_table(
        "item",
        sa.Column("item", sa.LargeBinary(), nullable=False),
        sa.Column("operator", sa.Integer(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("holder", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("latest_time", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("ended", sa.Integer(), nullable=True),
        sa.Column("keys", sa.LargeBinary(), nullable=False),
        sa.Column("answer_custodian", sa.BigInteger(), nullable=False),
        sa.Column("answer_record", sa.Integer(), nullable=False),
        sa.Column("answer_why", sa.Text(), nullable=False),
        sa.Column("last_answerable", sa.BigInteger(), nullable=False),
        sa.Column("accepted_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("item", name=op.f("pk_item")),
    )
    op.create_index(
        "ix_item_holder_open",
        "item",
        ["holder"],
        unique=False,
        postgresql_where=sa.text("ended IS NULL"),
    )
    op.create_table(
        "item_secret",
        sa.Column("item", sa.LargeBinary(), nullable=False),
        sa.Column("scheme", sa.Integer(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("trail_lookup", sa.LargeBinary(), nullable=False),
        sa.Column("trail_code", sa.LargeBinary(), nullable=False),
        sa.Column("operator", sa.Integer(), nullable=False),
        sa.Column("accepted_time", sa.BigInteger(), nullable=False),
        sa.Column("weight_grams", sa.Integer(), nullable=True),
        sa.Column("service", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("destination", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "franking",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("key_salt", sa.LargeBinary(), nullable=True),
        sa.Column("recipient_key", sa.LargeBinary(), nullable=True),
        sa.Column("sender_key", sa.LargeBinary(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("item", name=op.f("pk_item_secret")),
        sa.UniqueConstraint("trail_lookup", name=op.f("uq_item_secret_trail_lookup")),
    )
    op.create_index(op.f("ix_item_secret_value"), "item_secret", ["value"], unique=False)
    op.create_table(
        "lane",
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("key_name", sa.Text(), nullable=False),
        sa.Column("next_nonce", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_lane")),
    )
    op.create_table(
        "log",
        sa.Column("block_hash", sa.LargeBinary(), nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("transaction_hash", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("topics", sa.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("block_hash", "log_index", name=op.f("pk_log")),
    )
    op.create_index(op.f("ix_log_block_number"), "log", ["block_number"], unique=False)
    op.create_table(
        "operator",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("admin", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("suspended_block", sa.BigInteger(), nullable=True),
        sa.Column("admitted_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_operator")),
    )
    op.create_table(
        "original_shown",
        sa.Column("stamp", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stamp", "block_number", name=op.f("pk_original_shown")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column(
            "custodians", sa.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("pin_hash", sa.Text(), nullable=True),
        sa.Column("disabled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("name", name=op.f("uq_person_name")),
    )
    op.create_table(
        "promised_use",
        sa.Column("stamp", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("custodian", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stamp", name=op.f("pk_promised_use")),
    )
    op.create_index(op.f("ix_promised_use_digest"), "promised_use", ["digest"], unique=False)
    op.create_table(
        "quarantine",
        sa.Column("block_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("block_number", "log_index", name=op.f("pk_quarantine")),
    )
    op.create_table(
        "recorded",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_time", sa.BigInteger(), nullable=False),
        sa.Column("transaction_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_recorded")),
    )
    op.create_index(op.f("ix_recorded_block_number"), "recorded", ["block_number"], unique=False)
    op.create_table(
        "scan_count",
        sa.Column("stamp", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("scans", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stamp", "day", name=op.f("pk_scan_count")),
    )
    op.create_table(
        "showcase",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("says", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_showcase")),
    )
    op.create_table(
        "sighting",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.Column("custodian", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sighting")),
    )
    op.create_index(op.f("ix_sighting_stamp"), "sighting", ["stamp"], unique=False)
    op.create_table(
        "signing_right",
        sa.Column("custodian", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("from_time", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("key_kind", sa.Integer(), nullable=False),
        sa.Column("key_holder", sa.Integer(), nullable=False),
        sa.Column("until_time", sa.BigInteger(), nullable=False),
        sa.Column("compromised_block", sa.BigInteger(), nullable=True),
        sa.Column("granted_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("custodian", "from_time", "key", name=op.f("pk_signing_right")),
    )
    op.create_table(
        "stamp_signer",
        sa.Column("operator", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("from_block", sa.BigInteger(), nullable=False),
        sa.Column("revoked_block", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("operator", "address", name=op.f("pk_stamp_signer")),
    )
    op.create_table(
        "stamp_use",
        sa.Column("stamp", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("custodian", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("item", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("transaction_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("stamp", name=op.f("pk_stamp_use")),
    )
    op.create_index(op.f("ix_stamp_use_item"), "stamp_use", ["item"], unique=False)
    op.create_table(
        "submitter",
        sa.Column("operator", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("from_block", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("operator", "address", name=op.f("pk_submitter")),
    )
    op.create_table(
        "twin",
        sa.Column("stamp", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.LargeBinary(), nullable=False),
        sa.Column("claimed_block", sa.BigInteger(), nullable=False),
        sa.Column("claimed_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stamp", name=op.f("pk_twin")),
    )
    op.create_table(
        "void_range",
        sa.Column("edition", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Integer(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("edition", "first", name=op.f("pk_void_range")),
    )
    op.create_table(
        "credential",
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("person", sa.Integer(), nullable=False),
        sa.Column("custodian", sa.BigInteger(), nullable=True),
        sa.Column("device", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("label", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_credential_person")),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("pk_credential")),
    )
    op.create_index(op.f("ix_credential_person"), "credential", ["person"], unique=False)
    op.create_table(
        "print_job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("edition", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "spoilt", sa.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("start_label", sa.Integer(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("custodian", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.Integer(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_print_job_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_print_job")),
        sa.UniqueConstraint("edition", "first", name=op.f("uq_print_job_edition_first")),
    )
    op.create_index(op.f("ix_print_job_custodian"), "print_job", ["custodian"], unique=False)
    op.create_table(
        "release",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("giver", sa.BigInteger(), nullable=False),
        sa.Column("receiver", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("person", sa.Integer(), nullable=True),
        sa.Column("device", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_release_person")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_release")),
    )
    op.create_index(op.f("ix_release_giver"), "release", ["giver"], unique=False)
    op.create_index(op.f("ix_release_receiver"), "release", ["receiver"], unique=False)
    op.create_table(
        "submission",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "items", sa.ARRAY(sa.LargeBinary()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("custodian", sa.BigInteger(), nullable=True),
        sa.Column("person", sa.Integer(), nullable=True),
        sa.Column("device", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("waits_for", sa.Text(), nullable=True),
        sa.Column("refusal", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("transaction_hash", sa.LargeBinary(), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_submission_person")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_submission")),
        sa.UniqueConstraint("sequence", name=op.f("uq_submission_sequence")),
    )
    op.create_index(
        op.f("ix_submission_block_number"), "submission", ["block_number"], unique=False
    )
    op.create_index(
        "ix_submission_due",
        "submission",
        ["sequence"],
        unique=False,
        postgresql_where=sa.text("state IN ('pending', 'held', 'sent')"),
    )
    op.create_index(
        "ix_submission_items", "submission", ["items"], unique=False, postgresql_using="gin"
    )
    op.create_index(
        op.f("ix_submission_transaction_hash"), "submission", ["transaction_hash"], unique=False
    )
    op.create_table(
        "transaction",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("lane", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("broadcast_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["lane"], ["lane.address"], name=op.f("fk_transaction_lane")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_transaction")),
    )
    op.create_index(
        "ix_transaction_open",
        "transaction",
        ["lane", "nonce"],
        unique=False,
        postgresql_where=sa.text("state <> 'mined'"),
    )
