"""Two transactions that wait for each other: the database ends one of them, and it is done again."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection
from town import COUNTER, HALL, Town, session

from backend.store.engine import begin
from backend.usecases import custody

LOCK = "SELECT pg_advisory_xact_lock(%s)"
OURS, THEIRS = 41, 42


@pytest.mark.parametrize("asks", ["the API", "a form"])
def test_what_the_database_ended_for_another_is_done_again(
    town: Town, pages: httpx.Client, monkeypatch: pytest.MonkeyPatch, asks: str
) -> None:
    """B3: whoever asked learns of the second time only; it is recorded once."""
    item = town.settled_item()
    they_hold, we_hold = threading.Event(), threading.Event()
    tries: list[int] = []

    def they() -> None:
        with begin(town.engine) as db:
            db.exec_driver_sql(
                "SET LOCAL deadlock_timeout = '1h'"
            )  # so that it is ours which is ended
            db.exec_driver_sql(LOCK, (THEIRS,))
            they_hold.set()
            assert we_hold.wait(20)
            db.exec_driver_sql(LOCK, (OURS,))

    honest = custody.report

    def report(db: Connection, *rest: Any) -> Any:
        tries.append(1)
        done = honest(db, *rest)
        db.exec_driver_sql(LOCK, (OURS,))
        assert they_hold.wait(20)
        we_hold.set()
        db.exec_driver_sql(LOCK, (THEIRS,))
        return done

    monkeypatch.setattr(custody, "report", report)
    other = threading.Thread(target=they)
    other.start()
    if asks == "the API":
        town.post("/v1/reports", {"item": item, "code": "damaged"}, town.as_(COUNTER))
    else:
        clerk = session(town, town.stage.workers[COUNTER], COUNTER)
        sent = pages.post(f"/work/items/{item}/report", data={"code": "damaged"}, headers=clerk)
        assert sent.status_code == 303, sent.text
    other.join(20)
    assert len(tries) == 2
    town.settle()
    kinds = [one["kind"] for one in town.get(f"/v1/trails/{item}", town.as_(HALL))["trail"]]
    assert kinds == ["acceptance", "report"]
