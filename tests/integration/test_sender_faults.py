"""Kills, lost answers, foreign nonces, reorganisations: still one record for each submission (B5, B7)."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from coincurve import PrivateKey
from databases import cut_connections
from fault_proxy import FaultProxy
from indexing import alarms
from posts import CENTRE, COUNTER
from sending import ADMIN, EAGER, OTHER, SEND, SUBMITTER, WORDS, Ring, World, kill_at

from backend.chain import outbox
from backend.chain.transactions import FREE, Unsigned, sign
from backend.embedded.processes import wait_until
from backend.errors import Unavailable
from backend.store.engine import begin

ROOT = Path(__file__).resolve().parents[2]
SENDING = [
    "signed, not saved",
    "saved, not broadcast",
    "broadcast, not noted",
    "mined, not indexed",
]


def check_each_recorded_once(world: World) -> None:
    """One record for each submission, no gap in the nonces, nothing left over."""
    assert [world.records(word) for word in WORDS] == [1] * len(WORDS)
    assert {world.row(digest).state for digest in world.digests()} == {"settled"}
    ours = world.signer.address(SUBMITTER)
    mined = [r.nonce for r in world.transactions() if (r.state, r.lane) == ("mined", ours)]
    assert mined == list(range(world.nonce()))


# --- kill -9 ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("instant", SENDING)
def test_a_killed_sender_loses_nothing_and_sends_nothing_twice(world: World, instant: str) -> None:
    """B5, K3 to K5, K9."""
    for word in WORDS:
        world.accept(word)
    kill_at(world, instant)
    saved = world.transactions()
    assert len(saved) == (0 if instant == "signed, not saved" else 1)
    world.settle(*world.digests())
    check_each_recorded_once(world)
    assert [row.hash for row in world.transactions()][: len(saved)] == [row.hash for row in saved]


def test_kill_after_kill_is_as_good(world: World) -> None:
    """Each worker is killed at the next instant; new records come in between."""
    for instant, word in zip(SENDING, WORDS, strict=False):
        world.accept(word)
        kill_at(world, instant)
    for word in WORDS[len(SENDING) :]:
        world.accept(word)
    world.settle(*world.digests())
    check_each_recorded_once(world)


class Rotated(Ring):
    """The lane has a new key."""

    def _key(self, name: str) -> PrivateKey:
        return super()._key(f"{name}, the second" if name == SUBMITTER else name)


def test_a_key_that_is_rotated_leaves_its_signed_bytes_to_be_sent(world: World) -> None:
    """K13: what the old key signed before the kill goes out as it is; the new key goes on from its own nonce."""
    for word in WORDS[:4]:
        world.accept(word)
    kill_at(world, "saved, not broadcast")
    (saved,) = world.transactions()
    world.signer = Rotated()
    new = world.signer.address(SUBMITTER)
    world.posts.call("PostalNetwork", "addSubmitter", 1, "0x" + new.hex())
    world.posts.mine()
    world.restart()
    for word in WORDS[4:]:
        world.accept(word)
    world.settle(*world.digests())
    assert [world.records(word) for word in WORDS] == [1] * len(WORDS)
    mined = {(row.lane, row.nonce, row.state) for row in world.transactions()}
    assert mined == {(saved.lane, 0, "mined"), (new, 0, "mined")}


# --- lost answers -----------------------------------------------------------------------------------
def test_an_answer_that_is_lost_means_the_same_bytes_again(world: World, proxy: FaultProxy) -> None:
    """K6: a 502 says nothing; "already known" is success."""
    world.restart(pace=replace(EAGER, mine_every_seconds=None))
    for word in WORDS:
        world.accept(word)
    proxy.lose_answer(SEND, 3)
    for _ in range(6):
        world.sender.step()
    assert proxy.asked.count(SEND) == 4
    assert [row.state for row in world.transactions()] == ["broadcast"]
    world.posts.mine()
    world.settle(*world.digests())
    check_each_recorded_once(world)


def test_a_node_that_never_got_the_bytes_gets_them_later(world: World, proxy: FaultProxy) -> None:
    proxy.keep_back(SEND, 3)
    world.settle(*[world.accept(word) for word in WORDS])
    check_each_recorded_once(world)
    assert len(world.transactions()) == 1


def test_words_that_nobody_knows_mean_the_same_bytes_again(world: World, proxy: FaultProxy) -> None:
    error = {"code": -32000, "message": "the node is tired"}
    proxy.say(SEND, json.dumps({"jsonrpc": "2.0", "id": 0, "error": error}).encode(), 2)
    proxy.say(SEND, b"<html>busy</html>", 2)
    world.settle(*[world.accept(word) for word in WORDS])
    check_each_recorded_once(world)
    assert len(world.transactions()) == 1


def test_bytes_that_are_mined_already_are_no_foreign_nonce(world: World, proxy: FaultProxy) -> None:
    """ "nonce too low" where it is our own transaction: it is looked up, and nothing is signed anew."""
    world.restart(pace=replace(EAGER, mine_every_seconds=None))
    proxy.lose_answer(SEND)
    for word in WORDS:
        world.accept(word)
    world.sender.step()
    world.sender.step()
    world.posts.mine()  # the indexer has not seen the block
    for _ in range(3):
        world.sender.step()
    assert len(world.transactions()) == 1
    world.settle(*world.digests())
    check_each_recorded_once(world)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_pool_that_forgets_gets_the_bytes_again(world: World, restarted: bool) -> None:
    """Besu's pool is lost on a restart: again after a while, and at once after a restart of ours."""
    seconds = 3600.0 if restarted else 0.0
    pace = replace(EAGER, mine_every_seconds=None, rebroadcast_seconds=seconds)
    world.restart(pace=pace)
    for word in WORDS:
        world.accept(word)
    world.sender.step()
    world.posts.rpc.call("anvil_dropAllTransactions")
    assert world.posts.node.waiting() == 0
    if restarted:
        world.restart()
    world.sender.step()
    assert world.posts.node.waiting() == 1
    world.posts.mine()
    world.settle(*world.digests())
    check_each_recorded_once(world)


def test_no_node_is_waited_for(world: World, proxy: FaultProxy) -> None:
    """Nothing is signed where the node cannot say its nonce; the worker goes on by itself."""
    for method in ("eth_getTransactionCount", "eth_getBlockByNumber"):
        proxy.keep_back(method)
        world.accept(method)
        with pytest.raises(Unavailable):
            step_for_ever(world)
    stop = threading.Event()
    thread = threading.Thread(target=world.sender.run, args=(stop,))
    proxy.keep_back("eth_getTransactionCount")
    thread.start()
    try:

        def all_settled() -> bool:
            world.index()
            return all(world.row(digest).state == "settled" for digest in world.digests())

        assert wait_until(all_settled, 20), world.states()
    finally:
        stop.set()
        thread.join()


def step_for_ever(world: World) -> None:
    while True:
        world.sender.step()


class LostKey(Ring):
    """The HSM has lost a key."""

    def sign(self, name: str, digest: bytes) -> bytes:
        if name == OTHER:
            raise Unavailable(f"There is no key {name}.")
        return super().sign(name, digest)


def test_a_lane_whose_key_is_away_stops_no_other_lane(world: World) -> None:
    """Nothing of it is lost: no nonce is used, and it goes on when the key is back."""
    world.signer = LostKey()
    world.restart()
    waits, goes = world.accept("waits", lane=OTHER), world.accept("goes")
    with pytest.raises(Unavailable, match="no key submitter/2"):
        world.sender.step()
    world.index()
    assert [world.row(digest).state for digest in (waits, goes)] == ["pending", "settled"]
    world.signer = Ring()
    world.restart()
    world.settle(waits)
    assert world.nonce(OTHER) == 1


def test_the_database_may_go_and_come_back(world: World) -> None:
    """All connections are cut in the middle of the work, the one with the lanes' locks too."""
    for word in WORDS[:4]:
        world.accept(word)
    world.sender.step()
    gone = cut_connections(world.engine)
    assert gone, "nobody was connected"
    assert all(gone)
    with pytest.raises(Unavailable):
        world.sender.step()
    for word in WORDS[4:]:
        world.accept(word)
    world.settle(*world.digests())
    check_each_recorded_once(world)


# --- nonces -----------------------------------------------------------------------------------------
def send_elsewhere(world: World, nonce: int) -> None:
    """Somebody else sends with the lane's key, and it is mined."""
    ours = world.signer.address(SUBMITTER)
    chain_id = world.posts.deployment.chain_id
    call = Unsigned(chain_id, nonce, ours, b"", 50_000, FREE)
    (sent,) = world.posts.node.send([sign(call, world.signer, SUBMITTER).raw])
    assert not sent.words
    world.posts.mine()


def test_a_nonce_used_elsewhere_is_found_out_and_its_records_are_sent_anew(
    world: World, proxy: FaultProxy
) -> None:
    """Never before the indexer has passed the block that used it, and then at once."""
    world.index()
    for word in WORDS:
        world.accept(word)
    proxy.keep_back(SEND)
    world.sender.step()
    send_elsewhere(world, 0)
    for _ in range(3):
        world.sender.step()
    assert [row.state for row in world.transactions()] == ["signed"]
    world.settle(*world.digests())
    assert [(row.nonce, row.state) for row in world.transactions()] == [
        (0, "superseded"),
        (1, "mined"),
    ]
    assert [world.records(word) for word in WORDS] == [1] * len(WORDS)


def test_an_act_that_somebody_else_has_done_with_our_nonce_is_not_done_again(
    world: World, proxy: FaultProxy
) -> None:
    """The same call by the same key, signed elsewhere: a database that was lost, for one."""
    world.index()
    act = world.act("suspend_custodian", ADMIN, {"custodian": CENTRE})
    proxy.keep_back(SEND)
    world.sender.step()
    before = world.nonce(ADMIN)
    world.posts.call("PostalNetwork", "suspendCustodian", CENTRE)
    world.posts.mine()
    world.settle(act)
    for _ in range(5):
        world.sender.step()
        world.index()
    assert world.nonce(ADMIN) == before + 1


def test_a_lane_goes_on_above_nonces_that_were_used_elsewhere(world: World) -> None:
    world.settle(world.accept("before"))
    send_elsewhere(world, 1)
    send_elsewhere(world, 2)
    world.settle(world.accept("after"))
    carrying = {world.row(digest).transaction_hash for digest in world.digests()}
    ours = [row.nonce for row in world.transactions() if row.hash in carrying]
    assert (ours, [row.nonce for row in world.transactions()]) == ([0, 3], [0, 1, 2, 3])
    assert (
        "2 transactions of submitter/1 (nonces 1 to 2) were not signed" in alarms(world.engine)[0]
    )


def test_a_gap_in_the_nonces_is_closed(world: World) -> None:
    """A database restored from a backup may know of nonces that the chain has lost."""
    world.settle(world.accept("before"))
    with begin(world.engine) as db:
        outbox.set_next_nonce(db, world.signer.address(SUBMITTER), 4)
    world.settle(world.accept("after"))
    assert [(row.nonce, row.state) for row in world.transactions()] == [
        (nonce, "mined") for nonce in range(5)
    ]


def test_a_lane_that_is_new_here_begins_where_the_chain_is(world: World) -> None:
    send_elsewhere(world, 0)
    parcel = world.accept("parcel")
    world.settle(parcel)
    assert [row.nonce for row in world.transactions()] == [1]
    assert world.row(parcel).transaction_hash == world.transactions()[0].hash
    assert alarms(world.engine) == []


# --- reorganisations --------------------------------------------------------------------------------
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_what_a_reorganisation_takes_is_sent_again(world: World, depth: int) -> None:
    """B4, K11: the same bytes; "settled" is taken back until they are in a block again."""
    world.restart(pace=replace(EAGER, rebroadcast_seconds=0.0))
    item = world.posts.item(WORDS[0])
    world.settle(*[world.accept(word) for word in WORDS])
    world.settle(world.hand_off(world.posts.release(COUNTER, CENTRE, [(item, 1)])))
    world.settle(world.hand_off(world.posts.release(CENTRE, COUNTER, [(item, 2)])))
    before = [row.hash for row in world.transactions()]
    world.posts.reorganise(depth)
    world.index()
    assert "sent" in {world.row(digest).state for digest in world.digests()}
    world.settle(*world.digests())
    assert [row.hash for row in world.transactions()] == before
    assert world.records(WORDS[0]) == 3
    assert [world.records(word) for word in WORDS[1:]] == [1] * 7
