"""Receptacles (C7): what an item is as one, and what lies in it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for column in (
        sa.Column("receptacle", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("closed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("opened", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    ):
        op.add_column("item", column)
    op.create_index(
        "ix_item_receptacle",
        "item",
        ["receptacle"],
        unique=False,
        postgresql_where=sa.text("receptacle <> 0"),
    )
    op.create_table(
        "content",
        sa.Column("receptacle", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item", sa.LargeBinary(), nullable=False),
        sa.Column("record", sa.Integer(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("receptacle", "place", name=op.f("pk_content")),
    )
    op.create_index(op.f("ix_content_item"), "content", ["item"], unique=False)
    op.create_index(op.f("ix_content_block_number"), "content", ["block_number"], unique=False)
