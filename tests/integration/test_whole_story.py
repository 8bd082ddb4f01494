"""The main job end to end, through the API and the command line, on a real chain and a real database.

Two posts and a customs authority: stamps are sold, forty parcels go from Innsbruck to Gossau and St. Gallen,
something goes wrong with several of them, and at the end a bundle proves one trail against the node alone.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from fastapi.testclient import TestClient
from network import Installation, demonstration
from posts import ROOT
from sqlalchemy import Engine

from backend.app import assemble
from backend.chain.client import Node
from backend.demonstration import cast
from backend.domain.ids import custodian_text
from backend.domain.item_numbers import make_s10
from backend.domain.typed_data import Delivery
from backend.domain.wire import from_wire
from backend.errors import PosthornError
from backend.keystore import address_of, key_from, sign_compact
from backend.proof.bundle import read_bundle
from backend.proof.check import check_bundle
from backend.store import people
from backend.store.engine import begin
from stamps.scan import PDFIUM, read_codes

ADDRESSEE = key_from(b"the addressee's phone".rjust(32, b"\0"))
SIGNALS = "1-1"
POSTHORN = ROOT / ".venv" / "bin" / "posthorn"


@dataclass
class Office:
    """The API as people at one custodian use it."""

    http: TestClient
    token: str
    custodian: int | None

    def _headers(self) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self.token}"}
        if self.custodian is not None:
            headers["Posthorn-Custodian"] = custodian_text(self.custodian)
        return headers

    def post(self, path: str, **body: Any) -> Any:
        answer = self.http.post(path, json=body, headers=self._headers())
        assert answer.status_code < 300, answer.text
        is_json = answer.headers["content-type"] == "application/json"
        return answer.json() if is_json else answer.content

    def refused(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self.http.post(path, json=body, headers=self._headers())
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        return dict(answer.json())

    def get(self, path: str, **query: Any) -> Any:
        answer = self.http.get(path, params=query, headers=self._headers())
        assert answer.status_code == 200, answer.text
        return answer.json()


@dataclass
class Story:
    """The installation, its API, and somebody at each custodian."""

    shown: Installation
    http: TestClient
    tokens: dict[str, str]
    item: str = ""
    extra: str = ""

    def at(self, custodian: int) -> Office:
        return Office(self.http, self.tokens["clerk"], custodian)

    @property
    def admin(self) -> Office:
        return Office(self.http, self.tokens["admin"], None)

    def settle(self) -> None:
        self.shown.loops.settle(int(time.time()))

    def hand_over(self, giver: int, receiver: int, items: list[str], **more: Any) -> Any:
        lines = [{"item": item} for item in items]
        target = custodian_text(receiver)
        return self.at(giver).post("/v1/releases", receiver=target, lines=lines, **more)

    def pass_on(self, giver: int, receiver: int, items: list[str], **receipt: Any) -> None:
        released = self.hand_over(giver, receiver, items)
        self.at(receiver).post("/v1/receipts", release=released["digest"], **receipt)

    def use_of(self, stamp: str) -> str:
        return str(self.at(cast.COUNTER_1).get(f"/v1/stamps/{stamp}")["use"])


@pytest.fixture(scope="module")
def story(module_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder: Path = tmp_path_factory.mktemp("story")
    with demonstration(module_engine, folder) as shown:
        app = assemble(shown.house, shown.engine, shown.node, shown.deployment, pages=None)
        with TestClient(app) as http:
            yield Story(shown, http, _tokens(shown))


def _tokens(shown: Installation) -> dict[str, str]:
    custodians = [row[0] for row in cast.CUSTODIANS]
    later = datetime.now(UTC) + timedelta(hours=1)
    with begin(shown.engine) as db:
        clerk = people.add_person(db, "clerk of the story", "clerk", custodians)
        admin = people.by_name(db, "admin")
        assert clerk is not None
        assert admin is not None
        return {
            "clerk": people.new_credential(db, "token", clerk, later),
            "admin": people.new_credential(db, "token", admin.id, later),
        }


def codes_on(pdf: bytes) -> list[str]:
    """What a scanner reads off a sheet."""
    with PDFIUM:
        document = pypdfium2.PdfDocument(pdf)
        pages = [page.render(scale=300 / 72).to_pil() for page in document]
        document.close()
    found: list[str] = []
    for page in pages:
        buffer = ROOT / "build" / "page-of-a-test.png"
        page.save(buffer)
        found += read_codes(buffer)
        buffer.unlink()
    return found


def test_the_story(story: Story, tmp_path: Path) -> None:
    """Every step of it, in order."""
    stamps = sell_six_stamps(story)
    items = accept_forty(story, stamps)
    hand_over_forty_receive_thirty_nine(story, items)
    cross_the_border(story, items)
    take_up_the_extra_one(story, items[39])
    deliver_with_a_key_and_without(story, items)
    void_a_stolen_range(story)
    read_the_trail(story, items)
    prove_and_check(story, tmp_path)


def sell_six_stamps(story: Story) -> list[str]:
    """Reserve, print, tick one as spoilt; being recorded, then valid (S3)."""
    counter = story.at(cast.COUNTER_1)
    job = counter.post("/v1/print-jobs", edition=SIGNALS, count=6, layout="70x37", start_label=4)
    assert (job["total"], job["currency"]) == (1_800, "EUR")
    sheet = counter.post(f"/v1/print-jobs/{job['job']}/sheet")
    codes = codes_on(sheet)
    assert len(codes) == 6
    spoilt = int(job["last"].split("-")[2])
    counter.post(f"/v1/print-jobs/{job['job']}/confirmation", spoilt=[spoilt])
    first = int(job["first"].split("-")[2])
    sold = [f"{SIGNALS}-{serial:06d}" for serial in range(first, spoilt)]
    assert [story.use_of(stamp) for stamp in sold] == ["being_recorded"] * 5
    story.settle()
    assert [story.use_of(stamp) for stamp in sold] == ["valid"] * 5
    assert story.use_of(job["last"]) == "void"
    verified = [story.http.get("/v1/verify", params={"code": code}).json() for code in codes]
    assert {answer["code"] for answer in verified} == {"issued_by"}
    return sold


def accept_forty(story: Story, stamps: list[str]) -> list[str]:
    """One franked with three stamps and naming its addressee's key, thirty-nine in bulk (S4, J13)."""
    counter = story.at(cast.COUNTER_1)
    used = counter.refused(
        "/v1/items",
        number=make_s10("CP", 70_000_000, "AT"),
        franking={"required": 900, "currency": "EUR", "stamps": [*stamps[:2], "1-1-000021"]},
    )
    assert used["type"].endswith("AlreadyUsed")
    assert story.use_of(stamps[0]) == "valid", "all or nothing: the good stamps are not touched"
    franked = counter.post(
        "/v1/items",
        number=make_s10("CP", 70_000_000, "AT"),
        franking={"required": 900, "currency": "EUR", "stamps": stamps[:3]},
        keys={"recipient": "0x" + address_of(ADDRESSEE).hex(), "salt": "0x" + "5a" * 32},
    )
    story.item = franked["item"]
    paid = {"required": 640, "currency": "EUR", "payments": [{"kind": "cash", "amount": 640}]}
    bodies = [
        {"number": make_s10("CP", 70_000_000 + n, "AT"), "franking": paid} for n in range(1, 40)
    ]
    bulk = counter.post("/v1/items/bulk", items=bodies)
    assert bulk["accepted"] == 39
    return [franked["item"]] + [line["accepted"]["item"] for line in bulk["lines"]]


def hand_over_forty_receive_thirty_nine(story: Story, items: list[str]) -> None:
    """C2: a missing line, a reservation, a clock three minutes behind; all before the chain has a thing (B8)."""
    released = story.hand_over(cast.COUNTER_1, cast.HALL, items)
    by_the_giver = story.at(cast.COUNTER_1).refused("/v1/receipts", release=released["digest"])
    assert by_the_giver["status"] == 403, "a receipt is an act of the receiver (B9)"
    story.at(cast.HALL).post(
        "/v1/receipts",
        release=released["digest"],
        missing=[39],
        findings=[{"line": 3, "condition": "wet"}],
        time=int(time.time()) - 180,
        signature=None,
    )
    story.settle()
    again = story.at(cast.HALL).refused("/v1/receipts", release=released["digest"])
    assert again["status"] == 409


def cross_the_border(story: Story, items: list[str]) -> None:
    """Four more hand-offs, two of them with customs, and its report."""
    carried = items[:39]
    story.pass_on(cast.HALL, cast.INNSBRUCK_OE, carried)
    story.pass_on(cast.INNSBRUCK_OE, cast.ZURICH_OE, carried)
    story.pass_on(cast.ZURICH_OE, cast.CUSTOMS, carried)
    story.at(cast.CUSTOMS).post(
        "/v1/reports", item=items[5], code="held", reason="customs_inspection"
    )
    story.pass_on(cast.CUSTOMS, cast.ZURICH_OE, carried)
    story.settle()
    stranger = story.at(cast.GOSSAU).refused(
        "/v1/releases", receiver=custodian_text(cast.ST_GALLEN), lines=[{"item": items[0]}]
    )
    assert stranger["type"].endswith("NotHolder")


def take_up_the_extra_one(story: Story, item: str) -> None:
    """C11: the fortieth turns up in Zürich, though the chain has it at the counter."""
    zurich = story.at(cast.ZURICH_OE)
    zurich.post("/v1/take-ups", item=item, reason="extra")
    story.settle()
    assert zurich.get(f"/v1/trails/{item}")["holder"]["number"] == custodian_text(cast.ZURICH_OE)


def deliver_with_a_key_and_without(story: Story, items: list[str]) -> None:
    """C4: one signed on the addressee's phone, one stated by the carrier alone."""
    story.pass_on(cast.ZURICH_OE, cast.ROUND_12, items[:2])
    courier = story.at(cast.ROUND_12)
    draft = courier.get(f"/v1/items/{items[0]}/delivery")
    delivery = from_wire(Delivery, draft["delivery"])
    signed = sign_compact(ADDRESSEE, story.shown.house.digest(delivery))
    courier.post(
        "/v1/deliveries",
        item=items[0],
        recipient="0x" + address_of(ADDRESSEE).hex(),
        recipient_signature="0x" + signed.hex(),
        time=delivery.time,
        deadline=delivery.deadline,
    )
    courier.post("/v1/ends", item=items[1], mode="letter_box")
    story.settle()


def void_a_stolen_range(story: Story) -> None:
    """S5: never sold, and never to be."""
    story.admin.post("/v1/voids", edition=SIGNALS, first=901, last=920, reason="stolen")
    story.settle()
    assert story.use_of(f"{SIGNALS}-000910") == "not_sold"


def read_the_trail(story: Story, items: list[str]) -> None:
    """Who answers (C12), reservations, and what the chain has of each."""
    clerk = story.at(cast.COUNTER_1)
    delivered = clerk.get(f"/v1/trails/{items[0]}")
    assert [r["kind"] for r in delivered["trail"]] == ["acceptance"] + ["hand_off"] * 6 + [
        "delivery"
    ]
    assert delivered["answerable"]["custodian"] is None
    wet = clerk.get(f"/v1/trails/{items[3]}")
    assert (wet["trail"][1]["body"]["given"], wet["trail"][1]["body"]["found"]) == (1, 2)
    assert wet["answerable"]["custodian"] == custodian_text(cast.ZURICH_OE)
    held = clerk.get(f"/v1/trails/{items[5]}")
    assert "report" in [r["kind"] for r in held["trail"]]


def prove_and_check(story: Story, tmp_path: Path) -> None:
    """The command line asks the node alone; any changed byte is refused."""
    bundle = tmp_path / "p.json"
    env = environment(story, tmp_path)
    prove = posthorn(env, "prove", story.item, "--out", str(bundle))
    assert prove.returncode == 0, prove.stderr
    alone = {"PATH": os.environ["PATH"]}
    checked = posthorn(alone, "check", str(bundle), "--rpc", story.shown.url)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "holds: 8 records, 15 signatures, 3 stamps" in checked.stdout
    assert "No Posthorn server was asked." in checked.stdout
    raw = bundle.read_bytes()
    bundle.write_bytes(changed(raw, len(raw) // 2))
    refused = posthorn(alone, "check", str(bundle), "--rpc", story.shown.url)
    assert refused.returncode == 1, refused.stdout
    assert_no_changed_byte_holds(raw, story.shown.url)


def assert_no_changed_byte_holds(raw: bytes, url: str) -> None:
    node = Node([url])
    for place in random.Random(1).sample(range(len(raw)), 200):
        try:
            check_bundle(read_bundle(changed(raw, place)), node)
        except PosthornError:
            continue
        pytest.fail(f"byte {place} was changed and the bundle held")
    node.close()


def changed(raw: bytes, place: int) -> bytes:
    other = ord("0") if raw[place] != ord("0") else ord("1")
    return raw[:place] + bytes([other]) + raw[place + 1 :]


def environment(story: Story, folder: Path) -> dict[str, str]:
    """What names this installation to the command line."""
    contracts = {
        name: {"address": "0x" + address.hex(), "block": story.shown.deployment.first_block}
        for name, address in story.shown.deployment.addresses.items()
    }
    file = folder / "deployment.json"
    chain_id = story.shown.deployment.chain_id
    file.write_text(json.dumps({"chain_id": chain_id, "contracts": contracts}))
    url = story.shown.engine.url.render_as_string(hide_password=False)
    return {
        "PATH": os.environ["PATH"],
        "POSTHORN_DATABASE_URL": url,
        "POSTHORN_RPC_URLS": story.shown.url,
        "POSTHORN_DEPLOYMENT": str(file),
        "POSTHORN_DATA": str(story.shown.folder),
    }


def posthorn(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [POSTHORN, *arguments], env=env, capture_output=True, text=True, timeout=60
    )
