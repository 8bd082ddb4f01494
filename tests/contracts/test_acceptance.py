"""C1: acceptance, the first record of an item. Its franking: test_franking.py."""

from __future__ import annotations

from backend.domain.commitments import item_id
from backend.domain.keccak import keccak256
from tests.contracts.errors import error, refusals, reverts_with
from tests.contracts.world import DAY, MINUTE, Custodian, Key, People, World

COMMITMENT = keccak256(b"one commitment")


def test_the_accepting_custodian_holds_the_item(world: World) -> None:
    """C1, C3: holder, counters, time, state held, origin; nothing of a receptacle."""
    time = world.now()
    item = world.accepted(world.counter, time=time)
    assert world.ledger.itemOf(item) == (world.counter.number, 1, 1, time, 1, 0, 0, False, 1)
    assert world.ledger.custodianOf(item) == world.counter.number


def test_an_unknown_item_is_all_zero(world: World) -> None:
    """C1: views of what was never accepted."""
    nothing = keccak256(b"never accepted")
    assert world.ledger.itemOf(nothing) == (0, 0, 0, 0, 0, 0, 0, False, 0)
    assert world.ledger.custodianOf(nothing) == 0
    assert world.ledger.headsOf([nothing]) == [world.ledger.headOf(nothing)] == ["0x" + 64 * "0"]


def test_an_item_is_accepted_once(world: World) -> None:
    """C1: also not by another custodian of the operator, with another record."""
    first = world.acceptance(world.counter, commitment=COMMITMENT)
    world.send(first)
    with reverts_with("AlreadyAccepted", first.item):
        world.send(first)
    with reverts_with("AlreadyAccepted", first.item):
        world.send(world.acceptance(world.hall, commitment=COMMITMENT))


def test_an_ended_item_is_not_accepted_again(world: World) -> None:
    """C1, C4: its trail goes on with a take-up."""
    record = world.acceptance(world.counter)
    world.send(record)
    world.send(world.end(world.counter, record.item))
    with reverts_with("AlreadyAccepted", record.item):
        world.send(record)


def test_squatted_commitment(world: World) -> None:
    """C1: a commitment seen in the pool and accepted by another operator is another item."""
    stolen = world.acceptance(world.zurich, commitment=COMMITMENT)
    world.send(stolen)
    honest = world.acceptance(world.counter, commitment=COMMITMENT)
    world.send(honest)
    assert honest.item == item_id(1, COMMITMENT) != stolen.item == item_id(2, COMMITMENT)
    assert world.ledger.custodianOf(honest.item) == world.counter.number


def test_keys_are_kept_hidden(world: World) -> None:
    """C1: the hash of recipient's key, sender's key and salt; 0 where none is named."""
    people = People("parcel")
    item = world.accepted(world.counter, keys=people.hidden)
    assert bytes(world.ledger.keysOf(item)) == people.hidden
    assert world.ledger.keysOf(world.accepted(world.counter)) == "0x" + 64 * "0"


def test_a_stranger_cannot_accept_in_a_custodians_name(world: World) -> None:
    """C1, N3: the signature is by the key that has the right."""
    record = world.acceptance(world.counter.with_key(Key("stranger")))
    with reverts_with("WrongSignature", world.counter.key.address, record.digest):
        world.send(record)


def test_custodian_0_does_not_exist(world: World) -> None:
    """N2: no default can accept."""
    with reverts_with("UnknownCustodian", 0):
        world.send(world.acceptance(Custodian(0, Key("nobody"))))


def test_a_late_acceptance_keeps_its_time(world: World) -> None:
    """C5: 14 days before the block are taken, a second more is not."""
    world.wait(15 * DAY)
    block = world.next_block_in(60)
    item = world.accepted(world.counter, time=block - 14 * DAY)
    assert world.ledger.itemOf(item)[3] == block - 14 * DAY
    block = world.next_block_in(60)
    with reverts_with("TimeTooOld", block - 14 * DAY - 1, block - 14 * DAY):
        world.send(world.acceptance(world.counter, time=block - 14 * DAY - 1))


def test_a_clock_may_be_5_minutes_ahead(world: World) -> None:
    """C5: 5 minutes after the block are taken, a second more is not."""
    block = world.next_block_in(60)
    world.accepted(world.counter, time=block + 5 * MINUTE)
    block = world.next_block_in(60)
    with reverts_with("TimeAhead", block + 5 * MINUTE + 1, block + 5 * MINUTE):
        world.send(world.acceptance(world.counter, time=block + 5 * MINUTE + 1))


def test_bad_records_of_a_batch_are_refused_and_the_others_count(world: World) -> None:
    """G2: Refused names index, digest and the single call's error."""
    good, other = world.acceptance(world.counter), world.acceptance(world.hall)
    forged = world.acceptance(world.counter.with_key(Key("stranger")))
    transaction = world.send_batch(good, good, forged, other)
    assert refusals(transaction) == [
        (1, error("AlreadyAccepted", good.item)),
        (2, error("WrongSignature", world.counter.key.address, forged.digest)),
    ]
    refused = [bytes(each["digest"]) for each in transaction.events["Refused"]]
    assert refused == [good.digest, forged.digest]
    assert world.ledger.custodianOf(other.item) == world.hall.number
