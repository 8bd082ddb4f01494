"""Signatures of devices: P-256 keys and passkeys, checked as contracts/libraries/Signatures.sol checks them (N3)."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from backend.domain.keccak import keccak256

SECP256K1, P256, PASSKEY = 1, 2, 3
POINT_BYTES = 64
RAW_BYTES = 128
# The order of P-256 (FIPS 186-4, D.1.2.3).
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# WebAuthn level 2, section 6.1: rpIdHash, flags, counter.
AUTHENTICATOR_BYTES = 37
PRESENT, VERIFIED, ELIGIBLE, BACKED_UP = 0x01, 0x04, 0x08, 0x10
ASSERTION = ("bytes32", "bytes32", "uint256", "uint256", "bytes", "string")
GET = b'"type":"webauthn.get"'


def is_signed_by(kind: int, key: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether a P-256 key or a passkey, by its 20 bytes, made the signature over the digest."""
    if kind == P256:
        return _is_by_p256(key, digest, signature)
    return kind == PASSKEY and _is_by_passkey(key, digest, signature)


def _is_by_p256(key: bytes, digest: bytes, signature: bytes) -> bool:
    point = signature[:POINT_BYTES]
    return (
        len(signature) == RAW_BYTES
        and _key_of(point, bytes(32)) == key
        and _verifies(point, digest, signature[64:96], signature[96:])
    )


def _is_by_passkey(key: bytes, digest: bytes, signature: bytes) -> bool:
    point = signature[:POINT_BYTES]
    try:
        r, s, challenge_at, type_at, authenticator, client = decode(
            ASSERTION, signature[POINT_BYTES:], strict=False
        )
    except (DecodingError, UnicodeDecodeError, OverflowError):
        return False
    return (
        _is_for(client.encode(), digest, challenge_at, type_at)
        and _is_of_a_verified_user(authenticator)
        and _key_of(point, authenticator[:32]) == key
        and _verifies(point, _signed(authenticator, client.encode()), r, s)
    )


def _is_for(client: bytes, digest: bytes, challenge_at: int, type_at: int) -> bool:
    """The client data speak of this challenge, at the places that the signature names."""
    challenge = b'"challenge":"' + urlsafe_b64encode(digest).rstrip(b"=") + b'"'
    return client[type_at : type_at + len(GET)] == GET and (
        client[challenge_at : challenge_at + len(challenge)] == challenge
    )


def _is_of_a_verified_user(authenticator: bytes) -> bool:
    if len(authenticator) < AUTHENTICATOR_BYTES:
        return False
    flags = authenticator[32]
    backed_up_rightly = bool(flags & ELIGIBLE) or not flags & BACKED_UP
    return bool(flags & PRESENT) and bool(flags & VERIFIED) and backed_up_rightly


def _signed(authenticator: bytes, client: bytes) -> bytes:
    """What the authenticator signed: WebAuthn level 2, section 6.3.3."""
    return hashlib.sha256(authenticator + hashlib.sha256(client).digest()).digest()


def _key_of(point: bytes, rp_id_hash: bytes) -> bytes:
    return keccak256(point + rp_id_hash)[12:]


def _verifies(point: bytes, digest: bytes, r: bytes, s: bytes) -> bool:
    """ECDSA over P-256 with s in the lower half."""
    numbers = int.from_bytes(r, "big"), int.from_bytes(s, "big")
    if not 0 < numbers[0] < ORDER or not 0 < numbers[1] <= ORDER // 2:
        return False
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + point)
        key.verify(encode_dss_signature(*numbers), digest, ec.ECDSA(Prehashed(SHA256())))
    except (InvalidSignature, ValueError):
        return False
    return True
