"""The sender on a real chain and a real database: what is kept is recorded, once (B3, B5, B6)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from posts import CENTRE, COUNTER, Posts, forkable_anvil
from sending import World
from sqlalchemy import Engine


@pytest.fixture
def posts(tmp_path: Path) -> Iterator[Posts]:
    with forkable_anvil(tmp_path) as url:
        network = Posts(url)
        network.found()
        yield network


@pytest.fixture
def world(posts: Posts, engine: Engine) -> Iterator[World]:
    made = World(posts, engine, posts.url)
    posts.call("PostalNetwork", "addSubmitter", 1, "0x" + made.address().hex())
    posts.mine()
    yield made
    made.close()


def test_a_list_of_records_is_settled_in_one_transaction(world: World) -> None:
    digests = [world.accept(f"item {n}") for n in range(20)]
    world.settle(*digests)
    assert len(world.transactions()) == 1


def test_records_of_one_item_keep_their_order(world: World) -> None:
    item = world.posts.item("parcel")
    first = world.accept("parcel")
    there = world.hand_off(world.posts.release(COUNTER, CENTRE, [(item, 1)]))
    back = world.hand_off(world.posts.release(CENTRE, COUNTER, [(item, 2)]))
    world.settle(first, there, back)
