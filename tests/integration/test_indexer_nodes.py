"""The indexer and a node that errs or lies: what does not fit together is not written (B7)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from databases import NewDatabase, databases, rows
from fault_proxy import Answer, fault_proxy
from indexing import (
    CHAIN,
    alarms,
    careful_node,
    catch_up,
    has_reached,
    index,
    indexer_of,
    state,
)
from posts import (
    CENTRE,
    CHAIN_ID,
    COUNTER,
    Posts,
    forkable_anvil,
)
from sqlalchemy import Engine
from story import tell

from backend.chain.answers import NodeAway, RpcError
from backend.chain.client import Node
from backend.embedded.json_rpc import JsonRpc
from backend.embedded.processes import wait_until
from backend.errors import ChainReplaced
from backend.indexer.fetch import Reach
from backend.indexer.follow import Indexer, NodeBehind
from backend.indexer.verify import NodeContradicts
from backend.store.alarms import raise_alarm

PATIENCE_SECONDS = 20.0


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
    "of another block": lambda logs: [one._replace(block_hash=bytes(32)) for one in logs],
    "of another transaction": lambda logs: [
        one._replace(transaction_hash=bytes(32)) for one in logs
    ],
    "emptied": lambda logs: [one._replace(data=b"", topics=()) for one in logs],
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


def test_the_last_log_of_a_block_is_missed_where_it_completes_others(
    posts: Posts, engine: Engine
) -> None:
    """Another hand-off bears all that it bears: the bloom is the same without it, and so is the count."""
    letter = posts.accept("letter")
    before = index(posts, engine)
    posts.hand_off(COUNTER, CENTRE, (letter, 1))
    posts.hand_off(CENTRE, COUNTER, (letter, 2))
    posts.mine()
    with pytest.raises(NodeContradicts, match="receipt"):
        indexer_of(posts, engine, tampering(posts, lambda logs: logs[:-1])).step()
    assert rows(engine, CHAIN) == before
    index(posts, engine)


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
    """By its number, and by the hashes of block 0, of the first indexed block, and of the last final one."""
    with pytest.raises(ChainReplaced, match=f"serves chain {CHAIN_ID}, not {CHAIN_ID + 1}"):
        indexer_of(posts, engine, Node([posts.url], CHAIN_ID + 1)).step()
    before = index(posts, engine)
    (tmp_path / "other").mkdir()
    with forkable_anvil(tmp_path / "other") as url:
        with JsonRpc(url) as stranger:
            stranger.call("anvil_mine", "0x10")
        with pytest.raises(ChainReplaced, match="was indexed"):
            indexer_of(posts, engine, careful_node(engine, url)).step()
    assert rows(engine, CHAIN) == before


# --- several URLs (reliability.md, test 24) ---------------------------------------------------------
@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[str]:
    """The URL of another chain of the same number, which is longer than ours."""
    folder = tmp_path / "stranger"
    folder.mkdir()
    with forkable_anvil(folder) as url:
        with JsonRpc(url) as node:
            node.call("anvil_mine", "0x64")
        yield url


def test_a_url_of_another_chain_is_passed_over_with_an_alarm(
    posts: Posts, engine: Engine, stranger: str
) -> None:
    """B7: at the start, and after each failure; the alarm ends when the URL is right again."""
    index(posts, engine)
    posts.mine()
    nodes = careful_node(engine, stranger, posts.url)
    catch_up(indexer_of(posts, engine, nodes))
    assert has_reached(posts, engine)
    assert ["passed over" in alarm for alarm in alarms(engine)] == [True]
    named = stranger.removeprefix("http://")
    assert f"{named} serves another chain of the same number" in alarms(engine)[0]
    assert [(one["name"] == named, one["trouble"] == "") for one in state(engine).nodes] == [
        (False, True),
        (True, False),
    ]
    with fault_proxy(posts.url) as right:
        nodes = careful_node(engine, right.url, posts.url)
        catch_up(indexer_of(posts, engine, nodes))
        assert alarms(engine) != []  # nobody looked at that URL again
    with fault_proxy(posts.url) as right:
        with engine.begin() as db:
            raise_alarm(db, f"node {right.url.removeprefix('http://')}", "It served another chain.")
        catch_up(indexer_of(posts, engine, careful_node(engine, right.url)))
    assert len(alarms(engine)) == 1


def test_a_url_that_is_swapped_for_another_chain_is_noticed_when_it_answers_otherwise(
    posts: Posts, engine: Engine, stranger: str
) -> None:
    """The same URL, another chain behind it: what it says leads below what was final; another URL goes on."""
    index(posts, engine, finality_depth=0)
    with fault_proxy(posts.url) as swapped:
        nodes = careful_node(engine, swapped.url, posts.url)
        follower = indexer_of(posts, engine, nodes, finality_depth=0)
        catch_up(follower)
        posts.mine()
        swapped.target = stranger
        before = rows(engine, CHAIN)
        with pytest.raises(ChainReplaced):
            follower.step()
        assert rows(engine, CHAIN) == before
        assert follower.step() == 1
        assert has_reached(posts, engine)


def test_where_every_url_serves_another_chain_nothing_is_written(
    posts: Posts, engine: Engine, stranger: str
) -> None:
    before = index(posts, engine)
    with fault_proxy(stranger) as second, pytest.raises(ChainReplaced, match="another chain"):
        indexer_of(posts, engine, careful_node(engine, stranger, second.url)).step()
    assert rows(engine, CHAIN) == before


def test_a_url_that_falls_behind_is_not_believed(
    posts: Posts, engine: Engine, tmp_path: Path
) -> None:
    """No backward head: the URL that is farthest is asked, and the status does not go back."""
    tell(posts)
    with fault_proxy(posts.url) as slow:
        honest = slow.answer
        nodes = careful_node(engine, slow.url, posts.url)
        follower = indexer_of(posts, engine, nodes)
        catch_up(follower)
        reached = state(engine)
        slow.answer = lagging(honest, posts.height() - 5)  # type: ignore[method-assign]
        posts.mine()
        assert follower.step() == 1
        assert state(engine).head_number == reached.head_number + 1
        with pytest.raises(NodeBehind):
            indexer_of(posts, engine, careful_node(engine, slow.url)).step()
        slow.answer = lagging(honest, reached.finalized_number - 1)  # type: ignore[method-assign]
        with pytest.raises(NodeAway, match="has not come as far"):
            indexer_of(posts, engine, careful_node(engine, slow.url)).step()
    assert state(engine).head_number == reached.head_number + 1


def lagging(answer: Callable[[bytes], Answer], number: int) -> Callable[[bytes], Answer]:
    """A node that has come as far as block `number` only."""

    def answered(question: bytes) -> Answer:
        latest = question.replace(b'"latest"', b'"%s"' % hex(number).encode())
        asked = json.loads(latest)
        single = asked if isinstance(asked, dict) else asked[0]
        params = single.get("params") or [""]
        at = params[0] if isinstance(params[0], str) else ""
        is_later = single["method"] == "eth_getBlockByNumber" and at.startswith("0x")
        if is_later and len(at) < 20 and int(at, 16) > number:
            said = {"jsonrpc": "2.0", "id": single["id"], "result": None}
            return Answer(json.dumps(said if isinstance(asked, dict) else [said]).encode())
        return answer(latest)

    return answered


# --- no URL answers ---------------------------------------------------------------------------------
@contextmanager
def following(follower: Indexer) -> Iterator[None]:
    """Until the block ends, it runs as its process does."""
    stop = threading.Event()
    thread = threading.Thread(target=follower.run, args=(stop, 0.01))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def troubles(engine: Engine) -> list[str]:
    return [one["trouble"] for one in state(engine).nodes]


def is_said_to_be_away(engine: Engine) -> bool:
    return all(troubles(engine)) and ["No node answers" in one for one in alarms(engine)] == [True]


def test_nodes_that_do_not_answer_are_told_at_once_and_so_is_their_return(
    posts: Posts, engine: Engine
) -> None:
    """The status is of a chain that nobody sees: it says so, from the first look that fails."""
    with fault_proxy(posts.url) as second, fault_proxy(posts.url) as first:
        follower = indexer_of(posts, engine, careful_node(engine, first.url, second.url))
        with following(follower):
            assert wait_until(lambda: has_reached(posts, engine), PATIENCE_SECONDS)
            assert wait_until(lambda: troubles(engine) == ["", ""], PATIENCE_SECONDS)
            honest = first.answer, second.answer
            first.answer = second.answer = silent  # type: ignore[method-assign]
            assert wait_until(lambda: is_said_to_be_away(engine), PATIENCE_SECONDS)
            first.answer = honest[0]  # type: ignore[method-assign]
            assert wait_until(lambda: alarms(engine) == [], PATIENCE_SECONDS)
            assert troubles(engine).count("") == 1


def silent(_question: bytes) -> Answer:
    return Answer(b"")


def test_an_indexer_that_reaches_no_node_is_silent_while_another_one_reads(
    posts: Posts, engine: Engine
) -> None:
    """B6: what one of them cannot reach is no trouble of the installation."""
    apart = indexer_of(posts, engine, careful_node(engine, "http://127.0.0.1:1"))
    index(posts, engine)
    with following(apart):
        for _ in range(3):
            posts.mine()
            index(posts, engine)
            assert not wait_until(lambda: alarms(engine) != [], 1.0)
    assert troubles(engine) == [""]


def test_where_nothing_was_ever_read_the_alarm_stands_alone(posts: Posts, engine: Engine) -> None:
    with following(indexer_of(posts, engine, careful_node(engine, "http://127.0.0.1:1"))):
        assert wait_until(lambda: alarms(engine) != [], PATIENCE_SECONDS)
    assert "No node answers" in alarms(engine)[0]
    assert state(engine) is None


# --- limits of a node -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "words", ["query returned more than 10000 results", "block range is too large", "timed out"]
)
def test_a_node_with_limits_is_asked_for_less_and_then_for_more_again(
    posts: Posts, engine: Engine, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    """Whatever the words: half as many blocks after an error, twice as many after an answer."""
    tell(posts)
    node, most, asked = careful_node(engine, posts.url), 3, list[int]()
    honest_blocks, honest_logs = node.blocks, node.logs

    def limited(answer: Any) -> Any:
        def answered(ats: Sequence[Any], *other: Any) -> Any:
            asked.append(len(ats))
            if len(ats) > most:
                raise RpcError(-32005, words, b"")
            return answer(ats, *other)

        return answered

    node.blocks, node.logs = limited(honest_blocks), limited(honest_logs)  # type: ignore[method-assign]
    reach = Reach()
    monkeypatch.setattr("backend.indexer.reader.Reach", lambda: reach)
    follower = indexer_of(posts, engine, node)
    steps = 0
    while not has_reached(posts, engine) and steps < 200:
        with suppress(RpcError):
            follower.step()
        steps += 1
    assert has_reached(posts, engine)
    assert reach != Reach()
    most = 1_000
    posts.mine()
    asked.clear()
    for _ in range(8):
        follower.step()
        posts.mine()
    assert reach == Reach()
