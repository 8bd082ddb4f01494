"""Until when a list may be taken over, where that is not the deadline that its giver signed."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("release", sa.Column("open_until", sa.BigInteger()))
