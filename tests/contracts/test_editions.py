"""S1-S3, S5: editions, issue and void."""

from __future__ import annotations

from typing import Any

import pytest

from backend.domain.ids import edition_number, stamp_number
from tests.contracts.errors import error, refusals, reverts_with
from tests.contracts.world import DAY, ZERO_ADDRESS, World

NONE, SEALED, CLAIMED = 0, 1, 2
SPOILT, STOLEN = 1, 4


# ---------------------------------------------------------------------------------------------- editions


def test_an_edition_is_created_once_with_fixed_terms(world: World) -> None:
    """S1: as given, with the block's time; the two fields of the chain's own cannot be given."""
    block = world.next_block_in(60)
    edition = world.edition(withdrawnFrom=1, createdAt=1)
    kept = world.stamps.edition(edition.number).dict()
    given = edition.terms | {"withdrawnFrom": 0, "createdAt": block}
    assert [
        bytes(v) if k in ("metadata", "claimRoot", "currency") else v for k, v in kept.items()
    ] == [*given.values()]
    with reverts_with("EditionExists", edition.number):
        world.edition()


def test_the_number_says_whose_edition_it_is(world: World) -> None:
    """S2: nobody can take another operator's number, and number 0 does not exist."""
    terms = tuple(world.edition().terms.values())
    with reverts_with("NotSubmitter", 2, world.arlberg_sender.address):
        world.stamps.createEdition(edition_number(2, 1), terms, {"from": world.arlberg_sender})
    with reverts_with("InvalidEdition", 1 << 16):
        world.stamps.createEdition(1 << 16, terms, {"from": world.arlberg_sender})
    with reverts_with("UnknownOperator", 0):
        world.stamps.createEdition(7, terms, {"from": world.arlberg_sender})


@pytest.mark.parametrize(
    "values",
    [
        {"supply": 0},
        {"faceValue": 0},
        {"currency": bytes(3)},
        {"service": 1},
        {"faceValue": 0, "currency": bytes(3), "service": 0},
        {"faceValue": 0, "service": 1},
    ],
)
def test_an_edition_has_stamps_and_one_kind_of_value(world: World, values: dict[str, Any]) -> None:
    """S1: face value and currency, or a service."""
    terms = {"supply": 1000, "faceValue": 300, "currency": b"EUR", "service": 0} | values
    with reverts_with("InvalidValue", *terms.values()):
        world.edition(**values)


def test_a_service_is_a_value(world: World) -> None:
    """S1: what the stamp pays for, whatever that costs."""
    edition = world.edition(faceValue=0, currency=bytes(3), service=7)
    assert world.stamps.edition(edition.number)[4] == 7


def test_an_edition_is_withdrawn_once_with_90_days_notice(world: World) -> None:
    """S1: by its operator."""
    edition = world.edition()
    block = world.next_block_in(60)
    with reverts_with("WithdrawalTooEarly", block + 90 * DAY - 1, block + 90 * DAY):
        world.stamps.withdrawEdition(
            edition.number, block + 90 * DAY - 1, {"from": world.arlberg_sender}
        )
    with reverts_with("NotSubmitter", 1, world.saentis_sender.address):
        world.stamps.withdrawEdition(
            edition.number, block + 91 * DAY, {"from": world.saentis_sender}
        )
    world.stamps.withdrawEdition(edition.number, block + 91 * DAY, {"from": world.arlberg_sender})
    assert world.stamps.edition(edition.number)[7] == block + 91 * DAY
    with reverts_with("AlreadyWithdrawn", edition.number, block + 91 * DAY):
        world.stamps.withdrawEdition(
            edition.number, block + 200 * DAY, {"from": world.arlberg_sender}
        )
    with reverts_with("UnknownEdition", edition_number(1, 9)):
        world.stamps.withdrawEdition(
            edition_number(1, 9), block + 91 * DAY, {"from": world.arlberg_sender}
        )


# ------------------------------------------------------------------------------------------------- issue


def test_issued_twins_are_in_the_contracts_keeping(world: World) -> None:
    """S3: a range in one record; each twin exists, sealed, from the sale on."""
    edition = world.edition()
    transaction = edition.issue(5, 300)
    moved = transaction.events["ConsecutiveTransfer"]
    assert (moved["fromTokenId"], moved["toTokenId"]) == (edition.stamp(5), edition.stamp(300))
    assert (moved["fromAddress"], moved["toAddress"]) == (ZERO_ADDRESS, world.stamps.address)
    for serial in (5, 255, 256, 300):
        assert world.stamps.issued(edition.stamp(serial))
        assert world.stamps.ownerOf(edition.stamp(serial)) == world.stamps.address
        assert world.stamps.twinOf(edition.stamp(serial)) == SEALED
    for serial in (4, 301):
        assert not world.stamps.issued(edition.stamp(serial))
        assert world.stamps.twinOf(edition.stamp(serial)) == NONE
    assert world.stamps.balanceOf(world.stamps.address) == 296


def test_a_range_that_overlaps_is_refused_whole(world: World) -> None:
    """S3: naming the first serial that was issued before."""
    edition = world.edition()
    edition.issue(100, 600)
    with reverts_with("AlreadyIssued", edition.stamp(100)):
        edition.issue(1, 1000)
    with reverts_with("AlreadyIssued", edition.stamp(600)):
        edition.issue(600, 601)
    edition.issue(1, 99)
    edition.issue(601, 1000)
    assert world.stamps.balanceOf(world.stamps.address) == 1000


@pytest.mark.parametrize(("first", "last"), [(0, 1), (2, 1), (1, 1001), (0, 0), (1001, 1001)])
def test_a_range_lies_within_its_edition(world: World, first: int, last: int) -> None:
    """S3: serials are 1 to the quantity."""
    edition = world.edition()
    for call in (edition.issue, edition.void):
        with reverts_with("InvalidRange", edition.number, first, last):
            call(first, last)


def test_a_range_has_at_most_65536_serials(world: World) -> None:
    """S3: a record stays within a transaction."""
    edition = world.edition(supply=100_000)
    with reverts_with("InvalidRange", edition.number, 1, 65_537):
        edition.issue(1, 65_537)
    edition.issue(1, 65_536)
    assert world.stamps.issued(edition.stamp(65_536))


def test_only_the_operators_submitters_issue(world: World) -> None:
    """G1, S3: and what they sold was sold at a custodian of their own."""
    edition = world.edition()
    for sender in (world.saentis_sender, world.stranger):
        with reverts_with("NotSubmitter", 1, sender.address):
            edition.issue(1, 3, sender=sender)
    with reverts_with("NotOwnCustodian", edition.number, world.zurich.number):
        edition.issue(1, 3, custodian=world.zurich.number)
    with reverts_with("UnknownCustodian", world.counter.number + 99):
        edition.issue(1, 3, custodian=world.counter.number + 99)
    with reverts_with("UnknownEdition", edition_number(1, 9)):
        world.stamps.issue(
            (edition_number(1, 9), 1, 3, world.counter.number), {"from": world.arlberg_sender}
        )
    edition.issue(1, 3, sender=world.arlberg)


def test_ranges_of_a_batch_stand_alone(world: World) -> None:
    """G2: refused by index, with the digest that names the range."""
    edition = world.edition()
    ranges = [
        (edition.number, 1, 6, world.counter.number),
        (edition.number, 6, 8, world.counter.number),
    ]
    transaction = world.stamps.issueBatch(
        [*ranges, (edition.number, 7, 8, world.counter.number)], {"from": world.arlberg_sender}
    )
    assert refusals(transaction) == [(1, error("AlreadyIssued", edition.stamp(6)))]
    assert len(transaction.events["Issued"]) == 2


# -------------------------------------------------------------------------------------------------- void


def test_a_stolen_range_is_void_before_it_was_issued_and_never_is(world: World) -> None:
    """S5, S3: worthless for ever."""
    edition = world.edition()
    block = edition.void(801, 820, STOLEN).block_number
    assert world.stamps.useOf(edition.stamp(801)) == (block, True)
    assert world.stamps.useOf(edition.stamp(820)) == (block, True)
    assert (
        world.stamps.useOf(edition.stamp(800))
        == world.stamps.useOf(edition.stamp(821))
        == (0, False)
    )
    with reverts_with("VoidStamp", edition.stamp(801), block):
        edition.issue(790, 810)
    edition.issue(790, 800)
    edition.issue(821, 830)


def test_a_spoilt_stamp_is_void_after_it_was_issued(world: World) -> None:
    """S5: it stays issued, and can be neither used nor claimed."""
    edition = world.edition()
    edition.issue(1, 6)
    block = edition.void(3, 3, SPOILT).block_number
    assert world.stamps.issued(edition.stamp(3))
    assert world.stamps.twinOf(edition.stamp(3)) == SEALED
    with reverts_with("VoidStamp", edition.stamp(3), block):
        world.send(world.acceptance(world.counter, stamps=(edition.stamp(3),)))
    with reverts_with("VoidStamp", edition.stamp(3), block):
        world.send(edition.claim(3, world.stranger))


def test_void_is_refused_whole_where_a_stamp_is_used_or_void(world: World) -> None:
    """S5: naming the first."""
    edition = world.edition()
    edition.issue(1, 100)
    used = world.send(world.cancellation(world.counter, edition.stamp(50))).block_number
    with reverts_with("AlreadyUsed", edition.stamp(50), used):
        edition.void(1, 100)
    void = edition.void(20, 20).block_number
    with reverts_with("VoidStamp", edition.stamp(20), void):
        edition.void(20, 30)
    assert world.stamps.useOf(edition.stamp(21)) == (0, False)
    edition.void(21, 49)


def test_a_claimed_stamp_can_be_void(world: World) -> None:
    """S5, S6: two axes that never touch; the twin stays the collector's."""
    edition = world.edition()
    edition.issue(1, 3)
    world.send(edition.claim(1, world.stranger))
    edition.void(1, 1)
    assert world.stamps.ownerOf(edition.stamp(1)) == world.stranger


def test_only_the_operators_submitters_void(world: World) -> None:
    """G1, S5."""
    edition = world.edition()
    with reverts_with("NotSubmitter", 1, world.saentis_sender.address):
        edition.void(1, 3, sender=world.saentis_sender)


def test_voids_of_a_batch_stand_alone(world: World) -> None:
    """G2."""
    edition = world.edition()
    ranges = [
        (edition.number, 1, 10, SPOILT),
        (edition.number, 10, 12, SPOILT),
        (edition.number, 11, 12, SPOILT),
    ]
    transaction = world.stamps.voidBatch(ranges, {"from": world.arlberg_sender})
    assert refusals(transaction) == [
        (1, error("VoidStamp", edition.stamp(10), transaction.block_number))
    ]


def test_neighbours_in_a_word_are_left_alone(world: World) -> None:
    """S3, S5: ranges that begin and end within words, beside those of the next edition."""
    edition, following = world.edition(1, supply=2**32 - 1), world.edition(2)
    edition.void(2**32 - 1, 2**32 - 1)
    edition.issue(2**32 - 10, 2**32 - 2)
    for serial in (1, 2, 255):
        assert not world.stamps.issued(following.stamp(serial))
        assert world.stamps.useOf(following.stamp(serial)) == (0, False)
    assert not world.stamps.issued(stamp_number(edition.number, 2**32 - 1))
    assert not world.stamps.issued(stamp_number(edition.number, 2**32 - 11))
