"""S1, S3, S6, S7, S9: claims, twins as tokens, and originals shown."""

from __future__ import annotations

import pytest
from brownie import accounts
from brownie.convert.datatypes import HexString

from backend.domain.merkle import claim_leaf, merkle_proof, merkle_root
from tests.contracts.errors import error, refusals, reverts_with
from tests.contracts.world import DAY, ZERO_ADDRESS, Edition, World

NONE, SEALED, CLAIMED = 0, 1, 2


@pytest.fixture
def edition(world: World) -> Edition:
    """With its eight claimable stamps sold."""
    edition = world.edition()
    edition.issue(1, 8)
    return edition


# ------------------------------------------------------------------------------------------------- claim


def test_the_claim_key_moves_the_twin_to_the_collector(world: World, edition: Edition) -> None:
    """S6: out of the contract's keeping; anyone may send it."""
    stamp, collector = edition.stamp(1), accounts[12]
    transaction = world.send(edition.claim(1, collector))
    moved = transaction.events["Transfer"]
    assert (moved["from"], moved["to"], moved["tokenId"]) == (
        world.stamps.address,
        collector,
        stamp,
    )
    assert world.stamps.ownerOf(stamp) == collector
    assert world.stamps.twinOf(stamp) == CLAIMED
    assert (world.stamps.balanceOf(collector), world.stamps.balanceOf(world.stamps.address)) == (
        1,
        7,
    )
    assert transaction.events["Claimed"]["claimKey"] == edition.keys[1].address


def test_a_twin_is_claimed_once(world: World, edition: Edition) -> None:
    """S6: also not again after it was sold on, nor to the contract and back."""
    stamp, collector, buyer = edition.stamp(1), accounts[12], accounts[13]
    world.send(edition.claim(1, collector))
    with reverts_with("AlreadyClaimed", stamp, collector.address):
        world.send(edition.claim(1, buyer))
    world.stamps.transferFrom(collector, buyer, stamp, {"from": collector})
    with reverts_with("AlreadyClaimed", stamp, buyer.address):
        world.send(edition.claim(1, collector))
    with reverts_with("ERC721InvalidReceiver", world.stamps.address):
        world.stamps.transferFrom(buyer, world.stamps, stamp, {"from": buyer})


def test_key_of_one_stamp_cannot_claim_another(world: World, edition: Edition) -> None:
    """S1: a leaf names its stamp: neither with the own proof nor with the other's."""
    for proof_of in (1, 2):
        record = edition.claim(2, world.stranger, key=edition.keys[1], proof_of=proof_of)
        with reverts_with("NotClaimKey", edition.stamp(2), edition.keys[1].address):
            world.send(record)


def test_a_claim_binds_its_recipient(world: World, edition: Edition) -> None:
    """S6: whoever sees it in the pool cannot send it to himself."""
    (stamp, _, deadline), proof, signature = edition.claim(1, accounts[12]).argument
    stolen = (stamp, world.stranger.address, deadline), proof, signature
    transaction = world.stamps.claimBatch([stolen], {"from": world.stranger})
    assert refusals(transaction)[0][1].startswith(f"NotClaimKey: {stamp}, ")
    assert world.stamps.twinOf(stamp) == SEALED


def test_a_signature_that_recovers_to_nobody_claims_nothing(world: World) -> None:
    """S6: even where the tree holds the zero address."""
    leaves = [claim_leaf(1 << 48 | 1 << 32 | serial, bytes(20)) for serial in (1, 2)]
    edition = world.edition(claimRoot=merkle_root(leaves))
    edition.issue(1, 2)
    struct = (edition.stamp(1), world.stranger.address, world.now() + DAY)
    argument = struct, merkle_proof(leaves, 0), bytes(64)
    with reverts_with("NotClaimKey", edition.stamp(1), ZERO_ADDRESS):
        world.stamps.claim(argument, {"from": world.stranger})


def test_an_inner_node_is_no_leaf(world: World, edition: Edition) -> None:
    """S1: a shorter proof from the middle of the tree leads nowhere, as leaves are hashed twice."""
    struct, proof, signature = edition.claim(1, world.stranger).argument
    with reverts_with("NotClaimKey", edition.stamp(1), edition.keys[1].address):
        world.stamps.claim((struct, proof[1:], signature), {"from": world.relay})


def test_used_stamps_can_be_claimed(world: World, edition: Edition) -> None:
    """S6, S7: use and twin never touch."""
    world.accepted(world.counter, stamps=(edition.stamp(1),))
    world.send(edition.claim(1, world.stranger))
    world.send(edition.claim(2, world.stranger))
    world.accepted(world.counter, stamps=(edition.stamp(2),))


def test_what_was_not_sold_cannot_be_claimed(world: World) -> None:
    """S6."""
    edition = world.edition()
    with reverts_with("NotIssued", edition.stamp(1)):
        world.send(edition.claim(1, world.stranger))


def test_an_edition_without_claim_keys_has_no_claims(world: World) -> None:
    """S1: root 0."""
    edition = world.edition(claimRoot=bytes(32))
    edition.issue(1, 1)
    with reverts_with("NotClaimKey", edition.stamp(1), edition.keys[1].address):
        world.send(edition.claim(1, world.stranger))


def test_a_claim_has_a_deadline(world: World, edition: Edition) -> None:
    """S6: kept to the second."""
    block = world.next_block_in(60)
    world.send(edition.claim(1, world.stranger, deadline=block))
    block = world.next_block_in(60)
    with reverts_with("PastDeadline", block - 1, block):
        world.send(edition.claim(2, world.stranger, deadline=block - 1))


def test_a_twin_is_claimed_to_somebody(world: World, edition: Edition) -> None:
    """S6: not to nobody, not to the contract."""
    for to in (ZERO_ADDRESS, world.stamps.address):
        with reverts_with("InvalidRecipient", to):
            world.send(edition.claim(1, to))


def test_one_taken_stamp_blocks_no_other_claim(world: World, edition: Edition) -> None:
    """S6, G2: claims of a batch stand alone."""
    records = [edition.claim(serial, world.stranger) for serial in (1, 2, 3)]
    world.send(records[1])
    transaction = world.send_batch(*records)
    assert refusals(transaction) == [
        (1, error("AlreadyClaimed", edition.stamp(2), world.stranger.address))
    ]
    assert world.stamps.balanceOf(world.stranger) == 3


# ---------------------------------------------------------------------------------------------- as tokens


def test_nobody_moves_or_approves_a_sealed_twin(world: World, edition: Edition) -> None:
    """S3: not its operator, not the governor, not by an approval."""
    stamp = edition.stamp(1)
    for sender in (world.arlberg, world.arlberg_sender, world.governor, world.stranger):
        with reverts_with("ERC721InsufficientApproval", sender.address, stamp):
            world.stamps.transferFrom(world.stamps, sender, stamp, {"from": sender})
        with reverts_with("ERC721InvalidApprover", sender.address):
            world.stamps.approve(sender, stamp, {"from": sender})
    assert world.stamps.getApproved(stamp) == ZERO_ADDRESS
    assert not world.stamps.isApprovedForAll(world.stamps, world.arlberg)


def test_a_claimed_twin_is_an_ordinary_token(world: World, edition: Edition) -> None:
    """S7: approved, moved, and gone from the one who moved it."""
    stamp, collector, dealer = edition.stamp(1), accounts[12], accounts[13]
    world.send(edition.claim(1, collector))
    world.stamps.approve(dealer, stamp, {"from": collector})
    world.stamps.transferFrom(collector, dealer, stamp, {"from": dealer})
    assert world.stamps.ownerOf(stamp) == dealer
    with reverts_with("ERC721InsufficientApproval", collector.address, stamp):
        world.stamps.transferFrom(dealer, collector, stamp, {"from": collector})


def test_a_stamp_that_was_not_issued_has_no_token(world: World, edition: Edition) -> None:
    """S3: nor has a number beyond 64 bits, whatever its lower bits are."""
    for number in (0, edition.stamp(9), (1 << 64) + edition.stamp(1)):
        with reverts_with("ERC721NonexistentToken", number):
            world.stamps.ownerOf(number)


def test_it_says_what_it_is(world: World, edition: Edition) -> None:
    """S7: ERC-721 with metadata names, and no address that could die."""
    assert world.stamps.supportsInterface(HexString("0x80ac58cd", "bytes4"))
    assert (world.stamps.name(), world.stamps.symbol()) == ("Posthorn crypto-stamp", "STAMP")
    assert world.stamps.tokenURI(edition.stamp(1)) == ""


# ---------------------------------------------------------------------------------------------- originals


def test_the_holder_of_the_claim_code_shows_the_original(world: World, edition: Edition) -> None:
    """S9: of a used stamp, without claiming."""
    world.accepted(world.counter, stamps=(edition.stamp(1),))
    transaction = world.send(edition.original(1))
    assert transaction.events["OriginalShown"]["claimKey"] == edition.keys[1].address
    assert world.stamps.originalShown(edition.stamp(1))
    assert not world.stamps.originalShown(edition.stamp(2))
    assert world.stamps.twinOf(edition.stamp(1)) == SEALED


def test_an_original_is_shown_once(world: World, edition: Edition) -> None:
    """S9: of a stamp that was used, is not void, in time, and with its own key."""
    stamp = edition.stamp(1)
    with reverts_with("NotUsed", stamp):
        world.send(edition.original(1))
    world.accepted(world.counter, stamps=(stamp,))
    with reverts_with("NotClaimKey", stamp, edition.keys[2].address):
        world.send(edition.original(1, key=edition.keys[2]))
    block = world.next_block_in(60)
    with reverts_with("PastDeadline", block - 1, block):
        world.send(edition.original(1, deadline=block - 1))
    world.send(edition.original(1))
    with reverts_with("AlreadyShown", stamp):
        world.send(edition.original(1))
    void = edition.void(2, 2).block_number
    with reverts_with("VoidStamp", edition.stamp(2), void):
        world.send(edition.original(2))


def test_a_claim_is_no_original_and_the_other_way_round(world: World, edition: Edition) -> None:
    """S6, S9: signatures of one kind do nothing as the other."""
    world.accepted(world.counter, stamps=(edition.stamp(1),))
    (stamp, _, deadline), proof, signature = edition.claim(1, world.stranger).argument
    transaction = world.stamps.showOriginalBatch(
        [((stamp, deadline), proof, signature)], {"from": world.relay}
    )
    assert refusals(transaction)[0][1].startswith("NotClaimKey")


def test_originals_of_a_batch_stand_alone(world: World, edition: Edition) -> None:
    """G2."""
    world.accepted(world.counter, stamps=(edition.stamp(1), edition.stamp(2)))
    records = [edition.original(serial) for serial in (1, 1, 2)]
    assert refusals(world.send_batch(*records)) == [(1, error("AlreadyShown", edition.stamp(1)))]


def test_keys_of_another_edition_claim_nothing(world: World, edition: Edition) -> None:
    """S1: each edition has its own tree."""
    other = world.edition(2)
    other.issue(1, 8)
    record = other.claim(1, world.stranger, key=edition.keys[1])
    with reverts_with("NotClaimKey", other.stamp(1), edition.keys[1].address):
        world.send(record)
