"""Safe blocks, the chain's identity, nodes, digests of spans, and alarms that are kept."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.drop_column("chain_state", "alarm")
    now, nothing = sa.func.now(), sa.text("'[]'")
    for column in (
        sa.Column("safe_number", sa.BigInteger()),
        sa.Column("head_time", sa.BigInteger()),
        sa.Column("genesis_hash", sa.LargeBinary()),
        sa.Column("nodes", JSONB(), nullable=False, server_default=nothing),
        sa.Column(
            "looked_again_at", sa.DateTime(timezone=True), nullable=False, server_default=now
        ),
    ):
        op.add_column("chain_state", column)
    op.create_table(
        "span",
        sa.Column("first", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("logs", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("first", name=op.f("pk_span")),
    )
    op.create_table(
        "alarm",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False, server_default=now),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
    )
    is_open = sa.text("ended_at IS NULL")
    op.create_index("ix_alarm_open", "alarm", ["source"], unique=True, postgresql_where=is_open)
