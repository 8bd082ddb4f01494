"""The edge itself: problems in one form, sizes, headers, scans, relay, health, and what is away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine
from town import COUNTER, Town, served, text

from backend.api.middleware import BODY_BYTES
from backend.app import assemble, find_pages
from backend.chain.client import Node
from backend.store.engine import open_engine
from backend.store.room import Bounds, Room

MEMBERS = {"type", "title", "status", "detail", "what_now", "values"}


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "name"),
    [
        ("POST", "/v1/items", b"{", 400, "BadRequest"),
        ("POST", "/v1/items", b'{"numbr": "X"}', 422, "Unprocessable"),
        ("POST", "/v1/items", b"[]", 422, "Unprocessable"),
        ("POST", "/v1/items", b"\xff\xfe", 400, "BadRequest"),
        ("GET", "/v1/stamps/17", b"", 422, "Unprocessable"),
        ("GET", "/v1/trails/0x12", b"", 422, "Unprocessable"),
        ("GET", "/v1/nothing", b"", 404, "NotFound"),
        ("DELETE", "/v1/items", b"", 405, "MethodNotAllowed"),
        ("GET", "/v1/codes/colours", b"", 404, "NotFound"),
        ("GET", "/v1/operators/99", b"", 404, "NotFound"),
        (
            "POST",
            "/v1/voids",
            b'{"edition":"1-1","first":1,"last":2,"reason":"x"}',
            422,
            "Unprocessable",
        ),
    ],
)
def test_every_error_is_a_problem_that_says_what_to_do(
    town: Town, method: str, path: str, content: bytes, status: int, name: str
) -> None:
    """RFC 9457, one form for all."""
    headers = town.as_(COUNTER) | {"Content-Type": "application/json"}
    response = town.client.request(method, path, content=content, headers=headers)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert set(problem) >= MEMBERS
    assert (problem["type"], problem["status"]) == (f"urn:posthorn:{name}", status)
    assert "Traceback" not in response.text
    assert problem["what_now"] or name == "NotFound"


def test_body_without_a_content_type_is_said_to_lack_it(town: Town) -> None:
    response = town.client.post("/v1/items", content=b'{"number": "X"}', headers=town.as_(COUNTER))
    assert response.status_code == 400
    assert "Content-Type: application/json" in response.json()["what_now"]


def test_wrong_token_is_said_before_what_is_wrong_with_the_body(town: Town) -> None:
    body, token = {"numbr": "X"}, {"Authorization": "Bearer wrong"}
    assert town.post("/v1/items", body, token, 401)["type"] == "urn:posthorn:NotSignedIn"


def test_wrong_method_names_the_right_ones(town: Town) -> None:
    assert "PUT" not in (answer := town.client.put("/v1/print-jobs").json()["what_now"])
    assert "POST" in answer


def test_validation_names_the_field_and_the_known_codes_but_not_the_value(town: Town) -> None:
    body = {"edition": "1-1", "first": 1, "last": 2, "reason": "my-secret-4711"}
    problem = town.post("/v1/voids", body, town.by("admin"), 422)
    (fault,) = problem["values"]["faults"]
    assert fault["where"] == "reason"
    assert "spoilt" in fault["what"]
    assert "4711" not in str(problem)


@pytest.mark.parametrize("declared", [True, False])
def test_body_beyond_the_limit_is_refused_declared_or_not(town: Town, declared: bool) -> None:
    block = b" " * 100_000

    def stream() -> Any:
        for _ in range(BODY_BYTES // len(block) + 1):
            yield block

    content: Any = b" " * (BODY_BYTES + 1) if declared else stream()
    headers = town.as_(COUNTER) | {"Content-Type": "application/json"}
    response = town.client.post("/v1/items", content=content, headers=headers)
    assert (response.status_code, response.json()["type"]) == (413, "urn:posthorn:TooLarge")


@pytest.mark.parametrize(
    "path", ["/v1/editions", "/v1/nothing", "/health", "/metrics", "/v1/openapi.json"]
)
def test_every_answer_bears_the_security_headers(town: Town, path: str) -> None:
    headers = town.client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["cache-control"] == "no-store"
    assert "cross-origin-opener-policy" not in headers  # over plain http browsers complain of it


def test_addresses_on_paper_answer_json_to_who_asks_for_it(town: Town) -> None:
    """Without pages everybody gets JSON; the scan is counted, nothing else changes."""
    (stamp,) = town.sell(1)
    accepted = town.accept()
    verdict = town.client.get(f"/S/{town.code(stamp)}", headers={"Accept": "text/html"})
    assert verdict.json()["stamp"] == text(stamp)
    unreadable = town.get("/S/NOTACODE")
    assert (unreadable["code"], unreadable["tone"]) == ("unreadable", "unknown")
    assert town.get(f"/T/{accepted['trail_code']}")["number"] == accepted["number"]
    town.get("/T/NOTACODE", status=404)


def test_address_on_paper_is_a_page_to_a_browser_and_json_to_a_program(town: Town) -> None:
    (stamp,) = town.sell(1)
    paths = (f"/S/{town.code(stamp)}", f"/T/{town.accept()['trail_code']}")
    app = assemble(town.house, town.engine, town.node, town.deployment, find_pages())
    with served(app) as client:
        for path in paths:
            page = client.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
            assert page.headers["content-type"].startswith("text/html"), page.text
            assert page.headers["x-content-type-options"] == "nosniff"
            data = client.get(path, headers={"Accept": "application/json"})
            assert data.headers["content-type"] == "application/json"
        nowhere = client.get("/no/such/page/0x4711")
        assert (nowhere.status_code, client.get("/v1/nothing").status_code) == (404, 404)
        measures = client.get("/metrics").text
    assert 'route="/S/{payload}"' in measures
    assert "4711" not in measures


def test_verifying_too_often_is_answered_kindly_and_says_when_to_come_back(town: Town) -> None:
    with served(assemble(town.house, town.engine, town.node, town.deployment, None)) as client:
        answers = [client.get("/v1/stamps/1-1-000001") for _ in range(242)]
        machine = client.get("/v1/stamps/1-1-000001", headers=town.as_(COUNTER))
    limited = [answer for answer in answers if answer.status_code == 429]
    assert limited
    assert int(limited[0].headers["retry-after"]) >= 1
    assert limited[0].json()["title"] == "A little slower, please"
    assert machine.status_code == 200


@pytest.fixture
def dead_engine() -> Engine:
    """A database that is away."""
    return open_engine("postgresql+psycopg://nobody@127.0.0.1:1/none", pool_size=1)


def test_database_that_is_away_is_a_503_with_a_time_to_come_back(
    town: Town, dead_engine: Engine
) -> None:
    """Nothing lost, nothing half done: the same request can be sent again."""
    with served(assemble(town.house, dead_engine, town.node, town.deployment, None)) as client:
        refused = client.post("/v1/items", json={"number": "X123"}, headers=town.as_(COUNTER))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert "sent again" in refused.json()["what_now"]
        health = client.get("/health")
        assert (health.status_code, health.json()["live"], health.json()["ready"]) == (
            503,
            True,
            False,
        )
        assert "database does not answer" in health.json()["alarms"][0]
        assert "posthorn_database_up 0.0" in client.get("/metrics").text


def test_node_that_is_away_keeps_nobody_from_working(town: Town) -> None:
    """The counter never waits for the chain; only the relay says that the node is away."""
    gone = Node(["http://127.0.0.1:1"])
    with served(assemble(town.house, town.engine, gone, town.deployment, None)) as client:
        number = {"number": town.number()}
        assert client.post("/v1/items", json=number, headers=town.as_(COUNTER)).status_code == 202
        relayed = rpc(client, "eth_blockNumber")
        assert "No node answers" in relayed["error"]["message"]
    gone.close()


def rpc(client: httpx.Client, method: str, *parameters: Any) -> Any:
    question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    return client.post("/v1/rpc", json=question).json()


def test_relay_asks_the_node_what_a_page_needs_and_no_more(town: Town) -> None:
    ledger = "0x" + town.deployment.addresses["CustodyLedger"].hex()
    assert rpc(town.client, "eth_chainId")["result"] == hex(31337)
    assert len(rpc(town.client, "eth_getCode", ledger, "latest")["result"]) > 10_000
    block = rpc(town.client, "eth_getBlockByNumber", "latest", False)["result"]
    logs = {"address": ledger, "blockHash": block["hash"]}
    assert isinstance(rpc(town.client, "eth_getLogs", logs)["result"], list)
    of_one_item = {"address": ledger, "fromBlock": "0x0", "topics": [None, "0x" + "11" * 32]}
    assert rpc(town.client, "eth_getLogs", of_one_item)["result"] == []
    refused = [
        ("eth_sendRawTransaction", "0x00"),
        ("evm_mine",),
        ("anvil_setBalance", ledger, "0x1"),
        ("eth_getLogs", {"blockHash": block["hash"]}),
        ("eth_getLogs", {"address": [ledger, "0x" + "11" * 20]}),
        ("eth_getLogs", {"address": ledger, "fromBlock": "0x0", "toBlock": "latest"}),
        ("eth_getLogs", {"address": ledger, "fromBlock": "0x0", "topics": ["0x" + "11" * 32, []]}),
        ("eth_call", {"to": "0x" + "11" * 20, "data": "0x"}),
        ("eth_call",),
        ("eth_getCode", "0x" + "11" * 20),
        ("eth_call", {"to": ledger, "data": "0x" + "00" * 20_000}),
    ]
    for method, *parameters in refused:
        assert "error" in rpc(town.client, method, *parameters), method


def test_relay_takes_a_batch_and_says_what_is_no_call(town: Town) -> None:
    question = {"jsonrpc": "2.0", "id": 7, "method": "eth_chainId"}
    answers = town.client.post("/v1/rpc", json=[question, 5, {"params": 3}]).json()
    assert [answer.get("result") for answer in answers] == [hex(31337), None, None]
    assert answers[0]["id"] == 7
    too_many = town.client.post("/v1/rpc", json=[question] * 51)
    assert too_many.status_code == 400
    assert town.client.post("/v1/rpc", json=[]).status_code == 400


def test_status_and_measures_tell_how_far_it_is(town: Town) -> None:
    town.settle()
    status = town.get("/v1/status")
    assert (status["healthy"], status["lag_blocks"]) == (True, 0)
    assert status["as_of_block"] == status["head"]
    assert "submitter/1" in [lane["key_name"] for lane in status["lanes"]]
    waiting = town.get("/v1/status")["queue"]["pending"]
    town.accept()
    assert town.get("/v1/status")["queue"]["pending"] == waiting + 1
    assert town.get("/health")["ready"]
    measures = town.client.get("/metrics").text
    assert f'posthorn_submissions{{state="pending"}} {waiting + 1}.0' in measures
    assert 'route="/v1/items"' in measures
    town.get(f"/T/{'0' * 26}", status=404)
    measures = town.client.get("/metrics").text
    assert 'route="/T/{trail_code}"' in measures
    assert "0" * 26 not in measures


# --- room for promises (reliability.md, tests 22 and 38) ---------------------------------------------
FULL = {
    "a queue that is too long": (Bounds(most_waiting=0), "More than 0 submissions wait"),
    "a queue that does not move": (Bounds(oldest_seconds=-1), "has waited for"),
    "a disk that is nearly full": (Bounds(least_free_bytes=2**60), "nearly full"),
}


@pytest.mark.parametrize("full", FULL)
def test_nothing_is_promised_where_there_is_no_room_for_it(
    town: Town, tmp_path: Path, full: str
) -> None:
    """503 with Retry-After before damage; reading goes on, an alarm tells, and it ends by itself."""
    bounds, why = FULL[full]
    waiting = town.accept()["digest"]
    submissions = len(town.get("/v1/submissions", town.as_(COUNTER))["rows"])
    room = Room(town.engine, tmp_path, bounds)
    app = assemble(town.house, town.engine, town.node, town.deployment, find_pages(), room)
    with served(app) as client:
        number = {"number": town.number()}
        refused = client.post("/v1/items", json=number, headers=town.as_(COUNTER))
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert why in refused.json()["detail"]
        status = client.get("/v1/status").json()
        assert any(why in alarm for alarm in status["alarms"])
        assert len(town.get("/v1/submissions", town.as_(COUNTER))["rows"]) == submissions
        path = f"/v1/submissions/{waiting}/withdrawal"
        back = client.post(path, headers=town.as_(COUNTER))
        assert back.status_code == 200, "what shortens the queue is done"
        room._bounds = Bounds()
        room._looked_at = 0.0
        taken = client.post("/v1/items", json=number, headers=town.as_(COUNTER))
        assert taken.status_code == 202
        assert not any(why in alarm for alarm in client.get("/v1/status").json()["alarms"])
    town.settle()


def test_published_codes_are_listed_with_their_emsevt_events(town: Town) -> None:
    modes = town.get("/v1/codes/modes")["codes"]
    assert {
        "number": 5,
        "name": "letter_box",
        "text": "in the letter-box",
        "emsevt": "EMI",
    } in modes
    assert set(town.get("/v1/codes")) >= {"conditions", "reports", "reasons"}


def test_network_is_listed_with_suspensions_and_lost_keys(town: Town) -> None:
    operators = town.get("/v1/operators")["rows"]
    assert [row["name"] for row in operators] == ["Arlberg Post", "Säntis Post", "Customs Zürich"]
    custodians = town.get("/v1/custodians?operator=2")["rows"]
    assert {row["name"]: row["suspended"] for row in custodians}["Gossau SG"]
    rights = town.get("/v1/custodians/1-5")["rights"]
    assert [right["compromised"] for right in rights] == [True, False]
    town.get("/v1/custodians/1-999", status=404)
    assert town.get("/v1/operators/1")["stamp_signers"][0]["revoked_block"] is None


def test_openapi_describes_every_path_with_its_problems(town: Town) -> None:
    described = town.client.get("/v1/openapi.json").json()
    paths = described["paths"]
    assert len(paths) > 40
    for path, methods in paths.items():
        if path.startswith("/v1"):
            for operation in methods.values():
                assert {"401", "409", "422", "503"} <= set(operation["responses"]), path
    conditions = str(described["components"]["schemas"]["LineBody"])
    assert "wet_and_crushed" in conditions


def test_unforeseen_error_is_a_problem_without_its_trace(town: Town) -> None:
    def break_down(*_: object) -> bytes:
        raise RuntimeError("a secret detail")

    broken = assemble(town.house, town.engine, town.node, town.deployment, None)
    broken.state.service = replace(broken.state.service, prove=break_down)
    item = town.settled_item()
    with served(broken) as client:
        response = client.get(f"/v1/items/{item}/bundle")
    assert (response.status_code, response.json()["type"]) == (500, "urn:posthorn:Unexpected")
    assert "secret" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"


def test_relay_runs_nobodys_code_on_the_node(town: Town) -> None:
    """A state override is left away: the contract answers, not the stranger's endless loop."""
    ledger = "0x" + town.deployment.addresses["CustodyLedger"].hex()
    call = {"to": ledger, "data": "0x" + "00" * 4, "gas": "0xffffffff"}
    answer = rpc(
        town.client, "eth_call", call, "latest", {ledger: {"code": "0x602a60005260206000f3"}}
    )
    assert "error" in answer, "the override's code would have answered 42"


def test_relay_refuses_a_method_that_is_no_word(town: Town) -> None:
    for method in ([], {}, 5, None):
        question = {"jsonrpc": "2.0", "id": 1, "method": method}
        assert "error" in town.client.post("/v1/rpc", json=question).json()
