"""N3: custodians that sign with a P-256 key or a passkey; the stored kind decides how a signature is checked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.contracts.errors import reverts_with
from tests.contracts.p256 import PRESENT, VERIFIED, Assertion, P256Key, Passkey
from tests.contracts.world import FOR_EVER, Custodian, Record, World

P256, PASSKEY = 2, 3
VECTORS = Path(__file__).parents[1] / "vectors" / "passkey.json"
Device = P256Key | Passkey


def rekeyed(world: World, custodian: Custodian, key: Device) -> Custodian:
    """The custodian with a device's key from the next block on."""
    kind = PASSKEY if isinstance(key, Passkey) else P256
    right = (key.address, kind, 1, 0, FOR_EVER)
    world.network.grantRight(custodian.number, right, {"from": world.arlberg})
    return replace(custodian, key=key)  # type: ignore[arg-type]


@pytest.fixture(params=[P256Key, Passkey])
def key(request: pytest.FixtureRequest) -> Device:
    made: Device = request.param("courier's phone")
    return made


def resigned(record: Record, signature: bytes) -> Record:
    return replace(record, argument=(*record.argument[:-1], signature))


def test_one_fingerprint_takes_over_a_list(world: World, key: Device) -> None:
    """N3, C2: forty items, one assertion; the giver signs with secp256k1 as always."""
    van = rekeyed(world, world.van, key)
    records = [world.acceptance(world.counter) for _ in range(40)]
    world.send_batch(*records)
    items = [record.item for record in records]
    world.send(world.hand_off(world.counter, van, *items))
    world.send(world.hand_off(van, world.hall, *items))
    assert {world.ledger.itemOf(item)[0] for item in items} == {world.hall.number}


def test_the_stored_kind_decides(world: World, key: Device) -> None:
    """N3: never the length of a signature: one of another kind is none."""
    van = rekeyed(world, world.van, key)
    record = world.acceptance(van)
    secp = world.acceptance(world.van, commitment=record.argument[0][0], time=record.argument[0][2])
    with pytest.raises(Exception, match=r"SignatureLength|WrongSignature"):
        world.send(resigned(record, secp.argument[-1]))
    with reverts_with("SignatureLength", len(record.argument[-1])):
        world.send(
            replace(
                world.acceptance(world.counter),
                argument=(world.acceptance(world.counter).argument[0], record.argument[-1]),
            )
        )


def test_high_s_is_refused_and_normalised_s_taken(world: World, key: Device) -> None:
    """N3: half of all authenticators give it; clients bring it into the lower half."""
    van = rekeyed(world, world.van, key)
    record = world.acceptance(van)
    with reverts_with("WrongSignature", key.address, record.digest):
        world.send(resigned(record, key.sign(record.digest, high=True)))
    world.send(resigned(record, key.sign(record.digest)))


def test_another_key_is_refused(world: World, key: Device) -> None:
    """N3: the public key that a signature brings along must be the one of the right."""
    van = rekeyed(world, world.van, key)
    record = world.acceptance(van)
    other = type(key)("another phone")
    with reverts_with("WrongSignature", key.address, record.digest):
        world.send(resigned(record, other.sign(record.digest)))
    mixed = other.point + key.sign(record.digest)[64:]
    with reverts_with("WrongSignature", key.address, record.digest):
        world.send(resigned(record, mixed))


def test_every_byte_counts(world: World, key: Device) -> None:
    """G2: a broken signature is refused, and never breaks the batch that it is in."""
    van = rekeyed(world, world.van, key)
    record, good = world.acceptance(van), world.acceptance(world.counter)
    signature = record.argument[-1]
    ends = len(signature.rstrip(b"\0"))  # the ABI fills up with zeros, which nobody reads
    read = set(range(ends))
    if isinstance(key, Passkey):
        behind = signature.index(key.rp_id_hash) + 37
        read -= set(range(behind, behind + 27))
    for place in {0, 40, 65, 100, 127, *range(64, len(signature), 29)} & read:
        changed = bytearray(signature)
        changed[place] ^= 0xFF
        sent = world.send_batch(resigned(record, bytes(changed)))
        assert "Refused" in sent.events, place
    for length in (0, 1, 63, 64, 65, 127, 129, ends - 1):
        cut = (signature + bytes(300))[:length]
        assert "Refused" in world.send_batch(resigned(record, cut)).events, length
    world.send(good)


@pytest.mark.parametrize(
    "how",
    [
        Assertion(challenge=bytes(32)),
        Assertion(type="webauthn.create"),
        Assertion(flags=PRESENT),
        Assertion(flags=VERIFIED),
        Assertion(flags=0),
        Assertion(relying_party="evil.example"),
        Assertion(challenge_index=0),
        Assertion(challenge_index=2**255),
        Assertion(type_index=3),
        Assertion(type_index=2**64),
        Assertion(type_index=2**256 - 1),
    ],
    ids=str,
)
def test_an_assertion_for_something_else_is_refused(world: World, how: Assertion) -> None:
    """N3: other challenge, type, relying party; nobody present, nobody verified; indices beside it."""
    key = Passkey("courier's phone")
    van = rekeyed(world, world.van, key)
    record = world.acceptance(van)
    with reverts_with("WrongSignature", key.address, record.digest):
        world.send(resigned(record, key.sign(record.digest, how=how)))


def test_other_relying_party(world: World) -> None:
    """N3: a passkey of another site is another key, though it is on the same phone."""
    ours, theirs = Passkey("phone"), Passkey("phone", "evil.example")
    assert ours.point == theirs.point
    assert ours.raw != theirs.raw
    van = rekeyed(world, world.van, ours)
    record = world.acceptance(van)
    how = Assertion(relying_party="evil.example")
    with reverts_with("WrongSignature", ours.address, record.digest):
        world.send(resigned(record, theirs.sign(record.digest, how=how)))


def test_old_hand_offs_stay_good_after_rotation_and_compromise(world: World, key: Device) -> None:
    """N3: what was recorded stays; from then on nothing signed with the lost phone is."""
    van = rekeyed(world, world.van, key)
    item = world.accepted(van)
    late = world.acceptance(van)
    world.next_block_in(60)
    next_phone = rekeyed(world, van, type(key)("next phone"))
    world.send(late)
    world.network.compromise(van.number, key.address, {"from": world.arlberg})
    with reverts_with("NoRight", van.number, late.argument[0][2]):
        world.send(world.acceptance(van, time=late.argument[0][2]))
    world.send(world.hand_off(next_phone, world.hall, item))
    assert world.ledger.itemOf(item)[1:3] == (2, 2)


def test_what_a_real_browser_signed_is_good(world: World) -> None:
    """N3: Chromium's authenticator (tests/vectors/passkey.json), through registration, lower s and ABI form."""
    vectors = json.loads(VECTORS.read_text())
    right = ("0x" + vectors["key"], PASSKEY, 1, 0, FOR_EVER)
    world.network.grantRight(world.van.number, right, {"from": world.arlberg})
    for one in vectors["assertions"]:
        signature, digest = (bytes.fromhex(one[n]) for n in ("signature_on_chain", "digest"))
        check = world.network.checkSigned(world.van.number, world.now(), digest, signature)
        assert bytes(check) == b""
        other = world.network.checkSigned(world.van.number, world.now(), bytes(32), signature)
        assert bytes(other) != b""
