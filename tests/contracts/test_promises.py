"""Numbered promises to who reads the logs that no other test names: NE (network), SE (stamps), R (records)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from brownie import accounts
from brownie.exceptions import VirtualMachineError

from backend.domain.ids import custodian_number
from tests.contracts.errors import refusals
from tests.contracts.world import DAY, FOR_EVER, SECP256K1, ZERO_ADDRESS, Key, World

ROOT = Path(__file__).resolve().parents[2]
PLACE = b"AT602001".ljust(12, b"\0")


def events(transaction: Any) -> list[tuple[str, dict[str, Any]]]:
    """Names and arguments, in order; byte strings as bytes."""
    return [
        (event.name, {name: _plain(value) for name, value in event.items()})
        for event in transaction.events
    ]


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, bytes) else value


def test_ne1_the_governor_is_told(world: World) -> None:
    """NE1: offered with its time, then changed."""
    successor = accounts[10]
    block = world.next_block_in(60)
    offered = world.network.offerGovernor(successor, {"from": world.governor})
    values = {"governor": successor, "acceptableFrom": block + 2 * DAY}
    assert events(offered) == [("GovernorOffered", values)]
    world.wait(2 * DAY)
    changed = world.network.acceptGovernor({"from": successor})
    assert events(changed) == [("GovernorChanged", {"governor": successor})]


def test_ne2_ne4_operators_and_admins_are_told(world: World) -> None:
    """NE2, NE4: admitted with admin and name; another admin offered and in office."""
    admitted = world.network.admitOperator(9, accounts[10], "Nordpost", {"from": world.governor})
    values = {"operator": 9, "admin": accounts[10], "name": "Nordpost"}
    assert events(admitted) == [("OperatorAdmitted", values)]
    changed = {"operator": 9, "admin": accounts[11]}
    offer = world.network.offerAdmin(9, accounts[11], {"from": accounts[10]})
    assert events(offer) == [("AdminOffered", changed)]
    assert events(world.network.acceptAdmin(9, {"from": accounts[11]})) == [
        ("AdminChanged", changed)
    ]


def test_ne3_ne11_suspensions_are_told(world: World) -> None:
    """NE3, NE11: of operators and custodians, and their ends."""
    network, governor, admin = world.network, {"from": world.governor}, {"from": world.arlberg}
    number = world.counter.number
    assert events(network.suspendOperator(1, governor)) == [("OperatorSuspended", {"operator": 1})]
    assert events(network.reinstateOperator(1, governor)) == [
        ("OperatorReinstated", {"operator": 1})
    ]
    assert events(network.suspendCustodian(number, admin)) == [
        ("CustodianSuspended", {"custodian": number})
    ]
    assert events(network.reinstateCustodian(number, admin)) == [
        ("CustodianReinstated", {"custodian": number})
    ]


def test_ne5_ne6_ne7_submitters_and_stamp_signers_are_told(world: World) -> None:
    """NE5, NE6, NE7: named and taken back."""
    network, admin, someone = world.network, {"from": world.arlberg}, Key("someone").address
    submitter, signer = {"operator": 1, "submitter": someone}, {"operator": 1, "signer": someone}
    assert events(network.addSubmitter(1, someone, admin)) == [("SubmitterAdded", submitter)]
    assert events(network.removeSubmitter(1, someone, admin)) == [("SubmitterRemoved", submitter)]
    assert events(network.addStampSigner(1, someone, admin)) == [("StampSignerAdded", signer)]
    assert events(network.revokeStampSigner(1, someone, admin)) == [("StampSignerRevoked", signer)]


def test_ne8_ne9_ne10_custodians_and_their_rights_are_told(world: World) -> None:
    """NE8, NE9, NE10: enrolled with the first right; the next begins where the event says; the key that was lost."""
    number, first, second = custodian_number(1, 50), Key("first"), Key("second")
    admin = {"from": world.arlberg}

    def granted(key: Key, begun: int, until: int) -> tuple[str, dict[str, Any]]:
        values = {
            "key": key.address,
            "kind": SECP256K1,
            "keyHolder": 2,
            "from": begun,
            "until": until,
        }
        return "RightGranted", {"custodian": number, **values}

    block = world.next_block_in(60)
    enrolled = world.network.enrol(
        number, 7, PLACE, (first.address, SECP256K1, 2, 0, FOR_EVER), admin
    )
    values = {"custodian": number, "kind": 7, "place": PLACE}
    assert events(enrolled) == [("CustodianEnrolled", values), granted(first, block, FOR_EVER)]
    asked = (second.address, SECP256K1, 2, block + DAY, block + 2 * DAY)
    rotated = world.network.grantRight(number, asked, admin)
    assert events(rotated) == [granted(second, block + DAY, block + 2 * DAY)]
    lost = {"custodian": number, "key": first.address}
    assert events(world.network.compromise(number, first.address, admin)) == [
        ("KeyCompromised", lost)
    ]


def test_se1_se2_a_range_is_issued_once_and_told_twice(world: World) -> None:
    """SE1, SE2: Issued, then ERC-2309's event of the same range; a void range is not in it."""
    edition = world.edition()
    voided = edition.void(4, 6, 4)
    values = {
        "edition": edition.number,
        "reason": 4,
        "first": 4,
        "last": 6,
        "by": world.arlberg_sender,
    }
    assert events(voided) == [("Voided", values)]
    sold = {"edition": edition.number, "custodian": world.counter.number, "first": 1, "last": 3}
    kept = {
        "fromTokenId": edition.stamp(1),
        "toTokenId": edition.stamp(3),
        "fromAddress": ZERO_ADDRESS,
        "toAddress": world.stamps.address,
    }
    assert events(edition.issue(1, 3)) == [("Issued", sold), ("ConsecutiveTransfer", kept)]


def test_se3_a_claim_follows_its_transfer(world: World) -> None:
    """SE3: the only Transfer from the contract."""
    edition = world.edition()
    edition.issue(1, 3)
    told = events(world.send(edition.claim(1, world.stranger)))
    assert [name for name, _ in told] == ["Transfer", "Claimed"]
    assert told[0][1] == {
        "from": world.stamps.address,
        "to": world.stranger,
        "tokenId": edition.stamp(1),
    }


def test_se4_a_cancellation_may_come_again_with_stamps_that_were_refused(world: World) -> None:
    """SE4, SE7: the same digest, the stamps that were sold meanwhile."""
    edition = world.edition()
    edition.issue(1, 3)
    record = world.cancellation(world.hall, edition.stamp(1), edition.stamp(4))
    first = world.send(record)
    edition.issue(4, 4)
    second = world.send(record)
    for transaction, stamp in ((first, 1), (second, 4)):
        assert [each["stamp"] for each in transaction.events["StampCancelled"]] == [
            edition.stamp(stamp)
        ]
        assert bytes(transaction.events["Cancelled"]["digest"]) == record.digest


def test_r1_r2_a_refusal_is_what_the_single_call_reverts_with(world: World) -> None:
    """R1, R2: for each kind of record, the same error; nothing was recorded, and the same record may be good later."""
    item = world.accepted(world.counter)
    early = world.line(item, number=2)
    records = [
        world.hand_off(world.van, world.hall, early),
        world.end(world.hall, item),
        world.recall(world.counter, item, number=2),
        world.report(world.hall, item, corrects=2),
        world.take_up(world.counter, item),
    ]
    for record in records:
        with pytest.raises(VirtualMachineError) as reverted:
            world.send(record)
        assert refusals(world.send_batch(record)) == [(0, reverted.value.revert_msg)]
    assert world.ledger.itemOf(item)[1:3] == (1, 1)
    world.send(world.hand_off(world.counter, world.van, item))
    world.send(records[0])


def test_every_promise_is_named_by_a_test() -> None:
    """A promise without a test would be one only."""
    interfaces = "".join(
        file.read_text() for file in (ROOT / "contracts" / "interfaces").glob("*.sol")
    )
    tests = "".join(file.read_text() for file in (ROOT / "tests" / "contracts").glob("*.py"))
    promised = set(re.findall(r"\b(?:NE|CE|SE|R)\d+\b", interfaces))
    named = set(re.findall(r"\b(?:NE|CE|SE|R)\d+\b", tests))
    assert len(promised) == 31
    assert promised <= named
