"""Keys of devices: P-256, and passkeys as a browser's authenticator answers with them (WebAuthn level 2, section 6)."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from Crypto.PublicKey import ECC
from Crypto.Signature import DSS
from eth_abi import encode

from backend.domain.keccak import keccak256

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
RELYING_PARTY = "posthorn.example"
PRESENT, VERIFIED = 0x01, 0x04


class _Prehashed:
    """What pycryptodome takes for a SHA-256: the digest as it is."""

    oid = "2.16.840.1.101.3.4.2.1"
    digest_size = 32

    def __init__(self, digest: bytes) -> None:
        self._digest = digest

    def digest(self) -> bytes:
        return self._digest


class P256Key:
    """A P-256 key, the same for the same name; signs digests as they are."""

    rp_id_hash = bytes(32)

    def __init__(self, name: str) -> None:
        secret = int.from_bytes(keccak256(name.encode()), "big") % (ORDER - 1) + 1
        self._key = ECC.construct(curve="P-256", d=secret)

    @property
    def point(self) -> bytes:
        """qx, qy."""
        q = self._key.pointQ
        return int(q.x).to_bytes(32, "big") + int(q.y).to_bytes(32, "big")

    @property
    def raw(self) -> bytes:
        return keccak256(self.point + self.rp_id_hash)[12:]

    @property
    def address(self) -> str:
        return "0x" + self.raw.hex()

    def numbers(self, digest: bytes, high: bool = False) -> tuple[int, int]:
        """r and s, s in the lower half, or in the upper one."""
        made = DSS.new(self._key, "fips-186-3").sign(_Prehashed(digest))
        r, s = int.from_bytes(made[:32], "big"), int.from_bytes(made[32:], "big")
        return r, max(s, ORDER - s) if high else min(s, ORDER - s)

    def sign(self, digest: bytes, high: bool = False) -> bytes:
        """qx, qy, r, s."""
        return self.point + b"".join(n.to_bytes(32, "big") for n in self.numbers(digest, high))


@dataclass(frozen=True)
class Assertion:
    """What differs from an honest one."""

    flags: int = PRESENT | VERIFIED
    challenge: bytes | None = None
    type: str = "webauthn.get"
    relying_party: str = RELYING_PARTY
    high: bool = False
    challenge_index: int | None = None
    type_index: int | None = None


class Passkey(P256Key):
    """A passkey of a relying party; signs by assertions."""

    def __init__(self, name: str, relying_party: str = RELYING_PARTY) -> None:
        super().__init__(name)
        self.rp_id_hash = hashlib.sha256(relying_party.encode()).digest()

    def sign(self, digest: bytes, high: bool = False, how: Assertion | None = None) -> bytes:
        how = how or Assertion(high=high)
        challenge = urlsafe_b64encode(how.challenge or digest).rstrip(b"=").decode()
        data = {"type": how.type, "challenge": challenge, "origin": f"https://{RELYING_PARTY}"}
        client = json.dumps(data | {"crossOrigin": False}, separators=(",", ":"))
        party = hashlib.sha256(how.relying_party.encode()).digest()
        authenticator = party + bytes([how.flags]) + (7).to_bytes(4, "big")
        signed = hashlib.sha256(authenticator + hashlib.sha256(client.encode()).digest()).digest()
        r, s = self.numbers(signed, how.high)
        place = client.index('"challenge"') if how.challenge_index is None else how.challenge_index
        type_place = client.index('"type"') if how.type_index is None else how.type_index
        kinds = ["bytes32", "bytes32", "uint256", "uint256", "bytes", "string"]
        values = [r.to_bytes(32, "big"), s.to_bytes(32, "big"), place, type_place]
        return self.point + encode(kinds, [*values, authenticator, client])
