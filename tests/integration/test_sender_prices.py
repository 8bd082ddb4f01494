"""What is stuck is offered at a higher price, and whichever price is mined carries the records (K7, K8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from fault_proxy import FaultProxy, fault_proxy
from sending import EAGER, SEND, WORDS, World, kill_at
from sqlalchemy import func, update

from backend.chain.lane import GWEI
from backend.chain.transactions import read
from backend.store.tables import transaction


@pytest.fixture
def strict(world: World) -> Iterator[None]:
    """The node's pool takes a replacement only at 10 % more of both fees, as geth's and Besu's."""
    with fault_proxy(world.url, prices=True) as proxy:
        world.url = proxy.url
        world.restart()
        yield


@pytest.mark.usefixtures("strict")
def test_a_stuck_transaction_is_replaced_at_a_higher_price(world: World) -> None:
    rpc = world.posts.rpc
    world.charge()
    world.restart(pace=replace(EAGER, mine_every_seconds=None, rebroadcast_seconds=0.0))
    for word in WORDS:
        world.accept(word)
    world.sender.step()
    rpc.call("anvil_setNextBlockBaseFeePerGas", hex(50 * GWEI))
    world.posts.mine()
    world.index()
    assert world.nonce() == 0
    world.restart(pace=replace(world.pace, stuck_seconds=0.0))
    for _ in range(3):
        world.sender.step()
    old, new = (read(row.raw).fees for row in world.transactions()[:2])
    assert new.max_wei >= 1.1 * old.max_wei
    assert new.tip_wei >= 1.1 * old.tip_wei
    world.restart(pace=replace(world.pace, stuck_seconds=60.0, mine_every_seconds=0.0))
    world.settle(*world.digests())
    world.sender.step()
    assert [world.records(word) for word in WORDS] == [1] * len(WORDS)
    states = [row.state for row in world.transactions()]
    assert (states.count("mined"), set(states)) == (1, {"mined", "superseded"})


def test_the_cheaper_one_of_two_prices_may_be_mined(world: World, proxy: FaultProxy) -> None:
    """K8: the records follow whichever is in a block, the other is of no more use."""
    world.charge()
    world.restart(pace=replace(EAGER, mine_every_seconds=None, rebroadcast_seconds=0.0))
    for word in WORDS:
        world.accept(word)
    world.sender.step()
    world.restart(pace=replace(world.pace, stuck_seconds=0.0))
    proxy.keep_back(SEND, 2)
    for _ in range(2):
        world.sender.step()
    cheap, dear, *_ = (row.hash for row in world.transactions())
    assert {world.row(digest).transaction_hash for digest in world.digests()} != {cheap}
    world.posts.mine()
    world.settle(*world.digests())
    world.sender.step()
    states = {row.hash: row.state for row in world.transactions()}
    assert (states.pop(cheap), set(states.values())) == ("mined", {"superseded"})
    assert dear in states
    assert {world.row(digest).transaction_hash for digest in world.digests()} == {cheap}


@pytest.mark.parametrize("instant", ["dearer, not saved", "dearer, not broadcast"])
def test_killed_with_a_higher_price_in_hand(world: World, instant: str) -> None:
    """K7, K8: a price that was not saved was never sent; one that was saved is sent, and either may be mined."""
    world.charge()
    world.restart(pace=replace(EAGER, mine_every_seconds=None, rebroadcast_seconds=0.0))
    for word in WORDS:
        world.accept(word)
    world.sender.step()
    world.sender.close()
    kill_at(world, instant)
    prices = len(world.transactions())
    assert prices == (1 if instant == "dearer, not saved" else 2)
    world.restart(pace=EAGER)
    world.settle(*world.digests())
    world.sender.step()
    assert [world.records(word) for word in WORDS] == [1] * len(WORDS)
    states = [row.state for row in world.transactions()]
    assert sorted(states) == ["mined", "superseded"][:prices]


def test_a_price_that_was_superseded_is_offered_again_after_a_reorganisation(
    world: World, proxy: FaultProxy
) -> None:
    """K8, K11: the very bytes that are kept already."""
    world.charge()
    slow = replace(EAGER, mine_every_seconds=None, rebroadcast_seconds=0.0)
    world.restart(pace=slow)
    world.accept("parcel")
    world.sender.step()
    world.restart(pace=replace(slow, stuck_seconds=0.0))
    proxy.keep_back(SEND)
    world.sender.step()
    world.posts.mine()  # the cheaper one
    world.index()
    world.sender.step()
    prices = [row.state for row in world.transactions()]
    assert prices == ["mined", "superseded"]
    world.posts.reorganise(1)
    world.index()
    world.sender.step()
    assert [row.state for row in world.transactions()] == ["broadcast", "signed"]
    world.restart(pace=EAGER)
    world.settle(*world.digests())
    assert world.records("parcel") == 1


def test_a_clock_that_was_set_back_keeps_no_price_from_rising(world: World) -> None:
    """B5: of several attempts the dearest is the newest, not the one whose time is latest."""
    world.charge()
    world.restart(pace=replace(EAGER, mine_every_seconds=None, rebroadcast_seconds=3600.0))
    world.accept("parcel")
    world.sender.step()
    world.restart(pace=replace(world.pace, stuck_seconds=0.0))
    world.sender.step()
    (first, *_) = world.transactions()
    later = {
        "created_at": func.now() + timedelta(hours=2),
        "broadcast_at": func.now() + timedelta(hours=2),
    }
    with world.engine.begin() as db:
        db.execute(update(transaction).where(transaction.c.hash == first.hash).values(**later))
    for _ in range(2):
        world.sender.step()
    prices = sorted(read(row.raw).fees.max_wei for row in world.transactions())
    assert len(prices) == 4
    assert all(dear >= 1.1 * cheap for cheap, dear in pairwise(prices))


def test_no_price_above_the_cap_is_offered(world: World) -> None:
    world.charge()
    cap = 2 * GWEI
    world.restart(pace=replace(EAGER, stuck_seconds=0.0, rebroadcast_seconds=0.0, fee_cap_wei=cap))
    world.posts.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(50 * GWEI))
    world.posts.mine()
    world.accept("parcel")
    for _ in range(8):
        world.sender.step()
    assert {read(row.raw).fees.max_wei for row in world.transactions()} == {cap}
