"""The indexer and a node that errs or lies: what does not fit together is not written (B7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from databases import NewDatabase, databases, rows
from indexing import CHAIN, index, indexer_of, state
from posts import (
    CHAIN_ID,
    Posts,
    forkable_anvil,
)
from sqlalchemy import Engine
from story import tell

from backend.chain.client import Node
from backend.embedded.json_rpc import JsonRpc
from backend.indexer.follow import ChainReplaced, Indexer
from backend.indexer.verify import NodeContradicts


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
