"""S4: stamps used on an item, and cancelled without an acceptance."""

from __future__ import annotations

import pytest

from backend.domain.keccak import keccak256
from tests.contracts.errors import error, refusals, reverts_with
from tests.contracts.world import DAY, Edition, Key, World

MISSED_AT_ORIGIN = 3


@pytest.fixture
def edition(world: World) -> Edition:
    """With 40 stamps sold."""
    edition = world.edition()
    edition.issue(1, 40)
    return edition


# ---------------------------------------------------------------------------------------------- franking


def test_an_acceptance_uses_its_stamps(world: World, edition: Edition) -> None:
    """S4: the chain keeps the block; Franked ties stamp, item and custodian."""
    stamps = (edition.stamp(1), edition.stamp(2), edition.stamp(17))
    record = world.acceptance(world.counter, stamps=stamps)
    transaction = world.send(record)
    franked = [
        (each["stamp"], bytes(each["item"]), each["custodian"])
        for each in transaction.events["Franked"]
    ]
    assert franked == [(stamp, record.item, world.counter.number) for stamp in stamps]
    assert [world.stamps.useOf(stamp) for stamp in stamps] == [
        (transaction.block_number, False)
    ] * 3


def test_one_bad_stamp_accepts_nothing(world: World, edition: Edition) -> None:
    """S4: used, void or unsold: the item is not accepted and no stamp is used."""
    used = world.send(world.acceptance(world.counter, stamps=(edition.stamp(7),))).block_number
    void = edition.void(8, 8).block_number
    good = edition.stamp(1)
    for bad, expected in (
        (edition.stamp(7), ("AlreadyUsed", edition.stamp(7), used)),
        (edition.stamp(8), ("VoidStamp", edition.stamp(8), void)),
        (edition.stamp(41), ("NotIssued", edition.stamp(41))),
    ):
        record = world.acceptance(world.counter, stamps=(good, bad))
        with reverts_with(*expected):
            world.send(record)
        assert refusals(world.send_batch(record)) == [(0, error(*expected))]
        assert world.ledger.itemOf(record.item)[2] == 0
        assert world.stamps.useOf(good) == (0, False)


def test_a_stamp_is_used_once(world: World, edition: Edition) -> None:
    """S4: once, for ever, on whichever item; within a batch as well."""
    first = world.acceptance(world.counter, stamps=(edition.stamp(1),))
    second = world.acceptance(world.hall, stamps=(edition.stamp(1),))
    transaction = world.send_batch(first, second)
    assert refusals(transaction) == [
        (1, error("AlreadyUsed", edition.stamp(1), transaction.block_number))
    ]


def test_stamps_of_a_franking_rise(world: World, edition: Edition) -> None:
    """S4: so that none is listed twice."""
    for stamps in ((edition.stamp(2), edition.stamp(1)), (edition.stamp(1), edition.stamp(1))):
        with reverts_with("StampsNotRising", *stamps):
            world.send(world.acceptance(world.counter, stamps=stamps))
    with reverts_with("StampsNotRising", 0, 0):
        world.send(world.acceptance(world.counter, stamps=(0,)))


def test_only_stamps_of_the_own_operator_frank(world: World, edition: Edition) -> None:
    """S4: valid only where issued."""
    with reverts_with("ForeignStamp", edition.stamp(1), world.zurich.number):
        world.send(world.acceptance(world.zurich, stamps=(edition.stamp(1),)))


def test_a_stamp_franks_from_its_first_day(world: World) -> None:
    """S1: by the event time, to the second."""
    first_day = world.now() + DAY
    edition = world.edition(firstDay=first_day)
    edition.issue(1, 2)
    world.wait(2 * DAY)
    with reverts_with("NotYetValid", edition.stamp(1), first_day):
        world.send(world.acceptance(world.counter, time=first_day - 1, stamps=(edition.stamp(1),)))
    world.accepted(world.counter, time=first_day, stamps=(edition.stamp(1),))


def test_a_withdrawn_stamp_franks_no_longer(world: World, edition: Edition) -> None:
    """S1: by the event time, to the second: what was posted before may be recorded after."""
    withdrawn = world.now() + 91 * DAY
    world.stamps.withdrawEdition(edition.number, withdrawn, {"from": world.arlberg_sender})
    world.wait(92 * DAY)
    with reverts_with("WithdrawnFromPostage", edition.stamp(1), withdrawn):
        world.send(world.acceptance(world.counter, time=withdrawn, stamps=(edition.stamp(1),)))
    world.accepted(world.counter, time=withdrawn - 1, stamps=(edition.stamp(1),))


def test_the_ledger_alone_franks(world: World, edition: Edition) -> None:
    """S4: else anybody could use up every stamp."""
    for sender in (world.arlberg, world.arlberg_sender, world.governor, world.stranger):
        with reverts_with("NotLedger", sender.address):
            arguments = keccak256(b"item"), world.counter.number, world.now(), [edition.stamp(1)]
            world.stamps.frank(*arguments, {"from": sender})


# ------------------------------------------------------------------------------------------ cancellation


def test_own_stamps_are_cancelled_without_an_item(world: World, edition: Edition) -> None:
    """S4: in the mail stream or to order."""
    stamps = edition.stamp(3), edition.stamp(1)
    transaction = world.send(world.cancellation(world.hall, *stamps, kind=2))
    cancelled = [
        (each["stamp"], each["custodian"], each["kind"])
        for each in transaction.events["StampCancelled"]
    ]
    assert cancelled == [(stamp, world.hall.number, 2) for stamp in stamps]
    assert world.stamps.useOf(stamps[0]) == (transaction.block_number, False)


def test_stamps_of_a_cancellation_stand_alone(world: World, edition: Edition) -> None:
    """S4, G2: the machine's batch goes on; the bad ones are told."""
    void = edition.void(2, 2).block_number
    stamps = [edition.stamp(serial) for serial in (1, 2, 1, 41, 3)]
    transaction = world.send(world.cancellation(world.hall, *stamps))
    assert refusals(transaction, "StampRefused") == [
        (1, error("VoidStamp", stamps[1], void)),
        (2, error("AlreadyUsed", stamps[2], transaction.block_number)),
        (3, error("NotIssued", stamps[3])),
    ]
    assert [each["stamp"] for each in transaction.events["StampCancelled"]] == [
        stamps[0],
        stamps[4],
    ]


def test_a_cancellation_of_which_no_stamp_counts_is_refused(world: World, edition: Edition) -> None:
    """G2, SE5: with the reason of its first stamp; an empty one as well."""
    record = world.cancellation(world.hall, edition.stamp(41), edition.stamp(42))
    with reverts_with("NotIssued", edition.stamp(41)):
        world.send(record)
    transaction = world.send_batch(record, world.cancellation(world.hall))
    assert refusals(transaction) == [
        (0, error("NotIssued", edition.stamp(41))),
        (1, error("NoStamps")),
    ]
    assert "Cancelled" not in transaction.events


def test_a_cancellation_is_signed_by_the_custodian(world: World, edition: Edition) -> None:
    """S4, C5."""
    forged = world.cancellation(world.hall.with_key(Key("stranger")), edition.stamp(1))
    with reverts_with("WrongSignature", world.hall.key.address, forged.digest):
        world.send(forged)
    block = world.next_block_in(60)
    with reverts_with("TimeTooOld", 1, block - 14 * DAY):
        world.send(world.cancellation(world.hall, edition.stamp(1), time=1))


def test_another_operator_cancels_what_was_missed_on_an_item_it_holds(
    world: World, edition: Edition
) -> None:
    """S4: the item came from the stamps' operator, and the custodian holds it."""
    item = world.accepted(world.counter)
    world.send(world.hand_off(world.counter, world.zurich, item))
    world.send(world.cancellation(world.zurich, edition.stamp(1), kind=MISSED_AT_ORIGIN, item=item))
    assert world.stamps.useOf(edition.stamp(1))[0] != 0


def test_a_hostile_custodian_cannot_use_up_the_stamps_of_others(
    world: World, edition: Edition
) -> None:
    """S4: neither without an item, nor with one of its own making, nor with one that it does not hold."""
    stamp = edition.stamp(1)
    own, foreign = world.accepted(world.zurich), world.accepted(world.counter)
    with reverts_with("ForeignStamp", stamp, world.zurich.number):
        world.send(world.cancellation(world.zurich, stamp))
    for item in (own, foreign, keccak256(b"unknown")):
        with reverts_with("NotMissedOn", item, stamp):
            world.send(world.cancellation(world.zurich, stamp, kind=MISSED_AT_ORIGIN, item=item))
    assert world.stamps.useOf(stamp) == (0, False)


def test_others_may_cancel_stamps_of_a_suspended_operator(world: World, edition: Edition) -> None:
    """S4, N4: its stamps are still genuine postage on items that others hold."""
    item = world.accepted(world.counter)
    world.send(world.hand_off(world.counter, world.zurich, item))
    world.network.suspendOperator(1, {"from": world.governor})
    world.send(world.cancellation(world.zurich, edition.stamp(1), kind=MISSED_AT_ORIGIN, item=item))


def test_cancellations_of_a_batch_stand_alone(world: World, edition: Edition) -> None:
    """G2: a replay is refused stamp by stamp."""
    first, second = (
        world.cancellation(world.hall, edition.stamp(1)),
        world.cancellation(world.hall, edition.stamp(2)),
    )
    transaction = world.send_batch(first, first, second)
    assert refusals(transaction) == [
        (1, error("AlreadyUsed", edition.stamp(1), transaction.block_number))
    ]
