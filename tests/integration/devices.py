"""Keys of devices for the network of `posts`: P-256 and passkeys (N3), the same signature for the same digest."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from eth_abi.abi import encode

from backend.domain.keccak import keccak256
from backend.proof.device_keys import ASSERTION, ORDER, P256, PASSKEY

RELYING_PARTY = "posthorn.example"
PRESENT_AND_VERIFIED = 0x05


class Device:
    """A P-256 key."""

    kind = P256
    rp_id_hash = bytes(32)

    def __init__(self, name: str) -> None:
        secret = int.from_bytes(keccak256(name.encode()), "big") % (ORDER - 1) + 1
        self._key = ec.derive_private_key(secret, ec.SECP256R1())
        public = self._key.public_key()
        self.point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]

    @property
    def key(self) -> bytes:
        """The 20 bytes that the chain keeps (ADR 7)."""
        return keccak256(self.point + self.rp_id_hash)[12:]

    def sign(self, digest: bytes) -> bytes:
        return self.point + b"".join(self._numbers(digest))

    def _numbers(self, digest: bytes) -> tuple[bytes, bytes]:
        """r and s, s in the lower half."""
        how = ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True)
        r, s = decode_dss_signature(self._key.sign(digest, how))
        return r.to_bytes(32, "big"), min(s, ORDER - s).to_bytes(32, "big")


class Passkey(Device):
    """A passkey; signs by assertions."""

    kind = PASSKEY
    rp_id_hash = hashlib.sha256(RELYING_PARTY.encode()).digest()

    def sign(self, digest: bytes) -> bytes:
        challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
        said = {
            "type": "webauthn.get",
            "challenge": challenge,
            "origin": f"https://{RELYING_PARTY}",
        }
        client = json.dumps(said, separators=(",", ":"))
        authenticator = self.rp_id_hash + bytes([PRESENT_AND_VERIFIED]) + bytes(4)
        signed = hashlib.sha256(authenticator + hashlib.sha256(client.encode()).digest()).digest()
        places = client.index('"challenge"'), client.index('"type"')
        return self.point + encode(
            ASSERTION, [*self._numbers(signed), *places, authenticator, client]
        )
