"""What the indexer settles: submissions by digest, acts by receipt; and what it takes back (B2, B4)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from databases import NewDatabase, databases, somebody_waits
from indexing import catch_up, index, indexer_of
from posts import (
    CENTRE,
    COUNTER,
    Posts,
    forkable_anvil,
)
from sqlalchemy import Engine, insert, select, text, update

from backend.domain.keccak import keccak256
from backend.embedded.processes import wait_until
from backend.indexer.raw import CHANNEL
from backend.indexer.settle import forget_forecasts
from backend.store.engine import begin
from backend.store.submissions import NewSubmission, enqueue, find
from backend.store.tables import forecast, transaction

LANE = b"\x11" * 20


@pytest.fixture
def posts(tmp_path: Path) -> Iterator[Posts]:
    with forkable_anvil(tmp_path) as url:
        network = Posts(url)
        network.found()
        yield network
        network.close()


@pytest.fixture
def new_database(postgres_url: str) -> Iterator[NewDatabase]:
    with databases(postgres_url) as make:
        yield make


def submit(engine: Engine, digest: bytes, kind: str, **other: Any) -> None:
    new = NewSubmission(digest=digest, kind=kind, payload={}, lane="submitter/1", **other)
    with begin(engine) as db:
        assert enqueue(db, [new])


def sent_with(engine: Engine, digest: bytes, hash_: bytes) -> None:
    with begin(engine) as db:
        db.execute(
            text("UPDATE submission SET state = 'sent', transaction_hash = :h WHERE digest = :d"),
            {"h": hash_, "d": digest},
        )


def broadcast(engine: Engine, nonce: int, *hashes: bytes) -> None:
    """Transactions of ours with one nonce, as the sender keeps them."""
    with begin(engine) as db:
        db.execute(
            text("INSERT INTO lane VALUES (:a, 'submitter/1', 9) ON CONFLICT DO NOTHING"),
            {"a": LANE},
        )
        for hash_ in hashes:
            values = {"hash": hash_, "lane": LANE, "nonce": nonce, "raw": b"", "state": "broadcast"}
            db.execute(insert(transaction).values(**values))


def submission_state(engine: Engine, digest: bytes) -> tuple[str, int | None]:
    with begin(engine) as db:
        row = find(db, digest)
    assert row is not None
    return row.state, row.block_number


def transaction_state(engine: Engine, hash_: bytes) -> tuple[str, int | None]:
    with engine.connect() as db:
        row = db.execute(select(transaction).where(transaction.c.hash == hash_)).one()
    return row.state, row.block_number


def test_a_recorded_digest_settles_its_submission_whoever_sent_it(
    posts: Posts, engine: Engine
) -> None:
    posts.accept("letter")
    acceptance = posts.acceptance("card")
    posts.accept("card")
    of_letter = posts.digest(replace(acceptance, commitment=keccak256(b"letter")))
    of_card = posts.digest(acceptance)
    submit(engine, of_letter, "acceptance")
    submit(engine, of_card, "acceptance", waits_for="its predecessor")
    number = posts.mine()
    index(posts, engine)
    assert submission_state(engine, of_letter) == ("settled", number)
    assert submission_state(engine, of_card) == ("settled", number)


def test_a_submission_that_comes_after_its_record_is_settled_too(
    posts: Posts, engine: Engine
) -> None:
    item = posts.accept("letter")
    digest = posts.report(item)
    number = posts.mine()
    index(posts, engine)
    submit(engine, digest, "report")
    index(posts, engine)
    assert submission_state(engine, digest) == ("settled", number)


def test_acts_are_settled_by_their_receipts(posts: Posts, engine: Engine) -> None:
    """One that reverted is mined and not settled; one whose transaction was replaced is settled."""
    me = str(posts.sender.address).lower()
    good = posts.call("PostalNetwork", "admitOperator", 7, me, "Post of Delia")
    bad = posts.call("PostalNetwork", "admitOperator", 7, me, "Post of Delia again")
    replaced = posts.call("PostalNetwork", "suspendOperator", 7)
    for nonce, hashes in enumerate([[good], [bad], [replaced, b"o" * 32]]):
        broadcast(engine, nonce, *hashes)
    sent = {b"1" * 32: good, b"2" * 32: bad, b"3" * 32: b"o" * 32}
    kinds = ("admit_operator", "admit_operator", "suspend_operator")
    for (digest, hash_), kind in zip(sent.items(), kinds, strict=True):
        submit(engine, digest, kind)
        sent_with(engine, digest, hash_)
    number = posts.mine()
    index(posts, engine)
    assert [submission_state(engine, digest) for digest in sent] == [
        ("settled", number),
        ("sent", None),
        ("settled", number),
    ]
    assert transaction_state(engine, bad) == ("mined", number)
    assert transaction_state(engine, b"o" * 32) == ("broadcast", None)


def test_what_vanished_is_to_be_sent_again_and_expected_again(posts: Posts, engine: Engine) -> None:
    """B4: and new records of its items are judged by where it leads."""
    letter, card = posts.accept("letter"), posts.accept("card")
    posts.mine()
    report = posts.report(card)
    hash_ = posts.call("PostalNetwork", "suspendCustodian", CENTRE)
    broadcast(engine, 1, hash_)
    recall = posts.recall(letter, 1, COUNTER)
    submit(engine, report, "report", items=(card,))
    submit(engine, recall, "recall", items=(letter,))
    sent_with(engine, recall, hash_)
    posts.mine()
    follower = indexer_of(posts, engine)
    catch_up(follower)
    assert submission_state(engine, recall)[0] == "settled"
    posts.reorganise(1)
    catch_up(follower)
    assert submission_state(engine, recall) == ("sent", None)
    assert submission_state(engine, report) == ("pending", None)
    assert transaction_state(engine, hash_) == ("broadcast", None)
    with engine.connect() as db:
        expected = db.execute(select(forecast).order_by(forecast.c.number)).all()
    assert {(row.item, row.number, row.records) for row in expected} == {
        (card, 1, 2),
        (letter, 2, 2),
    }


def test_forecasts_that_the_chain_has_reached_go(posts: Posts, engine: Engine) -> None:
    letter, card = posts.accept("letter"), posts.accept("card")
    standing = {"holder": COUNTER, "number": 1, "latest_time": 1, "keys": bytes(32)}
    with engine.begin() as db:
        db.execute(insert(forecast).values(item=letter, records=1, **standing))
        db.execute(insert(forecast).values(item=card, records=2, **standing))
    posts.mine()
    index(posts, engine)
    with engine.connect() as db:
        assert db.scalars(select(forecast.c.item)).all() == [card]


def test_forecasts_of_lines_that_the_chain_refused_go_where_nothing_else_stands(
    posts: Posts, engine: Engine
) -> None:
    """G2: lines of a list stand alone; what is expected of a line that counted is the next record's matter."""
    letter, card, book = posts.accept("letter"), posts.item("card"), posts.item("book")
    lines = [(item, 1) for item in (letter, card, book)]
    release = posts.release(COUNTER, CENTRE, lines)
    receipt = posts.receipt(release)
    posts.call("CustodyLedger", "handOff", posts.hand_off_payload(release, receipt))
    submit(engine, posts.digest(receipt), "hand_off", items=(letter, card, book))
    submit(engine, keccak256(b"acceptance under way"), "acceptance", items=(book,))
    standing = {"holder": CENTRE, "number": 3, "latest_time": 1, "keys": bytes(32)}
    with engine.begin() as db:
        for item in (letter, card, book):
            db.execute(insert(forecast).values(item=item, records=3, **standing))
    posts.mine()
    index(posts, engine)
    with engine.connect() as db:
        assert set(db.scalars(select(forecast.c.item))) == {letter, book}


def test_a_forecast_renewed_at_that_moment_stays(engine: Engine) -> None:
    """The clerk's commit comes while the indexer waits for the row: what it then deletes is judged anew."""
    item = keccak256(b"a letter")
    standing = {"holder": CENTRE, "number": 3, "latest_time": 1, "keys": bytes(32), "records": 3}
    with engine.begin() as db:
        db.execute(insert(forecast).values(item=item, **standing))
    with engine.begin() as clerk:
        clerk.execute(update(forecast).values(records=4))
        forgetting = ThreadPoolExecutor(1).submit(forget, engine, item)
        assert wait_until(lambda: somebody_waits(engine), 10)
        new = {"digest": b"d", "kind": "report", "payload": {}, "lane": "submitter/1"}
        assert enqueue(clerk, [NewSubmission(**new, items=(item,))])
    forgetting.result(10)
    with engine.connect() as db:
        assert db.scalars(select(forecast.c.item)).all() == [item]


def forget(engine: Engine, item: bytes) -> None:
    with begin(engine) as db:
        forget_forecasts(db, (), [item])


def test_who_waits_is_woken_when_the_rows_are_there(posts: Posts, engine: Engine) -> None:
    url = engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}")
        index(posts, engine)
        heard = next(listener.notifies(timeout=10))
    assert int(heard.payload) == posts.height()
