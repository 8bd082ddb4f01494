"""Stamps being sold or taken out of use are found without looking through all that waits."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_index(
        "ix_submission_stamps_under_way",
        "submission",
        ["sequence"],
        postgresql_where=sa.text(
            "kind IN ('issue', 'void') AND state IN ('pending', 'held', 'sent')"
        ),
    )
