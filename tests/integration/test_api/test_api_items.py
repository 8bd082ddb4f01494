"""Items through the API: acceptance with its franking, all or nothing; numbers; labels; many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pypdfium2  # type: ignore[import-untyped]
import pytest
from town import COUNTER, HALL, ZURICH, Town, moved, served, text

from backend.app import assemble
from backend.demonstration import cast
from backend.demonstration.stage import DAY
from backend.domain.commitments import commitment, trail_code_text
from backend.domain.ids import custodian_text
from backend.domain.item_numbers import numbered
from backend.domain.typed_data import Acceptance
from stamps.scan import codes_in


def test_item_is_accepted_with_three_stamps_and_cash(town: Town) -> None:
    """J3: postage required, stamps by code and number, other payment; the trail shows all of it."""
    first, second, third = town.sell(3)
    franking = {
        "required": 940,
        "currency": "EUR",
        "stamps": [town.code(first), text(second), "http://127.0.0.1:8000/S/" + town.code(third)],
        "payments": [{"kind": "cash", "amount": 40}],
    }
    accepted = town.accept(franking=franking, weight_grams=850, service="registered")
    assert (accepted["state"], accepted["words"]) == ("pending", "being recorded")
    trail = town.get(f"/v1/trails/{accepted['item']}", town.as_(COUNTER))
    assert (trail["records"], trail["trail"]) == (0, [])
    assert [one["about"] for one in trail["pending"]] == [f"acceptance of {accepted['number']}"]
    town.settle()
    trail = town.get(f"/v1/trails/{accepted['item']}", town.as_(COUNTER))
    assert trail["stamps"] == [text(first), text(second), text(third)]
    assert trail["franking"]["payments"] == [{"kind": "cash", "amount": 40}]
    assert town.get(f"/v1/stamps/{text(first)}")["used"]["kind"] == "franking"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("RR473124828AT", "check digit 8 does not fit (expected 9)"),
        ("RR473124829QQ", "unknown issuer QQ"),
        ("JR473124829AT", "the prefix JR is reserved"),
        ("399999990000001231", "check digit"),
        ("ä", "an own number has"),
    ],
)
def test_number_that_cannot_be_is_refused_with_its_fault(
    town: Town, number: str, words: str
) -> None:
    """J38 and the field: what looks like S10 or SSCC but fails is never taken as an own number."""
    response = town.client.post("/v1/items", json={"number": number}, headers=town.as_(COUNTER))
    assert response.status_code == 422
    assert words in response.json()["detail"]


def test_number_in_use_is_refused_within_a_year_and_asked_about_after(town: Town) -> None:
    """J46; what was not sent can be withdrawn again (B8)."""
    number = town.number()
    first = town.accept(number=number)
    town.settle()
    refused = town.post("/v1/items", {"number": number}, town.as_(COUNTER), 409)
    assert refused["values"]["item"] == first["item"]
    assert "12 months" in refused["what_now"]
    later = moved(town.house, 400 * DAY)
    with served(assemble(later, town.engine, town.node, town.deployment, None)) as client:
        asked = client.post("/v1/items", json={"number": number}, headers=town.as_(COUNTER))
        assert (asked.status_code, asked.json()["values"]["confirm"]) == (409, "reuse_confirmed")
        body = {"number": number, "reuse_confirmed": True}
        again = client.post("/v1/items", json=body, headers=town.as_(COUNTER)).json()
    assert len(town.get(f"/v1/items?number={number}", town.as_(COUNTER))["rows"]) == 2
    path = f"/v1/submissions/{again['digest']}/withdrawal"
    assert town.post(path, {}, town.as_(HALL), 403)["type"] == "urn:posthorn:NotAllowed"
    assert town.post(path, {}, town.as_(COUNTER), 200)["state"] == "withdrawn"
    assert town.post(path, {}, town.as_(COUNTER), 409)["values"]["state"] == "withdrawn"


def test_number_of_a_withdrawn_acceptance_is_free_again(town: Town) -> None:
    """What was never accepted keeps no number from the next item."""
    number = town.number()
    first = town.accept(number=number)
    path = f"/v1/submissions/{first['digest']}/withdrawal"
    assert town.post(path, {}, town.as_(COUNTER), 200)["state"] == "withdrawn"
    assert town.accept(number=number)["item"] != first["item"]


@pytest.mark.parametrize("fault", ["used", "void", "unsold", "foreign"])
def test_one_bad_stamp_refuses_the_whole_franking_and_uses_none(town: Town, fault: str) -> None:
    """S4: all or nothing; the two good stamps stay good."""
    good = town.sell(2)
    bad, name = bad_stamp(town, fault)
    body = {"number": town.number(), "franking": {"stamps": [text(s) for s in (*good, bad)]}}
    refused = town.post("/v1/items", body, town.as_(COUNTER), 409)
    assert refused["type"] == f"urn:posthorn:{name}"
    assert refused["values"]["stamp"] == text(bad)
    verdicts = [town.get(f"/v1/stamps/{text(stamp)}") for stamp in good]
    assert [(v["use"], v["use_under_way"]) for v in verdicts] == [("valid", False)] * 2
    good_body = {"number": town.number(), "franking": {"stamps": [text(s) for s in good]}}
    town.post("/v1/items", good_body, town.as_(COUNTER))


def bad_stamp(town: Town, fault: str) -> tuple[int, str]:
    """A stamp that is no postage, and how the refusal is called."""
    (stamp,) = town.sell(1)
    if fault == "used":
        body = {"stamps": [text(stamp)], "kind": "mail_stream"}
        town.post("/v1/cancellations", body, town.as_(HALL))
        town.settle()
        return stamp, "AlreadyUsed"
    if fault == "void":
        serial = stamp & 0xFFFFFFFF
        void = {"edition": "1-1", "first": serial, "last": serial, "reason": "returned"}
        town.post("/v1/voids", void, town.by("admin"))
        town.settle()
        return stamp, "VoidStamp"
    if fault == "unsold":
        return stamp - stamp % 2**32 + 999, "NotIssued"
    return 2 << 48 | 1 << 32 | 1, "ForeignStamp"


def test_stamp_in_a_franking_under_way_is_not_taken_twice(town: Town) -> None:
    """One stamp is promised to one record, though the chain knows of neither yet."""
    (stamp,) = town.sell(1)
    town.accept(franking={"stamps": [text(stamp)]})
    body = {"number": town.number(), "franking": {"stamps": [text(stamp)]}}
    refused = town.post("/v1/items", body, town.as_(COUNTER), 409)
    assert refused["type"].endswith("AlreadyUsed")
    assert "is being used by an item that is not recorded yet" in refused["detail"]


def test_short_payment_says_how_much_is_missing_and_cancels_nothing(town: Town) -> None:
    (stamp,) = town.sell(1)
    franking = {"required": 900, "currency": "EUR", "stamps": [text(stamp)]}
    body = {"number": town.number(), "franking": franking}
    refused = town.post("/v1/items", body, town.as_(COUNTER), 422)
    assert (refused["values"]["required"], refused["values"]["paid"]) == (900, 300)
    assert "EUR 9.00 required, EUR 3.00 given" in refused["detail"]
    twice = {"number": town.number(), "franking": {"stamps": [text(stamp), town.code(stamp)]}}
    assert "twice" in town.post("/v1/items", twice, town.as_(COUNTER), 422)["detail"]
    assert town.get(f"/v1/stamps/{text(stamp)}")["use"] == "valid"


def test_same_key_and_body_is_one_item_at_once_and_later(town: Town) -> None:
    """B3: fifty clerks' clicks are one parcel; another body under the key is told so."""
    headers = town.as_(COUNTER) | town.key()
    body = {"number": town.number(), "service": "registered"}

    def ask(_: int) -> dict[str, str]:
        answer: dict[str, str] = town.post("/v1/items", body, headers)
        return answer

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(ask, range(24)))
    assert len({answer["trail_code"] for answer in answers}) == 1
    town.settle()
    replayed = town.client.post("/v1/items", json=body, headers=headers)
    assert replayed.json() == answers[0]
    assert replayed.headers["idempotency-replayed"] == "true"
    reused = town.post("/v1/items", body | {"service": "parcel"}, headers, 409)
    assert reused["type"] == "urn:posthorn:KeyReused"
    # the key is the person's own: another clerk's same key is another request
    other = town.as_(ZURICH) | {"Idempotency-Key": headers["Idempotency-Key"]}
    town.post("/v1/items", {"number": town.number()}, other)


def test_refused_request_does_not_use_up_its_key(town: Town) -> None:
    headers = town.as_(COUNTER) | town.key()
    number = town.number()
    body = {"number": number, "custodian": "1-4"}
    town.post("/v1/items", body, headers, 403)
    assert town.post("/v1/items", {"number": number}, headers)["number"] == number


def test_each_item_of_a_bulk_posting_stands_alone(town: Town) -> None:
    """J13, J37: one that is refused does not keep the others back; a copied stamp is kept as a sighting."""
    (stamp,) = town.sell(1)
    town.post("/v1/cancellations", {"stamps": [text(stamp)], "kind": "mail_stream"}, town.as_(HALL))
    town.settle()
    items = [
        {"number": town.number(), "source": "bulk"},
        {"number": "RR473124828AT", "source": "bulk"},
        {"number": town.number(), "source": "bulk", "franking": {"stamps": [text(stamp)]}},
        {"number": town.number(), "source": "bulk"},
    ]
    bulk = town.post("/v1/items/bulk", {"items": items}, town.as_(COUNTER))
    assert (bulk["accepted"], bulk["refused"]) == (2, 2)
    assert [line.get("problem") is None for line in bulk["lines"]] == [True, False, False, True]
    assert bulk["lines"][2]["problem"]["type"] == "urn:posthorn:AlreadyUsed"
    assert len(town.get(f"/v1/stamps/{text(stamp)}")["sightings"]) == 1
    too_many = {"items": [{"number": "X" * 8}] * 501}
    town.post("/v1/items/bulk", too_many, town.as_(COUNTER), 422)


def test_label_reads_back_and_opens_the_trail_for_its_own_post_only(town: Town) -> None:
    accepted = town.accept()
    path = accepted["label"]
    label = town.client.get(path, headers=town.as_(COUNTER))
    with pypdfium2.PdfDocument(label.content) as document:
        number, address = codes_in(document[0].render(scale=300 / 72, grayscale=True).to_pil())
    assert number == accepted["number"]
    code = address.rpartition("/")[2]
    assert town.get(f"/v1/trails/codes/{code}")["number"] == accepted["number"]
    refused = town.get(path, town.as_(ZURICH), 403)
    assert refused["what_now"] == "Ask the post that it belongs to."


def test_letter_without_a_number_is_known_by_its_stamp(town: Town) -> None:
    """J38."""
    (stamp,) = town.sell(1)
    body = {"source": "collection", "franking": {"stamps": [town.code(stamp)]}}
    accepted = town.post("/v1/items", body, town.as_(HALL))
    assert accepted["number"] == f"STAMP-{text(stamp)}"
    town.settle()
    seen = {"item": town.code(stamp), "code": "held"}
    seen["item"] = f"HTTP://127.0.0.1:8000/S/{town.code(stamp)}"
    assert town.post("/v1/reports", seen, town.as_(HALL))["state"] == "pending"
    nothing = town.post("/v1/items", {}, town.as_(HALL), 422)
    assert "needs exactly one" in nothing["detail"]


def test_device_signs_for_itself_and_a_signature_for_another_contract_is_not_taken(
    town: Town,
) -> None:
    """N2, G1: what was signed goes along with its time; the operator's key is not asked."""
    stuben, number, trail_code = cast.STUBEN, town.number(), bytes(range(16))
    record = Acceptance(
        commitment(numbered("auto", number), trail_code), stuben, town.stage.clock, 1
    )
    body = {"number": number, "time": record.time, "trail_code": trail_code_text(trail_code)}
    key = f"custodian/{custodian_text(stuben)}/1"
    elsewhere = town.house.signer.sign(key, record.digest(town.house.stamps))
    for signature, name in ((elsewhere, "WrongSignature"), (bytes(65), "SignatureLength")):
        signed = body | {"signature": "0x" + signature.hex()}
        refused = town.post("/v1/items", signed, town.as_(stuben), 409)
        assert refused["type"] == f"urn:posthorn:{name}"
    signed = body | {
        "signature": "0x" + town.house.signer.sign(key, town.house.digest(record)).hex()
    }
    timeless = {name: value for name, value in signed.items() if name != "time"}
    town.post("/v1/items", timeless, town.as_(stuben), 422)
    accepted = town.post("/v1/items", signed, town.as_(stuben))
    town.settle()
    found = town.get(f"/v1/submissions/{accepted['digest']}", town.as_(stuben))
    assert (found["state"], found["payload"]["signature"]) == ("settled", signed["signature"])
