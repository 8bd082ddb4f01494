"""Which indexes statements take that are asked often, however much there is: a speed that no clock has to show."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, Engine, text

from backend.queries import releases
from backend.store import stamps
from backend.store.engine import begin, straight

SUBMISSIONS = """
INSERT INTO submission (digest, kind, payload, lane, state, items)
SELECT decode(md5(n::text), 'hex'), 'hand_off', '{}', 'submitter/1', :state, ARRAY[decode(md5(n::text), 'hex')]
FROM generate_series(1, 5000) AS n
"""


def plan(db: Connection, statement: str, *values: object) -> str:
    return "\n".join(line for (line,) in straight(db, "EXPLAIN " + statement, values))


@pytest.mark.parametrize("analyzed", [False, True])
def test_an_unsold_stamp_is_not_looked_for_in_all_that_waits(
    engine: Engine, analyzed: bool
) -> None:
    with begin(engine) as db:
        db.execute(text(SUBMISSIONS), {"state": "pending"})
        if analyzed:
            db.execute(text("ANALYZE submission"))
        found = plan(db, stamps._FACTS, [1 << 32 | 7])
    assert "ix_submission_stamps_under_way" in found, found


@pytest.mark.parametrize("analyzed", [False, True])
def test_a_stamp_being_taken_out_of_use_is_not_looked_for_in_all_that_waits(
    engine: Engine, analyzed: bool
) -> None:
    with begin(engine) as db:
        db.execute(text(SUBMISSIONS), {"state": "pending"})
        if analyzed:
            db.execute(text("ANALYZE submission"))
        found = plan(db, stamps._VOID_UNDER_WAY, 1, 7, 7)
    assert "ix_submission_stamps_under_way" in found, found


@pytest.mark.parametrize("analyzed", [False, True])
def test_a_lists_receipt_is_found_by_its_items(engine: Engine, analyzed: bool) -> None:
    with begin(engine) as db:
        db.execute(text(SUBMISSIONS), {"state": "settled"})
        if analyzed:
            db.execute(text("ANALYZE submission"))
        found = plan(db, releases._RECEIPT, [b"item"], "0x00")
    assert "ix_submission_items" in found, found
