"""C8: reports, by custodians and by the recipient."""

from __future__ import annotations

from backend.domain.keccak import keccak256
from tests.contracts.errors import error, refusals, reverts_with
from tests.contracts.world import MINUTE, Key, People, World


def test_any_active_custodian_may_report(world: World) -> None:
    """C8: also one that never held the item; only the record number grows."""
    item = world.accepted(world.counter)
    before = world.ledger.itemOf(item)
    transaction = world.send(world.report(world.customs, item, code=3, reason=6))
    reported = transaction.events["Reported"]
    assert (reported["reporter"], reported["record"], reported["report"][1:3]) == (
        world.customs.number,
        2,
        (3, 6),
    )
    assert world.ledger.itemOf(item) == (*before[:2], 2, *before[3:])


def test_report_does_not_void_an_offer(world: World) -> None:
    """C3: neither by the custody number nor by its time, however late it lies."""
    item = world.accepted(world.counter)
    offer = world.hand_off(world.counter, world.van, item)
    world.wait(5 * 60 * MINUTE)
    block = world.next_block_in(60)
    world.send(world.report(world.zurich, item, time=block + 5 * MINUTE))
    world.send(offer)
    assert world.ledger.itemOf(item)[:3] == (world.van.number, 2, 3)


def test_a_report_is_recorded_once(world: World) -> None:
    """C8: its digest is kept."""
    item = world.accepted(world.counter)
    record = world.report(world.hall, item)
    block = world.send(record).block_number
    with reverts_with("AlreadyRecorded", record.digest, block):
        world.send(record)


def test_a_correction_names_a_record_that_exists(world: World) -> None:
    """C8: by its number; the last one is the record before."""
    item = world.accepted(world.counter)
    world.send(world.report(world.counter, item, code=1, corrects=1))
    with reverts_with("NoSuchRecord", item, 3, 2):
        world.send(world.report(world.counter, item, code=1, corrects=3))


def test_the_recipient_reports_with_its_key(world: World) -> None:
    """C8: reporter 0, the key that acceptance named, shown; before and after an end."""
    people = People("parcel")
    item = world.accepted(world.courier, keys=people.hidden)
    world.send(world.end(world.courier, item, mode=4))
    transaction = world.send(world.recipients_report(people, item))
    assert transaction.events["Reported"]["keys"][0] == people.recipient.address
    assert world.ledger.itemOf(item)[1:3] == (2, 3)


def test_nobody_else_reports_as_the_recipient(world: World) -> None:
    """C8: not with other keys, not for an item without keys, not the sender, not with another's signature."""
    people, others = People("parcel"), People("other")
    item, bare = world.accepted(world.courier, keys=people.hidden), world.accepted(world.courier)
    with reverts_with("NotNamed", item, others.recipient.raw):
        world.send(world.recipients_report(others, item))
    with reverts_with("NotNamed", bare, people.recipient.raw):
        world.send(world.recipients_report(people, bare))
    record = world.recipients_report(people, item)
    struct, keys, _ = record.argument
    with reverts_with("WrongSignature", people.recipient.address, record.digest):
        world.ledger.report(
            (struct, keys, people.sender.sign(record.digest)), {"from": world.relay}
        )


def test_reports_that_cannot_be(world: World) -> None:
    """C5, C8: of what was never accepted, with a forged signature, or long before the item's latest."""
    item = world.accepted(world.counter)
    unknown = keccak256(b"unknown")
    with reverts_with("UnknownItem", unknown):
        world.send(world.report(world.hall, unknown))
    forged = world.report(world.hall.with_key(Key("stranger")), item)
    with reverts_with("WrongSignature", world.hall.key.address, forged.digest):
        world.send(forged)
    latest = world.ledger.itemOf(item)[3]
    with reverts_with("TimeBeforeLatest", item, latest - 15 * MINUTE - 1, latest):
        world.send(world.report(world.hall, item, time=latest - 15 * MINUTE - 1))


def test_reports_of_a_batch_stand_alone(world: World) -> None:
    """G2."""
    item = world.accepted(world.counter)
    first, second = world.report(world.hall, item), world.report(world.van, item)
    transaction = world.send_batch(first, first, second)
    assert refusals(transaction) == [
        (1, error("AlreadyRecorded", first.digest, transaction.block_number))
    ]
    assert world.ledger.itemOf(item)[2] == 3
