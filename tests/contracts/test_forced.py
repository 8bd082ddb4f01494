"""C9: where the holder cannot sign, its operator, or the governor, stands in for it. The receiver signs as always."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contracts.errors import reverts_with
from tests.contracts.world import DAY, SECP256K1, World

UNABLE: dict[str, Callable[[World], object]] = {
    "suspended": lambda w: w.network.suspendCustodian(w.van.number, {"from": w.arlberg}),
    "key compromised": lambda w: w.network.compromise(
        w.van.number, w.van.key.address, {"from": w.arlberg}
    ),
    "lapsed": lambda w: (
        w.network.grantRight(
            w.van.number,
            (w.van.key.address, SECP256K1, 1, 0, w.now() + 100),
            {"from": w.arlberg},
        ),
        w.wait(DAY),
    ),
}


@pytest.mark.parametrize("why", UNABLE)
def test_a_submitter_stands_in_for_who_cannot_sign(world: World, why: str) -> None:
    """C9: a record of its own type, with a reason and who stood in, for ever visible."""
    item = world.accepted(world.van)
    UNABLE[why](world)
    record = world.forced(world.van.number, world.hall, item, reason=2)
    sent = world.ledger.forceHandOff(record.argument, {"from": world.arlberg_sender})
    told = sent.events["HandOffForced"]
    assert (told["reason"], told["by"]) == (2, world.arlberg_sender)
    assert "HandedOff" not in sent.events
    assert sent.events["ItemHandedOff"]["number"] == 2
    assert world.ledger.itemOf(item)[:3] == (world.hall.number, 2, 2)


def test_the_governor_stands_in_where_the_operator_is_suspended(world: World) -> None:
    """C9, N4: its own submitters are stopped with it."""
    item = world.accepted(world.van)
    world.network.suspendOperator(1, {"from": world.governor})
    record = world.forced(world.van.number, world.zurich, item)
    with reverts_with("NotGovernor", str(world.arlberg_sender)):
        world.ledger.forceHandOff(record.argument, {"from": world.arlberg_sender})
    world.ledger.forceHandOff(record.argument, {"from": world.governor})
    assert world.ledger.itemOf(item)[0] == world.zurich.number


def test_nobody_stands_in_for_who_can_sign(world: World) -> None:
    item = world.accepted(world.van)
    record = world.forced(world.van.number, world.hall, item)
    for sender in (world.arlberg_sender, world.governor):
        with reverts_with("GiverCanSign", world.van.number):
            world.ledger.forceHandOff(record.argument, {"from": sender})


def test_strangers_and_other_posts_cannot_stand_in(world: World) -> None:
    item = world.accepted(world.van)
    world.network.suspendCustodian(world.van.number, {"from": world.arlberg})
    record = world.forced(world.van.number, world.hall, item)
    for sender in (world.stranger, world.saentis_sender, world.governor):
        with reverts_with("NotSubmitter", 1, str(sender)):
            world.ledger.forceHandOff(record.argument, {"from": sender})


def test_forced_needs_the_receiver(world: World) -> None:
    """C9: else it were a way to dump liability."""
    item = world.accepted(world.van)
    world.network.suspendCustodian(world.van.number, {"from": world.arlberg})
    record = world.forced(world.van.number, world.hall, item)
    release, receipt, _ = record.argument
    forged = world.counter.key.sign(record.digest)
    with reverts_with("WrongSignature", world.hall.key.address, record.digest):
        world.ledger.forceHandOff((release, receipt, forged), {"from": world.arlberg_sender})
    other = world.forced(world.van.number, world.hall, item, reason=7)
    with reverts_with("OtherRelease", receipt[0], other.argument[1][0]):
        world.ledger.forceHandOff(
            (other.argument[0], receipt, record.argument[2]), {"from": world.arlberg_sender}
        )


def test_a_forced_hand_off_moves_only_what_the_giver_holds(world: World) -> None:
    """C3: line by line, at the current custody number, as any other."""
    mine, theirs = world.accepted(world.van), world.accepted(world.counter)
    world.network.suspendCustodian(world.van.number, {"from": world.arlberg})
    record = world.forced(world.van.number, world.hall, mine, theirs, world.line(mine, number=3))
    sent = world.ledger.forceHandOff(record.argument, {"from": world.arlberg_sender})
    assert [line["line"] for line in sent.events["LineRefused"]] == [1, 2]
    with reverts_with("NotHolder", mine, world.van.number, world.hall.number):
        world.ledger.forceHandOff(record.argument, {"from": world.arlberg_sender})


def test_a_receipt_for_a_release_is_none_for_a_forced_one(world: World) -> None:
    """G1: another type, another digest."""
    item = world.accepted(world.van)
    honest = world.hand_off(world.van, world.hall, item)
    world.network.suspendCustodian(world.van.number, {"from": world.arlberg})
    forced = world.forced(world.van.number, world.hall, item)
    argument = (forced.argument[0], honest.argument[1], honest.argument[3])
    with reverts_with("OtherRelease", honest.argument[1][0], forced.argument[1][0]):
        world.ledger.forceHandOff(argument, {"from": world.arlberg_sender})


def test_liveness_a_lost_phone_with_31_parcels(world: World) -> None:
    """J31: one list frees them all, without suspending the round."""
    records = [world.acceptance(world.van) for _ in range(31)]
    world.send_batch(*records)
    world.network.compromise(world.van.number, world.van.key.address, {"from": world.arlberg})
    record = world.forced(world.van.number, world.hall, *[each.item for each in records])
    world.ledger.forceHandOff(record.argument, {"from": world.arlberg_sender})
    assert {world.ledger.itemOf(each.item)[0] for each in records} == {world.hall.number}
