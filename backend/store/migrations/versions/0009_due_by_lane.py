"""What is due, held or sent is found by lane and state, whatever the length of the queue."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.drop_index("ix_submission_due", "submission")
    op.create_index(
        "ix_submission_due",
        "submission",
        ["lane", "state", "sequence"],
        postgresql_where=sa.text("state IN ('pending', 'held', 'sent')"),
    )
