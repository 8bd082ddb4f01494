"""What strangers, and clerks by mistake, send to break the service: it says so in words and goes on."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image
from sqlalchemy import update
from town import COUNTER, Town, rpc_error, served, text

from backend.app import assemble, find_pages
from backend.store.engine import begin
from backend.store.tables import edition

FAR = 2**40 - 1


@pytest.fixture(scope="module")
def pages(town: Town) -> Iterator[httpx.Client]:
    """A client of the service with its pages."""
    with served(
        assemble(town.house, town.engine, town.node, town.deployment, find_pages())
    ) as client:
        yield client


def plain(page: httpx.Response) -> str:
    """What stands on a page, without its marks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


# --- who may know what ------------------------------------------------------------------------------
def test_strangers_learn_no_number_person_or_device_of_what_is_under_way(
    town: Town, pages: httpx.Client
) -> None:
    accepted = town.accept()
    item, number = accepted["item"], accepted["number"]
    clerk = town.get(f"/v1/submissions/{accepted['digest']}", town.as_(COUNTER))["person"]
    assert clerk
    (shown,) = town.get(f"/v1/trails/{item}")["pending"]
    assert (shown["kind"], shown["state"], shown["words"]) == (
        "acceptance",
        "pending",
        "being recorded",
    )
    assert (set(shown), shown["about"]) == ({"kind", "state", "words", "about"}, None)
    page = pages.get(f"/items/{item}").text
    assert "being recorded" in page
    assert number not in page
    assert clerk not in page


def test_who_opened_a_trail_reads_what_is_under_way_but_not_who_typed_it(town: Town) -> None:
    """A label's code is in the hands of people of no post."""
    accepted = town.accept()
    opened = town.get(f"/v1/trails/codes/{accepted['trail_code']}")["pending"]
    assert [one["about"] for one in opened] == [f"acceptance of {accepted['number']}"]
    assert {"person", "device"}.isdisjoint(opened[0])
    (colleague,) = town.get(f"/v1/trails/{accepted['item']}", town.as_(COUNTER))["pending"]
    assert colleague["about"] == f"acceptance of {accepted['number']}"


# --- pictures ---------------------------------------------------------------------------------------
def white_png(width: int, height: int) -> bytes:
    """A PNG of one bit a dot, however large in a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    rows = zlib.compressobj(9)
    row = b"\0" + b"\xff" * ((width + 7) // 8)
    packed = b"".join(rows.compress(row) for _ in range(height)) + rows.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(7_740, 7_740), (16_000_000, 1), (1, 16_000_000)])
def test_picture_with_too_many_dots_or_too_long_a_side_is_refused(
    town: Town, size: tuple[int, int]
) -> None:
    answer = town.client.post(
        "/v1/verify/image", content=white_png(*size), headers=town.as_(COUNTER)
    )
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:posthorn:BadImage")


def test_pictures_may_be_sent_much_less_often_than_numbers(town: Town) -> None:
    target = io.BytesIO()
    Image.new("L", (20, 20), 255).save(target, "PNG")
    with served(assemble(town.house, town.engine, town.node, town.deployment, None)) as client:
        found = [
            client.post("/v1/verify/image", content=target.getvalue()).status_code
            for _ in range(25)
        ]
        assert client.get("/v1/stamps/1-1-000001").status_code == 200
    assert (found.count(422), found.count(429)) == (20, 5)


def test_picture_is_not_read_while_enough_others_are(town: Town) -> None:
    app = assemble(town.house, town.engine, town.node, town.deployment, find_pages())
    waiting = app.state.service.limits.pictures
    while waiting.acquire(blocking=False):
        pass
    with served(app) as client:
        busy = client.post("/v1/verify/image", content=white_png(8, 8))
        page = client.post("/verify/image", files={"picture": white_png(8, 8)})
    assert (busy.status_code, page.status_code) == (503, 503)
    assert busy.headers["retry-after"]


# --- times that no calendar has ---------------------------------------------------------------------
def test_first_day_that_no_calendar_has_breaks_no_page(town: Town, pages: httpx.Client) -> None:
    """S1: anybody may be an operator, and the chain takes any 40 bits."""
    (stamp,) = town.sell(1)
    with begin(town.engine) as db:
        one = edition.c.edition == stamp >> 32
        before = db.scalar(edition.select().with_only_columns(edition.c.first_day).where(one))
        db.execute(update(edition).where(one).values(first_day=FAR))
    try:
        verdict = town.get(f"/v1/stamps/{text(stamp)}")
        page = pages.get(f"/stamps/{text(stamp)}")
    finally:
        with begin(town.engine) as db:
            db.execute(update(edition).where(one).values(first_day=before))
    assert "Valid from far in the future." in verdict["headline"]
    assert page.status_code == 200
    assert "far in the future" in plain(page)


@pytest.mark.parametrize("seconds", [FAR, 2**38 - 1, 253_402_300_800])
def test_times_that_no_calendar_has_are_refused_at_the_door(town: Town, seconds: int) -> None:
    (stamp,) = town.sell(1)
    line = [{"item": "0x" + "11" * 32}]
    for path, body in {
        "/v1/items": {"number": town.number(), "time": seconds},
        "/v1/releases": {"receiver": "1-2", "lines": line, "deadline": seconds},
        "/v1/cancellations": {"stamps": [text(stamp)], "kind": "to_order", "time": seconds},
    }.items():
        answer = town.client.post(path, json=body, headers=town.as_(COUNTER))
        assert answer.status_code == 422, (path, answer.text)


# --- measures and the relay -------------------------------------------------------------------------
def test_measures_name_routes_and_never_what_was_asked(town: Town, pages: httpx.Client) -> None:
    for path in ("/D/ABCDEFGH/SIGNEDTEXT4712", "/nowhere/4713/4714", "/static/4715.css"):
        pages.get(path)
    pages.request("MADE-UP-4716", "/v1/items")
    measures = pages.get("/metrics").text
    assert 'route="/D/{code}/{payload}"' in measures
    assert 'route="/{path:path}"' in measures
    labels = " ".join(re.findall('="([^"]*)"', measures))
    assert not re.search("471[2-6]|SIGNEDTEXT", labels)


def test_relay_takes_the_hash_of_one_block_alone(town: Town) -> None:
    ledger = "0x" + town.deployment.addresses["CustodyLedger"].hex()
    walk = {"address": ledger, "fromBlock": "0x0", "toBlock": "latest"}
    for extra in (
        {"blockHash": None},
        {"blockHash": "0x" + "11" * 32},
        {"blockHash": 5},
    ):
        assert rpc_error(town.client, "eth_getLogs", walk | extra)
    assert rpc_error(town.client, "eth_getLogs", {"address": ledger, "blockHash": "latest"})


def test_relay_gives_back_only_what_may_name_a_call(town: Town) -> None:
    """JSON-RPC 2.0, section 4; NaN is no JSON."""
    question = '{"jsonrpc":"2.0","id":%s,"method":"eth_chainId"}'
    for said in ("NaN", "1e999", "[1]", "true", '{"a":1}'):
        raw = town.client.post(
            "/v1/rpc",
            content=question % said,
            headers={"Content-Type": "application/json"},
        )
        assert "NaN" not in raw.text
        assert "Infinity" not in raw.text
        if raw.status_code == 200:
            assert (raw.json()["id"], raw.json()["error"]["code"]) == (None, -32600)


# --- digits of other scripts ------------------------------------------------------------------------
def test_digits_of_other_scripts_are_no_number_and_spoil_only_their_own_line(town: Town) -> None:
    arabic = "RR٤٧٣١٢٤٨٢٩AT"
    refused = town.post("/v1/items", {"number": arabic}, town.as_(COUNTER), 422)
    assert "letters, digits or dashes" in refused["detail"]
    bulk = {"items": [{"number": arabic}, {"number": town.number()}]}
    answer = town.post("/v1/items/bulk", bulk, town.as_(COUNTER))
    assert (answer["accepted"], answer["refused"]) == (1, 1)


# --- claims -----------------------------------------------------------------------------------------
def any_key_claims(town: Town, stamp: int) -> dict[str, Any]:
    """A claim that is signed well, by a key that the edition's tree does not hold."""
    from eth_account import Account

    from backend.domain.typed_data import Claim
    from backend.keystore import sign_compact

    stranger = Account.create()
    deadline = town.stage.clock + 3_600
    digest = town.house.digest(Claim(stamp, b"\xab" * 20, deadline))
    import coincurve

    signature = sign_compact(coincurve.PrivateKey(bytes(stranger.key)), digest)
    return {
        "stamp": text(stamp),
        "to": "0x" + "ab" * 20,
        "deadline": deadline,
        "claim_key": stranger.address.lower(),
        "signature": "0x" + signature.hex(),
        "proof": ["0x" + "22" * 32],
    }


def test_nobody_pays_for_a_claim_whose_proof_leads_nowhere(town: Town) -> None:
    """S6: the chain would refuse it, after the post has paid for the transaction."""
    (stamp,) = town.sell(1)
    problem = town.post("/v1/claims", any_key_claims(town, stamp), {}, 409)
    assert problem["type"] == "urn:posthorn:NotClaimKey"


def test_claim_with_a_deadline_that_no_calendar_has_is_refused(town: Town) -> None:
    (stamp,) = town.sell(1)
    town.post("/v1/claims", any_key_claims(town, stamp) | {"deadline": FAR}, {}, 422)
