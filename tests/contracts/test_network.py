"""N1-N4, S8: who may act, and with which key at which time."""

from __future__ import annotations

from typing import Any

import pytest
from brownie import accounts

from backend.domain.ids import custodian_number
from tests.contracts.errors import reverts_with
from tests.contracts.world import (
    COUNTER,
    DAY,
    DEVICE,
    FOR_EVER,
    MINUTE,
    SECP256K1,
    ZERO_ADDRESS,
    Custodian,
    Key,
    World,
)

NEW = custodian_number(1, 50)


PLACE = b"AT602001".ljust(12, b"\0")


def right(key: Key, **values: Any) -> tuple[Any, ...]:
    """What is asked for: from this block on, without end."""
    given = {
        "key": key.address,
        "kind": SECP256K1,
        "keyHolder": DEVICE,
        "from": 0,
        "until": FOR_EVER,
    }
    return tuple((given | values).values())


def rotated(world: World, custodian: Custodian, name: str) -> Custodian:
    """The custodian with a new key; a minute passes before and after."""
    world.wait(MINUTE)
    new = custodian.with_key(Key(name))
    world.network.grantRight(custodian.number, right(new.key), {"from": world.arlberg})
    world.wait(MINUTE)
    return new


# --------------------------------------------------------------------------------------------- governor


def test_the_governor_admits_operators_once(world: World) -> None:
    """N1: with a number, an admin and a name, all published."""
    world.network.admitOperator(9, accounts[10], "Nordpost", {"from": world.governor})
    assert world.network.operator(9) == (accounts[10], False, ZERO_ADDRESS, "Nordpost")
    with reverts_with("OperatorExists", 9):
        world.network.admitOperator(9, accounts[11], "Südpost", {"from": world.governor})


@pytest.mark.parametrize(("number", "name"), [(0, "Nordpost"), (9, "")])
def test_an_operator_has_a_number_and_a_name(world: World, number: int, name: str) -> None:
    """N1."""
    with reverts_with("InvalidOperator", number):
        world.network.admitOperator(number, accounts[10], name, {"from": world.governor})


def test_the_governors_role_changes_in_two_steps_with_a_delay(world: World) -> None:
    """N1: offered, and two days later accepted by the one it was offered to."""
    successor = accounts[10]
    block = world.next_block_in(60)
    world.network.offerGovernor(successor, {"from": world.governor})
    assert world.network.governorAcceptableFrom() == block + 2 * DAY
    with reverts_with("NotOfferedGovernor", world.stranger.address):
        world.network.acceptGovernor({"from": world.stranger})
    with reverts_with("TooEarlyToAccept", block + 2 * DAY):
        world.network.acceptGovernor({"from": successor})
    assert world.network.governor() == world.governor
    world.wait(2 * DAY)
    world.network.acceptGovernor({"from": successor})
    assert world.network.governor() == successor
    assert world.network.offeredGovernor() == ZERO_ADDRESS
    with reverts_with("NotGovernor", world.governor.address):
        world.network.suspendOperator(1, {"from": world.governor})


def test_an_offer_of_the_governors_role_can_be_withdrawn(world: World) -> None:
    """N1: by offering it to nobody, who can never accept."""
    world.network.offerGovernor(accounts[10], {"from": world.governor})
    world.network.offerGovernor(ZERO_ADDRESS, {"from": world.governor})
    world.wait(3 * DAY)
    with reverts_with("NotOfferedGovernor", accounts[10].address):
        world.network.acceptGovernor({"from": accounts[10]})


def test_the_governor_cannot_act_for_an_operator(world: World) -> None:
    """N1: no override."""
    with reverts_with("NotAdmin", 1, world.governor.address):
        world.network.addSubmitter(1, world.governor, {"from": world.governor})
    with reverts_with("NotAdmin", 1, world.governor.address):
        world.network.grantRight(
            world.counter.number, right(Key("thief")), {"from": world.governor}
        )


def test_an_admin_acts_for_its_own_operator_only(world: World) -> None:
    """N1: the number says whose a custodian is."""
    with reverts_with("NotAdmin", 2, world.arlberg.address):
        world.network.enrol(
            custodian_number(2, 50), COUNTER, PLACE, right(Key("x")), {"from": world.arlberg}
        )
    with reverts_with("NotAdmin", 2, world.arlberg.address):
        world.network.compromise(
            world.zurich.number, world.zurich.key.address, {"from": world.arlberg}
        )


def test_the_admins_role_changes_in_two_steps(world: World) -> None:
    """N1: offered and accepted; nobody accepts for an operator that does not exist."""
    successor = accounts[10]
    world.network.offerAdmin(1, successor, {"from": world.arlberg})
    with reverts_with("NotOfferedAdmin", 1, world.stranger.address):
        world.network.acceptAdmin(1, {"from": world.stranger})
    world.network.acceptAdmin(1, {"from": successor})
    assert world.network.operator(1)[0] == successor
    with reverts_with("NotAdmin", 1, world.arlberg.address):
        world.network.suspendCustodian(world.counter.number, {"from": world.arlberg})
    with reverts_with("NotOfferedAdmin", 99, world.stranger.address):
        world.network.acceptAdmin(99, {"from": world.stranger})


# ----------------------------------------------------------------------------------- submitters, signers


def test_submitters_send_for_their_operator(world: World) -> None:
    """N1: until they are removed; the admin sends as well."""
    assert world.network.isSubmitter(1, world.arlberg_sender)
    assert not world.network.isSubmitter(2, world.arlberg_sender)
    assert (
        world.network.maySend(1, world.arlberg_sender)
        == world.network.maySend(1, world.arlberg)
        == "0x00"
    )
    world.network.removeSubmitter(1, world.arlberg_sender, {"from": world.arlberg})
    assert not world.network.isSubmitter(1, world.arlberg_sender)
    with reverts_with("NotSubmitter", 1, world.arlberg_sender.address):
        world.edition()


def test_a_stamp_signer_is_added_and_revoked_once(world: World) -> None:
    """S8: blocks of both; what was revoked never comes back."""
    signer = Key("stamp signer").address
    added = world.network.addStampSigner(1, signer, {"from": world.arlberg}).block_number
    assert world.network.stampSigner(1, signer) == (added, 0)
    with reverts_with("StampSignerExists", 1, signer):
        world.network.addStampSigner(1, signer, {"from": world.arlberg})
    revoked = world.network.revokeStampSigner(1, signer, {"from": world.arlberg}).block_number
    assert world.network.stampSigner(1, signer) == (added, revoked)
    with reverts_with("UnknownStampSigner", 1, signer):
        world.network.revokeStampSigner(1, signer, {"from": world.arlberg})
    with reverts_with("StampSignerExists", 1, signer):
        world.network.addStampSigner(1, signer, {"from": world.arlberg})
    with reverts_with("UnknownStampSigner", 1, world.stranger.address):
        world.network.revokeStampSigner(1, world.stranger, {"from": world.arlberg})


# -------------------------------------------------------------------------------------------- custodians


def test_a_custodian_is_enrolled_once(world: World) -> None:
    """N2: number, kind, place, who holds the key, and its first right."""
    key = Key("new")
    until = world.now() + DAY
    block = world.next_block_in(60)
    world.network.enrol(NEW, COUNTER, PLACE, right(key, until=until), {"from": world.arlberg})
    kind, place, holder = world.network.custodian(NEW)
    assert (kind, bytes(place), holder) == (COUNTER, PLACE, DEVICE)
    assert world.network.latestRight(NEW) == (key.address, SECP256K1, False, block, until)
    with reverts_with("CustodianExists", NEW):
        world.network.enrol(NEW, COUNTER, PLACE, right(Key("other")), {"from": world.arlberg})


def test_a_custodian_has_a_serial_and_an_operator(world: World) -> None:
    """N2: serial 0 and unknown operators are refused."""
    with reverts_with("InvalidCustodian", 1 << 24):
        world.network.enrol(1 << 24, COUNTER, PLACE, right(Key("new")), {"from": world.arlberg})
    with reverts_with("NotAdmin", 0, world.arlberg.address):
        world.network.enrol(5, COUNTER, PLACE, right(Key("new")), {"from": world.arlberg})
    with reverts_with("NotAdmin", 77, world.arlberg.address):
        world.network.enrol(
            custodian_number(77, 1), COUNTER, PLACE, right(Key("new")), {"from": world.arlberg}
        )


def test_what_needs_a_custodian_names_an_enrolled_one(world: World) -> None:
    """N2."""
    for call in (
        lambda: world.network.grantRight(NEW, right(Key("new")), {"from": world.arlberg}),
        lambda: world.network.suspendCustodian(NEW, {"from": world.arlberg}),
        lambda: world.network.reinstateCustodian(NEW, {"from": world.arlberg}),
    ):
        with reverts_with("UnknownCustodian", NEW):
            call()


def test_rights_that_cannot_be(world: World) -> None:
    """N3: other kinds of key, unknown key holders, the zero key, rights that end before they begin."""
    block = world.next_block_in(60)
    bad = [
        (right(Key("new"), kind=0), ("UnsupportedKeyKind", 0)),
        (right(Key("new"), keyHolder=0), ("InvalidKeyHolder", 0)),
        (right(Key("new"), keyHolder=3), ("InvalidKeyHolder", 3)),
        ((ZERO_ADDRESS, *right(Key("new"))[1:]), ("ZeroAddress",)),
        (
            right(Key("new"), **{"from": block + 500, "until": block + 500}),
            ("EmptyRight", block + 500, block + 500),
        ),
    ]
    for request, expected in bad:
        with reverts_with(*expected):
            world.network.grantRight(world.counter.number, request, {"from": world.arlberg})


def test_a_key_serves_one_custodian_of_an_operator(world: World) -> None:
    """N3: for ever; another operator is not bound by it."""
    with reverts_with("KeyInUse", world.counter.key.address, world.counter.number):
        world.network.grantRight(
            world.hall.number, right(world.counter.key), {"from": world.arlberg}
        )
    world.network.grantRight(world.counter.number, right(Key("next")), {"from": world.arlberg})
    with reverts_with("KeyInUse", world.counter.key.address, world.counter.number):
        world.network.grantRight(
            world.hall.number, right(world.counter.key), {"from": world.arlberg}
        )
    world.network.grantRight(world.zurich.number, right(world.counter.key), {"from": world.saentis})


# -------------------------------------------------------------------------------------- rights over time


def test_a_right_never_begins_before_the_block_that_grants_it(world: World) -> None:
    """N3: an event of the morning cannot be signed with a key of noon."""
    world.wait(DAY)
    block = world.next_block_in(60)
    custodian = Custodian(NEW, Key("new"))
    world.network.enrol(
        NEW, COUNTER, PLACE, right(custodian.key, **{"from": block - DAY}), {"from": world.arlberg}
    )
    assert world.network.latestRight(NEW)[3] == block
    with reverts_with("NoRight", NEW, block - 1):
        world.send(world.acceptance(custodian, time=block - 1))
    world.accepted(custodian, time=block)


def test_a_validity_window_lapses(world: World) -> None:
    """N2: with it the right to sign, to the second; for event times within it a record may come later."""
    custodian = Custodian(NEW, Key("new"))
    until = world.now() + DAY
    world.network.enrol(
        NEW, COUNTER, PLACE, right(custodian.key, until=until), {"from": world.arlberg}
    )
    world.wait(2 * DAY)
    with reverts_with("NoRight", NEW, until):
        world.send(world.acceptance(custodian, time=until))
    world.accepted(custodian, time=until - 1)


def test_a_renewed_validity_leaves_the_gap(world: World) -> None:
    """N2, N3: the same key again; what lies between the two rights stays without one."""
    custodian = Custodian(NEW, Key("new"))
    until = world.now() + DAY
    world.network.enrol(
        NEW, COUNTER, PLACE, right(custodian.key, until=until), {"from": world.arlberg}
    )
    world.wait(3 * DAY)
    block = world.next_block_in(60)
    world.network.grantRight(NEW, right(custodian.key), {"from": world.arlberg})
    assert world.network.rightAt(NEW, until - 1)[0] == custodian.key.address
    assert world.network.rightAt(NEW, until)[0] == ZERO_ADDRESS
    assert world.network.rightAt(NEW, block - 1)[0] == ZERO_ADDRESS
    assert world.network.rightAt(NEW, block)[0] == custodian.key.address


def test_old_right_uploads_late(world: World) -> None:
    """N3: rotated at noon, the morning of an offline device is recorded in the evening; its key's afternoon is not."""
    old, new = world.counter, world.counter.with_key(Key("new counter"))
    morning = world.wait(DAY)
    world.wait(60 * MINUTE)
    noon = world.next_block_in(60)
    world.network.grantRight(old.number, right(new.key), {"from": world.arlberg})
    world.wait(6 * 60 * MINUTE)
    world.accepted(old, time=morning)
    world.accepted(old, time=noon - 1)
    late = world.acceptance(old, time=noon)
    with reverts_with("WrongSignature", new.key.address, late.digest):
        world.send(late)
    world.accepted(new, time=noon)
    early = world.acceptance(new, time=morning)
    with reverts_with("WrongSignature", old.key.address, early.digest):
        world.send(early)


def test_revoked_key_cannot_back_date(world: World) -> None:
    """N3: compromised means at any event time, also under a right that had ended before."""
    stolen = world.counter
    yesterday = world.wait(DAY)
    following = rotated(world, stolen, "next")
    world.wait(DAY)
    world.accepted(stolen, time=yesterday)
    world.network.compromise(stolen.number, stolen.key.address, {"from": world.arlberg})
    with reverts_with("NoRight", stolen.number, yesterday):
        world.send(world.acceptance(stolen, time=yesterday))
    world.accepted(following)


def test_a_compromised_key_never_comes_back(world: World) -> None:
    """N3: not for this custodian, not for another of the operator; a new key continues."""
    world.network.compromise(
        world.counter.number, world.counter.key.address, {"from": world.arlberg}
    )
    with reverts_with("NoRight", world.counter.number, world.now()):
        world.send(world.acceptance(world.counter))
    for custodian in (world.counter, world.hall):
        with reverts_with("KeyIsCompromised", world.counter.key.address):
            world.network.grantRight(
                custodian.number, right(world.counter.key), {"from": world.arlberg}
            )
    with reverts_with("KeyIsCompromised", world.counter.key.address):
        world.network.compromise(
            world.counter.number, world.counter.key.address, {"from": world.arlberg}
        )
    new = world.counter.with_key(Key("new counter"))
    world.network.grantRight(new.number, right(new.key), {"from": world.arlberg})
    world.accepted(new)


def test_only_a_key_of_the_custodian_can_be_compromised(world: World) -> None:
    """N3."""
    for key in (Key("never"), world.hall.key):
        with reverts_with("UnknownKey", world.counter.number, key.address):
            world.network.compromise(world.counter.number, key.address, {"from": world.arlberg})


def test_compromise_of_one_key_spares_the_others(world: World) -> None:
    """N3: earlier and later rights of other keys stay."""
    first, times = world.counter, [world.wait(DAY)]
    second = rotated(world, first, "second")
    times.append(world.now())
    third = rotated(world, first, "third")
    times.append(world.now())
    world.network.compromise(first.number, second.key.address, {"from": world.arlberg})
    world.accepted(first, time=times[0])
    with reverts_with("NoRight", first.number, times[1]):
        world.send(world.acceptance(second, time=times[1]))
    world.accepted(third, time=times[2])


def test_a_right_may_begin_later(world: World) -> None:
    """N3: the one before lasts until then; one that has not begun is replaced by the next grant."""
    block = world.next_block_in(60)
    old, new = world.counter, world.counter.with_key(Key("new counter"))
    world.network.grantRight(
        old.number, right(new.key, **{"from": block + DAY}), {"from": world.arlberg}
    )
    world.accepted(old)
    assert world.network.rightAt(old.number, block + DAY - 1)[0] == old.key.address
    assert world.network.rightAt(old.number, block + DAY)[0] == new.key.address
    world.network.grantRight(old.number, right(Key("third")), {"from": world.arlberg})
    third = world.network.latestRight(old.number)
    assert (third[0], third[3]) == (Key("third").address, world.now())
    for later in (DAY, 2 * DAY):
        assert world.network.rightAt(old.number, block + later)[0] == Key("third").address
    assert world.network.rightAt(old.number, world.now() - 1)[0] == old.key.address


def test_no_right_that_never_began_hides_one_that_did(world: World) -> None:
    """N3, NE9: of several that were to begin later none does; found is who had the right, never the one before."""
    number, old = world.counter.number, world.counter.key
    later = world.now() + DAY
    for name in ("second", "third"):
        world.network.grantRight(
            number, right(Key(name), **{"from": later}), {"from": world.arlberg}
        )
    fourth = world.next_block_in(60)
    world.network.grantRight(number, right(Key("fourth")), {"from": world.arlberg})
    fifth = world.next_block_in(DAY // 2)
    world.network.grantRight(number, right(Key("fifth")), {"from": world.arlberg})
    held = {
        fourth - 1: old,
        fourth: Key("fourth"),
        fifth - 1: Key("fourth"),
        fifth: Key("fifth"),
        later: Key("fifth"),
    }
    found = {time: world.network.rightAt(number, time)[0] for time in held}
    assert found == {time: key.address for time, key in held.items()}
    assert world.network.rightAt(number, fourth - 1)[4] == fourth, (
        "NE9: it ended where the next began"
    )


def test_the_right_of_any_time_is_found_among_many(world: World) -> None:
    """N3: by search over the past rights, before the first and between any two."""
    granted = [(world.network.latestRight(world.counter.number)[3], world.counter.key)]
    for i in range(9):
        key = Key(f"counter {i}")
        block = world.next_block_in(DAY)
        world.network.grantRight(world.counter.number, right(key), {"from": world.arlberg})
        granted.append((block, key))
    for i, (begun, key) in enumerate(granted):
        assert world.network.rightAt(world.counter.number, begun)[0] == key.address
        before = world.network.rightAt(world.counter.number, begun - 1)
        assert before[0] == (granted[i - 1][1].address if i else ZERO_ADDRESS)
        assert before[4] == (begun if i else 0), "NE9: it ended where the next began"


# -------------------------------------------------------------------------------------------- suspension


def test_suspension_of_a_custodian_is_judged_at_the_block(world: World) -> None:
    """N4: also for event times before it; past records stay, and it can be lifted; a new right does not lift it."""
    item = world.accepted(world.counter)
    earlier = world.acceptance(world.counter)
    world.network.suspendCustodian(world.counter.number, {"from": world.arlberg})
    with reverts_with("CustodianIsSuspended", world.counter.number):
        world.send(earlier)
    with reverts_with("CustodianIsSuspended", world.counter.number):
        world.send(world.hand_off(world.counter, world.hall, item))
    assert world.ledger.custodianOf(item) == world.counter.number
    new = rotated(world, world.counter, "new")
    with reverts_with("CustodianIsSuspended", world.counter.number):
        world.send(world.acceptance(new))
    world.network.reinstateCustodian(world.counter.number, {"from": world.arlberg})
    world.send(earlier)


def test_a_suspended_receiver_takes_nothing_over(world: World) -> None:
    """C4, N4: the receiver is an active custodian."""
    item = world.accepted(world.counter)
    world.network.suspendCustodian(world.van.number, {"from": world.arlberg})
    with reverts_with("CustodianIsSuspended", world.van.number):
        world.send(world.hand_off(world.counter, world.van, item))


def test_suspension_of_an_operator_stops_all_its_records(world: World) -> None:
    """N4: of its custodians and submitters, until it is lifted; other operators go on."""
    world.network.suspendOperator(1, {"from": world.governor})
    with reverts_with("OperatorIsSuspended", 1):
        world.send(world.acceptance(world.counter))
    with reverts_with("OperatorIsSuspended", 1):
        world.edition()
    world.accepted(world.zurich)
    world.network.compromise(world.van.number, world.van.key.address, {"from": world.arlberg})
    world.network.reinstateOperator(1, {"from": world.governor})
    world.accepted(world.counter)
    world.edition()


def test_operators_that_do_not_exist_are_neither_suspended_nor_reinstated(world: World) -> None:
    """N1."""
    for call in (world.network.suspendOperator, world.network.reinstateOperator):
        with reverts_with("UnknownOperator", 99):
            call(99, {"from": world.governor})


def test_what_the_other_contracts_ask(world: World) -> None:
    """N3, N4: the key of a custodian at a time, or why there is none."""
    key, kind, reason = world.network.keyAt(world.counter.number, world.now())
    assert (key, kind, reason) == (world.counter.key.address, SECP256K1, "0x00")
    key, kind, reason = world.network.keyAt(world.counter.number, 1)
    assert (key, kind) == (ZERO_ADDRESS, 0)
    assert len(bytes(reason)) == 4 + 2 * 32
