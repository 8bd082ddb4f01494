"""Web hooks, and the records of which each is still to be told."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    now, none = sa.func.now(), sa.text("0")
    op.create_table(
        "hook",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("operator", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, server_default=sa.text("'on'")),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False, server_default=none),
        sa.Column("refused", sa.Integer(), nullable=False, server_default=none),
        sa.Column("trouble", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False, server_default=now),
        sa.Column("told_at", sa.DateTime(timezone=True)),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False, server_default=now),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=now),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook")),
        sa.UniqueConstraint("salt", name=op.f("uq_hook_salt")),
    )
    op.create_table(
        "hook_message",
        sa.Column("hook", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item", sa.LargeBinary(), nullable=False),
        sa.Column("record", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=none),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False, server_default=now),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=now),
        sa.ForeignKeyConstraint(
            ["hook"], ["hook.id"], name=op.f("fk_hook_message_hook"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hook", "item", "record", name=op.f("pk_hook_message")),
    )
    op.create_index("ix_hook_message_due", "hook_message", ["hook", "due_at", "sequence"])
