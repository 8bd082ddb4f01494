"""What a real Chromium made and signed (tests/vectors/passkey.json), and everything that must be refused (N3)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from backend.errors import Unprocessable
from backend.keystore import address_of, key_from, sign_compact
from backend.passkeys import (
    Assertion,
    DeviceKeys,
    Passkey,
    creation_options,
    home,
    in_contract_form,
    origin_of,
    registered,
)
from backend.proof.device_keys import ORDER, PASSKEY, SECP256K1

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "passkey.json").read_text()
)
ORIGIN: str = VECTORS["origin"]
CHALLENGE = bytes.fromhex(VECTORS["challenge"])


def raw(base64url: str) -> bytes:
    return urlsafe_b64decode(base64url + "=" * (-len(base64url) % 4))


def assertion(vector: dict[str, str]) -> Assertion:
    return Assertion(raw(vector["authenticator"]), raw(vector["client"]), raw(vector["signature"]))


@pytest.fixture(scope="module")
def passkey() -> Passkey:
    return registered(ORIGIN, json.dumps(VECTORS["credential"]), [CHALLENGE])


def test_real_registration_gives_the_key_that_a_right_stores(passkey: Passkey) -> None:
    assert passkey.key.hex() == VECTORS["key"]
    assert passkey.rp_id == "localhost"


def test_challenge_before_this_one_still_counts() -> None:
    registered(ORIGIN, json.dumps(VECTORS["credential"]), [bytes(32), CHALLENGE])


@pytest.mark.parametrize(
    ("origin", "challenge"),
    [
        (ORIGIN, bytes(32)),
        ("http://localhost:1", CHALLENGE),
        ("https://evil.example", CHALLENGE),
    ],
    ids=["another challenge", "another port", "another relying party"],
)
def test_registration_for_somewhere_else_is_refused(origin: str, challenge: bytes) -> None:
    with pytest.raises(Unprocessable, match="does not fit"):
        registered(origin, json.dumps(VECTORS["credential"]), [challenge])


@pytest.mark.parametrize("text", ["", "{}", "[1]", "null", '{"id": 7}', "\x00", "{" * 5000])
def test_malformed_registration_is_refused(text: str) -> None:
    with pytest.raises(Unprocessable):
        registered(ORIGIN, text, [CHALLENGE])


@pytest.mark.parametrize("vector", VECTORS["assertions"], ids=lambda v: v["digest"][:2])
def test_real_assertion_is_taken_as_the_contracts_take_it(
    passkey: Passkey, vector: dict[str, str]
) -> None:
    signature = in_contract_form(passkey, assertion(vector))
    assert signature.hex() == vector["signature_on_chain"]
    digest = bytes.fromhex(vector["digest"])
    assert DeviceKeys(ORIGIN).refusal(PASSKEY, passkey.key, digest, signature) is None


def test_high_s_is_put_into_the_lower_half(passkey: Passkey) -> None:
    """Half of all authenticators' signatures have it; the contracts take the lower alone."""
    vector = VECTORS["assertions"][0]
    r, s = decode_dss_signature(raw(vector["signature"]))
    other = replace(assertion(vector), signature=encode_dss_signature(r, ORDER - s))
    assert in_contract_form(passkey, other).hex() == vector["signature_on_chain"]


def test_assertion_of_a_user_who_was_not_verified_is_refused(passkey: Passkey) -> None:
    vector = VECTORS["not_verified"]
    signature = in_contract_form(passkey, assertion(vector))
    found = DeviceKeys(ORIGIN).refusal(
        PASSKEY, passkey.key, bytes.fromhex(vector["digest"]), signature
    )
    assert found is not None
    assert found.name == "WrongSignature"


def test_assertion_that_was_made_elsewhere_is_refused_with_the_place(passkey: Passkey) -> None:
    """The contracts do not look at the origin: the backend does, before anything is kept."""
    vector = VECTORS["assertions"][0]
    signature = bytes.fromhex(vector["signature_on_chain"])
    for here in ("http://localhost:1", "https://post.example"):
        with pytest.raises(Unprocessable, match=ORIGIN):
            DeviceKeys(here).refusal(
                PASSKEY, passkey.key, bytes.fromhex(vector["digest"]), signature
            )


def test_every_changed_byte_of_a_signature_is_refused(passkey: Passkey) -> None:
    """Key, numbers, places, authenticator's and client's data; bytes that ABI ignores excepted."""
    vector = VECTORS["assertions"][1]
    signature = bytes.fromhex(vector["signature_on_chain"])
    digest, good = bytes.fromhex(vector["digest"]), 0
    for place in range(len(signature)):
        changed = bytearray(signature)
        changed[place] ^= 1
        try:
            found = DeviceKeys(ORIGIN).refusal(PASSKEY, passkey.key, digest, bytes(changed))
        except Unprocessable:
            continue
        good += found is None
    # The padding of the two byte strings, to 32 bytes each.
    assert good <= 64


def test_other_digest_key_and_lengths_are_refused(passkey: Passkey) -> None:
    vector = VECTORS["assertions"][0]
    signature = bytes.fromhex(vector["signature_on_chain"])
    digest = bytes.fromhex(vector["digest"])
    keys = DeviceKeys(ORIGIN)
    for kind, key, over, given, name in (
        (PASSKEY, passkey.key, bytes(32), signature, "WrongSignature"),
        (PASSKEY, bytes(20), digest, signature, "WrongSignature"),
        (PASSKEY, passkey.key, digest, signature[:64], "SignatureLength"),
        (PASSKEY, passkey.key, digest, signature[:200], "WrongSignature"),
        (SECP256K1, passkey.key, digest, signature, "SignatureLength"),
        (SECP256K1, passkey.key, digest, signature[:64], "WrongSignature"),
        (2, passkey.key, digest, signature[:128], "WrongSignature"),
        (PASSKEY, passkey.key, digest, signature + bytes(1_536), "SignatureLength"),
    ):
        found = keys.refusal(kind, key, over, given)
        assert found is not None
        assert found.name == name


def test_key_of_secp256k1_is_checked_by_its_address() -> None:
    secret = key_from(b"a device".ljust(32))
    digest = bytes(range(32))
    good = sign_compact(secret, digest)
    assert DeviceKeys(ORIGIN).refusal(SECP256K1, address_of(secret), digest, good) is None


@pytest.mark.parametrize(
    "change",
    [
        {"signature": b""},
        {"signature": b"\x30\x06\x02\x01\x00\x02\x01\x00"},
        {"client": b"\xff\xfe"},
        {"client": b"{}"},
        {"client": b'{"type":"webauthn.get"}'},
    ],
)
def test_what_is_no_assertion_is_refused(passkey: Passkey, change: dict[str, bytes]) -> None:
    with pytest.raises(Unprocessable):
        in_contract_form(passkey, replace(assertion(VECTORS["assertions"][0]), **change))


def test_frame_of_another_site_is_no_origin() -> None:
    said = json.loads(raw(VECTORS["assertions"][0]["client"]))
    assert origin_of(json.dumps(said).encode()) == ORIGIN
    assert origin_of(json.dumps(said | {"crossOrigin": True}).encode()) is None
    assert origin_of(b"nothing") is None


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://127.0.0.1:8000", "http://localhost:8000"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000", "http://localhost:8000"),
        ("https://post.example", "https://post.example"),
        ("http://192.168.1.7:8000", None),
        ("https://192.168.1.7", None),
        ("http://post.example", None),
    ],
)
def test_passkeys_work_where_browsers_allow_them(origin: str, expected: str | None) -> None:
    """WebAuthn: a name, in a secure context; localhost is one."""
    assert home(origin) == expected


def test_options_ask_for_p256_and_a_verified_user() -> None:
    options = creation_options(ORIGIN, CHALLENGE, 77, "Round 77", [b"known"])
    assert [one["alg"] for one in options["pubKeyCredParams"]] == [-7]
    assert options["authenticatorSelection"]["userVerification"] == "required"
    known = urlsafe_b64encode(b"known").decode().rstrip("=")
    assert [one["id"] for one in options["excludeCredentials"]] == [known]
