"""The trees of claim keys, whose proofs collectors ask for when the seeds are long destroyed (S1, S10)."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "claim_tree",
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("edition", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("addresses", sa.LargeBinary(), nullable=False),
        sa.Column("nodes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("root", name=op.f("pk_claim_tree")),
    )
