"""Evidence of equivocation (C10), beside the trails."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "equivocation",
        sa.Column("block_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item", sa.LargeBinary(), nullable=False),
        sa.Column("giver", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("first", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("second", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("block_time", sa.BigInteger(), nullable=False),
        sa.Column("transaction_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("block_number", "log_index", name=op.f("pk_equivocation")),
    )
    op.create_index(op.f("ix_equivocation_item"), "equivocation", ["item"], unique=False)
