"""The pages and the API against forms, roles and addresses that nobody should send."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from itertools import count
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from town import COUNTER, SIGNALS, Town, session

from backend.domain.commitments import new_trail_code, trail_code_text
from backend.store import people, stamps
from backend.store.engine import begin
from backend.store.tables import submission

SERIALS = count(1)
HUGE = 99_999_999_999


def clerk(town: Town) -> dict[str, str]:
    return session(town, town.stage.workers[COUNTER], COUNTER)


def admin(town: Town) -> dict[str, str]:
    return session(town, town.stage.people["admin"])


def is_page(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"].startswith("text/html"), answer.text[:500]
    return answer.text


def queued(town: Town) -> int:
    with begin(town.engine) as db:
        return db.scalar(select(func.count()).select_from(submission)) or 0


# --- roles ------------------------------------------------------------------------------------------
def test_auditor_records_nothing_wherever_it_works(town: Town, pages: httpx.Client) -> None:
    with begin(town.engine) as db:
        person = people.add_person(db, f"auditor {next(SERIALS)} at work", "auditor", [COUNTER])
        assert person is not None
        later = datetime.now(UTC) + timedelta(hours=1)
        token = people.new_credential(db, "token", person, later)
    headers = {"Authorization": f"Bearer {token}"}
    void = {"edition": "1-1", "first": 950, "last": 950, "reason": "stolen"}
    before = queued(town)
    for path, body in {
        "/v1/items": {"number": town.number()},
        "/v1/print-jobs": {"edition": "1-1", "count": 1},
        "/v1/voids": void,
    }.items():
        assert "Auditors" in town.post(path, body, headers, 403)["detail"]
    assert queued(town) == before
    added = {"name": f"both {next(SERIALS)}", "role": "auditor", "custodian": "1-1"}
    assert "auditor" in is_page(pages.post("/people", data=added, headers=admin(town)), 422)


def test_refused_enrolment_changes_nothing(town: Town) -> None:
    """N2: a name is of a custodian that is there; an operator that is not pays for nothing."""
    body = {"custodian": "1-1", "kind": "agency", "place": "AT602099", "name": "Stolen"}
    before = town.get("/v1/custodians/1-1")["name"], queued(town)
    refused = town.post("/v1/custodians", body, town.by("admin"), 409)
    assert refused["type"] == "urn:posthorn:CustodianExists"
    stranger = town.post("/v1/custodians", body | {"custodian": "999-1"}, town.by("admin"), 409)
    assert stranger["type"] == "urn:posthorn:UnknownOperator"
    assert (town.get("/v1/custodians/1-1")["name"], queued(town)) == before


def test_second_enrolment_on_its_way_does_not_rename_the_first(town: Town) -> None:
    body = {"custodian": "1-77", "kind": "agency", "place": "AT602077", "name": "Agency 77"}
    town.post("/v1/custodians", body, town.by("admin"))
    town.post("/v1/custodians", body | {"name": "Other"}, town.by("admin"))
    town.post("/v1/custodians", body | {"name": "Other", "place": "X"}, town.by("admin"), 409)
    town.settle()
    assert town.get("/v1/custodians/1-77")["name"] == "Agency 77"


@pytest.mark.parametrize("name", ["", " ", "a\u202eb", "a\u200bb", "a\nb\x1b", "x" * 101])
def test_person_has_a_name_that_can_be_read(town: Town, pages: httpx.Client, name: str) -> None:
    form = {"name": name, "role": "clerk"}
    answer = pages.post("/people", data=form, headers=admin(town))
    assert answer.status_code in (400, 422)


# --- forms ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("layout", "label"),
    [("nonsense", 1), ("70x37", 0), ("70x37", 25), ("70x37", HUGE), ("70x37\0", 1)],
)
def test_no_stamp_leaves_the_stock_for_a_sheet_that_cannot_be(
    town: Town, pages: httpx.Client, layout: str, label: int
) -> None:
    with begin(town.engine) as db:
        before = stamps.stock_left(db, SIGNALS)
    form = {"edition": "1-1", "count": 1, "layout": layout, "start_label": label}
    answer = pages.post("/work/sell", data=form, headers=clerk(town))
    is_page(answer, 400 if "\0" in layout else 422)
    with begin(town.engine) as db:
        assert stamps.stock_left(db, SIGNALS) == before


def test_sheet_fetched_meanwhile_is_not_voided_by_the_form_of_an_old_page(
    town: Town, pages: httpx.Client
) -> None:
    """S5: «Nothing is to be printed» was true when the page came, and paper is there by now."""
    job = town.reserve(2)
    path = f"/work/jobs/{job['job']}"
    old = is_page(pages.get(path, headers=clerk(town)), 200)
    form = dict(re.findall(r'type="hidden" name="(unprinted)" value="(\w+)"', old))
    pages.post(f"{path}/sheet", headers=clerk(town)).raise_for_status()
    before = queued(town)
    refused = is_page(pages.post(path, data=form, headers=clerk(town)), 409)
    assert f"The sheet of print job {job['job']} was given out meanwhile" in refused
    assert queued(town) == before
    sold = {"good": int(job["first"].rpartition("-")[2])}
    assert pages.post(path, data=sold, headers=clerk(town)).status_code == 303


def test_list_of_five_hundred_lines_is_a_page_and_more_fields_than_that_a_refusal(
    town: Town, pages: httpx.Client
) -> None:
    items = [f"0x{number:064x}" for number in range(500)]
    form: dict[str, Any] = {"do": "remove-0", "item": items, "condition": ["sound"] * 500}
    is_page(pages.post("/work/hand-over", data=form, headers=clerk(town)), 200)
    form = {"do": "remove-²", "item": items[:1], "condition": ["sound"]}
    is_page(pages.post("/work/hand-over", data=form, headers=clerk(town)), 200)
    form = {"do": "add", "item": items * 3, "condition": ["sound"] * 1_500}
    assert "Too many fields" in is_page(
        pages.post("/work/hand-over", data=form, headers=clerk(town)), 400
    )


def test_receipt_with_a_line_that_is_no_number_is_a_page(town: Town, pages: httpx.Client) -> None:
    digest = town.hand_over([town.settled_item()])
    answer = pages.post(
        f"/work/lists/{digest}", data={"received": ["²", "9" * 30]}, headers=clerk(town)
    )
    assert answer.status_code < 500


@pytest.mark.parametrize("field", ["service", "destination", "number", "currency"])
def test_nul_in_a_form_is_refused(town: Town, pages: httpx.Client, field: str) -> None:
    form = {"number": town.number()} | {field: "a\0"}
    answer = pages.post("/work/accept", data=form, headers=clerk(town))
    assert "NUL" in is_page(answer, 400)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/static/%00.css"),
        ("GET", f"/static/{'a' * 300}.css"),
        ("GET", f"/work/jobs/{HUGE}"),
        ("GET", f"/work/jobs/{HUGE}/part"),
        ("POST", f"/work/jobs/{HUGE}"),
        ("POST", f"/work/jobs/{HUGE}/sheet"),
        ("POST", f"/people/{HUGE}/link"),
        ("POST", f"/people/{HUGE}/disable"),
        ("POST", f"/hooks/{HUGE}/test"),
        ("POST", f"/hooks/{HUGE}/on"),
        ("GET", "/work/scan?text=%00"),
        ("GET", "/S/%00"),
        ("GET", "/T/%00"),
        ("GET", "/in/%00"),
        ("POST", "/in/%00"),
    ],
)
def test_address_that_names_nothing_possible_is_a_page(
    town: Town, pages: httpx.Client, method: str, path: str
) -> None:
    headers = clerk(town) if path.startswith("/work") else admin(town)
    answer = pages.request(method, path, headers=headers | {"Accept": "text/html"})
    assert answer.status_code < 500, answer.text[:300]
    is_page(answer, answer.status_code)


def test_export_with_a_filter_that_makes_no_sense_is_refused_before_it_begins(
    town: Town, pages: httpx.Client
) -> None:
    answer = pages.get("/audit/records.csv?kind=x", headers=admin(town))
    assert "no kind of record" in is_page(answer, 400)
    assert pages.get("/audit/records.csv", headers=admin(town)).text.startswith("item,")


# --- the API ----------------------------------------------------------------------------------------
def test_metadata_nested_too_deep_is_refused_and_the_role_is_looked_at_first(town: Town) -> None:
    deep: Any = "x"
    for _ in range(942):
        deep = {"a": deep}
    body = {
        "edition": "1-9",
        "title": "Deep",
        "quantity": 1,
        "face_value": 1,
        "currency": "EUR",
        "first_day": 1,
        "metadata": deep,
    }
    assert town.client.post("/v1/editions", json=body, headers=town.by("admin")).status_code == 422
    body["metadata"] = {"varieties": []}
    town.post("/v1/editions", body, town.as_(COUNTER), 403)
    town.post("/v1/editions", body, town.by("admin"), 422)


def test_trail_code_of_another_item_is_a_conflict_of_its_own_line(town: Town) -> None:
    code = trail_code_text(new_trail_code())
    town.accept(trail_code=code)
    second = {"number": town.number(), "trail_code": code}
    assert "trail code" in town.post("/v1/items", second, town.as_(COUNTER), 409)["detail"]
    bulk = {"items": [second, {"number": town.number()}]}
    answer = town.post("/v1/items/bulk", bulk, town.as_(COUNTER))
    assert (answer["accepted"], answer["refused"]) == (1, 1)
    assert town.get(f"/v1/trails/codes/{code}")["number"] != second["number"]


def test_own_number_that_squats_a_stamps_or_fits_no_label_is_refused(town: Town) -> None:
    for number, words in {"STAMP-1-1-000555": "known by their stamp", "A" * 35: "too long"}.items():
        refused = town.post("/v1/items", {"number": number}, town.as_(COUNTER), 422)
        assert words in refused["detail"]


def test_cursor_with_numbers_that_no_row_has_is_refused(town: Town) -> None:
    path = "/v1/records?cursor=WzEsIDQyOTQ5NjcyOTYsICIwMCJd"
    town.get(path, town.by("auditor 1"), 422)


# --- whose request it is ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Authorization": "Bearer "},
        {"Sec-Fetch-Site": "cross-site", "Authorization": "Bearer    "},
        {"Origin": "null", "Host": ""},
        {"Origin": "http://["},
        {"Origin": "https://evil.example"},
    ],
)
def test_other_sites_page_acts_for_nobody(town: Town, headers: dict[str, str]) -> None:
    url = town.client.base_url
    connection = HTTPConnection(url.host, url.port or 80, timeout=10)
    connection.putrequest("POST", "/v1/verify", skip_host="Host" in headers)
    body = b'{"code": "1-1-000001"}'
    sized = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    for name, value in (headers | sized).items():
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    said = json.loads(answer.read())
    connection.close()
    assert (answer.status, said["type"]) == (403, "urn:posthorn:OtherOrigin")
