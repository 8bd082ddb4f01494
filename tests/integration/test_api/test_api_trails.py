"""Trails, the auditor's table, submissions and proofs through the API."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from town import COUNTER, HALL, ZURICH, Town

from backend.demonstration.stage import HOUR
from backend.domain.ids import custodian_text
from backend.proof.bundle import read_bundle
from backend.proof.check import check_bundle
from backend.queries import audit
from backend.store import tally
from backend.store.engine import begin


def journey(town: Town) -> dict[str, Any]:
    """An item accepted, handed over, reported late, on chain."""
    accepted = town.accept()
    town.settle()
    digest = town.hand_over([accepted["item"]])
    town.post("/v1/receipts", {"release": digest}, town.as_(HALL))
    town.settle()
    body = {"item": accepted["item"], "code": "held", "reason": "address_incomplete"}
    town.post("/v1/reports", body, town.as_(HALL))
    town.stage.clock += 2 * HOUR
    town.settle()
    return accepted


def test_trail_tells_every_record_with_block_signatures_and_keys(town: Town) -> None:
    """C6, C12, N2, B2."""
    accepted = journey(town)
    trail = town.get(f"/v1/trails/{accepted['item']}")
    assert [record["kind"] for record in trail["trail"]] == ["acceptance", "hand_off", "report"]
    assert [record["record"] for record in trail["trail"]] == [1, 2, 3]
    assert [record["custody_number"] for record in trail["trail"]] == [1, 2, 2]
    assert [len(record["signatures"]) for record in trail["trail"]] == [1, 2, 1]
    hand_off = trail["trail"][1]
    assert hand_off["text"] == "Innsbruck 1, counter 1 to Hall in Tirol"
    assert (hand_off["key"]["key_holder"], hand_off["status"]) == ("operator", "settled")
    assert "late" in trail["trail"][2]["flags"]
    assert trail["as_of_block"] >= hand_off["block"]
    assert trail["sentence"].startswith("With Hall in Tirol (AT606090) since ")


def test_number_is_shown_to_the_labels_code_and_to_people_of_the_posts_only(town: Town) -> None:
    """Design 8: the S10 number alone opens nothing, and stands on no public page."""
    accepted = journey(town)
    assert town.get(f"/v1/trails/{accepted['item']}")["number"] is None
    by_code = town.get(f"/v1/trails/codes/{accepted['trail_code']}")
    assert by_code["number"] == accepted["number"]
    assert town.get(f"/v1/trails/{accepted['item']}", town.as_(ZURICH))["number"]
    town.get(f"/v1/items?number={accepted['number']}", status=401)
    (line,) = town.get(f"/v1/items?number={accepted['number']}", town.as_(ZURICH))["rows"]
    assert (line["item"], line["recorded"]) == (accepted["item"], True)
    town.get(f"/v1/trails?number={accepted['number']}", status=401)
    (trail,) = town.get(f"/v1/trails?number={accepted['number']}", town.as_(ZURICH))["rows"]
    assert trail["answerable"]["custodian"] == "1-4"
    town.get("/v1/trails/0x" + "ab" * 32, status=404)
    town.get("/v1/trails/codes/NOT-A-CODE", status=404)


def test_unchanged_trail_is_not_sent_twice(town: Town) -> None:
    """A new block alone is no change; a record on its way is one."""
    accepted = journey(town)
    path = f"/v1/trails/{accepted['item']}"
    first = town.client.get(path)
    etag = {"If-None-Match": first.headers["etag"]}
    town.settled_item()
    again = town.client.get(path, headers=etag)
    assert (again.status_code, again.content) == (304, b"")
    town.post("/v1/reports", {"item": accepted["item"], "code": "held"}, town.as_(HALL))
    changed = town.client.get(path, headers=etag)
    assert changed.status_code == 200
    assert len(changed.json()["pending"]) == 1
    # who sees more gets another tag
    assert town.client.get(path, headers=etag | town.as_(HALL)).status_code == 200


def test_settled_becomes_final_with_the_chains_finality(town: Town) -> None:
    """B2: both words come from the chain."""
    accepted = journey(town)
    path = f"/v1/trails/{accepted['item']}"
    assert town.get(path)["trail"][-1]["status"] == "settled"
    for _ in range(12):
        town.settled_item()
    trail = town.get(path)
    assert {record["status"] for record in trail["trail"]} == {"final"}
    submission = town.get(f"/v1/submissions/{accepted['digest']}", town.as_(COUNTER))
    assert (submission["state"], submission["words"]) == ("final", "recorded for good")
    listed = town.get("/v1/submissions?state=final", town.by("auditor 1"))["rows"]
    assert accepted["digest"] in [row["digest"] for row in listed]


def test_audit_table_filters_and_pages_without_shifting(town: Town) -> None:
    accepted = journey(town)
    auditor = town.by("auditor 1")
    found = town.get(f"/v1/records?text={accepted['number']}&limit=2", auditor)
    assert (found["total"], len(found["rows"])) == (3, 2)
    journey(town)
    path = f"/v1/records?text={accepted['number']}&limit=2&cursor={found['cursor']}"
    rest = town.get(path, auditor)
    assert rest["cursor"] is None
    records = [row["record"] for row in found["rows"] + rest["rows"]]
    assert records == [3, 2, 1]
    row = found["rows"][0]
    for text in (row["item"], row["digest"], row["transaction"], str(row["block"])):
        rows = town.get(f"/v1/records?text={text}", auditor)["rows"]
        assert row["digest"] in [one["digest"] for one in rows]


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("kind=hand_off", {"hand_off"}),
        ("exception=late", {"report"}),
        ("custodian=1-4&kind=report", {"report"}),
        ("operator=2", set()),
        ("since=2000000000", set()),
    ],
)
def test_audit_filters_all_must_hold(town: Town, query: str, kinds: set[str]) -> None:
    accepted = journey(town)
    path = f"/v1/records?text={accepted['item']}&{query}"
    rows = town.get(path, town.by("auditor 1"))["rows"]
    assert {row["kind"] for row in rows} == kinds


def test_exceptions_of_the_table_are_the_flags_of_the_trail(town: Town) -> None:
    """One rule, asked of the fold and of the database."""
    journey(town)
    torn = town.settled_item()
    digest = town.hand_over([torn])
    finding = {"findings": [{"line": 0, "condition": "torn"}]}
    town.post("/v1/receipts", {"release": digest} | finding, town.as_(HALL))
    town.settle()
    town.post("/v1/take-ups", {"item": torn, "reason": "found"}, town.as_(ZURICH))
    early = {"item": torn, "mode": "neighbour", "time": town.stage.clock - 120}
    town.settle()
    town.post("/v1/ends", early, town.as_(ZURICH))
    town.settle()
    auditor = town.by("auditor 1")
    rows = town.get("/v1/records?limit=500", auditor)["rows"]
    for name in ("late", "reservation", "take_up", "clock_behind", "stated_alone"):
        asked = town.get(f"/v1/records?limit=500&exception={name}", auditor)["rows"]
        flagged = [row["digest"] + row["item"] for row in rows if name in row["flags"]]
        assert flagged
        assert [row["digest"] + row["item"] for row in asked] == flagged


def test_records_are_found_by_a_custodian_s_name_in_whatever_case(town: Town) -> None:
    town.settled_item()
    auditor, number = town.by("auditor 1"), custodian_text(COUNTER)
    name = town.get(f"/v1/custodians/{number}")["name"]
    by_number = town.get(f"/v1/records?custodian={number}&limit=500", auditor)["rows"]
    assert by_number
    for text in (name, name.upper(), number):
        query = urlencode({"text": text, "limit": 500})
        assert town.get(f"/v1/records?{query}", auditor)["rows"] == by_number
    part = urlencode({"text": name[1:5], "limit": 500})
    digests = {row["digest"] for row in town.get(f"/v1/records?{part}", auditor)["rows"]}
    assert digests >= {row["digest"] for row in by_number}
    refused = town.get("/v1/records?text=??", auditor, 422)
    assert "a custodian (its name or a number like 1-5)" in refused["what_now"]


def test_number_that_looks_like_a_custodian_finds_both(town: Town) -> None:
    """`1-00004` is Hall's number too; no custodian can be 99999-12, and an item can."""
    auditor, hall = town.by("auditor 1"), custodian_text(HALL)
    journey(town)
    at_hall = town.get(f"/v1/records?custodian={hall}&limit=500", auditor)["rows"]
    assert at_hall
    alike = f"{hall.partition('-')[0]}-{hall.partition('-')[2]:0>5}"
    for number, also in ((alike, at_hall), ("99999-12", [])):
        town.get(f"/v1/records?text={number}", auditor)
        item = town.settled_item(number=number, scheme="own")
        rows = town.get(f"/v1/records?text={number}&limit=500", auditor)["rows"]
        assert [row["item"] for row in rows] == [item, *(row["item"] for row in also)]
    town.get("/v1/records?text=0-5", auditor, 422)


def test_number_is_found_however_many_custodians_have_it_in_their_names(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditor = town.by("auditor 1")
    number = town.get(f"/v1/custodians/{custodian_text(COUNTER)}")["name"][:5].upper()
    monkeypatch.setattr(audit, "MOST_CALLED", 0)
    town.get(f"/v1/records?text={number}", auditor, 422)
    item = town.settled_item(number=number, scheme="own")
    rows = town.get(f"/v1/records?text={number}", auditor)["rows"]
    assert [row["item"] for row in rows] == [item]


def test_no_names_are_read_for_a_standard_number(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = journey(town)
    monkeypatch.delattr(audit, "_called")
    found = town.get(f"/v1/records?text={accepted['number']}", town.by("auditor 1"))
    assert found["total"] == 3


def test_a_part_of_a_name_that_too_many_custodians_share_is_refused(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work that one word asks for is bounded."""
    monkeypatch.setattr(audit, "MOST_CALLED", 1)
    refused = town.get("/v1/records?text=e", town.by("auditor 1"), 422)
    assert refused["detail"] == "More than 1 custodians have 'e' in their names."


def test_from_later_than_to_is_refused_in_words(town: Town) -> None:
    """Not answered with 0 records, which would read as a finding."""
    path = "/v1/records?since=1777680000&until=1777593600"
    refused = town.get(path, town.by("auditor 1"), 422)
    told = "From (2 May 2026, 00:00 UTC) is later than To (30 April 2026, 23:59 UTC)."
    assert refused["detail"] == told


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("text=RR473124828AT", 422),
        ("text=%C3%A4", 422),
        ("kind=lost", 400),
        ("exception=odd", 400),
        ("cursor=AAAA", 400),
        ("limit=0", 400),
        ("since=-1", 422),
    ],
)
def test_audit_question_that_makes_no_sense_is_told_why(
    town: Town, query: str, status: int
) -> None:
    town.get(f"/v1/records?{query}", town.by("auditor 1"), status)


def test_audit_table_is_for_auditors(town: Town) -> None:
    assert town.get("/v1/records", town.as_(COUNTER), 403)["type"] == "urn:posthorn:NotAllowed"
    town.get("/v1/records", status=401)
    assert town.get("/v1/statistics")["hand_offs"] > 0


def test_what_a_filter_leaves_is_counted_up_to_a_bound_and_all_records_are_not_counted_at_all(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of all is kept; it is true even where counting them would have stopped."""
    accepted = journey(town)
    auditor, path = town.by("auditor 1"), f"/v1/records?text={accepted['number']}"
    monkeypatch.setattr("backend.queries.audit.MOST_COUNTED", 3)
    found = town.get(path, auditor)
    assert (found["total"], found["more_than_total"], len(found["rows"])) == (3, False, 3)
    monkeypatch.setattr("backend.queries.audit.MOST_COUNTED", 2)
    found = town.get(path, auditor)
    assert (found["total"], found["more_than_total"], len(found["rows"])) == (2, True, 3)
    everything, kept = town.get("/v1/records", auditor), town.get("/v1/statistics")
    assert (everything["total"], everything["more_than_total"]) == (kept["records"], False)
    with begin(town.engine) as db:
        assert kept == tally.counted(db)


def test_bundle_holds_against_the_node_alone(town: Town) -> None:
    """Proof of a trail; for people of the posts it opens the number too."""
    accepted = journey(town)
    path = f"/v1/items/{accepted['item']}/bundle"
    raw = town.client.get(path).content
    bundle = read_bundle(raw)
    assert bundle.opening is None
    held = check_bundle(bundle, town.node)
    assert held is not None
    opened = read_bundle(town.client.get(path, headers=town.as_(COUNTER)).content)
    assert opened.opening is not None
    assert opened.opening.number.value == accepted["number"]
    assert opened.facilities[COUNTER] == "Innsbruck 1, counter 1"
    town.get("/v1/items/0x" + "ab" * 32 + "/bundle", status=404)


def test_clerks_see_the_submissions_of_their_own_custodians(town: Town) -> None:
    """B9: who asked, in whose name, on which device."""
    accepted = town.accept()
    path = f"/v1/submissions/{accepted['digest']}"
    town.get(path, status=401)
    town.get(path, town.as_(ZURICH), 403)
    mine = town.get(path, town.as_(COUNTER) | {"User-Agent": "counter PC"})
    assert (mine["custodian"], mine["about"]) == ("1-1", f"acceptance of {accepted['number']}")
    assert mine["device"].startswith("python-httpx")
    assert mine["payload"]["acceptance"]["custodian"] == COUNTER
    town.get("/v1/submissions?custodian=1-1", town.as_(ZURICH), 403)
    page = town.get("/v1/submissions?limit=1", town.as_(COUNTER))
    assert page["rows"][0]["digest"] == accepted["digest"]
    following = town.get(f"/v1/submissions?limit=1&cursor={page['cursor']}", town.as_(COUNTER))
    assert following["rows"][0]["digest"] != accepted["digest"]
    town.get("/v1/submissions?state=lost", town.as_(COUNTER), 400)


def test_desk_shows_what_is_held_offered_and_under_way(town: Town) -> None:
    accepted = town.accept()
    before = town.get("/v1/desk", town.as_(COUNTER))
    (line,) = [held for held in before["holds"] if held["item"] == accepted["item"]]
    assert (line["recorded"], line["number"]) == (False, accepted["number"])
    assert before["waiting"] >= 1
    town.settle()
    digest = town.hand_over([accepted["item"]])
    desk = town.get("/v1/desk", town.as_(COUNTER))
    assert digest in [row["digest"] for row in desk["handed_over"]]
    town.post("/v1/receipts", {"release": digest}, town.as_(HALL))
    assert accepted["item"] not in [
        held["item"] for held in town.get("/v1/desk", town.as_(COUNTER))["holds"]
    ]
