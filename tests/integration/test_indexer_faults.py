"""The indexer where the chain reorganises, the node errs, processes die, or several run at once."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from databases import NewDatabase, databases, rows
from indexing import CHAIN, catch_up, has_reached, index, indexer_of, state
from posts import (
    CENTRE,
    CHAIN_ID,
    COUNTER,
    GENESIS_TIME,
    Posts,
    forkable_anvil,
    tell,
)
from sqlalchemy import Engine, insert, select, text

from backend.chain.client import Node
from backend.domain.keccak import keccak256
from backend.embedded.anvil import Block, EmbeddedAnvil
from backend.embedded.json_rpc import JsonRpc
from backend.embedded.processes import wait_until
from backend.errors import Unavailable
from backend.indexer.follow import ChainReplaced, Indexer, sole_indexer
from backend.indexer.raw import CHANNEL
from backend.indexer.verify import NodeContradicts
from backend.store.engine import begin
from backend.store.submissions import NewSubmission, enqueue, find
from backend.store.tables import block, forecast, item, transaction

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


# --- reorganisations (B4) ---------------------------------------------------------------------------
def other_story(posts: Posts) -> None:
    """What happens in place of what vanished."""
    posts.accept("another")
    posts.report(posts.item("letter"), CENTRE)
    posts.call("PostalNetwork", "suspendOperator", 2)
    posts.issue(13, 14)


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_after_a_reorganisation_the_rows_are_those_of_the_new_chain(
    posts: Posts, engine: Engine, new_database: NewDatabase, depth: int
) -> None:
    """Equal to an index from nothing; the head's number is the same, only hashes differ."""
    tell(posts)
    follower = indexer_of(posts, engine)
    catch_up(follower)
    before = rows(engine, CHAIN)
    posts.reorganise(depth, other_story)
    catch_up(follower)
    after = rows(engine, CHAIN)
    assert after == index(posts, new_database())
    assert after["entry"] != before["entry"]


def test_reorganised_twice_and_to_empty_blocks(
    posts: Posts, engine: Engine, new_database: NewDatabase
) -> None:
    tell(posts)
    follower = indexer_of(posts, engine)
    catch_up(follower)
    posts.reorganise(3, other_story)
    catch_up(follower)
    posts.reorganise(5)
    posts.mine()
    catch_up(follower)
    assert rows(engine, CHAIN) == index(posts, new_database())


def test_a_reorganisation_to_fewer_blocks_is_seen(
    posts: Posts, engine: Engine, new_database: NewDatabase
) -> None:
    posts.accept("card")
    posts.mine()
    snapshot = posts.rpc.call("evm_snapshot")
    tell(posts)
    follower = indexer_of(posts, engine)
    catch_up(follower)
    posts.rpc.call("evm_revert", snapshot)
    posts.resync()
    catch_up(follower)
    # below our newest block with the same hash, the node is only behind
    assert state(engine).indexed_number > posts.height()
    posts.accept("letter")
    posts.mine()
    catch_up(follower)
    assert rows(engine, CHAIN) == index(posts, new_database())
    assert state(engine).indexed_number == posts.height()


def test_a_block_that_reorganises_while_it_is_read_is_read_again(
    posts: Posts, engine: Engine, new_database: NewDatabase
) -> None:
    """Between the headers and the logs the chain changes: nothing of the old block is kept."""
    catch_up(indexer_of(posts, engine))
    tell(posts)
    node = Node([posts.url])
    logs = node.logs

    def reorganising(hashes: Sequence[bytes], addresses: Sequence[bytes]) -> Any:
        node.logs = logs  # type: ignore[method-assign]
        posts.reorganise(4, other_story)
        return logs(hashes, addresses)

    node.logs = reorganising  # type: ignore[method-assign]
    follower = indexer_of(posts, engine, node)
    for _ in range(3):
        step_through(follower)
    assert rows(engine, CHAIN) == index(posts, new_database())


def step_through(follower: Indexer) -> None:
    """As `run` does: what is away or contradicts itself is asked again."""
    with suppress(Unavailable):
        catch_up(follower)


def test_below_what_was_final_nothing_is_taken_back(posts: Posts, engine: Engine) -> None:
    tell(posts)
    before = index(posts, engine, finality_depth=2)
    posts.reorganise(3, other_story)
    with pytest.raises(ChainReplaced, match="was final"):
        indexer_of(posts, engine, finality_depth=2).step()
    assert rows(engine, CHAIN) == before


def test_a_replaced_chain_is_an_alarm_until_it_is_back(posts: Posts, engine: Engine) -> None:
    """The status tells it; the indexer goes on by itself when the node shows the right chain again."""
    index(posts, engine, finality_depth=0)
    posts.mine()
    node = Node([posts.url])
    honest = node.blocks
    follower = indexer_of(posts, engine, node, finality_depth=0)
    with running(follower):
        assert wait_until(lambda: has_reached(posts, engine), 10)
        lie_about_hashes(node)
        posts.mine()
        assert wait_until(lambda: state(engine).alarm is not None, 10)
        assert "was final" in state(engine).alarm
        assert state(engine).indexed_number == posts.height() - 1
        node.blocks = honest  # type: ignore[method-assign]
        assert wait_until(lambda: state(engine).alarm is None, 15)
        assert wait_until(lambda: has_reached(posts, engine), 10)


def lie_about_hashes(node: Node) -> None:
    honest = node.blocks

    def blocks(ats: Sequence[int | bytes]) -> Any:
        return [replace(b, hash=keccak256(b.hash)) if b else None for b in honest(ats)]

    node.blocks = blocks  # type: ignore[method-assign]


class running:  # noqa: N801
    """The follower in a thread of its own."""

    def __init__(self, *followers: Indexer) -> None:
        self.stop = threading.Event()
        self.failures: list[BaseException] = []
        self.threads = [
            threading.Thread(target=self._run, args=(follower,)) for follower in followers
        ]

    def _run(self, follower: Indexer) -> None:
        try:
            follower.run(self.stop, poll_seconds=0.01)
        except BaseException as error:
            self.failures.append(error)
            raise

    def __enter__(self) -> None:
        for thread in self.threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()
        assert self.failures == []


# --- a node that errs (B7) --------------------------------------------------------------------------
Logs = list[Any]
Tamper = Callable[[Logs], Logs]


def tampering(posts: Posts, change: Tamper) -> Node:
    """A node that changes the answer to every question for our contracts' logs."""
    node = Node([posts.url])
    honest = node.logs

    def logs(hashes: Sequence[bytes], addresses: Sequence[bytes]) -> Any:
        answers = honest(hashes, addresses)
        return [change(list(a)) for a in answers] if addresses else answers

    node.logs = logs  # type: ignore[method-assign]
    return node


LIES: dict[str, Tamper] = {
    "none": lambda logs: [],
    "all but the last": lambda logs: logs[:-1],
    "all but the first": lambda logs: logs[1:],
    "one twice": lambda logs: logs + logs[-1:],
    "in reverse": lambda logs: logs[::-1],
    "of another block": lambda logs: [replace(one, block_hash=bytes(32)) for one in logs],
    "of another transaction": lambda logs: [
        replace(one, transaction_hash=bytes(32)) for one in logs
    ],
    "emptied": lambda logs: [replace(one, data=b"", topics=()) for one in logs],
}


def test_a_block_whose_logs_are_not_all_there_is_not_written(
    posts: Posts, engine: Engine, new_database: NewDatabase
) -> None:
    """A missing log is no empty block: the bloom tells, nothing is written, it is asked again."""
    before = index(posts, engine)
    tell(posts)
    for lie in LIES.values():
        with pytest.raises(NodeContradicts):
            indexer_of(posts, engine, tampering(posts, lie)).step()
        assert rows(engine, CHAIN) == before
    assert index(posts, engine) == index(posts, new_database())


def test_other_contracts_may_log_in_the_same_block(
    posts: Posts, engine: Engine, new_database: NewDatabase
) -> None:
    """Their logs fill the bloom too: it is then compared with everybody's logs."""
    logs_once = bytes.fromhex("7f" + "aa" * 32 + "60006000a100")
    posts.accept("letter")
    posts.create(logs_once)
    posts.mine()
    posts.create(logs_once)
    posts.mine()
    with pytest.raises(NodeContradicts):
        indexer_of(posts, engine, tampering(posts, lambda logs: logs[:-1])).step()
    assert len(index(posts, engine)["entry"]) == 1


def test_a_block_that_the_node_lacks_is_not_found_yet(posts: Posts, engine: Engine) -> None:
    """Never taken for an empty one."""
    index(posts, engine)
    before = state(engine).indexed_number
    tell(posts)
    node = Node([posts.url])
    honest = node.blocks
    missing = before + 3

    def blocks(ats: Sequence[int | bytes]) -> Any:
        return [None if at == missing else b for at, b in zip(ats, honest(ats), strict=True)]

    node.blocks = blocks  # type: ignore[method-assign]
    follower = indexer_of(posts, engine, node)
    assert [follower.step(), follower.step()] == [2, 0]
    assert state(engine).indexed_number == missing - 1
    node.blocks = honest  # type: ignore[method-assign]
    assert follower.step() == posts.height() - missing + 1


def test_a_block_that_does_not_follow_ours_is_not_written(posts: Posts, engine: Engine) -> None:
    index(posts, engine)
    before = state(engine).indexed_number
    tell(posts)
    node = Node([posts.url])
    honest = node.blocks

    def blocks(ats: Sequence[int | bytes]) -> Any:
        return [
            replace(b, parent_hash=bytes(32)) if b and b.number == before + 2 else b
            for b in honest(ats)
        ]

    node.blocks = blocks  # type: ignore[method-assign]
    follower = indexer_of(posts, engine, node)
    assert [follower.step(), follower.step()] == [1, 0]


def test_another_chain_is_refused(posts: Posts, engine: Engine, tmp_path: Path) -> None:
    """By its number, and by the hash of the first block that was indexed."""
    other = replace(posts.deployment, chain_id=CHAIN_ID + 1)
    with pytest.raises(ChainReplaced, match=f"on chain {CHAIN_ID + 1}"):
        Indexer(engine, Node([posts.url]), other).step()
    before = index(posts, engine)
    (tmp_path / "other").mkdir()
    with forkable_anvil(tmp_path / "other") as url:
        with JsonRpc(url) as stranger:
            stranger.call("anvil_mine", "0x10")
        with pytest.raises(ChainReplaced, match="was indexed"):
            indexer_of(posts, engine, Node([url])).step()
    assert rows(engine, CHAIN) == before


# --- processes that die, and several at once (B5, B6) -----------------------------------------------
ONE_STEP = """
import sys
from backend.chain.client import Node
from backend.chain.deployment import Deployment
from backend.indexer.follow import Indexer
from backend.store.engine import open_engine
url, rpc, first, *addresses = sys.argv[1:]
names = ("PostalNetwork", "CustodyLedger", "CryptoStamp")
made = dict(zip(names, map(bytes.fromhex, addresses)))
Indexer(open_engine(url), Node([rpc]), Deployment(31337, made, int(first))).step()
"""


def test_killed_in_the_middle_of_a_transaction_leaves_all_or_nothing(
    posts: Posts, engine: Engine, new_database: NewDatabase
) -> None:
    """K9, K10: rows and cursor are one transaction; kill -9 when most of it is written."""
    tell(posts)
    url = engine.url.render_as_string(hide_password=False)
    deployment = posts.deployment
    addresses = [address.hex() for address in deployment.addresses.values()]
    words = [sys.executable, "-c", ONE_STEP, url, posts.url, str(deployment.first_block)]
    with engine.connect() as db:
        # settling waits for this lock, after all raw and model rows are written
        db.execute(text("LOCK TABLE submission IN EXCLUSIVE MODE"))
        process = subprocess.Popen([*words, *addresses], stderr=subprocess.DEVNULL)
        try:
            assert wait_until(lambda: is_waiting(engine), 30)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert all(not found for found in rows(engine, CHAIN).values())
    assert index(posts, engine) == index(posts, new_database())


def is_waiting(engine: Engine) -> bool:
    with engine.connect() as db:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        return db.scalar(text(query + " AND query LIKE '%UPDATE submission%'")) == 1


def test_two_indexers_share_the_work_and_write_everything_once(
    posts: Posts, engine: Engine, new_database: NewDatabase
) -> None:
    with running(indexer_of(posts, engine), indexer_of(posts, engine)):
        tell(posts)
        posts.reorganise(2, other_story)
        posts.mine()
        assert wait_until(lambda: has_reached(posts, engine), 20)
    assert rows(engine, CHAIN) == index(posts, new_database())


def test_while_one_works_the_other_waits(posts: Posts, engine: Engine) -> None:
    with sole_indexer(engine, wait=False) as mine:
        assert mine is not None
        assert indexer_of(posts, engine).step() == 0
        with sole_indexer(engine, wait=False) as second:
            assert second is None
    assert indexer_of(posts, engine).step() > 0


def test_a_database_that_goes_away_is_waited_for(posts: Posts, engine: Engine) -> None:
    with running(indexer_of(posts, engine)):
        assert wait_until(lambda: has_reached(posts, engine), 20)
        for _ in range(3):
            with engine.connect() as db:
                others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                others += "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                db.execute(text(others))
            posts.mine()
        assert wait_until(lambda: has_reached(posts, engine), 20)


def test_rows_that_the_database_refuses_are_an_alarm(posts: Posts, engine: Engine) -> None:
    """Somebody else wrote into the model: nothing is skipped, and it goes on once that is put right."""
    letter = posts.accept("letter")
    posts.mine()
    with engine.begin() as db:
        db.execute(text("INSERT INTO twin VALUES (:s, 'x', 1, 1)"), {"s": posts.stamps(1)[0]})
    posts.claim(1, b"c" * 20)
    posts.mine()
    with running(indexer_of(posts, engine)):
        assert wait_until(lambda: state(engine) and state(engine).alarm is not None, 20)
        assert "twin" in state(engine).alarm
        assert state(engine).indexed_number is None
        with engine.begin() as db:
            db.execute(text("DELETE FROM twin"))
        assert wait_until(lambda: has_reached(posts, engine), 20)
    assert state(engine).alarm is None
    assert letter in [row[0] for row in rows(engine, (item,))["item"]]


def test_a_node_that_has_not_come_so_far_yet_is_waited_for(
    posts: Posts, engine: Engine, tmp_path: Path
) -> None:
    """It is behind the first block that was indexed: neither a reorganisation nor another chain."""
    before = index(posts, engine)
    (tmp_path / "new").mkdir()
    with forkable_anvil(tmp_path / "new") as url:
        assert indexer_of(posts, engine, Node([url])).step() == 0
    assert rows(engine, CHAIN) == before


# --- what it settles (B2) ---------------------------------------------------------------------------
def submit(engine: Engine, digest: bytes, kind: str, **other: Any) -> None:
    new = NewSubmission(digest=digest, kind=kind, payload={}, lane="submitter/1", **other)
    with begin(engine) as db:
        assert enqueue(db, new)


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


def test_who_waits_is_woken_when_the_rows_are_there(posts: Posts, engine: Engine) -> None:
    url = engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}")
        index(posts, engine)
        heard = next(listener.notifies(timeout=10))
    assert int(heard.payload) == posts.height()


# --- finality, and the embedded chain ---------------------------------------------------------------
def test_what_is_final_is_told_as_far_as_it_is_indexed(posts: Posts, engine: Engine) -> None:
    """By the chain's own tag, or by a depth; it never falls."""
    tell(posts)
    index(posts, engine)
    by_tag = posts.node.head("finalized").number
    assert 0 < state(engine).finalized_number == by_tag < posts.height()
    index(posts, engine, finality_depth=1)
    assert state(engine).finalized_number == posts.height() - 1
    index(posts, engine, finality_depth=100)
    assert state(engine).finalized_number == posts.height() - 1
    assert state(engine).indexed_hash == posts.node.head().hash


def test_the_embedded_chain_can_be_rebuilt_from_what_is_kept(
    engine: Engine, tmp_path: Path
) -> None:
    """Signed bytes in order, from the first block on: the same hashes from nothing."""
    anvil = EmbeddedAnvil(tmp_path / "anvil", GENESIS_TIME)
    anvil.start()
    with JsonRpc(anvil.url) as node:
        node.call("anvil_setTime", GENESIS_TIME)
    posts = Posts(anvil.url)
    posts.found()
    posts.accept("letter", stamps=posts.stamps(1))
    posts.accept("card")
    posts.mine()
    index(posts, engine, keep_raw_transactions=True)
    newest = posts.node.head().hash
    posts.close()
    anvil.kill()

    def stored(first: int) -> list[Block]:
        with engine.connect() as db:
            kept = select(block).where(block.c.number >= first).order_by(block.c.number)
            return [
                Block(row.number, row.time, tuple(row.raw_transactions), row.hash)
                for row in db.execute(kept)
            ]

    again = EmbeddedAnvil(tmp_path / "again", GENESIS_TIME)
    again.start(stored)
    assert Node([again.url]).head().hash == newest
    again.kill()
