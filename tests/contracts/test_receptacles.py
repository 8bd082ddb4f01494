"""C7: bags and containers: packed, closed with a seal, handed over as one, opened once."""

from __future__ import annotations

from typing import Any

import pytest

from backend.domain.commitments import next_contents, next_head
from backend.domain.typed_data import ZERO32, received_bitmap
from tests.contracts.errors import error, refusals, reverts_with
from tests.contracts.world import Custodian, People, World

FIRST = 2**40
HELD, ENDED = 1, 2


def accepted(world: World, count: int, custodian: Custodian | None = None) -> list[bytes]:
    records = [world.acceptance(custodian or world.counter) for _ in range(count)]
    world.send_batch(*records)
    return [record.item for record in records]


def holder(world: World, item: bytes) -> int:
    return int(world.ledger.itemOf(item)[0])


def test_one_hand_off_moves_all_that_lies_in_it(world: World) -> None:
    """C7: three items, one signature each side; each is with who holds the bag."""
    items = accepted(world, 3)
    bag = world.sealed(world.counter, *items)
    world.send(world.hand_off(world.counter, world.hall, bag))
    for item in items:
        assert holder(world, item) == FIRST
        assert world.ledger.custodianOf(item) == world.hall.number
    world.send(world.opening(world.hall, bag, 3))
    for item in items:
        assert world.ledger.itemOf(item)[:3] == (world.hall.number, 2, 2)
    world.send(world.hand_off(world.hall, world.van, *items))
    assert world.ledger.itemOf(items[0])[:3] == (world.van.number, 3, 3)


def test_packed_names_what_was_really_packed(world: World) -> None:
    """CE9: items stand alone; a stranger's, an unknown one and one that is listed twice are refused."""
    mine, more = accepted(world, 2)
    (others,) = accepted(world, 1, world.hall)
    bag = world.accepted(world.counter)
    sent = world.send(world.packing(world.counter, bag, mine, others, bytes(32), mine, more))
    assert refusals(sent, "LineRefused") == [
        (1, error("NotHolder", others, world.counter.number, world.hall.number)),
        (2, error("UnknownItem", bytes(32))),
        (3, error("NotHolder", mine, world.counter.number, FIRST)),
    ]
    packed = sent.events["Packed"]
    assert (packed["record"], packed["number"], packed["receptacle"]) == (2, 2, FIRST)
    kept = world.ledger.receptacleOf(FIRST)
    contents = next_contents(next_contents(ZERO32, mine), more)
    assert (bytes(kept[0]), bytes(kept[1]), kept[3]) == (bag, contents, 2)


def test_a_packing_that_packs_nothing_is_refused_whole(world: World) -> None:
    """G2: with the reason of the first; the next receptacle's number is not used up."""
    (others,) = accepted(world, 1, world.hall)
    (mine,) = accepted(world, 1)
    bag = world.accepted(world.counter)
    with reverts_with("NotHolder", others, world.counter.number, world.hall.number):
        world.send(world.packing(world.counter, bag, others))
    world.send_batch(world.packing(world.counter, bag, others))
    assert world.ledger.itemOf(bag)[1:3] == (1, 1)
    sent = world.send(world.packing(world.counter, bag, mine))
    assert sent.events["Packed"]["receptacle"] == FIRST


def test_it_is_packed_in_as_many_parts_as_needed(world: World) -> None:
    """C7: each packing binds and raises the receptacle's custody number."""
    items = accepted(world, 4)
    bag = world.accepted(world.counter)
    first = world.packing(world.counter, bag, *items[:2])
    world.send(first)
    with reverts_with("StaleNumber", bag, 1, 2):
        world.send(first)
    world.send(world.packing(world.counter, bag, *items[2:]))
    world.send(world.closing(world.counter, bag, *items))
    assert world.ledger.itemOf(bag)[5:8] == (FIRST, 1, True)


def test_closing_binds_count_and_contents(world: World) -> None:
    """C7: what was really packed, in its order."""
    items = accepted(world, 2)
    bag = world.accepted(world.counter)
    with reverts_with("ContentCount", bag, 0):
        world.send(world.closing(world.counter, bag))
    world.send(world.packing(world.counter, bag, *items))
    contents = bytes(world.ledger.receptacleOf(FIRST)[1])
    for wrong in (items[:1], items[::-1]):
        with reverts_with("OtherContents", bag, 2, contents):
            world.send(world.closing(world.counter, bag, *wrong))
    world.send(world.closing(world.counter, bag, *items))


def test_closed_it_takes_nothing_and_open_it_does_not_move(world: World) -> None:
    items = accepted(world, 2)
    bag = world.accepted(world.counter)
    world.send(world.packing(world.counter, bag, items[0]))
    with reverts_with("NotClosed", bag):
        world.send(world.hand_off(world.counter, world.hall, bag))
    world.send(world.closing(world.counter, bag, items[0]))
    with reverts_with("IsClosed", bag):
        world.send(world.packing(world.counter, bag, items[1]))
    with reverts_with("IsClosed", bag):
        world.send(world.closing(world.counter, bag, items[0]))


def test_contents_cannot_move_alone(world: World) -> None:
    """C7: not handed over, delivered, ended or packed elsewhere; reports are added all the same."""
    people = People("parcel")
    item = world.accepted(world.counter, keys=people.hidden)
    bag = world.sealed(world.counter, item)
    other = world.accepted(world.counter)
    told = (item, world.counter.number, FIRST)
    for record in (
        world.hand_off(world.counter, world.hall, item),
        world.end(world.counter, item),
        world.recall(world.counter, item),
        world.delivery(world.counter, item, people, people.recipient),
        world.packing(world.counter, other, item),
    ):
        with reverts_with("NotHolder", *told):
            world.send(record)
    world.send(world.report(world.hall, item))
    assert world.ledger.itemOf(item)[:3] == (FIRST, 1, 2)
    assert world.ledger.custodianOf(bag) == world.counter.number


def test_a_receptacle_with_contents_is_never_delivered(world: World) -> None:
    """C7: custody of it ends when it has been opened."""
    people = People("bag")
    bag = world.accepted(world.counter, keys=people.hidden)
    (item,) = accepted(world, 1)
    world.send(world.packing(world.counter, bag, item))
    world.send(world.closing(world.counter, bag, item))
    for record in (
        world.end(world.counter, bag),
        world.delivery(world.counter, bag, people, people.recipient),
    ):
        with reverts_with("HasContents", bag):
            world.send(record)
    world.send(world.opening(world.counter, bag, 1))
    world.send(world.end(world.counter, bag))


def test_it_is_opened_once_by_who_holds_it(world: World) -> None:
    items = accepted(world, 2)
    bag = world.accepted(world.counter)
    world.send(world.packing(world.counter, bag, *items))
    with reverts_with("NotClosed", bag):
        world.send(world.opening(world.counter, bag, 2))
    world.send(world.closing(world.counter, bag, *items))
    with reverts_with("NotHolder", bag, world.hall.number, world.counter.number):
        world.send(world.opening(world.hall, bag, 2))
    for wrong in ({"found": ()}, {"found": (1, 0)}, {"missing": (*items, bag)}):
        with reverts_with("ContentCount", bag, 2):
            world.send(world.opening(world.counter, bag, 2, **wrong))
    world.send(world.opening(world.counter, bag, 2))
    with reverts_with("NotClosed", bag):
        world.send(world.opening(world.counter, bag, 2))
    with reverts_with("WasOpened", bag):
        world.send(world.packing(world.counter, bag, items[0]))
    world.send(world.hand_off(world.counter, world.hall, bag))


def test_what_is_missing_falls_back_to_who_closed_it(world: World) -> None:
    """C7, J14: not to the honest opener; what is neither found nor missing was inferred."""
    items = accepted(world, 3)
    bag = world.sealed(world.counter, *items)
    world.send(world.hand_off(world.counter, world.van, bag))
    world.send(world.hand_off(world.van, world.zurich, bag))
    (stranger,) = accepted(world, 1)
    missing = (items[1], stranger)
    sent = world.send(
        world.opening(world.zurich, bag, 3, missing=missing, found=received_bitmap(3, {1, 2}))
    )
    assert refusals(sent, "LineRefused") == [(1, error("NotIn", stranger, FIRST))]
    told = sent.events["ItemMissing"]
    assert (bytes(told["item"]), told["custodian"], told["line"]) == (
        items[1],
        world.counter.number,
        0,
    )
    assert world.ledger.itemOf(items[1])[:3] == (world.counter.number, 2, 2)
    assert [holder(world, item) for item in items] == [
        world.zurich.number,
        world.counter.number,
        world.zurich.number,
    ]
    world.send(world.hand_off(world.counter, world.hall, items[1]))


def test_a_stay_is_one_record_of_the_items_head(world: World) -> None:
    """CE10, C6: the receptacle's head at its opening; later records of the empty bag change nothing."""
    (item,) = accepted(world, 1)
    before = bytes(world.ledger.headOf(item))
    bag = world.sealed(world.counter, item)
    assert bytes(world.ledger.headOf(item)) == before
    world.send(world.opening(world.counter, bag, 1))
    at_opening = bytes(world.ledger.headOf(bag))
    expected = next_head(before, at_opening, 0)
    assert bytes(world.ledger.headOf(item)) == expected
    world.send(world.report(world.hall, bag))
    assert bytes(world.ledger.headOf(item)) == expected
    record = world.hand_off(world.counter, world.hall, item)
    sent = world.send(record)
    stayed = sent.events["Stayed"]
    assert (bytes(stayed["digest"]), stayed["record"], stayed["number"]) == (at_opening, 2, 2)
    assert bytes(world.ledger.headOf(item)) == next_head(expected, record.digest, 0)
    again = world.send(world.hand_off(world.hall, world.van, item))
    assert "Stayed" not in again.events


@pytest.mark.parametrize("kind", ["report", "take_up", "end", "recall", "pack", "delivery"])
def test_every_kind_of_record_writes_the_stay_first(world: World, kind: str) -> None:
    """CE10."""
    people = People("parcel")
    item = world.accepted(world.counter, keys=people.hidden)
    bag = world.sealed(world.counter, item)
    world.send(world.opening(world.counter, bag, 1))
    other = world.accepted(world.counter)
    makers: dict[str, Any] = {
        "report": lambda: world.report(world.hall, item),
        "take_up": lambda: world.take_up(world.hall, item),
        "end": lambda: world.end(world.counter, item),
        "recall": lambda: world.recall(world.counter, item),
        "pack": lambda: world.packing(world.counter, other, item),
        "delivery": lambda: world.delivery(world.counter, item, people, people.recipient),
    }
    told = bytes(world.ledger.headOf(item))
    sent = world.send(makers[kind]())
    assert sent.events["Stayed"]["record"] == 2
    if kind == "pack":
        assert bytes(world.ledger.headOf(item)) == told


def test_stale_offer_after_a_stay_in_a_bag(world: World) -> None:
    """C3: an offer signed before the packing is void for ever."""
    (item,) = accepted(world, 1)
    offer = world.hand_off(world.counter, world.van, item)
    bag = world.sealed(world.counter, item)
    with reverts_with("NotHolder", item, world.counter.number, FIRST):
        world.send(offer)
    world.send(world.opening(world.counter, bag, 1))
    with reverts_with("StaleNumber", item, 1, 2):
        world.send(offer)


def test_bags_lie_in_bags_four_deep_and_never_in_themselves(world: World) -> None:
    """C7: only a closed one is packed; no cycle can arise."""
    (item,) = accepted(world, 1)
    bag = world.accepted(world.counter)
    with reverts_with("NotClosed", bag):
        world.send(world.packing(world.counter, bag, bag))
    world.send(world.packing(world.counter, bag, item))
    outer = world.accepted(world.counter)
    with reverts_with("NotClosed", bag):
        world.send(world.packing(world.counter, outer, bag))
    world.send(world.closing(world.counter, bag, item))
    inner = [bag]
    for _ in range(3):
        inner.append(world.sealed(world.counter, inner[-1]))
    assert world.ledger.itemOf(inner[-1])[6] == 4
    fifth = world.accepted(world.counter)
    with reverts_with("TooDeep", inner[-1]):
        world.send(world.packing(world.counter, fifth, inner[-1]))
    world.send(world.hand_off(world.counter, world.hall, inner[-1]))
    assert world.ledger.custodianOf(item) == world.hall.number
    for each in reversed(inner):
        world.send(world.opening(world.hall, each, 1))
    assert world.ledger.itemOf(item)[:3] == (world.hall.number, 2, 2)


def test_what_was_taken_up_out_of_a_closed_bag_is_not_missed(world: World) -> None:
    """C11: found loose: the trail shows who took it; at the opening it is not there to be missed."""
    items = accepted(world, 2)
    bag = world.sealed(world.counter, *items)
    world.send(world.take_up(world.hall, items[0]))
    assert holder(world, items[0]) == world.hall.number
    sent = world.send(world.opening(world.counter, bag, 2, missing=items[:1]))
    assert refusals(sent, "LineRefused") == [(0, error("NotIn", items[0], FIRST))]
    assert world.ledger.itemOf(items[0])[:3] == (world.hall.number, 2, 2)


def test_a_lost_bag_is_taken_up_with_all_that_lies_in_it(world: World) -> None:
    """C11, liveness: open or closed."""
    items = accepted(world, 2)
    bag = world.accepted(world.counter)
    world.send(world.packing(world.counter, bag, *items))
    world.send(world.take_up(world.hall, bag))
    assert world.ledger.custodianOf(items[0]) == world.hall.number
    world.send(world.closing(world.hall, bag, *items))
    world.send(world.opening(world.hall, bag, 2))
    world.send(world.hand_off(world.hall, world.van, *items))


def test_5001_items_are_too_many(world: World) -> None:
    """C7: over all packings of a receptacle."""
    bag = world.accepted(world.counter)
    unknown = tuple(number.to_bytes(32, "big") for number in range(5_001))
    record = world.packing(world.counter, bag, *unknown)
    with reverts_with("ContentCount", bag, 5_001):
        world.ledger.pack.call(record.argument, {"from": world.relay, "gas_limit": 2**40})
    with reverts_with("ContentCount", bag, 0):
        world.send(world.packing(world.counter, bag))
