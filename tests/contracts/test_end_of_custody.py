"""C4: delivery signed by a key that acceptance named, and ends by the holder alone."""

from __future__ import annotations

import pytest

from backend.domain.keccak import keccak256
from tests.contracts.errors import error, refusals, reverts_with
from tests.contracts.world import DAY, MINUTE, Key, People, World

ENDED = 2


def parcel(world: World, people: People) -> bytes:
    return world.accepted(world.courier, keys=people.hidden)


def test_the_recipient_takes_delivery(world: World) -> None:
    """C4: two signatures, and custody has ended: nobody holds the item."""
    people = People("parcel")
    item = parcel(world, people)
    transaction = world.send(world.delivery(world.courier, item, people, people.recipient))
    holder, number, records, _, state, *_ = world.ledger.itemOf(item)
    assert (holder, number, records, state) == (0, 2, 2, ENDED)
    assert world.ledger.custodianOf(item) == 0
    shown = transaction.events["Delivered"]["keys"]
    assert (shown[0], shown[1], bytes(shown[2])) == people.shown


def test_the_sender_takes_it_back(world: World) -> None:
    """C4: the other key that acceptance named."""
    people = People("parcel")
    item = parcel(world, people)
    world.send(world.delivery(world.courier, item, people, people.sender))
    assert world.ledger.itemOf(item)[4] == ENDED


def test_a_stranger_cannot_take_delivery(world: World) -> None:
    """C4: neither with a key of his own nor with keys that acceptance did not name."""
    people, others = People("parcel"), People("other parcel")
    item = parcel(world, people)
    stranger = Key("stranger")
    with reverts_with("NotNamed", item, stranger.raw):
        world.send(world.delivery(world.courier, item, people, stranger))
    with reverts_with("NotNamed", item, others.recipient.raw):
        world.send(world.delivery(world.courier, item, others, others.recipient))


def test_default_recipient_is_nobody(world: World) -> None:
    """C4: the zero address is no recipient, even where acceptance hid it: nothing recovers to it."""
    hidden_zero = People("parcel")
    hidden_zero.sender.raw, hidden_zero.sender.address = bytes(20), "0x" + 40 * "0"
    item = world.accepted(world.courier, keys=keccak256(b"".join(_words(hidden_zero))))
    record = world.delivery(world.courier, item, hidden_zero, hidden_zero.sender)
    with reverts_with("NotNamed", item, bytes(20)):
        world.send(record)


def _words(people: People) -> tuple[bytes, bytes, bytes]:
    return people.recipient.raw.rjust(32, b"\0"), people.sender.raw.rjust(32, b"\0"), people.salt


def test_an_item_without_keys_is_delivered_to_nobody(world: World) -> None:
    """C4: no key was named, none can sign; the holder ends custody alone."""
    people = People("parcel")
    item = world.accepted(world.courier)
    with reverts_with("NotNamed", item, people.recipient.raw):
        world.send(world.delivery(world.courier, item, people, people.recipient))
    world.send(world.end(world.courier, item))
    assert world.ledger.itemOf(item)[4] == ENDED


def test_both_sign_a_delivery(world: World) -> None:
    """C4: the courier cannot sign for the recipient, nor the recipient for the courier."""
    people = People("parcel")
    item = parcel(world, people)
    good = world.delivery(world.courier, item, people, people.recipient)
    struct, keys, giver_signature, recipient_signature = good.argument
    swapped = [(giver_signature, giver_signature), (recipient_signature, recipient_signature)]
    expected = [people.recipient.address, world.courier.key.address]
    for signatures, key in zip(swapped, expected, strict=True):
        with reverts_with("WrongSignature", key, good.digest):
            world.ledger.deliver((struct, keys, *signatures), {"from": world.relay})


def test_only_the_holder_delivers(world: World) -> None:
    """C3, C4: and only at the current custody number."""
    people = People("parcel")
    item = parcel(world, people)
    with reverts_with("NotHolder", item, world.zurich.number, world.courier.number):
        world.send(world.delivery(world.zurich, item, people, people.recipient))
    with reverts_with("StaleNumber", item, 2, 1):
        world.send(world.delivery(world.courier, item, people, people.recipient, number=2))


def test_a_delivery_has_a_deadline(world: World) -> None:
    """C5: compared with the block, at most 14 days after the event."""
    people = People("parcel")
    item = parcel(world, people)
    time = world.now()
    with reverts_with("DeadlineTooFar", time + 14 * DAY + 1, time + 14 * DAY):
        world.send(
            world.delivery(
                world.courier,
                item,
                people,
                people.recipient,
                time=time,
                deadline=time + 14 * DAY + 1,
            )
        )
    record = world.delivery(world.courier, item, people, people.recipient)
    block = world.next_block_in(20 * MINUTE)
    with reverts_with("PastDeadline", record.argument[0][5], block):
        world.send(record)


def test_a_delivery_is_recorded_once(world: World) -> None:
    """C4: its replay, also after a take-up, meets the end or the grown number."""
    people = People("parcel")
    item = parcel(world, people)
    record = world.delivery(world.courier, item, people, people.recipient)
    world.send(record)
    with reverts_with("CustodyEnded", item):
        world.send(record)
    world.send(world.take_up(world.courier, item))
    with reverts_with("StaleNumber", item, 1, 3):
        world.send(record)


def test_the_holder_ends_its_custody_alone(world: World) -> None:
    """C4: one signature and a mode, shown as such."""
    item = world.accepted(world.courier)
    transaction = world.send(world.end(world.courier, item, mode=4))
    ended = transaction.events["Ended"]
    assert (ended["record"], ended["number"], ended["end"][4]) == (2, 2, 4)
    assert world.ledger.itemOf(item)[:3] == (0, 2, 2)


def test_nobody_else_ends_custody(world: World) -> None:
    """C3, C4: holder, custody number, signature."""
    item = world.accepted(world.courier)
    with reverts_with("NotHolder", item, world.zurich.number, world.courier.number):
        world.send(world.end(world.zurich, item))
    with reverts_with("StaleNumber", item, 7, 1):
        world.send(world.end(world.courier, item, number=7))
    forged = world.end(world.courier.with_key(Key("stranger")), item)
    with reverts_with("WrongSignature", world.courier.key.address, forged.digest):
        world.send(forged)
    unknown = keccak256(b"unknown")
    with reverts_with("UnknownItem", unknown):
        world.send(world.end(world.courier, unknown))


@pytest.mark.parametrize("by_key", [True, False])
def test_after_an_end_only_reports_and_take_ups(world: World, by_key: bool) -> None:
    """C4: hand-off, delivery, end and recall are refused."""
    people = People("parcel")
    item = parcel(world, people)
    world.send(
        world.delivery(world.courier, item, people, people.recipient)
        if by_key
        else world.end(world.courier, item)
    )
    for record in (
        world.hand_off(world.courier, world.zurich, item),
        world.delivery(world.courier, item, people, people.recipient),
        world.end(world.courier, item),
        world.recall(world.courier, item),
    ):
        with reverts_with("CustodyEnded", item):
            world.send(record)
    world.send(world.report(world.courier, item))
    world.send(world.take_up(world.zurich, item))
    assert world.ledger.custodianOf(item) == world.zurich.number


def test_batches_of_deliveries_and_ends(world: World) -> None:
    """G2: each stands alone."""
    people = [People("a"), People("b")]
    items = [parcel(world, each) for each in people]
    records = [
        world.delivery(world.courier, i, p, p.recipient) for i, p in zip(items, people, strict=True)
    ]
    transaction = world.send_batch(records[0], records[0], records[1])
    assert refusals(transaction) == [(1, error("CustodyEnded", items[0]))]
    others = [world.accepted(world.courier) for _ in range(2)]
    transaction = world.send_batch(
        *[world.end(world.courier, item) for item in (items[1], *others)]
    )
    assert refusals(transaction) == [(0, error("CustodyEnded", items[1]))]
    assert [world.ledger.itemOf(item)[4] for item in others] == [ENDED, ENDED]
