"""C11: custody taken with one signature. C3: the holder's recall."""

from __future__ import annotations

from backend.domain.keccak import keccak256
from tests.contracts.errors import error, refusals, reverts_with
from tests.contracts.world import MINUTE, Key, World

HELD = 1


def test_an_extra_item_is_taken_up(world: World) -> None:
    """C11: the chain places it elsewhere; the trail says who took it, why, and in which condition."""
    item = world.accepted(world.counter)
    transaction = world.send(world.take_up(world.zurich, item, reason=1, condition=2))
    taken = transaction.events["TakenUp"]
    assert (taken["record"], taken["number"], taken["takeUp"][3:5]) == (2, 2, (1, 2))
    assert world.ledger.itemOf(item)[:3] == (world.zurich.number, 2, 2)


def test_an_ended_item_comes_back(world: World) -> None:
    """C11: found after a year; it is under custody again and moves on."""
    item = world.accepted(world.counter)
    world.send(world.end(world.counter, item))
    world.wait(365 * 24 * 60 * MINUTE)
    world.send(world.take_up(world.zurich, item))
    assert (world.ledger.itemOf(item)[0], world.ledger.itemOf(item)[4]) == (
        world.zurich.number,
        HELD,
    )
    world.send(world.hand_off(world.zurich, world.courier, item))


def test_what_a_suspended_operator_holds_is_freed(world: World) -> None:
    """C11, N4: liveness: the next operator takes it up."""
    item = world.accepted(world.counter)
    world.network.suspendOperator(1, {"from": world.governor})
    with reverts_with("OperatorIsSuspended", 1):
        world.send(world.hand_off(world.counter, world.zurich, item))
    world.send(world.take_up(world.zurich, item))
    assert world.ledger.custodianOf(item) == world.zurich.number


def test_a_take_up_voids_open_offers(world: World) -> None:
    """C3: it raises the custody number."""
    item = world.accepted(world.counter)
    offer = world.hand_off(world.counter, world.van, item)
    world.send(world.take_up(world.hall, item))
    world.send(world.take_up(world.counter, item))
    with reverts_with("StaleNumber", item, 1, 3):
        world.send(offer)


def test_a_take_up_is_recorded_once(world: World) -> None:
    """C11: it names no custody number, so its digest is kept; custody cannot be seized by a replay."""
    item = world.accepted(world.counter)
    record = world.take_up(world.zurich, item)
    block = world.send(record).block_number
    with reverts_with("AlreadyRecorded", record.digest, block):
        world.send(record)
    world.send(world.hand_off(world.zurich, world.customs, item))
    with reverts_with("AlreadyRecorded", record.digest, block):
        world.send(record)
    assert world.ledger.recordedAt(record.digest) == block


def test_a_take_up_kept_back_cannot_undo_what_came_later(world: World) -> None:
    """C5: once the item's latest is more than 15 minutes after it."""
    item = world.accepted(world.counter)
    kept_back = world.take_up(world.zurich, item)
    latest = world.wait(20 * MINUTE)
    world.send(world.hand_off(world.counter, world.van, item))
    with reverts_with("TimeBeforeLatest", item, kept_back.argument[0][2], latest):
        world.send(kept_back)


def test_who_cannot_take_up(world: World) -> None:
    """C11: the holder itself, a stranger, or anybody what was never accepted."""
    item = world.accepted(world.counter)
    with reverts_with("AlreadyHolder", item, world.counter.number):
        world.send(world.take_up(world.counter, item))
    forged = world.take_up(world.zurich.with_key(Key("stranger")), item)
    with reverts_with("WrongSignature", world.zurich.key.address, forged.digest):
        world.send(forged)
    unknown = keccak256(b"unknown")
    with reverts_with("UnknownItem", unknown):
        world.send(world.take_up(world.zurich, unknown))


def test_the_last_holder_may_take_up_what_it_ended(world: World) -> None:
    """C11: a delivery that came back; after an end nobody is the holder."""
    item = world.accepted(world.counter)
    world.send(world.end(world.counter, item))
    world.send(world.take_up(world.counter, item))
    assert world.ledger.custodianOf(item) == world.counter.number


def test_only_the_holder_recalls_and_once(world: World) -> None:
    """C3: holder, number, signature; a replay meets the grown number."""
    item = world.accepted(world.counter)
    with reverts_with("NotHolder", item, world.hall.number, world.counter.number):
        world.send(world.recall(world.hall, item))
    forged = world.recall(world.counter.with_key(world.hall.key), item)
    with reverts_with("WrongSignature", world.counter.key.address, forged.digest):
        world.send(forged)
    record = world.recall(world.counter, item)
    world.send(record)
    with reverts_with("StaleNumber", item, 1, 2):
        world.send(record)


def test_batches_of_take_ups_and_recalls(world: World) -> None:
    """G2: each stands alone."""
    items = [world.accepted(world.counter) for _ in range(2)]
    records = [world.take_up(world.zurich, item) for item in items]
    transaction = world.send_batch(records[0], records[0], records[1])
    assert refusals(transaction) == [
        (1, error("AlreadyRecorded", records[0].digest, transaction.block_number))
    ]
    recalls = [world.recall(world.zurich, item) for item in items]
    transaction = world.send_batch(recalls[0], recalls[0], recalls[1])
    assert refusals(transaction) == [(1, error("StaleNumber", items[0], 2, 3))]
