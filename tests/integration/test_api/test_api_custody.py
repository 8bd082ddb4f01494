"""Hand-offs of lists and what one custodian records alone, through the API."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, update
from town import COUNTER, HALL, ZURICH, Town

from backend.demonstration import cast
from backend.demonstration.stage import DAY
from backend.domain.ids import custodian_text
from backend.domain.typed_data import ZERO32, Delivery, Receipt, Release
from backend.domain.wire import from_wire, to_wire
from backend.keystore import address_of, key_from, sign_compact
from backend.queries import network
from backend.store import people as person_rows
from backend.store.engine import begin
from backend.store.tables import submission

ROUND = cast.ROUND_17


def receive(town: Town, digest: str, custodian: int = HALL, status: int = 202, **body: Any) -> Any:
    return town.post("/v1/receipts", {"release": digest} | body, town.as_(custodian), status)


@pytest.mark.parametrize(
    "said",
    [
        {"missing": [2]},
        {"missing": [0, 400]},
        {"findings": [{"line": 2, "condition": "wet"}]},
    ],
)
def test_line_that_a_list_does_not_have_is_refused(town: Town, said: dict[str, Any]) -> None:
    """C2: who counts from 1 would sign for the parcel that it reports missing."""
    digest = town.hand_over([town.settled_item(), town.settled_item()])
    refused = receive(town, digest, status=422, **said)
    assert "its lines are 0 to 1" in refused["detail"]
    assert town.get(f"/v1/releases/{digest}", town.as_(HALL))["state"] == "open"


def test_list_is_taken_over_without_the_missing_and_with_what_was_found(town: Town) -> None:
    """C2, J13, J15: 40 released, 39 received, one under reservation; each answers as the rule says."""
    bulk = {"items": [{"number": town.number()} for _ in range(40)]}
    lines = town.post("/v1/items/bulk", bulk, town.as_(COUNTER))["lines"]
    items = [line["accepted"]["item"] for line in lines]
    town.settle()
    digest = town.hand_over(items)
    offered = town.get("/v1/releases?direction=to_take_over", town.as_(HALL))["rows"]
    assert digest in [row["digest"] for row in offered]
    waiting = town.get("/v1/releases?direction=handed_over", town.as_(COUNTER))["rows"]
    assert digest in [row["digest"] for row in waiting]
    finding = {"line": 1, "condition": "wet_and_crushed"}
    receive(town, digest, missing=[39], findings=[finding])
    town.settle()
    first, wet, missing = (town.get(f"/v1/trails/{items[i]}") for i in (0, 1, 39))
    assert first["answerable"]["custodian"] == custodian_text(HALL)
    assert wet["answerable"]["custodian"] == custodian_text(COUNTER)
    assert wet["answerable"]["why"] == "reservation"
    assert "reservation" in wet["trail"][1]["flags"]
    assert (wet["trail"][1]["body"]["given"], wet["trail"][1]["body"]["found"]) == (1, 11)
    assert missing["holder"]["number"] == custodian_text(COUNTER)
    assert len(wet["trail"][1]["signatures"]) == 2
    assert town.get(f"/v1/releases/{digest}", town.as_(COUNTER))["state"] == "received"


def test_many_lists_at_once_stand_alone_and_follow_one_another(town: Town) -> None:
    """C2, C3: a sorter's run: what is refused keeps no other list back, and each is judged by those before it."""
    items = [town.settled_item() for _ in range(3)]
    there = custodian_text(HALL)
    lists = [
        {"receiver": there, "lines": [{"item": items[0]}]},
        {"receiver": there, "lines": [{"item": town.number()}]},
        {"receiver": there, "lines": [{"item": items[1]}, {"item": items[2]}]},
        {"receiver": there, "lines": [{"item": items[0], "condition": "wet_and_crushed"}]},
    ]
    made = town.post("/v1/releases/bulk", {"lists": lists}, town.as_(COUNTER), 201)
    assert (made["handed_over"], made["refused"]) == (3, 1)
    first, unknown, pair, again = made["lines"]
    assert unknown["problem"]["type"] == "urn:posthorn:Unprocessable"
    digests = [line["digest"] for line in (first, pair, again, pair)]
    receipts = {"receipts": [{"release": digest} for digest in digests]}
    stranger = town.post("/v1/receipts/bulk", receipts, town.as_(COUNTER))
    assert {line["problem"]["status"] for line in stranger["lines"]} == {403}
    taken = town.post("/v1/receipts/bulk", receipts, town.as_(HALL))
    assert [line["problem"] is None for line in taken["lines"]] == [True, True, False, False]
    assert taken["lines"][2]["problem"]["type"] == "urn:posthorn:NotHolder"
    assert called(town, HALL) in taken["lines"][2]["problem"]["detail"]
    assert taken["lines"][3]["problem"]["status"] == 409
    town.settle()
    assert {town.get(f"/v1/trails/{item}")["holder"]["number"] for item in items} == {there}
    assert town.get(f"/v1/releases/{digests[2]}", town.as_(HALL))["state"] == "open"


def test_refusals_of_many_lines_look_names_up_once(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookups: list[int] = []
    honest = network.told

    def told(db: Connection, numbers: Iterable[int]) -> dict[int, str]:
        lookups.append(1)
        return honest(db, numbers)

    monkeypatch.setattr(network, "told", told)
    lists = [{"receiver": "1-6", "lines": [{"item": town.settled_item(HALL)}]} for _ in range(3)]
    made = town.post("/v1/releases/bulk", {"lists": lists}, town.as_(COUNTER), 201)
    details = [line["problem"]["detail"] for line in made["lines"]]
    assert [called(town, HALL) in told for told in details] == [True] * 3
    assert lookups == [1]


def test_lists_of_more_than_500_lines_in_all_are_refused(town: Town) -> None:
    lines = [{"item": f"0x{number:064x}"} for number in range(251)]
    lists = [{"receiver": custodian_text(HALL), "lines": lines}] * 2
    town.post("/v1/releases/bulk", {"lists": lists}, town.as_(COUNTER), 422)


def test_receipt_by_the_givers_click_is_refused(town: Town) -> None:
    """B9: the receiver's own session, or its PIN at the giver's screen; nothing else."""
    digest = town.hand_over([town.settled_item()])
    refused = receive(town, digest, COUNTER, 403)
    assert "1-4" in refused["detail"]
    assert "PIN" in refused["what_now"]
    name = pin_of(town, HALL, "4711")
    wrong = receive(town, digest, COUNTER, 403, pin={"person": name, "pin": "4712"})
    stranger = receive(town, digest, COUNTER, 403, pin={"person": "nobody", "pin": "4711"})
    assert wrong["detail"] == stranger["detail"]
    taken = receive(town, digest, COUNTER, pin={"person": name, "pin": "4711"})
    seen = town.get(f"/v1/submissions/{taken['digest']}", town.as_(HALL))
    assert (seen["person"], seen["custodian"]) == (name, "1-4")


def pin_of(town: Town, custodian: int, pin: str) -> str:
    """The name of who works at a custodian, whose PIN is set."""
    town.post("/v1/me/pin", {"pin": pin}, town.as_(custodian), 200)
    with begin(town.engine) as db:
        row = person_rows.by_id(db, town.stage.workers[custodian])
        assert row is not None
        assert pin not in row.pin_hash
        return str(row.name)


def test_five_wrong_pins_lock_for_a_while(town: Town) -> None:
    digest = town.hand_over([town.settled_item()], receiver=cast.INNSBRUCK_OE)
    guess = {"person": "clerk 4", "pin": "0000"}
    for _ in range(5):
        receive(town, digest, COUNTER, 403, pin=guess)
    locked = receive(town, digest, COUNTER, 429, pin=guess)
    assert locked["type"] == "urn:posthorn:TooMany"
    assert locked["values"]["retry_after_seconds"] > 0


def test_tries_at_once_are_counted_one_by_one(town: Town) -> None:
    """The count is the database's, so that neither threads nor processes multiply it."""
    digest = town.hand_over([town.settled_item()], receiver=cast.INNSBRUCK_OE)
    body = {"release": digest, "pin": {"person": "clerk 6", "pin": "0000"}}
    with ThreadPoolExecutor(12) as pool:
        asked = [
            pool.submit(town.client.post, "/v1/receipts", json=body, headers=town.as_(COUNTER))
            for _ in range(12)
        ]
    assert sorted(one.result().status_code for one in asked) == [403] * 5 + [429] * 7


def test_good_pins_lock_nobody_out(town: Town) -> None:
    """A receiver who signs often at the giver's screen; a good PIN forgives the slips before it."""
    name = pin_of(town, HALL, "4711")
    for pin in ["0000", "4711"] * 3 + ["4711"] * 4:
        digest = town.hand_over([town.settled_item()])
        status = 202 if pin == "4711" else 403
        receive(town, digest, COUNTER, status, pin={"person": name, "pin": pin})


def test_what_the_chain_refused_is_told_in_names(town: Town) -> None:
    """G2: the sender keeps a refusal with its numbers; who reads it reads names."""
    digest = town.accept()["digest"]
    town.settle()
    values = {"item": "0x" + "11" * 32, "custodian": COUNTER, "holder": HALL}
    kept = {"name": "NotHolder", "detail": "as it was", "what_now": "", "values": values}
    with begin(town.engine) as db:
        db.execute(
            update(submission)
            .where(submission.c.digest == bytes.fromhex(digest[2:]))
            .values(state="rejected", refusal=kept)
        )
    found = town.get(f"/v1/submissions/{digest}", town.as_(COUNTER))
    told = f"Custodian {called(town, COUNTER)} does not hold this item; {called(town, HALL)} does."
    assert found["refusal"]["detail"] == told
    assert found["words"] == f"refused: {told}"


def test_pin_is_not_in_what_is_kept_of_a_request(town: Town) -> None:
    """Four digits under a bare hash would be guessed in a moment: the kept hash is without them."""
    name = pin_of(town, HALL, "815815")
    digest = town.hand_over([town.settled_item()])
    headers = town.as_(COUNTER) | town.key()
    body = {"release": digest, "pin": {"person": name, "pin": "815815"}}
    first = town.post("/v1/receipts", body, headers)
    other = body | {"pin": {"person": name, "pin": "000000"}}
    assert town.post("/v1/receipts", other, headers) == first


def called(town: Town, custodian: int) -> str:
    """As sentences name a custodian: `Innsbruck exchange (1-5)`."""
    number = custodian_text(custodian)
    name = town.get(f"/v1/custodians/{number}")["name"]
    assert name != number
    return f"{name} ({number})"


def test_who_does_not_hold_an_item_cannot_hand_it_over(town: Town) -> None:
    """C3: the bad line is named, the list stays whole."""
    good, bad = town.settled_item(), town.settled_item(HALL)
    body = {"receiver": "1-6", "lines": [{"item": good}, {"item": bad}]}
    refused = town.post("/v1/releases", body, town.as_(COUNTER), 409)
    assert (refused["type"], refused["rule"]) == ("urn:posthorn:NotHolder", "C3")
    (line,) = refused["values"]["lines"]
    number = town.get(f"/v1/trails/{bad}", town.as_(COUNTER))["number"]
    told = f"Custodian {called(town, COUNTER)} does not hold this item; {called(town, HALL)} does."
    assert (line["line"], line["number"], line["detail"]) == (1, number, told)
    assert refused["detail"] == f"Line 2 ({number}): {told}"
    assert "If you hold it, take it up." in refused["what_now"]
    assert town.get(f"/v1/trails/{good}")["pending"] == []
    unknown = {"receiver": "1-6", "lines": [{"item": good}, {"item": "RR900000000AT"}]}
    refused = town.post("/v1/releases", unknown, town.as_(COUNTER), 422)
    assert [line["line"] for line in refused["values"]["lines"]] == [1]


@pytest.mark.parametrize(
    ("receiver", "name"),
    [
        (cast.GOSSAU, "CustodianIsSuspended"),
        (cast.COUNTER_2, "NoRight"),
        (COUNTER, "GiverIsReceiver"),
        (0x01_0003E7, "UnknownCustodian"),
    ],
)
def test_receiver_that_may_not_sign_is_refused_at_the_counter(
    town: Town, receiver: int, name: str
) -> None:
    """N2-N4: suspended, lapsed, unknown, oneself."""
    body = {"receiver": custodian_text(receiver), "lines": [{"item": town.settled_item()}]}
    refused = town.post("/v1/releases", body, town.as_(COUNTER), 409)
    assert refused["type"] == f"urn:posthorn:{name}"


def test_stale_offer_can_never_be_accepted(town: Town) -> None:
    """C3: after a recall the old list is worth nothing."""
    item = town.settled_item()
    digest = town.hand_over([item])
    town.post("/v1/recalls", {"item": item}, town.as_(COUNTER))
    town.settle()
    refused = receive(town, digest, status=409)
    assert (refused["type"], refused["rule"]) == ("urn:posthorn:StaleNumber", "C3")
    stale = {"receiver": "1-4", "lines": [{"item": item, "custody_number": 1}]}
    assert town.post("/v1/releases", stale, town.as_(COUNTER), 409)["type"].endswith("StaleNumber")


def test_list_past_its_deadline_is_not_taken_over(town: Town) -> None:
    """C2, C5."""
    digest = town.hand_over([town.settled_item()])
    town.stage.clock += 20 * 60
    refused = receive(town, digest, status=409)
    assert (refused["type"], refused["rule"]) == ("urn:posthorn:ListLapsed", "C5")
    assert town.get(f"/v1/releases/{digest}", town.as_(HALL))["state"] == "expired"


def test_wrong_signature_and_one_for_another_contract_are_not_taken(town: Town) -> None:
    item = town.settled_item()
    body = {
        "receiver": "1-4",
        "lines": [{"item": item, "custody_number": 1}],
        "time": town.stage.clock,
        "deadline": town.stage.clock + DAY,
        "signature": "0x" + "1f" * 64,
    }
    refused = town.post("/v1/releases", body, town.as_(COUNTER), 409)
    assert refused["type"] == "urn:posthorn:WrongSignature"
    assert refused["what_now"] == "Sign again on the right device."


def test_event_times_out_of_bounds_are_told_with_the_clock(town: Town) -> None:
    """C5: 14 days before, 5 minutes after, 15 minutes before the item's latest."""
    item = town.settled_item()
    now = town.stage.clock
    for time, name in (
        (now - 15 * DAY, "TimeBeforeLatest"),
        (now + 600, "TimeAhead"),
    ):
        body = {"item": item, "code": "held", "time": time}
        refused = town.post("/v1/reports", body, town.as_(COUNTER), 409)
        assert refused["type"] == f"urn:posthorn:{name}"
    behind = {"item": item, "code": "held", "reason": "access", "time": now - 180}
    town.post("/v1/reports", behind, town.as_(COUNTER))
    town.settle()
    assert town.get(f"/v1/trails/{item}")["trail"][1]["flags"] == [
        "clock_behind",
        "key_of_operator",
    ]


def test_list_is_taken_over_once_also_when_two_press_at_once(town: Town) -> None:
    digest = town.hand_over([town.settled_item()])

    def press(_: int) -> int:
        headers = town.as_(HALL)
        return town.client.post(
            "/v1/receipts", json={"release": digest}, headers=headers
        ).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(press, range(4))) == [202, 409, 409, 409]
    again = receive(town, digest, status=409)
    assert again["detail"] == "This list was taken over before."


def test_giver_withdraws_what_was_not_received(town: Town) -> None:
    """J7, B8."""
    digest = town.hand_over([town.settled_item()])
    path = f"/v1/releases/{digest}/withdrawal"
    town.post(path, {}, town.as_(HALL), 403)
    assert town.post(path, {}, town.as_(COUNTER), 200)["state"] == "withdrawn"
    assert receive(town, digest, status=409)["what_now"] == "Ask for a new one."


def test_list_between_others_is_not_shown(town: Town) -> None:
    digest = town.hand_over([town.settled_item()])
    town.get(f"/v1/releases/{digest}", town.as_(ZURICH), 403)
    assert town.get(f"/v1/releases/{digest}", town.by("auditor 1"))["state"] == "open"
    town.get("/v1/releases/0x" + "00" * 32, town.as_(ZURICH), 404)


def test_extra_item_is_taken_up_alone_and_shown_so(town: Town) -> None:
    """C11, J14."""
    accepted = town.accept()
    town.settle()
    held = {"item": accepted["item"], "reason": "extra"}
    town.post("/v1/take-ups", held | {"condition": "torn"}, town.as_(ZURICH))
    town.settle()
    trail = town.get(f"/v1/trails/{accepted['item']}")
    assert trail["holder"]["name"] == "Zürich exchange"
    assert trail["trail"][1]["flags"] == ["reservation", "take_up", "key_of_operator"]
    assert trail["answerable"]["custodian"] == "1-1"
    again = town.post("/v1/take-ups", held, town.as_(ZURICH), 409)
    assert again["type"] == "urn:posthorn:AlreadyHolder"


def test_item_is_scanned_by_its_label_its_address_or_its_number(town: Town) -> None:
    accepted = town.accept()
    town.settle()
    code = accepted["trail_code"]
    for scanned in (code.lower(), f"HTTP://127.0.0.1:8000/T/{code}", accepted["number"]):
        town.post("/v1/reports", {"item": scanned, "code": "held"}, town.as_(COUNTER))
        town.settle()
    assert town.get(f"/v1/trails/{accepted['item']}")["records"] == 4
    for scanned, status in (("RR000000005AT", 404), ("0" * 26, 404), ("RR473124828AT", 422)):
        town.post("/v1/reports", {"item": scanned, "code": "held"}, town.as_(COUNTER), status)


def test_correction_names_a_record_that_exists(town: Town) -> None:
    """C8."""
    item = town.settled_item()
    body = {"item": item, "code": "correction", "reason": "weight", "corrects": 1}
    refused = town.post("/v1/reports", body | {"corrects": 9}, town.as_(COUNTER), 409)
    assert refused["type"] == "urn:posthorn:NoSuchRecord"
    town.post("/v1/reports", body, town.as_(COUNTER))
    town.settle()
    assert "corrects" in town.get(f"/v1/trails/{item}")["trail"][1]["flags"]


def test_item_is_delivered_with_a_mode_that_the_carrier_states_alone(town: Town) -> None:
    """C4, J22."""
    item = town.settled_item()
    body = {"item": item, "mode": "letter_box"}
    town.post("/v1/ends", body | {"mode": "thrown_away"}, town.as_(COUNTER), 422)
    town.post("/v1/ends", body, town.as_(COUNTER))
    town.settle()
    trail = town.get(f"/v1/trails/{item}")
    assert (trail["ended"], trail["answerable"]["custodian"]) == ("letter_box", None)
    assert trail["answerable"]["why"] == "stated_by_the_carrier_alone"
    assert "stated_alone" in trail["trail"][1]["flags"]
    assert "The addressee may contest it." in trail["answerable"]["sentence"]
    after = town.post("/v1/ends", body, town.as_(COUNTER), 409)
    assert after["type"] == "urn:posthorn:CustodyEnded"


def test_return_is_contested_by_the_sender_not_the_addressee(town: Town) -> None:
    item = town.settled_item()
    town.post("/v1/ends", {"item": item, "mode": "returned_to_sender"}, town.as_(COUNTER))
    town.settle()
    said = town.get(f"/v1/trails/{item}")["answerable"]["sentence"]
    assert said.startswith("Nobody answers for it now: its return was stated by the carrier alone")
    assert said.endswith("The sender may contest it.")


def test_addressee_signs_the_delivery_with_the_key_that_acceptance_named(town: Town) -> None:
    """C4: the draft says what to sign; another key's signature is not taken."""
    addressee, stranger = key_from(b"\x01" * 32), key_from(b"\x02" * 32)
    keys = {"recipient": "0x" + address_of(addressee).hex(), "salt": "0x" + "07" * 32}
    item = town.settled_item(keys=keys)
    draft = town.get(f"/v1/items/{item}/delivery", town.as_(COUNTER))
    said = draft["delivery"]
    digest = bytes.fromhex(draft["digest"][2:])
    assert digest == signed_digest(town, said)
    body = {name: said[name] for name in ("item", "recipient", "time", "deadline")}
    wrong = "0x" + sign_compact(stranger, digest).hex()
    refused = town.post(
        "/v1/deliveries", body | {"recipient_signature": wrong}, town.as_(COUNTER), 409
    )
    assert refused["type"] == "urn:posthorn:WrongSignature"
    right = "0x" + sign_compact(addressee, digest).hex()
    town.post("/v1/deliveries", body | {"recipient_signature": right}, town.as_(COUNTER))
    town.settle()
    trail = town.get(f"/v1/trails/{item}")
    assert (trail["ended"], trail["answerable"]["why"]) == ("delivered_with_key", "delivered")


def signed_digest(town: Town, said: dict[str, Any]) -> bytes:
    """The delivery's digest, built from the draft's own words."""
    delivery = Delivery(
        item=bytes.fromhex(said["item"][2:]),
        number=said["number"],
        giver=said["giver"],
        recipient=bytes.fromhex(said["recipient"][2:]),
        time=said["time"],
        deadline=said["deadline"],
        condition=said["condition"],
        evidence=ZERO32,
    )
    return town.house.digest(delivery)


def test_delivery_without_a_named_key_says_to_use_a_mode(town: Town) -> None:
    item = town.settled_item()
    refused = town.get(f"/v1/items/{item}/delivery", town.as_(COUNTER), 422)
    assert "mode" in refused["what_now"]


def test_record_signed_ahead_of_its_predecessor_is_held_and_says_for_what(town: Town) -> None:
    """B8, J5: the van's list arrives before the counter's acceptance does."""
    item = town.settled_item(cast.STUBEN)
    body = {
        "receiver": custodian_text(ROUND),
        "lines": [{"item": item, "custody_number": 2}],
        "time": town.stage.clock,
    }
    digest = town.post("/v1/releases", body, town.as_(cast.STUBEN), 201)["digest"]
    held = receive(town, digest, ROUND)
    assert held["state"] == "held"
    assert held["words"].startswith("waits for 1 earlier record")
    path = f"/v1/submissions/{held['digest']}/withdrawal"
    assert town.post(path, {}, town.as_(ROUND), 200)["state"] == "withdrawn"
    again = town.get(f"/v1/releases/{digest}", town.as_(ROUND))
    assert again["state"] == "open", "the giver's half stands"


def test_people_without_a_workplace_are_asked_for_one(town: Town) -> None:
    headers = town.token("clerk", town.stage.workers[HALL])
    refused = town.post("/v1/items", {"number": town.number()}, headers, 403)
    assert "Posthorn-Custodian" in refused["what_now"]
    named = {"number": town.number(), "custodian": "1-4"}
    town.post("/v1/items", named, headers)
    elsewhere = {"number": town.number(), "custodian": "1-1"}
    town.post("/v1/items", elsewhere, headers, 403)


def test_item_signed_away_twice_is_put_on_record_as_evidence(town: Town) -> None:
    """C10: the second receiver's system kept its half too; a notice on the trail, and no change of state."""
    item = town.settled_item()
    first = town.hand_over([item])
    taken = receive(town, first)
    town.settle()
    recorded = town.get(f"/v1/submissions/{taken['digest']}", town.as_(HALL))["payload"]
    second = second_hand_off(town, recorded)
    body = {"item": item, "first": recorded, "second": second}
    town.post("/v1/equivocations", body, town.as_(HALL), 403)
    for once in (recorded, received_again(town, recorded)):
        same = body | {"second": once}
        refused = town.post("/v1/equivocations", same, town.by("admin"), 409)
        assert (refused["type"], refused["rule"]) == ("urn:posthorn:NoEquivocation", "C10")
    town.post("/v1/equivocations", body | {"second": {}}, town.by("admin"), 422)
    town.post("/v1/equivocations", body, town.by("admin"))
    town.settle()
    trail = town.get(f"/v1/trails/{item}")
    assert len(trail["notices"]) == 1
    assert trail["holder"]["number"] == custodian_text(HALL)
    assert trail["records"] == 2


def second_hand_off(town: Town, recorded: dict[str, Any]) -> dict[str, Any]:
    """The same line, signed over to Zürich as well, and received there."""
    release = replace(from_wire(Release, recorded["release"]), receiver=ZURICH)
    receipt = replace(from_wire(Receipt, recorded["receipt"]), release=town.house.digest(release))
    return {
        "release": to_wire(release),
        "receipt": to_wire(receipt),
        "giver_signature": signed_by(town, COUNTER, release),
        "receiver_signature": signed_by(town, ZURICH, receipt),
    }


def received_again(town: Town, recorded: dict[str, Any]) -> dict[str, Any]:
    """The same release, for which its receiver has signed once more: the giver has signed it away once."""
    receipt = from_wire(Receipt, recorded["receipt"])
    later = replace(receipt, time=receipt.time + 1)
    signature = signed_by(town, HALL, later)
    return recorded | {"receipt": to_wire(later), "receiver_signature": signature}


def signed_by(town: Town, custodian: int, record: Release | Receipt) -> str:
    name = f"custodian/{custodian_text(custodian)}/1"
    return "0x" + town.house.signer.sign(name, town.house.digest(record)).hex()
