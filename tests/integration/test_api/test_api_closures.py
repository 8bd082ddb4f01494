"""S10 through the API: claims of a range are closed, and get new claim keys a month later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from town import COUNTER, SIGNALS, Town, founded_town, text

from backend.chain.views import Views
from backend.demonstration.stage import DAY
from backend.domain.ids import stamp_number
from backend.domain.typed_data import Claim, Original
from backend.indexer.fsck import fsck
from backend.keystore import address_of, key_from, sign_compact
from backend.store.engine import open_engine
from backend.usecases.claim_codes import claim_secrets
from stamps.claim import claim_key
from tests.integration.conftest import TEMPLATE, database_url, execute

COLLECTOR = b"\xc0" * 20
CLOSED = {"edition": "1-1", "first": 2, "last": 4, "reason": "seed_leaked"}


@pytest.fixture(scope="module")
def own(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town of its own: a month passes in it."""
    execute(postgres_url, f"CREATE DATABASE closures TEMPLATE {TEMPLATE}")
    engine = open_engine(database_url(postgres_url, "closures"), pool_size=8)
    with founded_town(engine, tmp_path_factory.mktemp("closures")) as built:
        built.sell(5)
        yield built
    engine.dispose()
    execute(postgres_url, "DROP DATABASE closures WITH (FORCE)")


def old_key(town: Town, serial: int) -> bytes:
    """The key that the printed code gives."""
    secrets = claim_secrets(town.house.claim_seeds, SIGNALS, serial, serial)
    assert secrets is not None
    return claim_key(secrets[stamp_number(SIGNALS, serial)], stamp_number(SIGNALS, serial))


def new_key(serial: int) -> bytes:
    return bytes([serial]) * 32


def body(town: Town, serial: int, key: bytes, proof: list[str], to: bytes | None) -> dict[str, Any]:
    stamp, deadline = stamp_number(SIGNALS, serial), town.stage.clock + DAY
    record = Claim(stamp, to, deadline) if to else Original(stamp, deadline)
    asked = {
        "stamp": text(stamp),
        "deadline": deadline,
        "claim_key": "0x" + address_of(key_from(key)).hex(),
        "signature": "0x" + sign_compact(key_from(key), town.house.digest(record)).hex(),
        "proof": proof,
    }
    return asked | ({"to": "0x" + to.hex()} if to else {})


def proof(town: Town, serial: int) -> list[str]:
    found = town.get(f"/v1/stamps/{text(stamp_number(SIGNALS, serial))}/claim-proof")
    nodes: list[str] = found["proof"]
    return nodes


def replacement(*serials: int) -> dict[str, Any]:
    keys = ["0x" + address_of(key_from(new_key(serial))).hex() for serial in serials]
    return {"edition": "1-1", "first": serials[0], "claim_keys": keys}


def test_claims_are_closed_and_new_keys_count_a_month_later(own: Town) -> None:
    """S10: told in the verdict; refused before anything is paid for; claimed twins stay what they are."""
    admin = own.by("admin")
    own.post("/v1/claims", body(own, 2, old_key(own, 2), proof(own, 2), COLLECTOR), {})
    own.settle()
    before = proof(own, 3)
    own.post("/v1/closures", CLOSED, own.as_(COUNTER), 403)
    own.post("/v1/closures", CLOSED, admin)
    own.settle()

    verdict = own.get("/v1/stamps/1-1-000003")
    assert (verdict["use"], verdict["twin"]) == ("valid", "sealed")
    assert verdict["claims_closed_at"]
    assert any("Claims of its twin were closed" in said for said in verdict["evidence"])
    own.get("/v1/stamps/1-1-000003/claim-proof", status=409)
    late = own.post("/v1/claims", body(own, 3, old_key(own, 3), before, COLLECTOR), {}, 409)
    assert (late["type"], late["rule"]) == ("urn:posthorn:ClaimsAreClosed", "S10")
    own.post("/v1/cancellations", {"stamps": ["1-1-000004"], "kind": "to_order"}, own.as_(COUNTER))
    own.settle()
    shown = own.post("/v1/originals", body(own, 4, old_key(own, 4), before, None), {}, 409)
    assert shown["type"] == "urn:posthorn:ClaimsAreClosed"
    page = own.client.get("/C/1-1-000003").text
    assert "data-claim" not in page
    overlap = own.post("/v1/closures", CLOSED | {"first": 4, "last": 9}, admin, 409)
    assert overlap["type"] == "urn:posthorn:ClaimsOverlap"

    early = own.post("/v1/claim-keys", replacement(2, 3, 4), admin, 409)
    assert early["type"] == "urn:posthorn:ReplacementTooEarly"
    own.stage.clock += 30 * DAY
    other = own.post("/v1/claim-keys", replacement(2, 3), admin, 409)
    assert other["type"] == "urn:posthorn:ClaimsNotClosed"
    own.post("/v1/claim-keys", replacement(2, 3, 4), admin)
    own.settle()
    again = own.post("/v1/claim-keys", replacement(2, 3, 4), admin, 409)
    assert again["type"] == "urn:posthorn:AlreadyReplaced"

    assert own.get("/v1/stamps/1-1-000003")["claims_closed_at"] is None
    stale = own.post("/v1/claims", body(own, 3, old_key(own, 3), before, COLLECTOR), {}, 409)
    assert stale["type"] == "urn:posthorn:NotClaimKey"
    own.post("/v1/claims", body(own, 3, new_key(3), proof(own, 3), COLLECTOR), {})
    own.post("/v1/claims", body(own, 5, old_key(own, 5), proof(own, 5), COLLECTOR), {})
    own.settle()
    for serial in (2, 3, 5):
        owner = own.get(f"/v1/stamps/1-1-{serial:06}")["twin_owner"]
        assert owner == "0x" + COLLECTOR.hex()
    assert fsck(own.engine, Views(own.node, own.deployment), own.deployment) == []


def test_codes_of_closed_claims_are_not_printed(own: Town) -> None:
    """S10: neither for stamps that are at the printer already, nor for any that are still in stock."""
    waiting = own.reserve(2)
    first = int(waiting["first"].rpartition("-")[2])
    own.post("/v1/closures", CLOSED | {"first": first + 1, "last": first + 6}, own.by("admin"))
    own.settle()
    sheet = f"/v1/print-jobs/{waiting['job']}/sheet"
    refused = own.post(sheet, {"claim_codes": True}, own.as_(COUNTER), 409)
    assert f"serials {first + 1} to {first + 6}" in refused["detail"]
    own.client.post(sheet, json={}, headers=own.as_(COUNTER)).raise_for_status()
    own.post(f"/v1/print-jobs/{waiting['job']}/confirmation", {}, own.as_(COUNTER))
    assert own.reserve(3)["first"] == text(stamp_number(SIGNALS, first + 7))
