"""C6, G4: what the chain keeps of a trail is what its events tell, for every kind of record."""

from __future__ import annotations

from typing import Any

from backend.domain.keccak import keccak256
from backend.domain.typed_data import Acceptance, Cancel, Claim, Finding, Original
from tests.contracts.logs import Reader, Trail, plain, signer, struct
from tests.contracts.world import People, World

HELD, ENDED = 1, 2


def reader(world: World) -> Reader:
    custodians = (world.counter, world.van, world.hall, world.zurich, world.courier, world.customs)
    some = Acceptance(bytes(32), 0, 0, 0)
    return Reader(
        world.domain(some), {custodian.number: custodian.key.raw for custodian in custodians}
    )


def assert_as_on_chain(world: World, item: bytes, trail: Trail) -> None:
    """CE7: head, counters, holder, time and state."""
    assert bytes(world.ledger.headOf(item)) == trail.head
    assert trail.standing is not None
    told = trail.standing
    state = HELD if told.ended is None else ENDED
    assert world.ledger.itemOf(item)[:5] == (
        told.holder,
        told.number,
        told.records,
        told.latest_time,
        state,
    )


def story(world: World) -> tuple[list[Any], list[bytes]]:
    """Transactions with all kinds of records, good and bad, over three items."""
    people = People("parcel")
    acceptances = [
        world.acceptance(
            world.counter,
            keys=people.hidden,
            evidence=keccak256(b"scales"),
            previous=keccak256(b"before"),
        ),
        world.acceptance(world.counter),
        world.acceptance(world.counter),
    ]
    items = [record.item for record in acceptances]
    sent = [world.send_batch(*acceptances)]
    found = (Finding(2, 2, keccak256(b"photograph")),)
    stale = world.line(items[1], number=9)
    lines = [world.line(items[0], evidence=keccak256(b"seal")), stale, world.line(items[2])]
    sent.append(world.send(world.hand_off(world.counter, world.hall, *lines, findings=found)))
    sent.append(world.send(world.report(world.customs, items[0], code=3, corrects=1)))
    back_and_forth = [
        world.hand_off(world.hall, world.zurich, items[0], items[2]),
        world.hand_off(
            world.zurich,
            world.courier,
            *[world.line(item, number=3) for item in (items[0], items[2])],
        ),
    ]
    sent.append(world.send_batch(*back_and_forth))
    sent.append(world.send(world.recall(world.courier, items[0])))
    sent.append(world.send(world.delivery(world.courier, items[0], people, people.recipient)))
    sent.append(world.send(world.recipients_report(people, items[0])))
    sent.append(world.send(world.end(world.courier, items[2])))
    sent.append(world.send(world.take_up(world.zurich, items[2])))
    return sent, items


def test_replaying_the_events_gives_the_stored_state(world: World) -> None:
    """C6, CE1, CE2, CE3, CE4, CE7: heads, counters without gaps, holders, times; digests and signatures hold."""
    sent, items = story(world)
    read = reader(world)
    for transaction in sent:
        read.read(transaction.events)
    assert set(read.trails) == set(items)
    for item in items:
        assert_as_on_chain(world, item, read.trails[item])
    assert [world.ledger.itemOf(item)[2] for item in items] == [8, 1, 6]


def test_heads_of_many_items_in_one_call(world: World) -> None:
    """C6: headsOf is headOf, in order, 0 for unknown ones."""
    _, items = story(world)
    unknown = keccak256(b"unknown")
    assert world.ledger.headsOf([*items, unknown]) == [
        world.ledger.headOf(item) for item in (*items, unknown)
    ]


def test_a_record_costs_the_same_however_long_the_trail_is(world: World) -> None:
    """C6, invariant 29: the thirtieth hand-off costs what the third does."""
    item = world.accepted(world.counter)
    pair, gas = [world.counter, world.van], []
    for _ in range(30):
        gas.append(world.send(world.hand_off(*pair, item)).gas_used)
        pair.reverse()
    assert abs(gas[-1] - gas[2]) < 200


def test_events_of_stamps_carry_what_was_signed(world: World) -> None:
    """G4, SE3-SE7: digest and signer follow from Cancelled, Claimed and OriginalShown alone."""
    edition = world.edition()
    edition.issue(1, 8)
    cancelled = world.send(
        world.cancellation(world.hall, edition.stamp(1), edition.stamp(9))
    ).events
    event = cancelled["Cancelled"]
    digest = world.digest(struct(Cancel, event["cancel"]))
    assert bytes(event["digest"]) == digest == bytes(cancelled["StampCancelled"]["digest"])
    assert signer(digest, bytes(event["signature"])) == world.hall.key.raw
    for record, kind, name in (
        (edition.claim(1, world.stranger), Claim, "claim"),
        (edition.original(1), Original, "original"),
    ):
        event = world.send(record).events[{"claim": "Claimed", "original": "OriginalShown"}[name]]
        digest = world.digest(struct(kind, event[name]))
        assert bytes(event["digest"]) == digest
        assert (
            signer(digest, bytes(event["signature"]))
            == plain(str(event["claimKey"]))
            == edition.keys[1].raw
        )


def test_franked_comes_before_its_acceptance(world: World) -> None:
    """CE8, SE6: in the same transaction, for exactly the stamps that it lists."""
    edition = world.edition()
    edition.issue(1, 8)
    stamps = (edition.stamp(2), edition.stamp(5))
    events = world.send(world.acceptance(world.counter, stamps=stamps)).events
    assert [event.name for event in events] == ["Franked", "Franked", "Accepted"]
    assert (
        tuple(each["stamp"] for each in events["Franked"])
        == plain(events["Accepted"]["acceptance"][7])
        == stamps
    )
