"""S10: claims of a range are closed where its claim keys may be known, and re-rooted once, 30 days later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from brownie import accounts

from backend.domain.ids import edition_number
from backend.domain.keccak import keccak256
from backend.domain.merkle import claim_leaf, merkle_proof, merkle_root
from backend.domain.typed_data import Claim, Original
from tests.contracts.errors import error, refusals, reverts_with
from tests.contracts.world import DAY, ZERO32, Edition, Key, Record, World

SEALED, CLAIMED = 1, 2
LEAKED = 1
MONTH = 30 * DAY


@pytest.fixture
def edition(world: World) -> Edition:
    """With its eight claimable stamps sold."""
    edition = world.edition()
    edition.issue(1, 8)
    return edition


def close(edition: Edition, first: int, last: int, **values: Any) -> Any:
    sender = values.get("sender", edition.world.arlberg_sender)
    call = edition.world.stamps.closeClaims
    return call(edition.number, first, last, LEAKED, {"from": sender})


def replace(edition: Edition, first: int, last: int, root: bytes, **values: Any) -> Any:
    sender = values.get("sender", edition.world.arlberg_sender)
    return edition.world.stamps.replaceClaimRoot(
        edition.number, first, last, root, {"from": sender}
    )


@dataclass(frozen=True)
class NewKeys:
    """New claim keys of some serials, in a tree of their own."""

    edition: Edition
    serials: tuple[int, ...]

    @property
    def leaves(self) -> list[bytes]:
        return [claim_leaf(self.edition.stamp(one), self.key(one).raw) for one in self.serials]

    @property
    def root(self) -> bytes:
        return merkle_root(self.leaves)

    def key(self, serial: int) -> Key:
        return Key(f"new claim {serial}")

    def proof(self, serial: int) -> list[bytes]:
        return merkle_proof(self.leaves, self.serials.index(serial))

    def claim(self, serial: int, to: Any, of: int | None = None) -> Record:
        """Of another stamp, where `of` names its serial."""
        world, stamp = self.edition.world, self.edition.stamp(of or serial)
        struct = Claim(stamp, bytes.fromhex(str(to)[2:]), world.now() + DAY)
        return world.one("claim", struct, self.key(serial), between=(self.proof(serial),))

    def original(self, serial: int) -> Record:
        world = self.edition.world
        struct = Original(self.edition.stamp(serial), world.now() + DAY)
        return world.one("showOriginal", struct, self.key(serial), between=(self.proof(serial),))


# ----------------------------------------------------------------------------------------------- closing


def test_closed_stamps_are_neither_claimed_nor_shown(world: World, edition: Edition) -> None:
    """S10, SE8: who has the leaked seed gets nothing; stamps beside the range are claimed as ever."""
    closed = close(edition, 2, 4)
    assert dict(closed.events["ClaimsClosed"]) == {
        "edition": edition.number,
        "first": 2,
        "last": 4,
        "reason": LEAKED,
        "by": world.arlberg_sender.address,
    }
    world.accepted(world.counter, stamps=(edition.stamp(3),))
    for serial in (2, 3, 4):
        with reverts_with("ClaimsAreClosed", edition.stamp(serial), closed.timestamp):
            world.send(edition.claim(serial, world.stranger))
        assert world.stamps.twinOf(edition.stamp(serial)) == SEALED
    with reverts_with("ClaimsAreClosed", edition.stamp(3), closed.timestamp):
        world.send(edition.original(3))
    for serial in (1, 5):
        world.send(edition.claim(serial, accounts[12]))
    world.wait(10 * MONTH)
    with reverts_with("ClaimsAreClosed", edition.stamp(2), closed.timestamp):
        world.send(edition.claim(2, world.stranger))


def test_a_closed_claim_blocks_no_other_of_its_batch(world: World, edition: Edition) -> None:
    """G2, S10."""
    closed = close(edition, 2, 2)
    records = [edition.claim(serial, accounts[12]) for serial in (1, 2, 3)]
    refused = error("ClaimsAreClosed", edition.stamp(2), closed.timestamp)
    assert refusals(world.send_batch(*records)) == [(1, refused)]


def test_only_the_editions_operator_closes_and_replaces(world: World, edition: Edition) -> None:
    """S10: not another operator, not a stranger, not the governor."""
    outsiders = (world.saentis_sender, world.saentis, world.stranger, world.governor)
    for sender in outsiders:
        with reverts_with("NotSubmitter", 1, sender.address):
            close(edition, 1, 8, sender=sender)
    close(edition, 1, 8)
    world.wait(MONTH)
    for sender in outsiders:
        with reverts_with("NotSubmitter", 1, sender.address):
            replace(edition, 1, 8, b"\1" * 32, sender=sender)


def test_closed_ranges_do_not_overlap(world: World, edition: Edition) -> None:
    """S10: also not after the replacement: else a range could be re-rooted again and again."""
    close(edition, 3, 5)
    world.wait(MONTH)
    replace(edition, 3, 5, NewKeys(edition, (3, 4, 5)).root)
    for first, last in ((3, 5), (1, 3), (5, 8), (4, 4), (1, 1000)):
        with reverts_with("ClaimsOverlap", edition.number, 3, 5):
            close(edition, first, last)
    close(edition, 1, 2)
    close(edition, 6, 1000)


def test_a_closed_range_lies_in_its_edition(world: World, edition: Edition) -> None:
    """S10."""
    for first, last in ((0, 1), (2, 1), (1000, 1001)):
        with reverts_with("InvalidRange", edition.number, first, last):
            close(edition, first, last)
    unknown = edition.number + 1
    with reverts_with("UnknownEdition", unknown):
        world.stamps.closeClaims(unknown, 1, 1, LEAKED, {"from": world.arlberg_sender})


def test_claims_of_an_edition_are_closed_16_times(world: World, edition: Edition) -> None:
    """S10: a claim looks through them, so that its cost is bounded."""
    for serial in range(901, 917):
        close(edition, serial, serial)
    with reverts_with("TooManyClosures", edition.number, 16):
        close(edition, 1, 1)
    world.send(edition.claim(1, accounts[12]))


# --------------------------------------------------------------------------------------------- re-rooting


def test_a_range_is_re_rooted_once_after_30_days(world: World, edition: Edition) -> None:
    """S10, SE8: to the second; then the new keys claim and show, the old ones nothing."""
    keys = NewKeys(edition, (2, 3, 4))
    closed = close(edition, 2, 4)
    earliest = closed.timestamp + MONTH
    world.wait(MONTH - 100)
    assert world.next_block_in(99) == earliest - 1
    with reverts_with("ReplacementTooEarly", edition.number, 2, 4, earliest):
        replace(edition, 2, 4, keys.root)
    world.wait(1)
    replaced = replace(edition, 2, 4, keys.root)
    assert replaced.events["ClaimRootReplaced"]["root"] == "0x" + keys.root.hex()
    with reverts_with("AlreadyReplaced", edition.number, 2, 4, keys.root):
        replace(edition, 2, 4, b"\1" * 32)

    with reverts_with("NotClaimKey", edition.stamp(2), edition.keys[2].address):
        world.send(edition.claim(2, world.stranger))
    world.send(keys.claim(2, accounts[12]))
    world.accepted(world.counter, stamps=(edition.stamp(3),))
    world.send(keys.original(3))
    assert world.stamps.ownerOf(edition.stamp(2)) == accounts[12]
    assert world.stamps.originalShown(edition.stamp(3))


def test_a_claimed_twin_is_never_touched(world: World, edition: Edition) -> None:
    """S10: neither by the closing nor by the new key of its stamp."""
    stamp, collector = edition.stamp(2), accounts[12]
    world.send(edition.claim(2, collector))
    keys = NewKeys(edition, (2, 3))
    close(edition, 2, 3)
    world.stamps.transferFrom(collector, accounts[13], stamp, {"from": collector})
    world.wait(MONTH)
    replace(edition, 2, 3, keys.root)
    with reverts_with("AlreadyClaimed", stamp, accounts[13].address):
        world.send(keys.claim(2, world.stranger))
    assert (world.stamps.ownerOf(stamp), world.stamps.twinOf(stamp)) == (accounts[13], CLAIMED)


def test_a_new_tree_speaks_for_its_range_only(world: World, edition: Edition) -> None:
    """S10, S1: what it says of other stamps counts for nothing; a leaf of one stamp claims no other."""
    keys = NewKeys(edition, (2, 3, 5))
    close(edition, 2, 3)
    world.wait(MONTH)
    replace(edition, 2, 3, keys.root)
    with reverts_with("NotClaimKey", edition.stamp(5), keys.key(5).address):
        world.send(keys.claim(5, world.stranger))
    for serial in (3, 5):
        with reverts_with("NotClaimKey", edition.stamp(2), keys.key(serial).address):
            world.send(keys.claim(serial, world.stranger, of=2))
    world.send(edition.claim(5, accounts[12]))


def test_a_root_is_for_a_range_that_was_closed(world: World, edition: Edition) -> None:
    """S10: for exactly that one."""
    root = NewKeys(edition, (2, 3)).root
    with reverts_with("ClaimsNotClosed", edition.number, 2, 3):
        replace(edition, 2, 3, root)
    close(edition, 2, 4)
    world.wait(MONTH)
    for first, last in ((2, 3), (3, 4), (1, 4)):
        with reverts_with("ClaimsNotClosed", edition.number, first, last):
            replace(edition, first, last, root)
    with reverts_with("InvalidClaimRoot", edition.number, ZERO32):
        replace(edition, 2, 4, bytes(32))


def test_a_void_stamp_stays_void_whatever_its_range(world: World, edition: Edition) -> None:
    """S5, S10: a new root brings no void twin back."""
    void = edition.void(2, 2).block_number
    keys = NewKeys(edition, (2, 3))
    close(edition, 2, 3)
    world.wait(MONTH)
    replace(edition, 2, 3, keys.root)
    with reverts_with("VoidStamp", edition.stamp(2), void):
        world.send(keys.claim(2, world.stranger))


def test_the_terms_of_an_edition_stay_what_they_were(world: World, edition: Edition) -> None:
    """S1, S10: the root of its terms is final; views say which tree counts for a stamp."""
    terms = world.stamps.edition(edition.number)
    own = "0x" + merkle_root(edition.leaves).hex()
    closed = close(edition, 2, 3).timestamp
    assert world.stamps.edition(edition.number) == terms
    assert world.stamps.claimRootOf(edition.stamp(1)) == (own, 0)
    assert world.stamps.claimRootOf(edition.stamp(2)) == ("0x" + "00" * 32, closed)
    world.wait(MONTH)
    root = NewKeys(edition, (2, 3)).root
    replace(edition, 2, 3, root)
    assert world.stamps.claimRootOf(edition.stamp(3)) == ("0x" + root.hex(), 0)
    assert world.stamps.closures(edition.number) == [(2, 3, closed, "0x" + root.hex())]


def test_no_edition_is_created_with_the_mark_of_closures(world: World) -> None:
    """S10: it would be taken for one whose claims were closed."""
    mark = keccak256(b"posthorn.closures")
    with reverts_with("InvalidClaimRoot", edition_number(1, 3), mark):
        world.edition(3, claimRoot=mark)
