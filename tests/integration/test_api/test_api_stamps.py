"""Editions, print jobs, verdicts and twins through the API."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pypdfium2  # type: ignore[import-untyped]
import pytest
from town import COUNTER, HALL, SANTIS, SIGNALS, ZURICH, Town, text

from backend.demonstration import cast, editions
from backend.demonstration.stage import DAY
from backend.domain.ids import serial_of, stamp_number
from backend.domain.merkle import claim_leaf, proves
from backend.domain.typed_data import Claim, Original, Signed
from backend.keystore import key_from, sign_compact
from backend.store import stamps as stamp_rows
from backend.usecases import operate
from backend.usecases.claim_codes import claim_secrets
from backend.usecases.operate import EditionRequest
from stamps.claim import claim_address, claim_key
from stamps.render import code_png
from stamps.scan import codes_in

COLLECTOR = "0x" + "c0" * 20


def test_edition_is_listed_with_its_terms_and_counted_alone(town: Town) -> None:
    town.sell(2)
    (listed,) = [row for row in town.get("/v1/editions")["rows"] if row["edition"] == "1-1"]
    assert (listed["title"], listed["face_value"], listed["currency"]) == ("Signals", 300, "EUR")
    assert listed["counts"] is None
    one = town.get("/v1/editions/1-1")
    assert one["counts"]["issued"] >= 2
    assert one["operator_name"] == "Arlberg Post"


def test_only_an_administrator_creates_an_edition(town: Town) -> None:
    body = {
        "edition": "1-9",
        "title": "Winter",
        "quantity": 200,
        "face_value": 120,
        "currency": "EUR",
        "first_day": town.stage.clock,
        "metadata": editions.metadata("saentis"),
    }
    refused = town.post("/v1/editions", body, town.as_(COUNTER), 403)
    assert refused["type"] == "urn:posthorn:NotAllowed"
    for change in ({"quantity": 20}, {"metadata": {"title": "x"}}, {"metadata": {"a": "\x00"}}):
        town.post("/v1/editions", body | change, town.by("admin"), 422)
    promise = town.post("/v1/editions", body, town.by("admin"))
    assert promise["state"] == "pending"
    town.get("/v1/editions/1-9", status=404)
    town.settle()
    assert town.get("/v1/editions/1-9")["quantity"] == 200


def test_stamps_are_sold_print_first_then_valid_and_the_spoilt_one_void(town: Town) -> None:
    """S3, J1: reserve, print, look, issue; the very first scan says *being recorded*, then *valid*."""
    job = town.printed(3)
    assert (job["total"], job["currency"]) == (900, "EUR")
    stamp = job["first"]
    assert town.get(f"/v1/stamps/{stamp}")["use"] == "not_sold"
    serial = int(stamp.rpartition("-")[2])
    body = {"spoilt": [serial + 1], "reason": "jam"}
    path = f"/v1/print-jobs/{job['job']}/confirmation"
    promises = town.post(path, body, town.as_(COUNTER))["promises"]
    assert [promise["state"] for promise in promises] == ["pending"] * 3
    first = town.get(f"/v1/stamps/{stamp}")
    assert first["use"] == "being_recorded"
    assert first["headline"] == "Issued by Arlberg Post. Its sale is being recorded."
    assert not first["good_postage"]
    town.settle()
    assert town.get(f"/v1/stamps/{stamp}")["use"] == "valid"
    spoilt = town.get(f"/v1/stamps/1-1-{serial + 1:06d}")
    assert (spoilt["use"], spoilt["void_reason"]) == ("void", "jam")
    assert town.post(path, {}, town.as_(COUNTER), 409)["title"] == "Not possible now"


def test_what_was_never_printed_is_not_sold(town: Town) -> None:
    """S3: issue follows printing. The refusal sells nothing, and the sheet can be printed afterwards."""
    job = town.reserve(2)
    path = f"/v1/print-jobs/{job['job']}"
    first = int(job["first"].rpartition("-")[2])
    for spoilt in ([], [first]):
        refused = town.post(f"{path}/confirmation", {"spoilt": spoilt}, town.as_(COUNTER), 409)
        assert refused["detail"] == f"The sheet of print job {job['job']} was never printed."
        assert "look at what came out" in refused["what_now"]
    assert town.get(f"/v1/stamps/{job['first']}")["use"] == "not_sold"
    town.client.post(f"{path}/sheet", json={}, headers=town.as_(COUNTER)).raise_for_status()
    town.post(f"{path}/confirmation", {}, town.as_(COUNTER))


def test_job_of_which_nothing_is_sold_ends_without_a_sheet(town: Town) -> None:
    """S5: what was reserved and never printed is taken out of use."""
    job = town.reserve(2)
    first = int(job["first"].rpartition("-")[2])
    path = f"/v1/print-jobs/{job['job']}/confirmation"
    body = {"spoilt": [first, first + 1], "reason": "jam"}
    assert len(town.post(path, body, town.as_(COUNTER))["promises"]) == 1
    town.settle()
    assert town.get(f"/v1/stamps/{job['first']}")["void_reason"] == "jam"


def test_sheet_carries_the_codes_of_its_job_and_is_not_given_out_again_after_it(town: Town) -> None:
    """J8, J9: every printed code reads back; a finished job prints no more."""
    job = town.reserve(2)
    path = f"/v1/print-jobs/{job['job']}"
    sheet = town.client.post(f"{path}/sheet", json={}, headers=town.as_(COUNTER))
    assert sheet.headers["content-type"] == "application/pdf"
    with pypdfium2.PdfDocument(sheet.content) as document:
        shown = codes_in(document[0].render(scale=300 / 72, grayscale=True).to_pil())
    verdicts = [town.get(f"/v1/verify?code={code}") for code in shown]
    assert {verdict["stamp"] for verdict in verdicts} == {job["first"], job["last"]}
    assert {verdict["code"] for verdict in verdicts} == {"issued_by"}
    assert town.get(path, town.as_(COUNTER))["state"] == "printed"
    unfinished = town.get("/v1/print-jobs", town.as_(COUNTER))["rows"]
    assert job["job"] in [row["job"] for row in unfinished]
    town.post(f"{path}/confirmation", {}, town.as_(COUNTER))
    town.post(f"{path}/sheet", {}, town.as_(COUNTER), 409)


def test_claim_codes_are_printed_only_when_asked_for(town: Town) -> None:
    job = town.reserve(1)
    path = f"/v1/print-jobs/{job['job']}/sheet"
    wanted = {"claim_codes": True}
    sheet = town.client.post(path, json=wanted, headers=town.as_(COUNTER))
    with pypdfium2.PdfDocument(sheet.content) as document:
        assert len(document) == 2
        claim = codes_in(document[1].render(scale=300 / 72, grayscale=True).to_pil())
    assert "/C/" in claim[0]
    assert "#" in claim[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"edition": "1-77"}, "There is no edition 1-77."),
        ({"count": 0}, "count"),
        ({"layout": "9x9"}, "There is no sheet '9x9'."),
        ({"start_label": 25}, "A sheet 70x37 has labels 1 to 24."),
        ({"count": 1_000}, "stamps of this edition are left"),
        (
            {"edition": "2-1"},
            "Custodian Innsbruck 1, counter 1 (1-1) is not of the post that issues edition 2-1.",
        ),
    ],
)
def test_reserving_says_what_is_wrong(town: Town, change: dict[str, object], words: str) -> None:
    if change.get("edition") == "2-1":
        create_saentis(town)
    body = {"edition": "1-1", "count": 1} | change
    response = town.client.post("/v1/print-jobs", json=body, headers=town.as_(COUNTER))
    assert response.status_code in (404, 409, 422)
    assert words in response.json()["detail"]


def create_saentis(town: Town) -> None:
    """An edition of the other post, valid in ten days; done once."""
    if town.client.get("/v1/editions/2-1").status_code == 200:
        return
    metadata = editions.metadata("saentis")
    first_day = town.stage.clock + 10 * DAY
    request = EditionRequest(editions.SAENTIS, "Säntis", 200, 250, "CHF", first_day, metadata)
    town.stage.do(operate.create_edition, town.stage.admin, request)
    town.settle()
    editions.sell_stamps(town.stage, ZURICH, editions.SAENTIS, 3)


def test_stamp_before_its_first_day_is_not_yet_valid(town: Town) -> None:
    """J43."""
    create_saentis(town)
    verdict = town.get("/v1/stamps/2-1-000001")
    assert verdict["use"] == "not_yet_valid"
    assert verdict["headline"].startswith("Issued by Säntis Post. Valid from ")


def test_scanned_photograph_gives_the_verdict(town: Town) -> None:
    (stamp,) = town.sell(1)
    picture = code_png("HTTP://127.0.0.1:8000/S/" + town.code(stamp), 4, 300)
    found = town.client.post(
        "/v1/verify/image", content=picture, headers={"Content-Type": "image/png"}
    )
    assert found.json()["stamp"] == text(stamp)
    no_picture = town.client.post("/v1/verify/image", content=b"no picture")
    assert (no_picture.status_code, no_picture.json()["type"]) == (422, "urn:posthorn:BadImage")


def test_only_scanning_the_paper_counts_a_scan(town: Town) -> None:
    """A GET changes nothing but a coarse scan count."""
    (stamp,) = town.sell(1)
    code = town.code(stamp)
    assert town.get(f"/v1/verify?code={code}")["scans"] == 0
    assert town.get(f"/S/{code}", {"Accept": "application/json"})["scans"] == 1
    assert town.get(f"/v1/stamps/{text(stamp)}")["scans"] == 1


def test_cancelled_stamp_says_where_and_when_and_a_copy_is_a_notice(town: Town) -> None:
    """S4, J21, J34: a repeat by the same custodian is the same cancellation; elsewhere it is a sighting."""
    (stamp,) = town.sell(1)
    body = {"stamps": [town.code(stamp)], "kind": "mail_stream"}
    first = town.post("/v1/cancellations", body, town.as_(HALL))
    assert town.get(f"/v1/stamps/{text(stamp)}")["headline"].endswith("Its use is being recorded.")
    town.settle()
    again = town.post("/v1/cancellations", body, town.as_(HALL))
    assert again["repeated"]
    assert again["digest"] == first["digest"]
    copied = town.post("/v1/cancellations", body, town.as_(COUNTER), 409)
    assert (copied["type"], copied["rule"]) == ("urn:posthorn:AlreadyUsed", "S4")
    verdict = town.get(f"/v1/stamps/{text(stamp)}")
    assert (verdict["use"], verdict["used"]["kind"]) == ("used", "mail_stream")
    assert verdict["used"]["at"]["name"] == "Hall in Tirol"
    assert verdict["notice"] == "seen_in_places_that_one_stamp_cannot_be_in"
    assert [seen["at"]["number"] for seen in verdict["sightings"]] == ["1-1"]
    assert "fake" not in str(verdict).lower()


def twin(town: Town, stamp: int, record: Signed) -> dict[str, object]:
    """The body of a claim or original, as a collector's browser makes it from the concealed code."""
    serial = serial_of(stamp)
    secrets = claim_secrets(town.house.claim_seeds, SIGNALS, serial, serial)
    assert secrets is not None
    secret = secrets[stamp]
    signature = sign_compact(key_from(claim_key(secret, stamp)), town.house.digest(record))
    proven = town.get(f"/v1/stamps/{text(stamp)}/claim-proof")
    assert proven["claim_key"] == "0x" + claim_address(secret, stamp).hex()
    return {
        "stamp": text(stamp),
        "deadline": town.stage.clock + DAY,
        "claim_key": proven["claim_key"],
        "signature": "0x" + signature.hex(),
        "proof": proven["proof"],
    }


@pytest.mark.parametrize("serial", [1, 2, 500, 999, 1_000])
def test_proof_of_a_claim_key_leads_from_its_own_stamp_to_the_editions_root(
    town: Town, serial: int
) -> None:
    """S1: anybody may have it, also before the sale, and long after the seed is destroyed."""
    stamp = stamp_number(SIGNALS, serial)
    found = town.get(f"/v1/stamps/{text(stamp)}/claim-proof")
    key, *proof = (bytes.fromhex(one[2:]) for one in (found["claim_key"], *found["proof"]))
    with town.service.begin() as db:
        terms = stamp_rows.on_chain(db, SIGNALS)
    assert terms is not None
    assert proves(proof, terms.claim_root, claim_leaf(stamp, key))
    assert not proves(proof, terms.claim_root, claim_leaf(stamp + 1, key))


def test_proof_of_what_is_no_stamp_is_not_found(town: Town) -> None:
    for number in ("1-1-001001", "9-9-000001"):
        problem = town.get(f"/v1/stamps/{number}/claim-proof", status=404)
        assert problem["detail"] == f"There is no stamp {number}."


def test_twin_is_claimed_by_its_code_alone_and_not_to_somebody_else(town: Town) -> None:
    """S6: nobody signs in; the signature binds the collector's address."""
    (stamp,) = town.sell(1)
    deadline = town.stage.clock + DAY
    body = twin(town, stamp, Claim(stamp, bytes.fromhex(COLLECTOR[2:]), deadline))
    thief = town.post("/v1/claims", body | {"to": "0x" + "ab" * 20}, {}, 409)
    assert thief["type"] == "urn:posthorn:NotClaimKey"
    town.post("/v1/claims", body | {"to": COLLECTOR}, {})
    town.settle()
    verdict = town.get(f"/v1/stamps/{text(stamp)}")
    assert (verdict["twin"], verdict["twin_owner"]) == ("claimed", COLLECTOR)
    second = town.post("/v1/claims", body | {"to": COLLECTOR}, {}, 409)
    assert second["type"] == "urn:posthorn:AlreadyClaimed"


def test_original_of_a_used_stamp_can_be_shown(town: Town) -> None:
    """S9, J34."""
    (stamp,) = town.sell(1)
    body = twin(town, stamp, Original(stamp, town.stage.clock + DAY))
    assert town.post("/v1/originals", body, {}, 409)["type"] == "urn:posthorn:NotUsed"
    cancelled = {"stamps": [text(stamp)], "kind": "to_order"}
    town.post("/v1/cancellations", cancelled, town.as_(COUNTER))
    town.settle()
    body = twin(town, stamp, Original(stamp, town.stage.clock + DAY))
    town.post("/v1/originals", body, {})
    town.settle()
    verdict = town.get(f"/v1/stamps/{text(stamp)}")
    assert verdict["notice"] == "original_shown"
    assert len(verdict["originals_shown"]) == 1


def frank_and_void(town: Town, stamp: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The bodies of an acceptance that the stamp pays for, and of what takes the stamp out of use."""
    franking = {"required": 300, "currency": "EUR", "stamps": [text(stamp)]}
    serial = serial_of(stamp)
    void = {"edition": "1-1", "first": serial, "last": serial, "reason": "stolen"}
    return {"number": town.number(), "franking": franking}, void


def test_stamp_promised_to_an_item_is_not_taken_out_of_use(town: Town) -> None:
    """S4, S5: who franked with it was told that it counts."""
    (stamp,) = town.sell(1)
    town.settle()
    item, void = frank_and_void(town, stamp)
    town.post("/v1/items", item, town.as_(COUNTER))
    refused = town.post("/v1/voids", void, town.as_(COUNTER), 409)
    assert refused["type"] == "urn:posthorn:AlreadyUsed"
    assert "is being used by an item that is not recorded yet" in refused["detail"]
    town.settle()
    assert town.get(f"/v1/stamps/{text(stamp)}")["use"] == "used"


def test_stamp_being_taken_out_of_use_pays_for_nothing(town: Town) -> None:
    """S5: the chain would refuse the acceptance, when its label is on the parcel."""
    (stamp,) = town.sell(1)
    town.settle()
    item, void = frank_and_void(town, stamp)
    town.post("/v1/voids", void, town.as_(COUNTER))
    refused = town.post("/v1/items", item, town.as_(COUNTER), 409)
    assert refused["type"] == "urn:posthorn:VoidStamp"
    assert refused["detail"] == f"Stamp {text(stamp)} is being taken out of use."


def test_of_franking_and_voiding_at_once_one_is_refused(town: Town) -> None:
    """Each sees the other's work, however close they come."""
    for stamp in town.sell(6):
        town.settle()
        item, void = frank_and_void(town, stamp)
        asked = (("/v1/items", item), ("/v1/voids", void))
        headers = [town.as_(COUNTER) | town.key() for _ in asked]

        def send(at: int, asked: Any = asked, headers: Any = headers) -> int:
            path, body = asked[at]
            return int(town.client.post(path, json=body, headers=headers[at]).status_code)

        with ThreadPoolExecutor(2) as both:
            assert sorted(both.map(send, range(2))) == [202, 409]


def test_stolen_range_that_was_never_sold_is_void_and_not_sold(town: Town) -> None:
    """J19: the verdict on such a stamp is *not sold*, in the post's own words."""
    body = {"edition": "1-1", "first": 901, "last": 910, "reason": "stolen"}
    town.post("/v1/voids", body, town.by("admin"))
    town.settle()
    verdict = town.get("/v1/stamps/1-1-000905")
    assert verdict["headline"] == "This stamp has not been sold by Arlberg Post."
    assert verdict["what_now"] == "Do not buy it and do not take it as payment."
    again = town.post("/v1/voids", body, town.by("admin"), 409)
    assert again["type"] == "urn:posthorn:VoidStamp"
    foreign = town.post("/v1/voids", body, town.as_(ZURICH), 403)
    assert foreign["detail"] == "This belongs to another post."


@pytest.mark.parametrize(
    ("network", "key", "axis"),
    [
        ({"chain_id": 1}, "", "signature_does_not_match"),
        ({"alias": 7}, "", "signature_does_not_match"),
        ({}, "stranger/1", "unknown_signer"),
    ],
)
def test_code_of_another_chain_or_an_unknown_signer_is_not_taken(
    town: Town, network: dict[str, int], key: str, axis: str
) -> None:
    (stamp,) = town.sell(1)
    code = town.code(stamp, key, **network)
    verdict = town.get(f"/v1/verify?code={code}")
    assert (verdict["code"], verdict["use"]) == (axis, "unknown")
    assert "fake" not in str(verdict).lower()
    body = {"number": town.number(), "franking": {"stamps": [code]}}
    refused = town.post("/v1/items", body, town.as_(COUNTER), 422)
    assert refused["values"]["code"] == axis


def test_every_single_changed_character_of_a_code_is_noticed(town: Town) -> None:
    (stamp,) = town.sell(1)
    code = town.code(stamp)
    with town.service.begin() as db:
        for place, letter in enumerate(code):
            changed = code[:place] + ("Z" if letter != "Z" else "Y") + code[place + 1 :]
            assert town.judge(db, changed).code != "issued_by"


def test_code_of_a_revoked_signer_is_good_only_for_stamps_sold_before(town: Town) -> None:
    """S8: a signature has no date, the sale has."""
    create_saentis(town)
    sold, unsold = (stamp_number(editions.SAENTIS, serial) for serial in (2, 150))
    signer = "0x" + town.house.signer.address(f"stamps/{SANTIS}").hex()
    arguments = {"operator": SANTIS, "signer": signer}
    revoke = (town.stage.admin, "revoke_stamp_signer", f"admin/{SANTIS}", arguments)
    town.stage.do(operate.act, *revoke)
    town.settle()
    assert town.get(f"/v1/verify?code={town.code(sold)}")["code"] == "issued_by"
    assert town.get(f"/v1/verify?code={town.code(unsold)}")["code"] == "signer_revoked"


def test_foreign_post_cannot_cancel_a_stamp_that_was_not_missed_on_its_item(town: Town) -> None:
    """S4, J3."""
    (stamp,) = town.sell(1)
    body = {"stamps": [text(stamp)], "kind": "missed_at_origin"}
    assert town.post("/v1/cancellations", body, town.as_(ZURICH), 409)["type"].endswith(
        "ForeignStamp"
    )
    item = town.settled_item()
    refused = town.post("/v1/cancellations", body | {"item": item}, town.as_(ZURICH), 409)
    assert refused["type"] == "urn:posthorn:NotMissedOn"


def test_lapsed_counter_cannot_cancel(town: Town) -> None:
    """N3: its clerk reads why, and whom to ask."""
    (stamp,) = town.sell(1)
    body = {"stamps": [text(stamp)], "kind": "to_order"}
    refused = town.post("/v1/cancellations", body, town.as_(cast.COUNTER_2), 409)
    assert (refused["type"], refused["rule"]) == ("urn:posthorn:NoRight", "N3")
    assert refused["what_now"] == "Ask the operator's administrator."
