"""C2, C3, C5: hand-offs, a release and a receipt over it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from brownie import web3
from brownie.exceptions import VirtualMachineError

from backend.domain.keccak import keccak256
from backend.domain.typed_data import ZERO32, Finding, received_bitmap
from tests.contracts.errors import error, refusals, reverts_with
from tests.contracts.world import DAY, MINUTE, Key, World, plain

WET = 2


def test_the_receiver_holds_the_item(world: World) -> None:
    """C2, C3: custody passes, both counters grow by one."""
    item = world.accepted(world.counter)
    world.send(world.hand_off(world.counter, world.van, item))
    holder, number, records, *_ = world.ledger.itemOf(item)
    assert (holder, number, records) == (world.van.number, 2, 2)


def test_custody_crosses_the_border(world: World) -> None:
    """C2: between custodians of different operators, sent by anyone (G1)."""
    item = world.accepted(world.counter)
    for giver, receiver in [
        (world.counter, world.hall),
        (world.hall, world.zurich),
        (world.zurich, world.customs),
        (world.customs, world.zurich),
    ]:
        world.send(world.hand_off(giver, receiver, item))
    assert world.ledger.itemOf(item)[:3] == (world.zurich.number, 5, 5)


def test_lines_not_received_stay_with_the_giver(world: World) -> None:
    """C2: 40 released, 39 received."""
    items = [world.accepted(world.counter) for _ in range(40)]
    transaction = world.send(world.hand_off(world.counter, world.van, *items, missing=[17]))
    assert len(transaction.events["ItemHandedOff"]) == 39
    assert "LineRefused" not in transaction.events
    assert world.ledger.custodianOf(items[17]) == world.counter.number
    assert {world.ledger.custodianOf(items[i]) for i in range(40) if i != 17} == {world.van.number}


def test_a_missing_line_can_be_received_later(world: World) -> None:
    """C2, CE5: by another receipt over the same release, as long as nothing else happened to it."""
    items = [world.accepted(world.counter) for _ in range(3)]
    release = world.release(world.counter, world.van, *items)
    first = world.receipt(release, received=(0b011,))
    later = world.receipt(release, received=(0b100,))
    world.send(world.signed_hand_off(world.counter, world.van, release, first))
    world.send(world.signed_hand_off(world.counter, world.van, release, later))
    assert {world.ledger.custodianOf(item) for item in items} == {world.van.number}


def test_given_and_found_stand_side_by_side(world: World) -> None:
    """C2: a reservation; a line without a finding was found as given."""
    items = [world.accepted(world.counter) for _ in range(3)]
    evidence = keccak256(b"photograph")
    found = (Finding(1, WET, evidence),)
    transaction = world.send(world.hand_off(world.counter, world.van, *items, findings=found))
    lines = [
        (each["line"], each["conditionGiven"], each["conditionFound"], bytes(each["evidenceFound"]))
        for each in transaction.events["ItemHandedOff"]
    ]
    assert lines == [(0, 1, 1, ZERO32), (1, 1, WET, evidence), (2, 1, 1, ZERO32)]


def test_one_bad_line_refuses_only_itself(world: World) -> None:
    """C3: not held, stale, unknown, ended: each is told with its error, the others count."""
    items = [world.accepted(world.counter) for _ in range(5)]
    world.send(world.hand_off(world.counter, world.hall, items[1]))
    world.send(world.recall(world.counter, items[2]))
    world.send(world.end(world.counter, items[3]))
    unknown = keccak256(b"unknown")
    lines = [
        world.line(items[0]),
        world.line(items[1]),
        world.line(items[2], number=1),
        world.line(items[3]),
        world.line(unknown, number=1),
        world.line(items[4]),
    ]
    transaction = world.send(world.hand_off(world.counter, world.van, *lines))
    assert refusals(transaction, "LineRefused") == [
        (1, error("NotHolder", items[1], world.counter.number, world.hall.number)),
        (2, error("StaleNumber", items[2], 1, 2)),
        (3, error("CustodyEnded", items[3])),
        (4, error("UnknownItem", unknown)),
    ]
    assert [each["line"] for each in transaction.events["ItemHandedOff"]] == [0, 5]


def test_an_item_listed_twice_passes_once(world: World) -> None:
    """C3: the second line is stale."""
    item = world.accepted(world.counter)
    line = world.line(item)
    transaction = world.send(world.hand_off(world.counter, world.van, line, line))
    expected = error("NotHolder", item, world.counter.number, world.van.number)
    assert refusals(transaction, "LineRefused") == [(1, expected)]
    assert world.ledger.itemOf(item)[1:3] == (2, 2)


def test_a_hand_off_of_which_no_line_counts_is_refused(world: World) -> None:
    """G2, CE6: with the reason of its first line; as a batch it leaves no HandedOff."""
    item = world.accepted(world.counter)
    record = world.hand_off(world.hall, world.van, item)
    reason = "NotHolder", item, world.hall.number, world.counter.number
    with reverts_with(*reason):
        world.send(record)
    transaction = world.send_batch(record)
    assert refusals(transaction) == refusals(transaction, "LineRefused") == [(0, error(*reason))]
    assert "HandedOff" not in transaction.events


def test_stale_offer_can_never_be_accepted(world: World) -> None:
    """C3: two releases of one item; the receipt of the first makes the second stale, back and forth as well."""
    item = world.accepted(world.counter)
    to_van = world.hand_off(world.counter, world.van, item)
    to_hall = world.hand_off(world.counter, world.hall, item)
    world.send(to_van)
    with reverts_with("NotHolder", item, world.counter.number, world.van.number):
        world.send(to_hall)
    world.send(world.hand_off(world.van, world.counter, item))
    for stale in (to_van, to_hall):
        with reverts_with("StaleNumber", item, 1, 3):
            world.send(stale)


def test_a_hand_off_is_recorded_once(world: World) -> None:
    """C3: a replay meets the grown custody number."""
    item = world.accepted(world.counter)
    record = world.hand_off(world.counter, world.van, item)
    world.send(record)
    with reverts_with("NotHolder", item, world.counter.number, world.van.number):
        world.send(record)


def test_a_recall_voids_open_offers(world: World) -> None:
    """C3: the holder's one signature."""
    item = world.accepted(world.counter)
    offer = world.hand_off(world.counter, world.van, item)
    world.send(world.recall(world.counter, item))
    with reverts_with("StaleNumber", item, 1, 2):
        world.send(offer)
    assert world.ledger.itemOf(item)[:3] == (world.counter.number, 2, 2)


def test_an_offer_for_a_number_to_come_is_refused_now_and_good_then(world: World) -> None:
    """B8: signed before the item was received; nothing is final about the refusal."""
    item = world.accepted(world.counter)
    ahead = world.hand_off(world.van, world.hall, world.line(item, number=2))
    with reverts_with("NotHolder", item, world.van.number, world.counter.number):
        world.send(ahead)
    world.send(world.hand_off(world.counter, world.van, item))
    world.send(ahead)
    assert world.ledger.custodianOf(item) == world.hall.number


# ------------------------------------------------------------------------------------------- signatures


def test_both_must_sign(world: World) -> None:
    """C2: neither the giver's nor the receiver's signature can be made by the other."""
    item = world.accepted(world.counter)
    release = world.release(world.counter, world.van, item)
    receipt = world.receipt(release)
    stranger = Key("stranger")
    with reverts_with("WrongSignature", world.counter.key.address, receipt.release):
        world.send(
            world.signed_hand_off(world.counter.with_key(stranger), world.van, release, receipt)
        )
    with reverts_with("WrongSignature", world.van.key.address, world.digest(receipt)):
        world.send(
            world.signed_hand_off(
                world.counter, world.van.with_key(world.counter.key), release, receipt
            )
        )


def test_a_receipt_is_for_one_release(world: World) -> None:
    """C2: a receipt signed over another release does not fit."""
    item = world.accepted(world.counter)
    release = world.release(world.counter, world.van, item)
    other = replace(release, deadline=release.deadline + 1)
    receipt = world.receipt(other)
    with reverts_with("OtherRelease", world.digest(other), world.digest(release)):
        world.send(world.signed_hand_off(world.counter, world.van, release, receipt))


def test_giver_and_receiver_differ(world: World) -> None:
    """C2: no hand-off to oneself."""
    item = world.accepted(world.counter)
    with reverts_with("GiverIsReceiver", world.counter.number):
        world.send(world.hand_off(world.counter, world.counter, item))


# ------------------------------------------------------------------------------------------------ shape


@pytest.mark.parametrize("count", [0, 501])
def test_a_release_has_1_to_500_lines(world: World, count: int) -> None:
    """C2: refused with the count."""
    line = world.line(world.accepted(world.counter))
    with reverts_with("LineCount", count):
        world.send(world.hand_off(world.counter, world.van, *[line] * count))


@pytest.mark.parametrize(
    ("lines", "received"),
    [
        (1, ()),
        (1, (0,)),
        (1, (2,)),
        (1, (1, 0)),
        (3, (0b1000,)),
        (256, (1, 0)),
        (257, (1,)),
        (257, (1, 2)),
    ],
)
def test_the_bitmap_fits_the_lines(world: World, lines: int, received: tuple[int, ...]) -> None:
    """C2: as many words as the lines need, no bit beyond, at least one."""
    line = world.line(world.accepted(world.counter))
    release = world.release(world.counter, world.van, *[line] * lines)
    receipt = world.receipt(release, received=received)
    with reverts_with("ReceivedOutOfPlace", len(received), lines):
        world.send(world.signed_hand_off(world.counter, world.van, release, receipt))


@pytest.mark.parametrize(
    ("lines", "received"), [(256, (1 << 255,)), (257, (0, 1)), (500, received_bitmap(500))]
)
def test_bitmaps_at_the_edge_of_a_word(world: World, lines: int, received: tuple[int, ...]) -> None:
    """C2: the last bit of a word, the first of the next, the longest list."""
    item = world.accepted(world.counter)
    filler = world.line(keccak256(b"unknown"), number=1)
    release = world.release(world.counter, world.van, *[filler] * (lines - 1), world.line(item))
    world.send(
        world.signed_hand_off(
            world.counter, world.van, release, world.receipt(release, received=received)
        )
    )
    assert world.ledger.custodianOf(item) == world.van.number


@pytest.mark.parametrize(("findings", "bad"), [((1,), 1), ((3,), 3), ((2, 0), 0), ((0, 0), 0)])
def test_findings_are_of_received_lines_and_rise(
    world: World, findings: tuple[int, ...], bad: int
) -> None:
    """C2: line 1 was not received, line 3 does not exist, and none comes twice."""
    items = [world.accepted(world.counter) for _ in range(3)]
    found = tuple(Finding(line, WET) for line in findings)
    with reverts_with("FindingOutOfPlace", bad):
        world.send(world.hand_off(world.counter, world.van, *items, missing=[1], findings=found))


# ------------------------------------------------------------------------------------------------ times


def test_a_deadline_is_kept_to_the_second(world: World) -> None:
    """C2: compared with the block."""
    items = [world.accepted(world.counter) for _ in range(2)]
    block = world.next_block_in(100)
    world.send(world.hand_off(world.counter, world.van, items[0], time=block - 50, deadline=block))
    block = world.next_block_in(100)
    with reverts_with("PastDeadline", block - 1, block):
        world.send(
            world.hand_off(world.counter, world.van, items[1], time=block - 50, deadline=block - 1)
        )


def test_a_deadline_lies_at_most_14_days_after_the_release(world: World) -> None:
    """C5: a second more is refused."""
    items = [world.accepted(world.counter) for _ in range(2)]
    time = world.now()
    world.send(
        world.hand_off(world.counter, world.van, items[0], time=time, deadline=time + 14 * DAY)
    )
    with reverts_with("DeadlineTooFar", time + 14 * DAY + 1, time + 14 * DAY):
        world.send(
            world.hand_off(
                world.counter, world.van, items[1], time=time, deadline=time + 14 * DAY + 1
            )
        )


def test_release_and_receipt_may_be_hours_apart(world: World) -> None:
    """C2: 18:05 released, 23:45 received, recorded after that; the latest time is the receipt's."""
    item = world.accepted(world.counter)
    released = world.now()
    received = world.wait(340 * MINUTE)
    release = world.release(world.counter, world.van, item, time=released)
    world.send(
        world.signed_hand_off(
            world.counter, world.van, release, world.receipt(release, time=received)
        )
    )
    assert world.ledger.itemOf(item)[3] == received


def test_a_receipt_may_seem_15_minutes_before_its_release(world: World) -> None:
    """C5: clocks differ; a second more is refused."""
    items = [world.accepted(world.counter) for _ in range(2)]
    time = world.wait(60 * MINUTE)
    for item, early in zip(items, (15 * MINUTE, 15 * MINUTE + 1), strict=True):
        release = world.release(world.counter, world.van, item, time=time)
        record = world.signed_hand_off(
            world.counter, world.van, release, world.receipt(release, time=time - early)
        )
        if early == 15 * MINUTE:
            world.send(record)
        else:
            with reverts_with("ReceiptBeforeRelease", time - early, time):
                world.send(record)


def test_times_go_back_at_most_15_minutes_on_an_item(world: World) -> None:
    """C5: measured from the item's latest, which never falls."""
    world.wait(DAY)
    items = [world.accepted(world.counter) for _ in range(2)]
    latest = [world.ledger.itemOf(item)[3] for item in items]
    early = latest[0] - 15 * MINUTE
    release = world.release(world.counter, world.van, items[0], time=early)
    world.send(
        world.signed_hand_off(world.counter, world.van, release, world.receipt(release, time=early))
    )
    assert world.ledger.itemOf(items[0])[3] == latest[0]
    with reverts_with("TimeBeforeLatest", items[1], latest[1] - 15 * MINUTE - 1, latest[1]):
        world.send(
            world.hand_off(world.counter, world.van, items[1], time=latest[1] - 15 * MINUTE - 1)
        )


def test_release_and_receipt_both_lie_within_the_window_of_the_block(world: World) -> None:
    """C5: neither half may be more than 5 minutes ahead, nor more than 14 days old."""
    item = world.accepted(world.counter)
    world.wait(20 * DAY)

    def expect(name: str, released: int, received: int, limit: int) -> None:
        block = world.next_block_in(60)
        release = world.release(world.counter, world.van, item, time=block + released)
        receipt = world.receipt(release, time=block + received)
        wrong = released if name == "TimeTooOld" else max(released, received)
        with reverts_with(name, block + wrong, block + limit):
            world.send(world.signed_hand_off(world.counter, world.van, release, receipt))

    expect("TimeAhead", 5 * MINUTE + 1, 0, 5 * MINUTE)
    expect("TimeAhead", 0, 5 * MINUTE + 1, 5 * MINUTE)
    expect("TimeTooOld", -14 * DAY - 1, 0, -14 * DAY)


def test_each_party_signs_with_its_right_of_that_time(world: World) -> None:
    """N3: the giver's at the release, the receiver's at the receipt, rotated in between."""
    item = world.accepted(world.counter)
    released = world.wait(60 * MINUTE)
    world.wait(60 * MINUTE)
    old = {world.counter: Key("counter's next"), world.van: Key("van's next")}
    for custodian, key in old.items():
        right = (key.address, 1, 1, 0, 2**40 - 1)
        world.network.grantRight(custodian.number, right, {"from": world.arlberg})
    received = world.wait(60 * MINUTE)
    release = world.release(world.counter, world.van, item, time=released, deadline=received + DAY)
    receipt = world.receipt(release, time=received)
    new_van = world.van.with_key(old[world.van])
    for giver, receiver in (
        (world.counter, world.van),
        (world.counter.with_key(old[world.counter]), new_van),
    ):
        with pytest.raises(VirtualMachineError, match="WrongSignature"):
            world.send(world.signed_hand_off(giver, receiver, release, receipt))
    world.send(world.signed_hand_off(world.counter, new_van, release, receipt))
    assert world.ledger.custodianOf(item) == world.van.number


def test_a_fast_clock_does_not_block_the_next_honest_one(world: World) -> None:
    """C5: 5 minutes ahead is within the 15 that the next may lie before it."""
    block = world.next_block_in(60)
    item = world.accepted(world.counter, time=block + 5 * MINUTE)
    world.send(world.hand_off(world.counter, world.van, item))
    assert world.ledger.custodianOf(item) == world.van.number


def test_hand_offs_of_a_batch_stand_alone(world: World) -> None:
    """G2: also where one depends on the one before it."""
    item = world.accepted(world.counter)
    first = world.hand_off(world.counter, world.van, item)
    second = world.hand_off(world.van, world.hall, world.line(item, number=2))
    bad = world.hand_off(world.zurich, world.hall, world.line(item, number=2))
    transaction = world.send_batch(first, bad, second)
    expected = error("NotHolder", item, world.zurich.number, world.van.number)
    assert refusals(transaction) == [(1, expected)]
    assert world.ledger.itemOf(item)[:3] == (world.hall.number, 3, 3)


def test_bits_above_a_members_width_are_no_way_around_a_line(world: World) -> None:
    """C2: a line is hashed as it came, so a giver could sign such bits; reading the line stops them."""
    item = world.accepted(world.counter)
    line = world.line(item)
    wide = replace(line, number=line.number + 2**32)
    signed = world.hand_off(world.counter, world.hall, wide).argument
    narrow = (*signed[0][:-1], [plain(line)])
    data = bytes.fromhex(world.ledger.handOff.encode_input((narrow, *signed[1:]))[2:])
    number = data.index(item) + 32
    data = data[:number] + wide.number.to_bytes(32, "big") + data[number + 32 :]
    call = {"from": str(world.relay), "to": world.ledger.address, "data": "0x" + data.hex()}
    answer = web3.provider.make_request("eth_call", [call, "latest"])
    # No typed error: release and signatures are right, and reading the line reverts with nothing.
    assert answer["error"].get("data", "0x") == "0x"
    assert "revert" in answer["error"]["message"]
