"""Proof by fire, as much as CI has time for; `make chaos` and `make simulate` play more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import chaos
import pytest
from databases import NewDatabase, databases, rows
from fault_proxy import FaultProxy, fault_proxy
from faults import FAULTS
from indexing import CHAIN, index
from sending import EAGER, WORDS, World
from simulate import kept_seeds
from simulation import simulate

from backend.embedded.processes import wait_until
from backend.errors import Unavailable
from backend.indexer.follow import ChainReplaced, Indexer

SHORT = (1, 2)


@pytest.fixture
def new_database(postgres_url: str) -> Iterator[NewDatabase]:
    with databases(postgres_url) as make:
        yield make


def work_through(world: World) -> None:
    """Sender and indexer in turn, as their own loops take trouble, until all is settled."""

    def is_settled() -> bool:
        for step in (world.sender.step, world.indexer.step):
            try:
                step()
            except (Unavailable, ChainReplaced):
                continue
        return all(world.row(digest).state == "settled" for digest in world.digests())

    assert wait_until(is_settled, 30), world.states()


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_node_costs_time_and_nothing_else(
    world: World, proxy: FaultProxy, new_database: NewDatabase, name: str
) -> None:
    """B7: each fault strikes twice, in the middle of the work."""
    chain_id = world.posts.deployment.chain_id
    pace = replace(EAGER, rebroadcast_seconds=0.0)
    world.restart(world.node(proxy.url, chain_id=chain_id), pace)
    node = world.node(proxy.url, chain_id=chain_id)
    world.indexer = Indexer(world.engine, node, world.posts.deployment)
    for word in WORDS[:4]:
        world.accept(word)
    proxy.strike(name, times=2)
    work_through(world)
    for word in WORDS[4:]:
        world.accept(word)
    work_through(world)
    assert proxy.struck == [name, name]
    assert [world.records(word) for word in WORDS] == [1] * len(WORDS)
    assert rows(world.engine, CHAIN) == index(world.posts, new_database())


def test_faults_are_drawn_at_their_rates_and_the_same_from_the_same_seed(world: World) -> None:
    struck = []
    for _ in range(2):
        with fault_proxy(world.url) as proxy:
            proxy.draw({"answer lost": 0.3, "too many requests": 0.1}, Random(7))
            for _ in range(60):
                proxy.answer(b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}')
            struck.append(proxy.struck)
    assert struck[0] == struck[1]
    assert 10 < struck[0].count("answer lost") < 30
    assert set(struck[0]) == {"answer lost", "too many requests"}


@pytest.mark.parametrize("seed", [*SHORT, *kept_seeds()])
def test_a_simulated_seed_holds(new_database: NewDatabase, tmp_path: Path, seed: int) -> None:
    """B1, B4, B5, B7: `make simulate` plays many more."""
    result = simulate(seed, new_database, tmp_path)
    assert not result.broken, "\n".join(result.broken)
    assert result.findings.acknowledged > 10


def test_a_short_chaos_loses_nothing_and_doubles_nothing() -> None:
    """B5, B6, K1 to K12: `make chaos` plays a long one."""
    line, broken = chaos.play(kills=8, seed=3)
    assert not broken, "\n".join(broken)
    assert "lost=0 doubled=0" in line
    assert "told=0 " not in line
