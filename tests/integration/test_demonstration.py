"""The demonstration network holds what docs/demonstration.md promises, on the chain and in the model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import rows
from network import Installation, demonstration
from sqlalchemy import Engine, func, select

from backend.chain.views import Views
from backend.demonstration import bags, cast
from backend.demonstration.editions import CLAIMED, SIGNALS, signals
from backend.domain.ids import custodian_text
from backend.domain.trail import DELIVERED_BY_KEY, HandedOff, Why, fold
from backend.domain.verdict import CodeAxis, Notice, TwinAxis, UseAxis
from backend.indexer.fsck import fsck
from backend.indexer.rebuild import rebuild
from backend.queries import items as item_answers
from backend.queries import stamps as stamp_queries
from backend.queries import trails
from backend.store.engine import begin
from backend.store.entries import entry_from_row
from backend.store.tables import (
    MODEL,
    entry,
    issued_range,
    item,
    item_secret,
    showcase,
    stamp_use,
    submission,
    twin,
    void_range,
)


@pytest.fixture(scope="module")
def shown(
    module_engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    folder: Path = tmp_path_factory.mktemp("demonstration")
    with demonstration(module_engine, folder) as installation:
        yield installation


def numbered(shown: Installation, number: str) -> bytes:
    """The newest item that bears a number."""
    with begin(shown.engine) as db:
        query = select(item_secret.c.item).where(item_secret.c.value == number)
        found = db.scalars(query.order_by(item_secret.c.accepted_time.desc())).first()
    assert found is not None
    return bytes(found)


def state(shown: Installation, number: str):  # type: ignore[no-untyped-def]
    with begin(shown.engine) as db:
        return db.execute(select(item).where(item.c.item == numbered(shown, number))).one()


def entries(shown: Installation, number: str):  # type: ignore[no-untyped-def]
    with begin(shown.engine) as db:
        query = select(entry).where(entry.c.item == numbered(shown, number))
        return [entry_from_row(row) for row in db.execute(query.order_by(entry.c.record))]


def test_it_has_29_items_and_222_records(shown: Installation) -> None:
    assert (shown.made.items, shown.made.posts, shown.made.authorities) == (29, 2, 1)
    assert shown.made.records == 222


def test_bag_shows_one_found_one_missing_one_inferred_and_one_extra(shown: Installation) -> None:
    """C7, J14: each answers for itself: who saw it, who closed the bag, who answered for the bag, who took it up."""
    kinds = {number: [e.kind for e in entries(shown, number)] for number in bags.LETTERS}
    assert [kinds[number][4] for number in bags.LETTERS] == ["stay", "missing", "stay", "take_up"]
    assert [e.kind for e in entries(shown, bags.BAG)] == [
        "acceptance",
        "packing",
        "closing",
        "hand_off",
        "opening",
    ]
    missing = state(shown, bags.MISSING)
    assert (missing.holder, Why(missing.answer_why)) == (cast.INNSBRUCK_OE, Why.MISSING)
    with begin(shown.engine) as db:
        inferred = trails.trail(db, numbered(shown, bags.INFERRED))
    assert inferred.entries[4].flags[0] == "inferred"
    assert [hop.text for hop in inferred.entries[4].carried] == [
        "Innsbruck exchange to Zürich exchange"
    ]


def test_everything_that_was_submitted_is_settled(shown: Installation) -> None:
    """B2: nothing pending, nothing refused."""
    with begin(shown.engine) as db:
        states = set(db.scalars(select(submission.c.state)))
    assert states == {"settled"}


def test_the_model_crossed_in_2_days_3_hours_with_8_hand_offs_and_17_signatures(
    shown: Installation,
) -> None:
    trail = entries(shown, "RR900001014AT")
    assert len(trail) == 9
    assert sum(len(e.signatures) for e in trail) == 17
    assert sum(e.kind in ("hand_off", "delivery") for e in trail) == 8
    assert trail[-1].event_time - trail[0].event_time == 51 * 3_600
    assert fold(trail).ended == DELIVERED_BY_KEY


def test_two_items_bear_the_models_number(shown: Installation) -> None:
    with begin(shown.engine) as db:
        found = item_answers.bearing(db, "RR900001014AT")
    assert len(found) == 2


@pytest.mark.parametrize(
    ("number", "answers", "why"),
    [
        ("CP900001031AT", cast.INNSBRUCK_OE, Why.RESERVATION),
        ("CP900001116AT", cast.ROUND_12, Why.CONTESTED),
        ("CP900001059AT", cast.GOSSAU, Why.TAKEN_OVER),
        ("CP900001221AT", 0, Why.LEFT),
        ("RR900001014AT", 0, Why.DELIVERED),
        ("HB900001178CH", 0, Why.STATED),
    ],
)
def test_who_answers_follows_from_the_trail(
    shown: Installation, number: str, answers: int, why: Why
) -> None:
    """C12."""
    found = state(shown, number)
    assert (custodian_text(found.answer_custodian), found.answer_why) == (
        custodian_text(answers),
        why.value,
    )


def test_the_sixteenth_stayed_at_the_counter_when_the_list_left(shown: Installation) -> None:
    """C2: eleven of twelve lines received; the line not received stays with the giver."""
    first = entries(shown, "CP900001164AT")[1].body
    others = entries(shown, "CP900001147AT")[1].body
    assert isinstance(first, HandedOff)
    assert isinstance(others, HandedOff)
    assert first.released_at - others.released_at > 86_400


def test_only_stubens_acceptance_was_recorded_late(shown: Installation) -> None:
    """C5: 08:10 on paper, 17:42 on chain."""
    with begin(shown.engine) as db:
        late = db.execute(
            select(entry.c.kind, entry.c.actor).where(
                entry.c.block_time - entry.c.event_time > 4 * 3_600
            )
        ).all()
    assert [(row.kind, row.actor) for row in late] == [("acceptance", cast.STUBEN)]


def test_halls_clock_was_three_minutes_behind(shown: Installation) -> None:
    handed = entries(shown, "RR900001218AT")[-1].body
    assert isinstance(handed, HandedOff)
    assert handed.released_at - handed.received_at == 180


def test_signals_are_counted_as_promised(shown: Installation) -> None:
    """412 issued, 61 used, 31 void, 9 claimed."""
    with begin(shown.engine) as db:

        def total(table) -> int:  # type: ignore[no-untyped-def]
            count = func.sum(table.c.last - table.c.first + 1)
            return int(db.scalar(select(count).where(table.c.edition == SIGNALS)) or 0)

        used = db.scalars(select(stamp_use.c.stamp)).all()
        claimed = set(db.scalars(select(twin.c.stamp)))
        assert (total(issued_range), total(void_range)) == (412, 31)
    assert sum(stamp >> 32 == SIGNALS for stamp in used) == 61
    assert claimed == {signals(serial) for serial in CLAIMED}


def test_every_specimen_says_what_it_should(shown: Installation) -> None:
    """Design §4: the eight codes of the sheet, and the stranger's."""
    with begin(shown.engine) as db:
        codes = db.scalars(
            select(showcase.c.value).where(showcase.c.kind == "stamp").order_by(showcase.c.position)
        ).all()
        verdicts = [stamp_queries.verify(db, shown.house, code).verdict for code in codes]
    issued, other = CodeAxis.ISSUED_BY, UseAxis.UNKNOWN
    assert [(v.code, v.use) for v in verdicts] == [
        (issued, UseAxis.VALID),
        (issued, UseAxis.USED),
        (issued, UseAxis.USED),
        (issued, UseAxis.USED),
        (issued, UseAxis.NOT_SOLD),
        (issued, UseAxis.VOID),
        (issued, UseAxis.NOT_YET_VALID),
        (CodeAxis.MISMATCH, other),
        (CodeAxis.UNKNOWN_SIGNER, other),
    ]
    assert verdicts[2].notice is Notice.SEEN_ELSEWHERE
    assert verdicts[3].twin is TwinAxis.CLAIMED


def test_the_model_is_folded_to_identical_rows(shown: Installation) -> None:
    """B1: the read model is disposable."""
    before = rows(shown.engine, MODEL)
    rebuild(shown.engine, shown.deployment)
    assert rows(shown.engine, MODEL) == before


def test_the_node_says_the_same_as_every_row(shown: Installation) -> None:
    assert fsck(shown.engine, Views(shown.node, shown.deployment), shown.deployment) == []
