"""Counts over the whole network are kept: one row, brought up to date by the statement that changes what it counts.

The triggers run within the indexer's transaction, so that a rewind takes back their counts with its rows.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"

# What is counted of the rows of each table, by the name of its column in `tally`.
MEASURES = {
    "operator": {"operators": "count(*)"},
    "custodian": {"custodians": "count(*)"},
    "item": {"items": "count(*)", "items_open": "count(*) FILTER (WHERE ended IS NULL)"},
    "entry": {
        "records": "count(*)",
        "hand_offs": "count(*) FILTER (WHERE kind = 'hand_off')",
        "signatures": "coalesce(sum(cardinality(signatures)), 0)",
    },
    "issued_range": {"stamps_issued": "coalesce(sum(last - first + 1), 0)"},
    "stamp_use": {"stamps_used": "count(*)"},
    "void_range": {"stamps_void": "coalesce(sum(last - first + 1), 0)"},
    "twin": {"twins_claimed": "count(*)"},
}
COUNT = """
CREATE FUNCTION count_{table}_{change}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tally SET {sums} FROM (SELECT {measures} FROM {rows}) AS found;
    RETURN NULL;
END $$
"""
TRIGGER = """
CREATE TRIGGER count_{change} AFTER {change} ON {table} REFERENCING {kinds}
FOR EACH STATEMENT EXECUTE FUNCTION count_{table}_{change}()
"""


def upgrade() -> None:
    # Whoever writes rows that are counted ends first, or begins when the triggers are there.
    op.execute(f"LOCK TABLE {', '.join(MEASURES)} IN SHARE ROW EXCLUSIVE MODE")
    names = [name for measures in MEASURES.values() for name in measures]
    op.create_table(
        "tally",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False, server_default="1"),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in names),
        sa.CheckConstraint("id = 1", name="one_row"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tally")),
    )
    counted = [
        f"(SELECT {measure} FROM {table})"
        for table, measures in MEASURES.items()
        for measure in measures.values()
    ]
    op.execute(f"INSERT INTO tally SELECT 1, {', '.join(counted)}")
    for table, measures in MEASURES.items():
        _count(table, measures, "insert", "+")
        _count(table, measures, "delete", "-")
    # Of what changes later, only an item's end is counted.
    _count("item", {"items_open": MEASURES["item"]["items_open"]}, "update", "+")


def _count(table: str, measures: dict[str, str], change: str, sign: str) -> None:
    kinds = {
        "insert": "NEW TABLE AS gained",
        "delete": "OLD TABLE AS lost",
        "update": "OLD TABLE AS lost NEW TABLE AS gained",
    }[change]
    rows = {"insert": "gained", "delete": "lost", "update": "gained"}[change]
    found = {name: f"{measure} AS {name}" for name, measure in measures.items()}
    if change == "update":
        found = {
            name: f"{measure} - (SELECT {measure} FROM lost) AS {name}"
            for name, measure in measures.items()
        }
    sums = ", ".join(f"{name} = tally.{name} {sign} found.{name}" for name in measures)
    op.execute(
        COUNT.format(
            table=table, change=change, sums=sums, measures=", ".join(found.values()), rows=rows
        )
    )
    op.execute(TRIGGER.format(table=table, change=change, kinds=kinds))
