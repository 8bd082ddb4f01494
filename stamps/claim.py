"""The claim code: the concealed secret with which a stamp's twin is claimed (design.md §4, S6, S9).

128 bits in Crockford's base32 (26 characters) and two check symbols, written in seven groups of
four. Its QR's URL carries the secret behind `#`, so that it never reaches a server. The claim key
is derived from secret and stamp: a secret opens no other stamp.
"""

from __future__ import annotations

import hashlib
import hmac
import re

import coincurve
from eth_hash.backends.pysha3 import keccak256 as keccak

from stamps import base32
from stamps.errors import BadClaimCode
from stamps.number import number_text
from stamps.payload import CURVE_ORDER, address, code_url

SECRET_BYTES = 16
SEED_BYTES = 32
LETTERS = base32.length(8 * SECRET_BYTES)
SECRET_TAG = b"posthorn.claim.secret.1"
KEY_TAG = b"posthorn.claim.key.1"


def claim_secret(seed: bytes, stamp: int) -> bytes:
    """The secret (16 bytes) of a stamp out of its print run's sealed seed (32 bytes).

    The first half of HMAC-SHA256(seed, tag | stamp as 8 bytes). Without the seed, which is
    destroyed when the run is confirmed (S10), no secret follows from another.
    """
    if len(seed) != SEED_BYTES:
        raise ValueError(f"a print run's seed has 32 bytes, this one {len(seed)}")
    message = SECRET_TAG + stamp.to_bytes(8, "big")
    return hmac.digest(seed, message, hashlib.sha256)[:SECRET_BYTES]


def claim_key(secret: bytes, stamp: int) -> bytes:
    """The private key (32 bytes) that signs a claim: keccak256(tag | stamp | secret), brought into range.

    Range: mod (n - 1) + 1, n the order of secp256k1, so that every secret gives a key.
    """
    material = keccak(KEY_TAG + stamp.to_bytes(8, "big") + secret)
    number = int.from_bytes(material, "big") % (CURVE_ORDER - 1) + 1
    return number.to_bytes(32, "big")


def claim_address(secret: bytes, stamp: int) -> bytes:
    """The claim key's address (20 bytes), which is in the edition's Merkle tree (S1)."""
    return address(coincurve.PrivateKey(claim_key(secret, stamp)).public_key)


def claim_text(secret: bytes) -> str:
    """The code as it is printed: `XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX`."""
    letters = base32.encode(secret)
    whole = letters + base32.check_symbols(letters)
    return "-".join(whole[start : start + 4] for start in range(0, len(whole), 4))


def claim_url(origin: str, stamp: int, secret: bytes) -> str:
    """What the concealed QR says: `HTTPS://HOST/C/1-3-000017#SECRET`. `origin` as for a public code."""
    return code_url(origin, "C", number_text(stamp)) + "#" + claim_text(secret).replace("-", "")


def parse_claim(text: str) -> bytes:
    """The secret (16 bytes) in a claim code, typed in any case with any spaces, or its whole URL.

    Raises BadClaimCode, which says what is wrong.
    """
    letters = re.sub(r"[\s-]", "", text.rpartition("#")[2])
    if len(letters) != LETTERS + 2:
        raise BadClaimCode(
            f"it has {len(letters)} characters, a claim code has {LETTERS + 2}. Read it again."
        )
    symbols = "".join(base32.ALPHABET[value] for value in base32.values(letters, BadClaimCode))
    if base32.check_symbols(symbols[:LETTERS]) != symbols[LETTERS:]:
        raise BadClaimCode("one or more of its characters are not what was printed. Read it again.")
    return base32.decode(symbols[:LETTERS], SECRET_BYTES, BadClaimCode)
