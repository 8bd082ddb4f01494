"""Keys on devices, through the API (N3): what has to be signed is said, what was signed is checked."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from town import COUNTER, Town

from backend.demonstration import cast
from backend.domain.ids import custodian_number, custodian_text
from backend.domain.keccak import keccak256
from backend.proof.device_keys import ORDER
from backend.store.engine import begin
from backend.store.people import add_person

ROUND = custodian_number(cast.ARLBERG, 99)


class Device:
    """A P-256 key, as an HSM or a phone's secure element holds it."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        numbers = self._key.public_key().public_numbers()
        self._point = numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")

    @property
    def address(self) -> str:
        return "0x" + keccak256(self._point + bytes(32))[12:].hex()

    def sign(self, digest: str) -> str:
        der = self._key.sign(bytes.fromhex(digest[2:]), ec.ECDSA(Prehashed(SHA256())))
        r, s = decode_dss_signature(der)
        s = min(s, ORDER - s)
        return "0x" + (self._point + r.to_bytes(32, "big") + s.to_bytes(32, "big")).hex()


@pytest.fixture(scope="module")
def device(town: Town) -> Device:
    """A round of its own whose key is on a device."""
    device = Device()
    body = {
        "custodian": custodian_text(ROUND),
        "kind": "courier",
        "place": "AT99",
        "name": "Round 99",
    }
    town.post("/v1/custodians", body, town.by("admin"))
    town.settle()
    right = {"key": device.address, "key_kind": "p256"}
    town.post(f"/v1/custodians/{custodian_text(ROUND)}/rights", right, town.by("admin"))
    town.settle()
    with begin(town.engine) as db:
        courier = add_person(db, "courier 99", "clerk", [ROUND])
    assert courier is not None
    town.stage.workers[ROUND] = courier
    return device


def offered(town: Town, count: int) -> tuple[list[str], str]:
    items = [town.accept()["item"] for _ in range(count)]
    return items, town.hand_over(items, COUNTER, ROUND)


def asked(town: Town, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """What the device has to sign."""
    refused = town.post(path, body, town.as_(ROUND), 403)
    assert refused["type"] == "urn:posthorn:SignatureWanted"
    values: dict[str, Any] = refused["values"]
    return values


def test_list_is_taken_over_with_one_signature_of_the_device(town: Town, device: Device) -> None:
    """N3, C2: said what to sign; signed; sent again with the time. The trail says who held the key."""
    items, digest = offered(town, 3)
    body = {"release": digest}
    wanted = asked(town, "/v1/receipts", body)
    assert wanted["key"] == device.address
    signed = body | {"time": wanted["time"], "signature": device.sign(wanted["digest"])}
    promise = town.post("/v1/receipts", signed, town.as_(ROUND))
    assert promise["digest"] == wanted["digest"]
    town.settle()
    trail = town.get(f"/v1/trails/{items[0]}")
    assert trail["holder"]["number"] == custodian_text(ROUND)
    assert trail["trail"][-1]["receiver_key"]["key_holder"] == "device"


def test_every_kind_of_record_can_be_signed_by_the_device(town: Town, device: Device) -> None:
    items, digest = offered(town, 2)
    wanted = asked(town, "/v1/receipts", {"release": digest})
    signed = {"release": digest, "time": wanted["time"], "signature": device.sign(wanted["digest"])}
    town.post("/v1/receipts", signed, town.as_(ROUND))
    town.settle()
    for path, body in (
        ("/v1/reports", {"item": items[0], "code": "attempted_delivery"}),
        ("/v1/recalls", {"item": items[0]}),
        ("/v1/packings", {"receptacle": items[0], "items": [items[1]]}),
        ("/v1/closings", {"receptacle": items[0], "seal": "S 1"}),
        ("/v1/openings", {"receptacle": items[0], "found": [items[1]], "seal_state": "whole"}),
        ("/v1/ends", {"item": items[1], "mode": "letter_box"}),
    ):
        wanted = asked(town, path, body)
        given = {"time": wanted["time"], "signature": device.sign(wanted["digest"])}
        town.post(path, body | given, town.as_(ROUND))
        town.settle()
    number = town.number()
    wanted = asked(town, "/v1/items", {"number": number})
    given = {name: wanted[name] for name in ("time", "trail_code")}
    given |= {"number": number, "signature": device.sign(wanted["digest"])}
    accepted = town.post("/v1/items", given, town.as_(ROUND))
    assert accepted["digest"] == wanted["digest"]
    release = {"receiver": "1-1", "lines": [{"item": items[0]}]}
    wanted = asked(town, "/v1/releases", release)
    given = {"time": wanted["time"], "signature": device.sign(wanted["digest"])}
    town.post("/v1/releases", release | given, town.as_(ROUND), 201)


def test_wrong_signatures_are_refused_and_nothing_is_kept(town: Town, device: Device) -> None:
    """N3: another device's, over another record, of another length, with s in the upper half, without its time."""
    _, digest = offered(town, 1)
    body = {"release": digest}
    wanted = asked(town, "/v1/receipts", body)
    good = device.sign(wanted["digest"])
    s = int(good[-64:], 16)
    for signature, name in (
        (Device().sign(wanted["digest"]), "WrongSignature"),
        (device.sign("0x" + "11" * 32), "WrongSignature"),
        (good[:-64] + f"{ORDER - s:064x}", "WrongSignature"),
        (good[: 2 + 128], "SignatureLength"),
        (good + "00", "SignatureLength"),
    ):
        signed = body | {"time": wanted["time"], "signature": signature}
        refused = town.post("/v1/receipts", signed, town.as_(ROUND), 409)
        assert refused["type"] == f"urn:posthorn:{name}"
    late = body | {"time": wanted["time"] + 1, "signature": good}
    assert town.post("/v1/receipts", late, town.as_(ROUND), 409)["type"].endswith("WrongSignature")
    town.post("/v1/receipts", body | {"signature": good}, town.as_(ROUND), 422)
    assert town.get(f"/v1/releases/{digest}", town.as_(COUNTER))["state"] == "open"


def test_lost_device_signs_nothing_more_whatever_time_it_names(town: Town, device: Device) -> None:
    """N3: compromised, not only ended; a right granted to another key alone would let it date back."""
    _, digest = offered(town, 1)
    wanted = asked(town, "/v1/receipts", {"release": digest})
    its = f"/v1/custodians/{custodian_text(ROUND)}"
    town.post(f"{its}/compromise", {}, town.by("admin"), 422)
    town.post(f"{its}/compromise", {"key": device.address}, town.by("admin"))
    town.settle()
    signed = {"release": digest, "time": wanted["time"], "signature": device.sign(wanted["digest"])}
    refused = town.post("/v1/receipts", signed, town.as_(ROUND), 409)
    assert refused["type"] == "urn:posthorn:NoRight"
    kind = {"key_kind": "passkey"}
    town.post(f"{its}/rights", kind, town.by("admin"), 422)
