"""Receptacles under way (C7), seals, standing in for a giver (C9), passkeys on devices (N3)."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for column in (
        sa.Column("receptacle", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("closed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("opened", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    ):
        op.add_column("forecast", column)
    op.create_table(
        "evidence",
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("root", name=op.f("pk_evidence")),
    )
    op.add_column("release", sa.Column("stand_in_reason", sa.Integer()))
    op.create_table(
        "passkey",
        sa.Column("credential", sa.LargeBinary(), nullable=False),
        sa.Column("custodian", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.Integer(), nullable=True),
        sa.Column("point", sa.LargeBinary(), nullable=False),
        sa.Column("rp_id", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_passkey_person_person")),
        sa.PrimaryKeyConstraint("credential", name=op.f("pk_passkey")),
        sa.UniqueConstraint("key", name=op.f("uq_passkey_key")),
    )
    op.create_index(op.f("ix_passkey_custodian"), "passkey", ["custodian"], unique=False)
