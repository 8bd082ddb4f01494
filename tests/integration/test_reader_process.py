"""A process of its own reads ahead where much is to be read: it changes no row, and nothing hangs on it (ADR 15)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from databases import databases, rows
from indexing import CHAIN, catch_up, index, indexer_of
from posts import Posts, forkable_anvil
from sqlalchemy import Engine
from story import tell

from backend.chain.client import Node
from backend.errors import Unavailable
from backend.indexer.fetch import Reach
from backend.indexer.follow import NodeBehind
from backend.indexer.reader_process import ReaderProcess

# As `posthorn index` has it read, but two blocks at a time.
READ = """
import sys
from backend.chain.client import Node
from backend.chain.deployment import Deployment
from backend.indexer import reader
from backend.indexer.fetch import Reach
from backend.indexer.reader_process import read_for_parent
rpc, first, *addresses = sys.argv[1:]
names = ("PostalNetwork", "CustodyLedger", "CryptoStamp")
made = dict(zip(names, map(bytes.fromhex, addresses)))
reader.Reach = lambda: Reach(headers=2)
read_for_parent(reader.Reader(Node([rpc], 31337), Deployment(31337, made, int(first))))
"""


@pytest.fixture(scope="module")
def posts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Posts]:
    with forkable_anvil(tmp_path_factory.mktemp("node")) as url:
        network = Posts(url)
        network.found()
        tell(network)
        yield network
        network.close()


@pytest.fixture
def expected(postgres_url: str, posts: Posts) -> dict[str, list[tuple[Any, ...]]]:
    """The rows where nothing is read ahead by another process."""
    with databases(postgres_url) as make:
        return index(posts, make())


@pytest.fixture(autouse=True)
def everything_is_far(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two blocks at a time, and each run but the first is read by the process."""
    monkeypatch.setattr("backend.indexer.ahead.FAR", 1)
    monkeypatch.setattr("backend.indexer.ahead.NEAR", 1)
    monkeypatch.setattr("backend.indexer.fetch.HEADERS", 2)
    monkeypatch.setattr("backend.indexer.reader.Reach", lambda: Reach(headers=2))


def command(posts: Posts) -> list[str]:
    addresses = [address.hex() for address in posts.deployment.addresses.values()]
    words = [posts.url, str(posts.deployment.first_block), *addresses]
    return [sys.executable, "-c", READ, *words]


@pytest.fixture
def process(posts: Posts) -> Iterator[ReaderProcess]:
    reading = ReaderProcess(command(posts))
    yield reading
    reading.end()


def test_rows_are_those_of_one_process_and_it_ends_when_all_is_read(
    posts: Posts, engine: Engine, process: ReaderProcess, expected: Any
) -> None:
    follower = indexer_of(posts, engine, process=process)
    follower.step()
    assert process.pid is not None
    catch_up(follower)
    assert process.pid is None
    assert rows(engine, CHAIN) == expected


def test_where_all_are_read_by_it_the_node_of_the_indexer_is_not_asked_for_logs(
    posts: Posts, engine: Engine, process: ReaderProcess, expected: Any
) -> None:
    """Else the test above would say nothing."""
    node = Node([posts.url])
    follower = indexer_of(posts, engine, node, process=process)
    follower.step()
    node.logs = None  # type: ignore[assignment, method-assign]
    catch_up(follower)
    assert rows(engine, CHAIN) == expected


def test_killed_it_is_started_again_and_nothing_is_missing(
    posts: Posts, engine: Engine, process: ReaderProcess, expected: Any
) -> None:
    follower = indexer_of(posts, engine, process=process)
    follower.step()
    first = process.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    follower.step()
    follower.step()
    assert process.pid not in (None, first)
    catch_up(follower)
    assert rows(engine, CHAIN) == expected


@pytest.mark.parametrize("broken", [["false"], ["echo", "no answer"], ["/nowhere/to/be/found"]])
def test_where_it_cannot_run_the_indexer_reads_alone(
    posts: Posts, engine: Engine, expected: Any, broken: list[str]
) -> None:
    catch_up(indexer_of(posts, engine, process=ReaderProcess(broken)))
    assert rows(engine, CHAIN) == expected


def test_a_doubt_about_the_node_ends_it(
    posts: Posts, engine: Engine, process: ReaderProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B7: what it has heard from the node counts for nothing."""
    node = Node([posts.url])
    follower = indexer_of(posts, engine, node, process=process)
    follower.step()

    def behind() -> None:
        raise NodeBehind("behind")

    monkeypatch.setattr(node, "head", behind)
    with pytest.raises(NodeBehind):
        follower.step()
    assert process.pid is None


def test_without_a_node_it_says_so_and_stays(posts: Posts) -> None:
    words = command(posts)
    process = ReaderProcess([*words[:3], "http://127.0.0.1:1", *words[4:]])
    for _ in range(2):
        with pytest.raises(Unavailable, match="no answer from the node"):
            process.fetch(posts.deployment.first_block, posts.node.head(), None)
    assert process.pid is not None
    process.end()


def test_it_ends_with_the_indexer_however_that_ended(posts: Posts) -> None:
    """What the system closes after kill -9 is the other end of its standard input."""
    ours, theirs = socket.socketpair()
    with subprocess.Popen(command(posts), stdin=theirs) as process:
        theirs.close()
        ours.close()
        assert process.wait(30) == 0


HANGS = [sys.executable, "-c", "import time; time.sleep(600)"]


def test_one_that_hangs_is_given_up_and_the_indexer_reads_alone(
    posts: Posts, engine: Engine, expected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.indexer.reader_process.LONGEST_SECONDS", 0.0)
    monkeypatch.setattr("backend.indexer.reader_process.LOOK_SECONDS", 0.01)
    catch_up(indexer_of(posts, engine, process=ReaderProcess(HANGS)))
    assert rows(engine, CHAIN) == expected


def test_one_that_hangs_is_not_waited_for_when_the_indexer_is_to_stop(posts: Posts) -> None:
    stop = threading.Event()
    stop.set()
    process = ReaderProcess(HANGS, stop)
    with pytest.raises(Unavailable, match="has ended"):
        process.fetch(posts.deployment.first_block, posts.node.head(), None)
    assert process.pid is None
