"""Who calls: sign-in, workplaces, tokens, roles, and forms of other sites."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from town import COUNTER, HALL, Town

from backend.demonstration import cast
from backend.store import people as person_rows
from backend.store.engine import begin


def link_for(town: Town, person: int, minutes: int = 10) -> str:
    with begin(town.engine) as db:
        until = datetime.now(UTC) + timedelta(minutes=minutes)
        return person_rows.new_credential(db, "link", person, until)


def browser(town: Town) -> httpx.Client:
    """A client with cookies of its own."""
    return httpx.Client(base_url=town.client.base_url)


def test_link_signs_in_once_and_the_cookie_is_not_for_scripts_or_other_sites(town: Town) -> None:
    link = link_for(town, town.stage.workers[HALL])
    with browser(town) as client:
        response = client.post("/v1/sessions", json={"link": link})
        assert response.status_code == 201
        assert response.json()["custodians"] == ["1-4", "1-5", "1-6"]
        cookie = response.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert "secure" not in cookie  # plain http here
        assert client.get("/v1/me").json()["person"] == "clerk 2"
    again = town.post("/v1/sessions", {"link": link}, {}, 401)
    assert again["type"] == "urn:posthorn:NotSignedIn"
    assert "new one" in again["what_now"]


def test_link_that_is_over_signs_nobody_in(town: Town) -> None:
    link = link_for(town, town.stage.workers[HALL], minutes=-1)
    town.post("/v1/sessions", {"link": link}, {}, 401)
    town.post("/v1/sessions", {}, {}, 422)
    town.post("/v1/sessions", {"link": "a", "token": "b"}, {}, 422)


def test_session_works_where_the_person_chose_and_ends_at_once(town: Town) -> None:
    """J6, B9: the custodian is the session's; signing out ends it everywhere."""
    link = link_for(town, town.stage.workers[COUNTER])
    with browser(town) as client:
        client.post("/v1/sessions", json={"link": link})
        assert client.post("/v1/items", json={"number": town.number()}).status_code == 403
        assert client.post("/v1/me/custodian", json={"custodian": "1-4"}).status_code == 403
        here = client.post("/v1/me/custodian", json={"custodian": "1-1"})
        assert here.json()["custodian"] == "1-1"
        assert client.post("/v1/items", json={"number": town.number()}).status_code == 202
        cookie = dict(client.cookies)
        client.post("/v1/sessions/end")
    stolen = town.client.get(
        "/v1/me", headers={"Cookie": f"posthorn_session={cookie['posthorn_session']}"}
    )
    assert stolen.status_code == 401


def test_disabled_person_is_out_with_every_token_and_session(town: Town) -> None:
    with begin(town.engine) as db:
        person = person_rows.add_person(db, "clerk 9", "clerk", [HALL])
        assert person is not None
    token = town.token("clerk 9", person)
    assert town.get("/v1/me", token)["custodian"] == "1-4"
    with begin(town.engine) as db:
        person_rows.disable(db, person)
    refused = town.client.get("/v1/me", headers=token)
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")


def test_token_may_begin_a_session_and_has_no_workplace_to_choose(town: Town) -> None:
    token = town.as_(cast.CUSTOMS)["Authorization"].removeprefix("Bearer ")
    with browser(town) as client:
        assert client.post("/v1/sessions", json={"token": token}).json()["custodian"] == "3-8"
    town.post("/v1/me/custodian", {"custodian": "3-8"}, town.as_(cast.CUSTOMS), 400)
    town.post("/v1/sessions", {"token": "wrong"}, {}, 401)


@pytest.mark.parametrize("named", ["1-7", "5", "x", "1-99999999999"])
def test_custodian_header_must_name_one_of_the_persons_own(town: Town, named: str) -> None:
    headers = town.as_(HALL) | {"Posthorn-Custodian": named}
    refused = town.client.get("/v1/me", headers=headers)
    assert refused.status_code == (403 if named == "1-7" else 400)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
    ],
)
def test_form_of_another_site_is_not_the_readers_act(town: Town, headers: dict[str, str]) -> None:
    link = link_for(town, town.stage.workers[HALL])
    with browser(town) as client:
        client.post("/v1/sessions", json={"link": link})
        refused = client.post("/v1/me/custodian", json={"custodian": "1-4"}, headers=headers)
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:posthorn:OtherOrigin")
        own = {"Origin": str(town.client.base_url).rstrip("/")}
        for good in ({"Sec-Fetch-Site": "same-origin"}, own, {}):
            taken = client.post("/v1/me/custodian", json={"custodian": "1-4"}, headers=good)
            assert taken.status_code == 200


def test_other_site_signs_nobody_in_or_out(town: Town) -> None:
    """Without a cookie too: it would put the reader to work under another's name."""
    link = link_for(town, town.stage.workers[HALL])
    with browser(town) as client:
        elsewhere = {"Sec-Fetch-Site": "cross-site"}
        refused = client.post("/v1/sessions", json={"link": link}, headers=elsewhere)
        assert refused.status_code == 403
        assert client.post("/v1/sessions", json={"link": link}).status_code == 201
        assert client.post("/v1/sessions/end", headers=elsewhere).status_code == 403


@pytest.mark.parametrize("pin", ["123", "abcd", "1234567890123", "12 34", "١٢٣٤"])
def test_pin_has_four_to_twelve_digits(town: Town, pin: str) -> None:
    town.post("/v1/me/pin", {"pin": pin}, town.as_(HALL), 422)


@pytest.mark.parametrize(
    "what", ["custodians", "custodians/1-4/rights", "custodians/1-4/compromise"]
)
def test_only_administrators_enrol_and_re_key(town: Town, what: str) -> None:
    bodies = {
        "custodians": {
            "custodian": "1-40",
            "kind": "agency",
            "place": "AT602099",
            "name": "Agency 40",
        },
        "custodians/1-4/rights": {"generation": 2},
        "custodians/1-4/compromise": {"generation": 9},
    }
    refused = town.post(f"/v1/{what}", bodies[what], town.as_(HALL), 403)
    assert refused["detail"] == "Only admin may do this; you are clerk."


def test_administrator_enrols_a_custodian_that_then_works(town: Town) -> None:
    """N2, N3: its key is of this keystore, and shown as held by the operator."""
    body = {"custodian": "1-41", "kind": "agency", "place": "AT602041", "name": "Agency 41"}
    town.post("/v1/custodians", body, town.by("admin"))
    town.get("/v1/custodians/1-41", status=404)
    town.settle()
    found = town.get("/v1/custodians/1-41")
    assert (found["kind"], found["name"], found["operator_name"]) == (
        "agency",
        "Agency 41",
        "Arlberg Post",
    )
    assert [right["key_holder"] for right in found["rights"]] == ["operator"]
    town.post("/v1/custodians/1-41/rights", {"generation": 2}, town.by("admin"))
    town.settle()
    assert len(town.get("/v1/custodians/1-41")["rights"]) == 2
