"""Attacks on signatures, batches and gas that concern all kinds of records."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from brownie import chain, web3

from backend.domain.typed_data import Acceptance, SigningDomain
from tests.contracts.errors import reverts_with
from tests.contracts.p256 import Passkey
from tests.contracts.world import DAY, FOR_EVER, Key, People, Record, World, plain

PASSKEY = 3
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def with_signature(record: Record, signature: bytes) -> Record:
    return replace(record, argument=(*record.argument[:-1], signature))


# ----------------------------------------------------------------------------------------------- signatures


@pytest.mark.parametrize("length", [0, 1, 32, 63, 65, 128])
def test_a_signature_has_64_bytes(world: World, length: int) -> None:
    """N3: the 65-byte form with the very same r, s and v is refused as well."""
    record = world.acceptance(world.counter)
    signature = record.argument[-1]
    s = int.from_bytes(signature[32:], "big") & ((1 << 255) - 1)
    v = 27 + (signature[32] >> 7)
    longer = signature[:32] + s.to_bytes(32, "big") + bytes([v]) + bytes(63)
    with reverts_with("SignatureLength", length):
        world.send(with_signature(record, longer[:length]))


def test_the_other_form_of_a_signature_is_refused(world: World) -> None:
    """N3: s in the upper half cannot be written with v in its top bit; the flipped v is another key."""
    record = world.acceptance(world.counter)
    r, vs = record.argument[-1][:32], int.from_bytes(record.argument[-1][32:], "big")
    s, v = vs & ((1 << 255) - 1), vs >> 255
    for forged in (
        (1 - v) << 255 | s,
        v << 255 | (ORDER - s) & ((1 << 255) - 1),
        (1 - v) << 255 | (ORDER - s) & ((1 << 255) - 1),
    ):
        with reverts_with("WrongSignature", world.counter.key.address, record.digest):
            world.send(with_signature(record, r + forged.to_bytes(32, "big")))


def test_a_signature_is_for_one_chain_and_one_contract(world: World) -> None:
    """G1: the domain binds name, chain and contract."""
    ledger, stamps = (
        bytes.fromhex(contract.address[2:]) for contract in (world.ledger, world.stamps)
    )
    good = SigningDomain("CustodyLedger", chain.id, ledger)
    struct = Acceptance(bytes(31) + b"\1", world.counter.number, world.now(), 1)
    for domain in (
        replace(good, chain_id=chain.id + 1),
        replace(good, contract=stamps),
        replace(good, name="CryptoStamp"),
    ):
        signature = world.counter.key.sign(struct.digest(domain))
        with reverts_with("WrongSignature", world.counter.key.address, struct.digest(good)):
            world.ledger.accept((plain(struct), signature), {"from": world.relay})


def test_a_signature_of_one_kind_is_none_of_another(world: World) -> None:
    """G1: a recall's signature under an end, a report's under a take-up."""
    item = world.accepted(world.counter)
    recall, end = world.recall(world.counter, item), world.end(world.counter, item)
    with reverts_with("WrongSignature", world.counter.key.address, end.digest):
        world.send(with_signature(end, recall.argument[-1]))
    report, take_up = world.report(world.hall, item), world.take_up(world.hall, item)
    with reverts_with("WrongSignature", world.hall.key.address, take_up.digest):
        world.send(with_signature(take_up, report.argument[-1]))


def test_no_byte_of_a_record_can_be_changed(world: World) -> None:
    """G1: each member of each struct is under the signature."""
    item = world.accepted(world.counter)
    records = [
        world.acceptance(world.counter),
        world.end(world.counter, item),
        world.take_up(world.hall, item),
        world.recall(world.counter, item),
        world.report(world.hall, item),
    ]
    for record in records:
        struct = record.argument[0]
        for place, value in enumerate(struct):
            if isinstance(value, list):
                continue
            changed = bytes(31) + b"\7" if isinstance(value, bytes) else value + 1
            forged = (*struct[:place], changed, *struct[place + 1 :])
            transaction = world.send_batch(replace(record, argument=(forged, *record.argument[1:])))
            assert bytes(transaction.events["Refused"]["digest"]) != record.digest
            assert len(transaction.events) == 1, (record.call, place)


@pytest.mark.parametrize("kind", ["delivery", "end", "take_up", "recall", "report", "cancel"])
@pytest.mark.parametrize(("offset", "name"), [(301, "TimeAhead"), (-14 * DAY - 1, "TimeTooOld")])
def test_every_event_lies_within_the_window_of_its_block(
    world: World, kind: str, offset: int, name: str
) -> None:
    """C5: of acceptance and hand-off see there."""
    people, edition = People("parcel"), world.edition()
    edition.issue(1, 8)
    item = world.accepted(world.counter, keys=people.hidden)
    world.wait(20 * DAY)
    block = world.next_block_in(60)
    time = block + offset
    record = {
        "delivery": lambda: world.delivery(
            world.counter, item, people, people.recipient, time=time, deadline=block + DAY
        ),
        "end": lambda: world.end(world.counter, item, time=time),
        "take_up": lambda: world.take_up(world.hall, item, time=time),
        "recall": lambda: world.recall(world.counter, item, time=time),
        "report": lambda: world.report(world.hall, item, time=time),
        "cancel": lambda: world.cancellation(world.hall, edition.stamp(1), time=time),
    }[kind]()
    with reverts_with(name, time, block + (300 if offset > 0 else -14 * DAY)):
        world.send(record)


def test_delegated_eoa_still_signs(world: World) -> None:
    """N3: code at a key's address (EIP-7702) is never asked."""
    delegation = "0xef0100" + world.ledger.address[2:]
    web3.provider.make_request("anvil_setCode", [world.counter.key.address, delegation])
    assert bytes(web3.eth.get_code(world.counter.key.address)).hex() == delegation[2:].lower()
    world.accepted(world.counter)


def test_a_contract_cannot_sign(world: World) -> None:
    """N3: no ERC-1271: a wallet that says yes to everything is no key."""
    yes = (
        "0x631626ba7e60e01b60005260206000f3"  # returns ERC-1271's magic value, whatever it is asked
    )
    key = Key("wallet")
    web3.provider.make_request("anvil_setCode", [key.address, yes])
    world.network.grantRight(
        world.counter.number, (key.address, 1, 1, 0, 2**40 - 1), {"from": world.arlberg}
    )
    world.wait(60)
    record = world.acceptance(world.counter)
    with reverts_with("WrongSignature", key.address, record.digest):
        world.send(record)


# ------------------------------------------------------------------------------------------------ gas, batches


def outcomes(world: World, contract: Any, data: str, full: int) -> list[dict[str, Any]]:
    """What comes of one call with every 499th amount of gas up to what it needs and more."""
    results = []
    for gas in range(30_000, full * 11 // 10, 499):
        call = {"from": str(world.stranger), "to": contract.address, "data": data, "gas": hex(gas)}
        simulated = {"blockStateCalls": [{"calls": [call]}], "validation": False}
        answer = web3.provider.make_request("eth_simulateV1", [simulated, "latest"])
        if "error" in answer:  # less than the call's data costs: no node takes it
            assert "intrinsic" in answer["error"]["message"], answer
        else:
            results.append(answer["result"][0]["calls"][0])
    return results


def test_too_little_gas_reverts_and_refuses_nothing(world: World) -> None:
    """G3: a stranger cannot make a good record look refused, whatever gas it sends with it."""
    edition = world.edition()
    edition.issue(1, 8)
    item = world.accepted(world.counter)
    acceptance = world.acceptance(world.counter, stamps=(edition.stamp(1), edition.stamp(2)))
    hand_off = world.hand_off(world.counter, world.van, item)
    claim = edition.claim(3, world.stranger)
    phone = Passkey("phone")
    right = (phone.address, PASSKEY, 1, 0, FOR_EVER)
    world.network.grantRight(world.hall.number, right, {"from": world.arlberg})
    by_passkey = world.acceptance(replace(world.hall, key=phone))  # type: ignore[type-var]
    refusing = ("Refused(uint256,bytes32,bytes)", "LineRefused(bytes32,uint256,bytes)")
    refused = {web3.keccak(text=event).hex().removeprefix("0x") for event in refusing}
    for contract, record in (
        (world.ledger, acceptance),
        (world.ledger, hand_off),
        (world.ledger, by_passkey),
        (world.stamps, claim),
    ):
        batch = getattr(contract, record.call + "Batch")
        chain.snapshot()
        needed = batch([record.argument], {"from": world.relay}).gas_used
        chain.revert()
        results = outcomes(world, contract, batch.encode_input([record.argument]), needed)
        assert {result["status"] for result in results} == {"0x0", "0x1"}
        topics = {
            log["topics"][0].removeprefix("0x") for result in results for log in result["logs"]
        }
        assert topics
        assert not refused & topics


def test_a_record_settled_by_another_leaves_the_rest_of_a_batch(world: World) -> None:
    """G2: a watcher of the pool can pick records out of a batch, and gains nothing."""
    records = [world.acceptance(world.counter) for _ in range(3)]
    world.ledger.accept(records[1].argument, {"from": world.stranger})
    transaction = world.send_batch(*records)
    assert [bytes(each["digest"]) for each in transaction.events["Refused"]] == [records[1].digest]
    assert all(world.ledger.itemOf(record.item)[2] == 1 for record in records)


def test_no_contract_takes_money(world: World) -> None:
    """Invariant: no payable path."""
    for contract in (world.network, world.ledger, world.stamps):
        assert all(entry.get("stateMutability") != "payable" for entry in contract.abi)
        with pytest.raises(Exception, match="revert"):
            world.stranger.transfer(contract, 1)
        assert contract.balance() == 0
