"""C10: a giver that signed one item away twice. Evidence only; it changes no state."""

from __future__ import annotations

from typing import Any

import pytest

from backend.domain.typed_data import Finding
from tests.contracts.errors import reverts_with
from tests.contracts.world import DAY, MINUTE, Custodian, Record, World


def handed(world: World, item: bytes, receiver: Custodian, **values: Any) -> Record:
    return world.hand_off(world.counter, receiver, item, **values)


def prove(world: World, first: Record, second: Record, lines: tuple[int, int] = (0, 0)) -> Any:
    return world.ledger.proveEquivocation(
        first.argument, lines[0], second.argument, lines[1], {"from": world.stranger}
    )


def released(record: Record) -> bytes:
    """The digest of what the giver signed."""
    return bytes(record.argument[1][0])


def test_two_complete_hand_offs_are_evidence_once(world: World) -> None:
    """C10: by anyone; custody is where the first one on chain has put it."""
    item = world.accepted(world.counter)
    first = handed(world, item, world.van)
    second = handed(world, item, world.hall, time=world.now() + 1)
    world.send(first)
    before = world.ledger.itemOf(item)
    told = prove(world, first, second).events["Equivocated"]
    assert (bytes(told["item"]), told["giver"], told["number"]) == (item, world.counter.number, 1)
    assert bytes(told["first"][2]) == first.argument[2]
    assert world.ledger.itemOf(item) == before
    with pytest.raises(Exception, match="AlreadyRecorded"):
        prove(world, first, second)


def test_a_suspended_giver_is_not_out_of_reach(world: World) -> None:
    """C10: rights at the event times, past ones too; not suspension, not rotation."""
    item = world.accepted(world.counter)
    first, second = handed(world, item, world.van), handed(world, item, world.hall)
    world.network.suspendCustodian(world.counter.number, {"from": world.arlberg})
    prove(world, first, second)


def test_one_release_is_no_equivocation_however_often_it_is_received(world: World) -> None:
    """C10: its receiver signs once more; the giver has signed the item away once."""
    item = world.accepted(world.counter)
    release = world.release(world.counter, world.van, item)
    receipts = [world.receipt(release, findings=found) for found in ((), (Finding(0, 2),))]
    first, second = (
        world.signed_hand_off(world.counter, world.van, release, receipt) for receipt in receipts
    )
    assert first.digest != second.digest
    with reverts_with("NoEquivocation", released(first), released(second)):
        prove(world, first, second)


def test_a_pair_of_releases_is_evidence_once_whatever_receipts_show_it(world: World) -> None:
    """C10: nobody fills a trail with notices of one matter."""
    item = world.accepted(world.counter)
    first, second = handed(world, item, world.van), handed(world, item, world.hall)
    prove(world, first, second)
    again = handed(world, item, world.hall, findings=(Finding(0, 2),))
    assert released(again) == released(second)
    with pytest.raises(Exception, match="AlreadyRecorded"):
        prove(world, first, again)


def test_lapsed_offer_is_no_equivocation(world: World) -> None:
    """C10, J33: van A did not come; the offer had run out when van B got another."""
    item = world.accepted(world.counter)
    time = world.now()
    first = handed(world, item, world.van, time=time, deadline=time + 15 * MINUTE)
    second = handed(world, item, world.hall, time=time + 15 * MINUTE, deadline=time + DAY)
    world.wait(16 * MINUTE)
    with reverts_with("NoEquivocation", released(first), released(second)):
        prove(world, first, second)


def test_what_is_no_evidence(world: World) -> None:
    item, other = world.accepted(world.counter), world.accepted(world.counter)
    first = handed(world, item, world.van)
    unreceived = world.hand_off(world.counter, world.hall, item, other, missing={0})
    later = handed(world, world.line(item, number=2), world.hall)  # type: ignore[arg-type]
    elsewhere = handed(world, other, world.hall)
    for second in (first, later, elsewhere):
        with reverts_with("NoEquivocation", released(first), released(second)):
            prove(world, first, second)
    with pytest.raises(Exception, match="NoEquivocation"):
        prove(world, first, unreceived)
    with pytest.raises(Exception, match="NoEquivocation"):
        prove(world, first, handed(world, item, world.hall), (0, 1))


def test_an_offer_without_its_receiver_is_no_evidence(world: World) -> None:
    item = world.accepted(world.counter)
    first, second = handed(world, item, world.van), handed(world, item, world.hall)
    release, receipt, given, _ = second.argument
    forged = Record("handOff", (release, receipt, given, given), second.digest)
    with reverts_with("WrongSignature", world.hall.key.address, second.digest):
        prove(world, first, forged)


def test_a_key_that_was_compromised_accuses_nobody(world: World) -> None:
    """N3: its rights are empty, whatever time was signed."""
    item = world.accepted(world.counter)
    first, second = handed(world, item, world.van), handed(world, item, world.hall)
    world.network.compromise(
        world.counter.number, world.counter.key.address, {"from": world.arlberg}
    )
    with reverts_with("NoRight", world.counter.number, first.argument[0][2]):
        prove(world, first, second)
