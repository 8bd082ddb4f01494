"""The embedded chain killed at work: rebuilt from PostgreSQL, and all that was promised comes back."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from posts import Posts
from sending import EAGER, SUBMITTER, WORDS, World
from sqlalchemy import Engine

from backend.cli.up import stored_blocks
from backend.embedded.anvil import EmbeddedAnvil
from backend.embedded.json_rpc import JsonRpc
from backend.embedded.processes import command_line, wait_until
from backend.indexer.follow import Indexer

HOUR_SECONDS = 3_600


@pytest.fixture
def anvil(tmp_path: Path) -> Iterator[EmbeddedAnvil]:
    node = EmbeddedAnvil(tmp_path / "chain", int(time.time()) - HOUR_SECONDS)
    node.start()
    yield node
    node.kill()


@pytest.fixture
def blocks(engine: Engine) -> partial[Iterator[object]]:
    return partial(stored_blocks, engine.url.render_as_string(hide_password=False))


@pytest.fixture
def world(anvil: EmbeddedAnvil, engine: Engine) -> Iterator[World]:
    """As the world of conftest, on the embedded chain, whose blocks are kept."""
    with JsonRpc(anvil.url) as node:
        node.call("anvil_setTime", anvil.genesis_time)
    posts = Posts(anvil.url)
    posts.found()
    made = World(posts, engine, anvil.url)
    posts.call("PostalNetwork", "addSubmitter", 1, "0x" + made.signer.address(SUBMITTER).hex())
    posts.mine()
    made.indexer = Indexer(engine, posts.node, posts.deployment, keep_raw_transactions=True)
    yield made
    made.close()


def hashes(world: World) -> list[bytes]:
    """Of all blocks."""
    node = world.posts.node
    found = node.blocks(range(node.head().number + 1))
    return [block.hash for block in found if block is not None]


@pytest.mark.parametrize("state", ["lost", "old", "cut short"])
def test_a_chain_that_is_killed_comes_back_with_the_hashes_it_had(
    world: World, anvil: EmbeddedAnvil, blocks: partial[Iterator[object]], state: str
) -> None:
    """B3, B5, design §6: some records indexed, some only mined, some only signed."""
    world.index()
    anvil.stop()
    old = anvil.state.read_bytes()
    port = int(anvil.url.rpartition(":")[2])
    anvil.start(blocks, port)
    for word in WORDS[:3]:
        world.accept(word)
    world.settle(*world.digests())
    indexed = hashes(world)
    for word in WORDS[3:6]:
        world.accept(word)
    world.sender.step()  # mined, and nobody has read it
    assert len(hashes(world)) == len(indexed) + 1
    world.restart(pace=EAGER)
    for word in WORDS[6:]:
        world.accept(word)
    kill(anvil)
    anvil.state.unlink()
    if state != "lost":
        anvil.state.write_bytes(old if state == "old" else old[: len(old) // 2])
    anvil.start(blocks, port)
    assert hashes(world) == indexed
    world.settle(*world.digests())
    assert [world.records(word) for word in WORDS] == [1] * len(WORDS)


def kill(anvil: EmbeddedAnvil) -> None:
    """kill -9 from outside, and wait until the process is gone."""
    pid = anvil.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not command_line(pid), timeout_seconds=10)
