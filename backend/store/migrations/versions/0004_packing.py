"""Receptacles under way (C7), what stands behind the evidence of a record, and standing in for a giver (C9)."""

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
