"""The indexer where the chain reorganises, processes die, or several run at once."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from databases import NewDatabase, databases, rows
from indexing import CHAIN, alarms, catch_up, has_reached, index, indexer_of, state
from posts import (
    CENTRE,
    GENESIS_TIME,
    Posts,
    forkable_anvil,
)
from sqlalchemy import Engine, select, text
from story import tell, tell_of_loose_items

from backend.chain.client import Node
from backend.domain.keccak import keccak256
from backend.embedded.anvil import Block, EmbeddedAnvil
from backend.embedded.json_rpc import JsonRpc
from backend.embedded.processes import wait_until
from backend.errors import ChainReplaced, Unavailable
from backend.indexer.fetch import Reach
from backend.indexer.follow import Indexer, NodeBehind, sole_indexer
from backend.store.tables import block, item


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
    tell_of_loose_items(posts)
    follower = indexer_of(posts, engine)
    catch_up(follower)
    posts.rpc.call("evm_revert", snapshot)
    posts.resync()
    # below our newest block with the same hash, the node is only behind
    with pytest.raises(NodeBehind):
        catch_up(follower)
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


@pytest.fixture
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two blocks at a time, so that there is always a next run."""
    monkeypatch.setattr("backend.indexer.fetch.HEADERS", 2)
    monkeypatch.setattr("backend.indexer.reader.Reach", lambda: Reach(headers=2))


@pytest.mark.usefixtures("short_runs")
def test_blocks_that_were_fetched_ahead_and_vanished_are_taken_back(
    posts: Posts, engine: Engine, new_database: NewDatabase
) -> None:
    """B4: a run is fetched while the one before it is written."""
    tell(posts)
    follower = indexer_of(posts, engine)
    while posts.height() - state_number(engine) > 4:
        follower.step()
    posts.reorganise(4, other_story)
    follower.step()
    catch_up(follower)
    assert rows(engine, CHAIN) == index(posts, new_database())


@pytest.mark.usefixtures("short_runs")
def test_a_run_fetched_ahead_is_no_more_final_than_it_was_then(
    posts: Posts, engine: Engine
) -> None:
    """B4: what became final after the fetch may be another block of that number."""
    tell(posts)
    follower = indexer_of(posts, engine, finality_depth=1)
    then = posts.height()
    while then - state_number(engine) > 2:
        follower.step()
    posts.mine()
    follower.step()
    assert (state_number(engine), state(engine).finalized_number) == (then, then - 1)
    catch_up(follower)
    assert state(engine).finalized_number == then


@pytest.mark.usefixtures("short_runs")
def test_what_a_doubted_node_said_ahead_is_not_written(
    posts: Posts, engine: Engine, new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B7: another node is asked for it, and what it calls final is another chain's."""
    tell(posts)
    node = Node([posts.url])
    follower = indexer_of(posts, engine, node, finality_depth=1)
    while posts.height() - state_number(engine) > 2:
        follower.step()
    with monkeypatch.context() as away:
        away.setattr(node, "head", raising(NodeBehind("behind")))
        with pytest.raises(NodeBehind):
            follower.step()
    posts.reorganise(2, other_story)
    catch_up(follower)
    assert rows(engine, CHAIN) == index(posts, new_database(), finality_depth=1)


def raising(error: Exception) -> Any:
    def raises() -> None:
        raise error

    return raises


def state_number(engine: Engine) -> int:
    """The newest indexed block, 0 before the first."""
    found = state(engine)
    return 0 if found is None else int(found.indexed_number)


def test_below_what_was_final_nothing_is_taken_back(posts: Posts, engine: Engine) -> None:
    tell(posts)
    before = index(posts, engine, finality_depth=2)
    posts.reorganise(3, other_story)
    with pytest.raises(ChainReplaced, match="was final"):
        indexer_of(posts, engine, Node([posts.url]), finality_depth=2).step()
    with pytest.raises(ChainReplaced, match="was indexed"):
        indexer_of(posts, engine, finality_depth=2).step()  # by its URL, before it is asked
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
        assert wait_until(lambda: alarms(engine) != [], 10)
        assert "was final" in alarms(engine)[0]
        assert state(engine).indexed_number == posts.height() - 1
        node.blocks = honest  # type: ignore[method-assign]
        assert wait_until(lambda: alarms(engine) == [], 15)
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


# --- processes that die, and several at once (B5, B6) -----------------------------------------------
KILLED = """
import sys
from backend import failpoints
from backend.chain.client import Node
from backend.chain.deployment import Deployment
from backend.indexer.fetch import Reach
from backend.indexer.follow import Indexer
from backend.store.engine import open_engine
instant, url, rpc, first, *addresses = sys.argv[1:]
names = ("PostalNetwork", "CustodyLedger", "CryptoStamp")
made = dict(zip(names, map(bytes.fromhex, addresses)))
failpoints.arm(instant)
indexer = Indexer(open_engine(url), Node([rpc]), Deployment(31337, made, int(first)))
while indexer.step():
    pass
"""


def kill_at(posts: Posts, engine: Engine, instant: str) -> None:
    """Run an indexer in a process of its own until it is killed at the instant."""
    url = engine.url.render_as_string(hide_password=False)
    addresses = [address.hex() for address in posts.deployment.addresses.values()]
    words = [instant, url, posts.url, str(posts.deployment.first_block), *addresses]
    run = subprocess.run([sys.executable, "-c", KILLED, *words], capture_output=True, timeout=60)
    assert run.returncode == -signal.SIGKILL, run.stderr.decode()


@pytest.mark.parametrize("instant", ["read, not written", "written, not committed"])
def test_killed_with_a_block_in_hand_leaves_nothing_of_it(
    posts: Posts, engine: Engine, new_database: NewDatabase, instant: str
) -> None:
    """K9, K10: rows and cursor are one transaction."""
    tell(posts)
    before = rows(engine, CHAIN)
    kill_at(posts, engine, instant)
    assert rows(engine, CHAIN) == before
    assert index(posts, engine) == index(posts, new_database())


@pytest.mark.parametrize("instant", ["taken back, not committed", "taken back, not indexed"])
def test_killed_in_a_reorganisation_leaves_it_undone_or_done(
    posts: Posts, engine: Engine, new_database: NewDatabase, instant: str
) -> None:
    """K11: all of what vanished is still there, or none of it."""
    tell(posts)
    index(posts, engine)
    before = state(engine).indexed_number
    posts.reorganise(3, other_story)
    kill_at(posts, engine, instant)
    taken_back = 3 if instant == "taken back, not indexed" else 0
    assert state(engine).indexed_number == before - taken_back
    assert index(posts, engine) == index(posts, new_database())


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
        assert wait_until(lambda: alarms(engine) != [], 20)
        assert "twin" in alarms(engine)[0]
        assert state(engine).indexed_number is None
        with engine.begin() as db:
            db.execute(text("DELETE FROM twin"))
        assert wait_until(lambda: has_reached(posts, engine), 20)
    assert alarms(engine) == []
    assert letter in [row[0] for row in rows(engine, (item,))["item"]]


def test_a_node_that_has_not_come_so_far_yet_is_waited_for(
    posts: Posts, engine: Engine, tmp_path: Path
) -> None:
    """It is behind the first block that was indexed: neither a reorganisation nor another chain."""
    before = index(posts, engine)
    (tmp_path / "new").mkdir()
    with forkable_anvil(tmp_path / "new") as url, pytest.raises(NodeBehind, match="it is behind"):
        indexer_of(posts, engine, Node([url])).step()
    assert rows(engine, CHAIN) == before


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
