"""N3: a device's signature, read from logs, is judged as the contract judged it (Signatures.sol)."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from eth_abi.abi import encode

from backend.domain.keccak import keccak256
from backend.proof.device_keys import ASSERTION, ORDER, P256, PASSKEY, is_signed_by

DEVICE = ec.derive_private_key(0xC0FFEE, ec.SECP256R1())
POINT = DEVICE.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]
PARTY = hashlib.sha256(b"posthorn.example").digest()
DIGEST = keccak256(b"a record")
RAW_KEY, PASS_KEY = keccak256(POINT + bytes(32))[12:], keccak256(POINT + PARTY)[12:]


def numbers(hashed: bytes, high: bool = False) -> tuple[bytes, bytes]:
    r, s = decode_dss_signature(DEVICE.sign(hashed, ec.ECDSA(Prehashed(SHA256()))))
    s = max(s, ORDER - s) if high else min(s, ORDER - s)
    return r.to_bytes(32, "big"), s.to_bytes(32, "big")


def assertion(**other: Any) -> bytes:
    """An honest one over DIGEST, but for what is named."""
    how = {
        "challenge": DIGEST,
        "type": "webauthn.get",
        "party": PARTY,
        "flags": 0x05,
        "high": False,
        "challenge_at": None,
        "type_at": None,
    } | other
    said = urlsafe_b64encode(how["challenge"]).rstrip(b"=").decode()
    client = json.dumps({"type": how["type"], "challenge": said}, separators=(",", ":"))
    authenticator = how["party"] + bytes([how["flags"]]) + bytes(4)
    signed = hashlib.sha256(authenticator + hashlib.sha256(client.encode()).digest()).digest()
    places = [
        client.index(f'"{name}"') if how[f"{name}_at"] is None else how[f"{name}_at"]
        for name in ("challenge", "type")
    ]
    values = [*numbers(signed, how["high"]), *places, authenticator, client]
    return POINT + encode(ASSERTION, values)


def test_an_honest_signature_of_each_kind_is_taken() -> None:
    raw = POINT + b"".join(numbers(DIGEST))
    assert is_signed_by(P256, RAW_KEY, DIGEST, raw)
    assert is_signed_by(PASSKEY, PASS_KEY, DIGEST, assertion())
    assert not is_signed_by(PASSKEY, RAW_KEY, DIGEST, raw)
    assert not is_signed_by(P256, PASS_KEY, DIGEST, assertion())


@pytest.mark.parametrize(
    "how",
    [
        {"challenge": bytes(32)},
        {"type": "webauthn.create"},
        {"party": hashlib.sha256(b"evil.example").digest()},
        {"flags": 0x01},
        {"flags": 0x04},
        {"flags": 0x15},
        {"high": True},
        {"challenge_at": 0},
        {"type_at": 2**255},
    ],
    ids=str,
)
def test_an_assertion_for_something_else_is_not(how: dict[str, Any]) -> None:
    assert not is_signed_by(PASSKEY, PASS_KEY, DIGEST, assertion(**how))


def test_no_changed_or_missing_byte_is_taken() -> None:
    raw, long = POINT + b"".join(numbers(DIGEST)), assertion()
    for place in range(len(raw)):
        changed = bytes(byte ^ (0xFF if i == place else 0) for i, byte in enumerate(raw))
        assert not is_signed_by(P256, RAW_KEY, DIGEST, changed)
    for length in (0, 1, 63, 64, 65, 127, 255):
        assert not is_signed_by(P256, RAW_KEY, DIGEST, raw[:length][:127])
        assert not is_signed_by(PASSKEY, PASS_KEY, DIGEST, long[:length])
    assert not is_signed_by(P256, RAW_KEY, DIGEST, raw + bytes(1))
    high = POINT + b"".join(numbers(DIGEST, high=True))
    assert not is_signed_by(P256, RAW_KEY, DIGEST, high)
