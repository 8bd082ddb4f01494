"""Bags through the API: packed, closed with a seal, handed over as one, opened with exceptions (C7); stand-ins (C9)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete
from town import COUNTER, HALL, ZURICH, Town

from backend.demonstration import cast
from backend.domain.ids import custodian_text
from backend.queries.receptacles import seals
from backend.store.engine import begin
from backend.store.tables import forecast

ROUND = cast.ROUND_17
AT_HALL, AT_COUNTER = custodian_text(HALL), custodian_text(COUNTER)


def bag(town: Town, custodian: int = COUNTER) -> str:
    """An empty bag, accepted and still being recorded."""
    number = {"number": f"BAG-{next(town.serials)}", "scheme": "own"}
    item: str = town.accept(custodian, **number)["item"]
    return item


def items_of(town: Town, count: int, custodian: int = COUNTER) -> list[str]:
    return [town.accept(custodian)["item"] for _ in range(count)]


def pack(
    town: Town, into: str, items: list[str], custodian: int = COUNTER, status: int = 202
) -> Any:
    body = {"receptacle": into, "items": items}
    return town.post("/v1/packings", body, town.as_(custodian), status)


def close(town: Town, item: str, custodian: int = COUNTER, status: int = 202, **body: Any) -> Any:
    return town.post("/v1/closings", {"receptacle": item} | body, town.as_(custodian), status)


def open_(town: Town, item: str, custodian: int = HALL, status: int = 202, **body: Any) -> Any:
    return town.post("/v1/openings", {"receptacle": item} | body, town.as_(custodian), status)


def sealed(town: Town, items: list[str], custodian: int = COUNTER) -> str:
    """A bag with these items, closed, on chain."""
    item = bag(town, custodian)
    pack(town, item, items, custodian)
    close(town, item, custodian, seal="A1")
    town.settle()
    return item


def move(town: Town, items: list[str], giver: int, receiver: int) -> None:
    digest = town.hand_over(items, giver, receiver)
    town.post("/v1/receipts", {"release": digest}, town.as_(receiver))
    town.settle()


def states(town: Town, item: str) -> list[str]:
    found = town.get(f"/v1/receptacles/{item}", town.as_(HALL))
    return [content["state"] for content in found["contents"]]


def holder(town: Town, item: str) -> str:
    number: str = town.get(f"/v1/trails/{item}", town.as_(HALL))["holder"]["number"]
    return number


def test_etag_of_a_trail_changes_when_its_item_is_packed(town: Town) -> None:
    """C7: being packed is no record of the item's own, but it is another answer."""
    one, into = items_of(town, 1)[0], bag(town)
    town.settle()
    path = f"/v1/trails/{one}"
    before = town.client.get(path).headers["etag"]
    pack(town, into, [one])
    town.settle()
    after = town.client.get(path, headers={"If-None-Match": before})
    assert (after.status_code, after.json()["sentence"][:8]) == (200, "In a bag")


def test_etag_of_a_trail_changes_when_the_bag_of_its_item_is_packed_into_another(
    town: Town,
) -> None:
    """C7: the item's head and holder stay as they are."""
    one = town.settled_item()
    inner, outer = sealed(town, [one]), bag(town)
    town.settle()
    path = f"/v1/trails/{one}"
    before = town.client.get(path)
    pack(town, outer, [inner])
    town.settle()
    after = town.client.get(path, headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert before.json()["sentence"].startswith("In a bag, with Innsbruck")
    assert after.json()["sentence"].startswith("In a bag, with a bag, with Innsbruck")
    assert after.json()["trail"] == before.json()["trail"]
    same = town.client.get(path, headers={"If-None-Match": after.headers["etag"]})
    assert same.status_code == 304


def test_bag_is_called_by_its_label_to_a_post_and_a_bag_to_everybody_else(town: Town) -> None:
    """The chain's own number of a receptacle stands on no label; an item's label does not open the bag's number."""
    kept = town.accept(COUNTER)
    item = sealed(town, [kept["item"]])
    town.settle()
    number = town.get(f"/v1/trails/{item}", town.as_(COUNTER))["number"]
    at_desk = town.get(f"/v1/trails/{kept['item']}", town.as_(COUNTER))
    assert at_desk["sentence"].startswith(f"In bag {number}, with ")
    for path in (kept["item"], f"codes/{kept['trail_code']}"):
        told = town.get(f"/v1/trails/{path}")
        assert told["sentence"].startswith("In a bag, with ")
        assert number not in str(told)
    open_(town, item, found=[kept["item"]], seal_state="whole", custodian=COUNTER)
    town.settle()
    stay = town.get(f"/v1/trails/{kept['item']}", town.as_(COUNTER))["trail"][-1]["text"]
    assert stay.startswith(f"Carried in bag {number} that ")
    assert "Carried in a bag that " in str(town.get(f"/v1/trails/codes/{kept['trail_code']}"))


def test_number_of_a_bag_is_not_told_to_who_holds_the_label_of_an_item_while_it_is_packed(
    town: Town,
) -> None:
    """What is under way tells no more than what is recorded; the bag's own label tells its number."""
    kept, number = town.accept(), f"BAG-{next(town.serials)}"
    into = town.accept(number=number, scheme="own")
    town.settle()
    pack(town, into["item"], [kept["item"]])
    for accepted, called in ((kept, "a bag"), (into, number)):
        told = town.get(f"/v1/trails/codes/{accepted['trail_code']}")
        assert [one["about"] for one in told["pending"]] == [f"1 item packed into {called}"]
        assert (number in str(told)) == (accepted is into)
    (at_desk,) = town.get(f"/v1/trails/{kept['item']}", town.as_(COUNTER))["pending"]
    assert at_desk["about"] == f"1 item packed into {number}"


def test_bag_is_handed_over_with_one_scan_and_opened_with_exceptions(town: Town) -> None:
    """C7: one found, one missing, one inferred; the trail shows which bag carried it, and who answers."""
    items = items_of(town, 3)
    item = sealed(town, items)
    move(town, [item], COUNTER, HALL)
    inside = town.get(f"/v1/trails/{items[0]}")
    assert inside["sentence"].startswith("In a bag, with ")
    assert [hop["kind"] for hop in inside["carried"]] == ["hand_off"]
    open_(town, item, found=[items[0]], missing=[items[1]], seal_state="whole")
    town.settle()
    assert states(town, item) == ["found", "missing", "inferred"]
    found, missing, inferred = (town.get(f"/v1/trails/{one}", town.as_(HALL)) for one in items)
    assert [one["holder"]["number"] for one in (found, missing, inferred)] == [
        AT_HALL,
        AT_COUNTER,
        AT_HALL,
    ]
    assert [found["answerable"]["why"], missing["answerable"]["why"]] == [
        "found_in_its_receptacle",
        "missing_from_its_receptacle",
    ]
    assert inferred["answerable"]["why"] == "inferred_from_its_receptacle"
    assert "inferred" in inferred["trail"][-1]["flags"]
    assert [hop["kind"] for hop in found["trail"][-1]["carried"]] == ["hand_off"]
    its_trail = town.get(f"/v1/trails/{item}", town.as_(HALL))["trail"]
    assert [record["kind"] for record in its_trail] == [
        "acceptance", "packing", "closing", "hand_off", "opening",
    ]  # fmt: skip
    assert its_trail[2]["seal"] == "plastic seal A1"
    assert its_trail[4]["seal"] == "seal found whole, and the same"


def test_bag_just_opened_shows_what_is_being_recorded(town: Town) -> None:
    """B2: what was stated at the opening is there at once, as not recorded yet; so is a taken-up item's absence."""
    items = items_of(town, 4)
    item = sealed(town, items)
    assert town.get(f"/v1/receptacles/{item}", town.as_(COUNTER))["recorded"]
    move(town, [item], COUNTER, HALL)
    town.post("/v1/take-ups", {"item": items[3], "reason": "found"}, town.as_(ZURICH))
    town.settle()
    open_(town, item, found=[items[0], items[3]], missing=[items[1]], seal_state="broken")
    expected = ["found", "missing", "inferred", "taken_out"]
    shown = town.get(f"/v1/receptacles/{item}", town.as_(HALL))
    assert (shown["state"], shown["recorded"]) == ("opened", False)
    assert states(town, item) == expected
    assert seals_shown(town, item) == [("plastic seal A1", True), ("seal found broken", False)]
    town.settle()
    assert town.get(f"/v1/receptacles/{item}", town.as_(HALL))["recorded"]
    assert states(town, item) == expected
    assert seals_shown(town, item) == [("plastic seal A1", True), ("seal found broken", True)]


def test_bag_just_closed_shows_its_seal_as_being_recorded(town: Town) -> None:
    item = bag(town)
    pack(town, item, items_of(town, 1))
    town.settle()
    close(town, item, seal="A2")
    assert seals_shown(town, item) == [("plastic seal A2", False)]
    assert not town.get(f"/v1/receptacles/{item}", town.as_(COUNTER))["recorded"]


def test_opened_bag_is_not_in_hand_any_more(town: Town) -> None:
    """Its journey is over; what was found in it is in hand."""
    items = items_of(town, 1)
    item = sealed(town, items)
    assert item in held(town)
    open_(town, item, COUNTER, found=items)
    assert (items[0] in held(town), item in held(town)) == (True, False)
    town.settle()
    assert (items[0] in held(town), item in held(town)) == (True, False)


def held(town: Town) -> list[str]:
    """What the counter's desk counts as in its hands."""
    return [one["item"] for one in town.get("/v1/desk", town.as_(COUNTER))["holds"]]


def seals_shown(town: Town, item: str) -> list[tuple[str, bool]]:
    """What the bag's page at the desk says of its seals."""
    with begin(town.engine) as db:
        return [(one.seal, one.recorded) for one in seals(db, bytes.fromhex(item[2:]))]


def test_seals_are_shown_to_the_posts_alone(town: Town) -> None:
    """The number is kept with us; on chain stands its salted hash."""
    item = sealed(town, items_of(town, 1))
    (closing,) = (r for r in town.get(f"/v1/trails/{item}")["trail"] if r["kind"] == "closing")
    assert closing["seal"] is None
    assert int(closing["body"]["evidence"], 16) != 0


def test_packing_and_closing_need_not_wait_for_the_chain(town: Town) -> None:
    """Everything is asked at once, before any of it is on chain; items packed are nowhere else meanwhile."""
    items, item = items_of(town, 4), bag(town)
    pack(town, item, items[:2])
    pack(town, item, items[2:])
    refused = pack(town, item, items[:1], status=409)
    assert refused["type"] == "urn:posthorn:NotHolder"
    close(town, item)
    offer = {"receiver": AT_HALL, "lines": [{"item": items[0]}]}
    assert town.post("/v1/releases", offer, town.as_(COUNTER), 409)["rule"] == "C3"
    shown = town.get(f"/v1/receptacles/{item}", town.as_(COUNTER))
    assert (shown["state"], shown["recorded"], len(shown["contents"])) == ("closed", False, 4)
    move(town, [item], COUNTER, HALL)
    open_(town, item, found=items)
    town.settle()
    assert states(town, item) == ["found"] * 4
    assert {holder(town, one) for one in items} == {AT_HALL}


def test_desk_holds_what_is_in_hand_and_not_what_lies_in_a_bag(town: Town) -> None:
    items = items_of(town, 2)
    item = bag(town)
    pack(town, item, items)
    held = [one["item"] for one in town.get("/v1/desk", town.as_(COUNTER))["holds"]]
    assert item in held
    assert not set(items) & set(held)
    town.settle()
    held = [one["item"] for one in town.get("/v1/desk", town.as_(COUNTER))["holds"]]
    assert item in held
    assert not set(items) & set(held)


def test_opening_waits_until_all_that_was_packed_is_recorded(town: Town) -> None:
    """Places in the list of contents are the chain's."""
    items, item = items_of(town, 2), bag(town)
    pack(town, item, items)
    close(town, item)
    assert open_(town, item, COUNTER, 409, found=items)["type"] == "urn:posthorn:Conflict"
    town.settle()
    open_(town, item, COUNTER, found=items)


def test_item_that_was_taken_up_meanwhile_is_no_more_in_the_bag(town: Town) -> None:
    """C11: the record places it in the bag, somebody holds it all the same."""
    items = items_of(town, 2)
    item = sealed(town, items)
    body = {"item": items[0], "reason": "found"}
    town.post("/v1/take-ups", body, town.as_(ZURICH))
    town.settle()
    move(town, [item], COUNTER, HALL)
    open_(town, item, found=[items[1]])
    town.settle()
    assert states(town, item) == ["taken_out", "found"]
    assert holder(town, items[0]) == custodian_text(ZURICH)


def test_bags_travel_in_a_container_and_no_deeper_than_four(town: Town) -> None:
    """C7: only a closed one is packed; each level is opened by itself."""
    inner = sealed(town, items_of(town, 1))
    letter = town.get(f"/v1/receptacles/{inner}", town.as_(COUNTER))["contents"][0]["item"]
    levels = [inner]
    for _ in range(3):
        levels.append(sealed(town, [levels[-1]]))
    fifth = bag(town)
    assert pack(town, fifth, [levels[-1]], status=409)["type"] == "urn:posthorn:TooDeep"
    move(town, [levels[-1]], COUNTER, HALL)
    for level in reversed(levels):
        open_(town, level, found=[levels[levels.index(level) - 1]] if level != inner else [letter])
        town.settle()
    trail = town.get(f"/v1/trails/{letter}")
    assert trail["holder"]["number"] == AT_HALL
    carried = trail["trail"][-1]["carried"]
    assert [hop["kind"] for hop in carried] == ["stay"]
    assert carried[0]["carried"][0]["carried"][0]["carried"][0]["kind"] == "hand_off"


def test_bag_is_opened_while_its_closing_is_still_being_recorded(town: Town) -> None:
    """The chain has given its number meanwhile; found items are with who opens it at once."""
    items, item = items_of(town, 2), bag(town)
    pack(town, item, items)
    town.settle()
    close(town, item)
    open_(town, item, COUNTER, found=[items[0]], missing=[items[1]])
    held = [one["item"] for one in town.get("/v1/desk", town.as_(COUNTER))["holds"]]
    assert set(items) <= set(held)
    town.settle()
    assert states(town, item) == ["found", "missing"]


def test_what_was_taken_up_is_not_shown_as_inside(town: Town) -> None:
    """Before the opening too: else somebody who counts all of it would sign for it."""
    items = items_of(town, 2)
    item = sealed(town, items)
    town.post("/v1/take-ups", {"item": items[0], "reason": "found"}, town.as_(ZURICH))
    assert states(town, item) == ["taken_out", "inside"]
    town.settle()
    assert states(town, item) == ["taken_out", "inside"]


def test_letter_is_proven_after_its_bag_has_travelled_on_in_another(town: Town) -> None:
    """C7: what carried the empty bag later never carried the letter."""
    letter = items_of(town, 1)
    first = sealed(town, letter)
    move(town, [first], COUNTER, HALL)
    open_(town, first, found=letter)
    town.settle()
    move(town, [first], HALL, COUNTER)
    second = sealed(town, [first])
    move(town, [second], COUNTER, HALL)
    shown = town.get(f"/v1/trails/{letter[0]}")
    assert [hop["kind"] for hop in shown["trail"][-1]["carried"]] == ["hand_off"]
    bundle = town.client.get(f"/v1/items/{letter[0]}/bundle")
    assert bundle.status_code == 200, bundle.text
    assert first[2:] in bundle.text
    assert second[2:] not in bundle.text


def test_item_in_a_bag_in_a_container_shows_the_moves_of_both(town: Town) -> None:
    """C7: trails look through."""
    letter = items_of(town, 1)
    inner = sealed(town, letter)
    outer = sealed(town, [inner])
    move(town, [outer], COUNTER, HALL)
    carried = town.get(f"/v1/trails/{letter[0]}")["carried"]
    assert [hop["to"]["number"] for hop in carried] == [AT_HALL]


def test_what_the_chain_leaves_out_is_with_its_holder_again(town: Town) -> None:
    """C3: lines stand alone; of one that was refused no forecast is left."""
    items, item = items_of(town, 2), bag(town)
    town.settle()
    town.post("/v1/take-ups", {"item": items[0], "reason": "found"}, town.as_(HALL))
    with begin(town.engine) as db:
        db.execute(delete(forecast).where(forecast.c.item == bytes.fromhex(items[0][2:])))
    pack(town, item, items)
    town.settle()
    assert states(town, item) == ["inside"]
    with begin(town.engine) as db:
        assert db.execute(forecast.select()).all() == []
    close(town, item)
    town.settle()


@pytest.mark.parametrize("lines", [0, 501])
def test_lists_have_1_to_500_lines(town: Town, lines: int) -> None:
    body = {"receptacle": bag(town), "items": ["0x" + "11" * 32] * lines}
    town.post("/v1/packings", body, town.as_(COUNTER), 422)


def test_bad_packings_are_refused_with_what_to_do(town: Town) -> None:
    """C7: a stranger's item, twice on a list, within itself, an open one, one that is closed."""
    mine, foreign = items_of(town, 2), items_of(town, 1, HALL)
    item, other = bag(town), bag(town)
    refused = pack(town, item, [mine[0], foreign[0]], status=409)
    assert (refused["type"], refused["rule"]) == ("urn:posthorn:NotHolder", "C3")
    assert [line["line"] for line in refused["values"]["lines"]] == [1]
    assert "twice" in pack(town, item, [mine[0], mine[0]], status=422)["detail"]
    assert pack(town, item, [item], status=409)["rule"] == "C7"
    assert pack(town, item, mine, HALL, 409)["type"] == "urn:posthorn:NotHolder"
    pack(town, other, [mine[1]])
    assert pack(town, item, [other], status=409)["type"] == "urn:posthorn:NotClosed"
    close(town, other)
    assert pack(town, other, [mine[0]], status=409)["type"] == "urn:posthorn:IsClosed"
    pack(town, item, [mine[0], other])


def test_bad_closings_and_openings_are_refused(town: Town) -> None:
    """C7: nothing in it, other contents than were signed, a stranger, one that is open, one that was opened."""
    items, item = items_of(town, 2), bag(town)
    assert close(town, item, status=409)["type"] == "urn:posthorn:ContentCount"
    pack(town, item, items)
    other = {"count": 1, "contents": "0x" + "22" * 32}
    assert close(town, item, status=409, **other)["type"] == "urn:posthorn:OtherContents"
    town.settle()
    assert open_(town, item, COUNTER, 409)["type"] == "urn:posthorn:NotClosed"
    offer = {"receiver": AT_HALL, "lines": [{"item": item}]}
    assert town.post("/v1/releases", offer, town.as_(COUNTER), 409)["type"].endswith("NotClosed")
    end = {"item": item, "mode": "proxy"}
    assert town.post("/v1/ends", end, town.as_(COUNTER), 409)["type"].endswith("HasContents")
    close(town, item, seal="B 7", seal_kind="metal")
    town.settle()
    assert open_(town, item, HALL, 409)["type"] == "urn:posthorn:NotHolder"
    stranger = items_of(town, 1)
    refused = open_(town, item, COUNTER, 422, found=stranger)
    assert "was not packed" in refused["detail"]
    assert "twice" in open_(town, item, COUNTER, 422, found=items, missing=items)["detail"]
    open_(town, item, COUNTER, found=items, seal_state="broken")
    town.settle()
    assert open_(town, item, COUNTER, 409)["type"] == "urn:posthorn:NotClosed"
    assert pack(town, item, stranger, status=409)["type"] == "urn:posthorn:WasOpened"
    town.post("/v1/ends", end, town.as_(COUNTER))


def test_operator_stands_in_for_who_cannot_sign(town: Town) -> None:
    """C9: suspended with items in hand; the receiver signs as always; for ever seen, with its reason."""
    items = items_of(town, 2, ROUND)
    town.settle()
    body = {
        "giver": custodian_text(ROUND),
        "receiver": AT_HALL,
        "reason": "suspended",
        "lines": [{"item": one} for one in items],
    }
    refused = town.post("/v1/stand-ins", body, town.by("admin"), 409)
    assert (refused["type"], refused["rule"]) == ("urn:posthorn:GiverCanSign", "C9")
    its = f"/v1/custodians/{custodian_text(ROUND)}"
    town.post(f"{its}/suspension", {}, town.by("admin"))
    town.settle()
    try:
        town.post("/v1/stand-ins", body, town.as_(HALL), 403)
        made = town.post("/v1/stand-ins", body, town.by("admin"), 201)
        assert made["stand_in_reason"] == "suspended"
        back = f"/v1/releases/{made['digest']}/withdrawal"
        town.post(back, {}, town.as_(ROUND), 403)
        town.post(back, {}, town.by("admin"), 200)
        again = body | {"time": town.stage.clock + 1}
        made = town.post("/v1/stand-ins", again, town.by("admin"), 201)
        town.post("/v1/receipts", {"release": made["digest"], "missing": [1]}, town.as_(HALL))
        town.settle()
        trail = town.get(f"/v1/trails/{items[0]}")
        assert trail["holder"]["number"] == AT_HALL
        assert "forced" in trail["trail"][-1]["flags"]
        assert "its post standing in for the giver" in trail["trail"][-1]["text"]
        assert holder(town, items[1]) == custodian_text(ROUND)
    finally:
        town.post(f"{its}/reinstatement", {}, town.by("admin"))
        town.settle()


def test_what_was_packed_by_mistake_is_taken_out_again(town: Town) -> None:
    """C7, C11: who packed it takes it up, with the reason that says so; the bag goes on without it."""
    by_mistake, right = items_of(town, 2)
    item = bag(town)
    pack(town, item, [by_mistake, right])
    town.settle()
    body = {"item": by_mistake, "reason": "taken_out", "condition": "sound"}
    town.post("/v1/take-ups", body, town.as_(COUNTER))
    town.settle()
    assert states(town, item) == ["taken_out", "inside"]
    move(town, [by_mistake], COUNTER, HALL)
    assert holder(town, by_mistake) == AT_HALL
    close(town, item)
    town.settle()
    assert states(town, item) == ["taken_out", "inside"]
