"""Claims that were closed, and the roots of new claim keys (S10)."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    _create("claims_closed", sa.Column("reason", sa.Integer(), nullable=False))
    _create("claim_root", sa.Column("root", sa.LargeBinary(), nullable=False))


def _create(name: str, what: sa.Column[object]) -> None:
    op.create_table(
        name,
        sa.Column("edition", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        what,
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("edition", "first", name=op.f(f"pk_{name}")),
    )
