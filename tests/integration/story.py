"""One of everything, told to the small postal network of `posts`."""

from __future__ import annotations

from devices import Device, Passkey
from eth_account import Account
from posts import (
    CENTRE,
    CHAIN_ID,
    COUNTER,
    CUSTOMS,
    DAY_SECONDS,
    EDITION,
    Posts,
    address,
    as_hex,
)

from backend.domain.commitments import hidden_keys
from backend.domain.ids import custodian_number
from backend.domain.keccak import keccak256
from backend.domain.typed_data import DeliveryKeys, Finding, Packing

P256_DEVICE, PASSKEY_DEVICE = custodian_number(1, 8), custodian_number(1, 9)


def tell(posts: Posts) -> None:
    """One of everything, in some twenty blocks."""
    tell_of_loose_items(posts)
    _give_new_claim_keys(posts)
    _carry_a_bag(posts)
    _stand_in(posts)
    _nest(posts)
    _pack_at_the_second_try(posts)
    _sign_twice(posts)
    _sign_by_devices(posts)


def tell_of_loose_items(posts: Posts) -> None:
    """In some ten blocks, no more than can be taken back; items of the words `parcel`, `letter`, `card`, `lost`."""
    keys = DeliveryKeys(address("recipient"), address("sender"), keccak256(b"salt"))
    hidden = hidden_keys(keys.recipient, keys.sender, keys.salt)
    parcel = posts.accept("parcel", stamps=posts.stamps(1, 2), keys=hidden)
    letter = posts.accept("letter")
    posts.mine()
    card = posts.accept("card", CENTRE)
    posts.hand_off(COUNTER, CENTRE, (parcel, 1), (letter, 1), findings=[Finding(1, 2)])
    posts.mine()
    posts.report(parcel, CENTRE)
    posts.recall(card, 1, CENTRE)
    posts.cancel(COUNTER, *posts.stamps(3, 4))
    posts.void(11, 12)
    posts.void(5, 5)
    posts.mine()
    posts.hand_off(CENTRE, CUSTOMS, (parcel, 2), (letter, 2), (card, 2), missing=[1])
    posts.claim(1, address("collector"))
    posts.show_original(2)
    posts.call("CryptoStamp", "closeClaims", EDITION, 7, 8, 1)
    posts.mine()
    _move_twin(posts, 1, "collector")
    posts.call("CryptoStamp", "withdrawEdition", EDITION, posts.now + 91 * DAY_SECONDS)
    posts.take_up(letter, CUSTOMS)
    posts.mine()
    _change_the_network(posts)
    posts.mine()
    posts.deliver(parcel, 3, CUSTOMS, keys)
    posts.end(card, 3, CUSTOMS)
    posts.accept("lost", CENTRE)
    posts.mine()
    posts.take_up(card, CUSTOMS, 4)
    posts.report(letter, CUSTOMS)
    posts.mine()


def _give_new_claim_keys(posts: Posts) -> None:
    """S10: a month after the closing."""
    posts.now += 30 * DAY_SECONDS
    posts.call("CryptoStamp", "replaceClaimRoot", EDITION, 7, 8, as_hex(keccak256(b"new root")))
    posts.mine()


def _carry_a_bag(posts: Posts) -> None:
    """C7: of three items one is found, one missing, one inferred; a fourth is taken up out of the closed bag."""
    bag = posts.accept("bag")
    found, gone, inferred, loose = (
        posts.accept(word) for word in ("found", "gone", "inferred", "loose")
    )
    posts.mine()
    posts.pack(bag, 1, COUNTER, found, keccak256(b"unknown"), gone)
    posts.pack(bag, 2, COUNTER, inferred, loose)
    posts.mine()
    posts.close_bag(bag, 3, COUNTER, found, gone, inferred, loose)
    posts.hand_off(COUNTER, CENTRE, (bag, 4))
    posts.mine()
    posts.report(found, CENTRE)
    posts.take_up(loose, CUSTOMS)
    posts.mine()
    posts.open_bag(bag, 5, CENTRE, [gone, loose], 0b0001)
    posts.mine()
    posts.hand_off(CENTRE, CUSTOMS, (found, 2))
    posts.hand_off(COUNTER, CENTRE, (gone, 2))
    posts.mine()


def _stand_in(posts: Posts) -> None:
    """C9."""
    van = custodian_number(1, 4)
    posts.enrol(van, 8)
    posts.mine()
    posts.accept("stranded", van)
    posts.call("PostalNetwork", "suspendCustodian", van)
    posts.mine()
    posts.force(van, CENTRE, (posts.item("stranded", van), 1))
    posts.mine()


def _nest(posts: Posts) -> None:
    """C7: a sack with `deep` and `beside` travels in a crate; `beside` is not looked at when the sack is opened."""
    crate, sack = posts.accept("crate"), posts.accept("sack")
    deep, beside = posts.accept("deep"), posts.accept("beside")
    posts.mine()
    posts.pack(sack, 1, COUNTER, deep, beside)
    posts.close_bag(sack, 2, COUNTER, deep, beside)
    posts.mine()
    posts.pack(crate, 1, COUNTER, sack)
    posts.close_bag(crate, 2, COUNTER, sack)
    posts.hand_off(COUNTER, CENTRE, (crate, 3))
    posts.mine()
    posts.open_bag(crate, 4, CENTRE, [], 0b1)
    posts.mine()
    posts.hand_off(CENTRE, CUSTOMS, (sack, 4))
    posts.report(crate, CENTRE)
    posts.mine()
    posts.open_bag(sack, 5, CUSTOMS, [], 0b01)
    posts.mine()


def _pack_at_the_second_try(posts: Posts) -> None:
    """CE6: one transaction in which a packing is refused whole, and then not. The pouch stays closed; so does its case.

    `late` lies in the pouch, the pouch in a case that is on its way.
    """
    pouch, case, late = posts.accept("pouch"), posts.accept("case"), posts.accept("late", CENTRE)
    posts.mine()
    packing = Packing(pouch, 1, COUNTER, posts.now, (late,))
    batch = posts.calldata(
        "CustodyLedger", "packBatch", [posts.signed("packing", packing, COUNTER)]
    )
    release = posts.release(CENTRE, COUNTER, [(late, 1)])
    payload = posts.hand_off_payload(release, posts.receipt(release))
    posts.together(batch, posts.calldata("CustodyLedger", "handOff", payload), batch)
    posts.mine()
    posts.close_bag(pouch, 2, COUNTER, late)
    posts.pack(case, 1, COUNTER, pouch)
    posts.close_bag(case, 2, COUNTER, pouch)
    posts.hand_off(COUNTER, CENTRE, (case, 3))
    posts.mine()


def _sign_twice(posts: Posts) -> None:
    """C10: a giver has signed the item `twice` away to two receivers; one of them holds it."""
    twice = posts.accept("twice")
    posts.mine()
    payloads = []
    for receiver in (CENTRE, CUSTOMS):
        release = posts.release(COUNTER, receiver, [(twice, 1)])
        payloads.append(posts.hand_off_payload(release, posts.receipt(release)))
    posts.call("CustodyLedger", "handOff", payloads[0])
    posts.mine()
    posts.prove_equivocation(*payloads)
    posts.mine()


def _sign_by_devices(posts: Posts) -> None:
    """N3: `tapped` goes from a device with a P-256 key to one with a passkey."""
    posts.enrol_device(P256_DEVICE, Device("courier"))
    posts.enrol_device(PASSKEY_DEVICE, Passkey("courier's phone"))
    posts.mine()
    tapped = posts.accept("tapped", P256_DEVICE)
    posts.mine()
    posts.hand_off(P256_DEVICE, PASSKEY_DEVICE, (tapped, 1))
    posts.mine()


def _move_twin(posts: Posts, serial: int, owner: str) -> None:
    """The collector gives the twin away."""
    (stamp,) = posts.stamps(serial)
    giver, taker = address(owner), address("friend")
    arguments = [as_hex(giver), as_hex(taker), stamp]
    data = posts.calldata("CryptoStamp", "transferFrom", *arguments)
    account = Account.from_key(keccak256(owner.encode()))
    fields = {"nonce": 0, "gas": 200_000, "gasPrice": 0, "value": 0, "chainId": CHAIN_ID}
    fields |= {"to": posts.deployment.addresses["CryptoStamp"], "data": data}
    raw = account.sign_transaction(fields).raw_transaction
    posts.rpc.call("eth_sendRawTransaction", as_hex(bytes(raw)))


def _change_the_network(posts: Posts) -> None:
    """Rotation, compromise, suspension, signers: every event of PostalNetwork but the admission."""
    me, other = str(posts.sender.address).lower(), as_hex(address("other"))
    network = "PostalNetwork"
    posts.enrol(custodian_number(1, 3), 8)
    posts.call(network, "grantRight", custodian_number(1, 3), posts.right("new courier"))
    posts.call(
        network,
        "grantRight",
        CENTRE,
        posts.right(f"custodian {CENTRE}", posts.now + 90 * DAY_SECONDS),
    )
    posts.call(network, "compromise", custodian_number(1, 3), as_hex(address("new courier")))
    posts.call(network, "suspendCustodian", custodian_number(1, 3))
    posts.call(network, "addSubmitter", 1, other)
    posts.call(network, "removeSubmitter", 1, other)
    posts.call(network, "addStampSigner", 1, other)
    posts.call(network, "addStampSigner", 1, me)
    posts.call(network, "revokeStampSigner", 1, me)
    posts.call(network, "admitOperator", 3, other, "Carrier")
    posts.call(network, "suspendOperator", 3)
