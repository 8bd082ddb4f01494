"""Long texts and bytes are kept as they are: to compress them took more time than to write them."""

from alembic import op

revision = "0010"
down_revision = "0009"

KEPT_PLAIN = (
    ("block", "raw_transactions"),
    ("log", "data"),
    ("transaction", "raw"),
    ("submission", "payload"),
    ("release", "lines"),
)


def upgrade() -> None:
    # Each by itself: locks on several of these tables, in this order, would wait for a sender that has them in its own.
    with op.get_context().autocommit_block():
        for table, column in KEPT_PLAIN:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL")
