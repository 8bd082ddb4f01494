"""Forecasts, of which the server makes many and the indexer forgets as many: plans that last, and no deadlock (B6)."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

import pytest
from sqlalchemy import Engine

from backend.domain.network import Standing
from backend.embedded.processes import wait_until
from backend.indexer.settle import forget_forecasts
from backend.store.engine import begin, open_engine, straight
from backend.store.items import expect, forget_forecast, look
from backend.store.tables import item as item_table

FIRST, LAST = b"\x01" * 32, b"\xfe" * 32
STANDING = Standing(1, 2, 2, 100, None, bytes(32), 0, False, False)
# PostgreSQL has made its lasting plan of a statement by then (psycopg prepares it the fifth time, plan_cache_mode).
TIMES = 20
SCANS = "SELECT sum(seq_scan)::bigint FROM pg_stat_xact_user_tables WHERE relname IN ('item', 'forecast')"


@pytest.fixture
def old(engine: Engine) -> Iterator[Engine]:
    """One connection, which keeps its plans."""
    found = open_engine(engine.url.render_as_string(hide_password=False), pool_size=1)
    yield found
    found.dispose()


def keep_items(engine: Engine, items: Iterable[bytes]) -> None:
    """Items as the chain has them, on a level with STANDING."""
    same = {
        "operator": 1,
        "commitment": b"",
        "holder": 1,
        "number": 2,
        "records": 2,
        "latest_time": 100,
        "head": bytes(32),
        "keys": bytes(32),
        "answer_custodian": 1,
        "answer_record": 2,
        "answer_why": "received",
        "last_answerable": 1,
        "accepted_time": 50,
    }
    with begin(engine) as db:
        db.execute(item_table.insert(), [same | {"item": one} for one in items])


def kept(engine: Engine) -> set[bytes]:
    with begin(engine) as db:
        return {item for (item,) in straight(db, "SELECT item FROM forecast")}


def test_plans_made_while_the_tables_were_empty_do_not_read_them_whole_later(
    engine: Engine, old: Engine
) -> None:
    """A connection keeps its plans, and the queue is empty every night."""
    items = [number.to_bytes(32) for number in range(3_000)]
    for _ in range(TIMES):
        looked_and_forgot(old, items[:50])
    keep_items(engine, items)
    with begin(engine) as db:
        expect(db, dict.fromkeys(items, STANDING))
    assert looked_and_forgot(old, items[:50]) == (50, 0)
    assert kept(engine) == set(items[50:])


def looked_and_forgot(engine: Engine, items: list[bytes]) -> tuple[int, int]:
    """How many items were found, and how often a table was read whole for it and for forgetting their forecasts."""
    with begin(engine) as db:
        found = look(db, items)
        forget_forecasts(db, items, [])
        return len(found), straight(db, SCANS)[0][0]


def forgets_in_order(engine: Engine, forget: threading.Thread) -> None:
    """Whoever forgets waits for the first item before it has locked the last, wherever the rows lie."""
    with begin(engine) as db:
        expect(db, {LAST: STANDING})
    with begin(engine) as db:
        expect(db, {FIRST: STANDING})
    with begin(engine) as db:
        expect(db, {FIRST: STANDING})
        forget.start()
        assert wait_until(lambda: is_waiting(engine), 10)
        expect(db, {LAST: STANDING})
    forget.join(10)
    assert not forget.is_alive()
    assert kept(engine) == set()


def is_waiting(engine: Engine) -> bool:
    """Whether a session waits for another's row."""
    with begin(engine) as db:
        query = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        return bool(straight(db, f"SELECT EXISTS ({query})")[0][0])


def test_the_indexer_forgets_in_the_order_in_which_servers_expect(engine: Engine) -> None:
    keep_items(engine, (FIRST, LAST))

    def forget() -> None:
        with begin(engine) as db:
            forget_forecasts(db, [LAST, FIRST], [])

    forgets_in_order(engine, threading.Thread(target=forget))


def test_forecasts_of_refused_lines_go_in_that_order_too(engine: Engine) -> None:
    def forget() -> None:
        with begin(engine) as db:
            forget_forecasts(db, [], [LAST, FIRST])

    forgets_in_order(engine, threading.Thread(target=forget))


def test_the_sender_forgets_in_that_order_too(engine: Engine) -> None:
    def forget() -> None:
        with begin(engine) as db:
            forget_forecast(db, [LAST, FIRST])

    forgets_in_order(engine, threading.Thread(target=forget))
