"""The public code: what the QR on a stamp's face says, and how anyone checks it offline.

78 bytes: version (1), network alias (uint16), stamp (uint64), signer hint (3), signature (64).
Written in Crockford's base32 (125 characters) behind `HTTPS://HOST/S/`, all in upper case, so that
it fits QR's alphanumeric mode. The signature is over the EIP-712 digest of `PublicCode(uint64
stamp)` under the domain ("CryptoStamp", "1", chain id, contract), in the short form of EIP-2098.
It says *issued by*, never *unique* and never *unused*: a copy of a genuine code verifies too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import coincurve
from eth_hash.backends.pysha3 import keccak256 as keccak

from stamps import base32
from stamps.errors import BadPublicCode, SignatureMismatch, StampsError
from stamps.number import parts

VERSION = 1
HINT_BYTES = 3
SIGNATURE_BYTES = 64
CODE_BYTES = 1 + 2 + 8 + HINT_BYTES + SIGNATURE_BYTES

DOMAIN_TYPE = keccak(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
CODE_TYPE = keccak(b"PublicCode(uint64 stamp)")
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
HIGH_BIT = 1 << 255

# What of a URL QR's alphanumeric mode can write: scheme, host and port, nothing behind.
ORIGIN = re.compile(r"(?:(https?)://)?([a-z0-9.-]+(?::[0-9]{1,5})?)/?", re.ASCII | re.IGNORECASE)
# The payload behind /S/; what others hang on to an address (?..., #...) is not looked at.
PAYLOAD_IN_URL = re.compile(
    r"(?:https?://[^/?#]+)?/s/([^/?#]*)/?(?:[?#].*)?", re.ASCII | re.IGNORECASE
)

# Signs a digest of 32 bytes: r and vs (EIP-2098), 64 bytes. An HSM may stand behind it.
Signer = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Network:
    """The chain and the CryptoStamp contract that a short number on paper stands for.

    `alias` is a uint16 out of the verifier's own trust list, `contract` an address of 20 bytes.
    """

    alias: int
    chain_id: int
    contract: bytes


@dataclass(frozen=True, slots=True)
class PublicCode:
    """A public code taken apart. `network` is an alias, `signer_hint` begins the signer's address."""

    version: int
    network: int
    stamp: int
    signer_hint: bytes
    signature: bytes


def digest(stamp: int, network: Network) -> bytes:
    """What a stamp signer signs: 32 bytes that bind stamp, chain and contract (EIP-712)."""
    struct = keccak(CODE_TYPE + stamp.to_bytes(32, "big"))
    return keccak(b"\x19\x01" + _domain_separator(network.chain_id, network.contract) + struct)


@cache
def _domain_separator(chain_id: int, contract: bytes) -> bytes:
    words = (DOMAIN_TYPE, keccak(b"CryptoStamp"), keccak(b"1"), chain_id.to_bytes(32, "big"))
    return keccak(b"".join(words) + contract.rjust(32, b"\0"))


def local_signer(private_key: bytes) -> Signer:
    """A signer whose key of 32 bytes is in this process."""
    return partial(_sign, coincurve.PrivateKey(private_key))


def _sign(key: coincurve.PrivateKey, digest: bytes) -> bytes:
    signature = key.sign_recoverable(digest, hasher=None)
    return bytes([*signature[:32], signature[32] | signature[64] << 7, *signature[33:64]])


def recover(digest: bytes, signature: bytes) -> bytes:
    """The address (20 bytes) whose key made `signature` (64 bytes, r and vs) over `digest`.

    Raises SignatureMismatch for bytes that no key can have made, and for the second form that every
    signature has (s above half the order), so that no code has two spellings.
    """
    if len(signature) != SIGNATURE_BYTES:
        raise SignatureMismatch(f"a signature has 64 bytes (EIP-2098), this one {len(signature)}")
    s_and_parity = int.from_bytes(signature[32:], "big")
    parity, s = s_and_parity >> 255, s_and_parity & (HIGH_BIT - 1)
    if s > CURVE_ORDER // 2:
        raise SignatureMismatch("the signature is not in its one permitted form (s is high)")
    try:
        key = coincurve.PublicKey.from_signature_and_message(
            signature[:32] + s.to_bytes(32, "big") + bytes([parity]), digest, hasher=None
        )
    except ValueError as error:
        raise SignatureMismatch("the signature was made by no key") from error
    return address(key)


def address(key: coincurve.PublicKey) -> bytes:
    """The Ethereum address (20 bytes) of a public key."""
    return keccak(key.format(compressed=False)[1:])[-20:]


def make(stamp: int, network: Network, signer: Signer) -> PublicCode:
    """The signed public code of a stamp. Raises BadNumber, and SignatureMismatch if `signer` errs."""
    parts(stamp)
    message = digest(stamp, network)
    signature = signer(message)
    hint = recover(message, signature)[:HINT_BYTES]
    return PublicCode(VERSION, network.alias, stamp, hint, signature)


def signer_of(code: PublicCode, network: Network) -> bytes:
    """The address (20 bytes) that signed the code for this network; whether it is known is another question.

    Raises SignatureMismatch when the code is for another network or anything in it was changed.
    """
    if code.network != network.alias:
        raise SignatureMismatch(f"the code is for network {code.network}, not {network.alias}")
    found = recover(digest(code.stamp, network), code.signature)
    if not found.startswith(code.signer_hint):
        raise SignatureMismatch("the signature does not match what the code says")
    return found


def encode(code: PublicCode) -> str:
    """The payload: 125 characters, the only spelling of this code."""
    return base32.encode(
        code.version.to_bytes(1, "big")
        + code.network.to_bytes(2, "big")
        + code.stamp.to_bytes(8, "big")
        + code.signer_hint
        + code.signature
    )


def url(origin: str, code: PublicCode) -> str:
    """What the QR says: `HTTPS://HOST/S/PAYLOAD`. See `code_url` for `origin`."""
    return code_url(origin, "S", encode(code))


def code_url(origin: str, page: str, payload: str) -> str:
    """`ORIGIN/PAGE/PAYLOAD` in upper case, fit for QR's alphanumeric mode.

    `origin` is a host, which means https, or begins with `https://` or `http://` (the demonstration
    chain only), with a port if need be. Raises StampsError for anything else.
    """
    match = ORIGIN.fullmatch(origin)
    if not match:
        raise StampsError(
            f"{origin!r} is not an address that a code can carry. "
            "Name a host like post.example, or http://192.168.1.5:8000."
        )
    return f"{match[1] or 'https'}://{match[2]}".upper() + f"/{page}/{payload}"


def parse(text: str) -> PublicCode:
    """The code in a whole URL, its path, or a bare payload, in any case; spaces and hyphens are skipped.

    Whose host the URL names is not judged here. Raises BadPublicCode, which says what is wrong.
    """
    text = text.strip()
    if "/" in text:
        match = PAYLOAD_IN_URL.fullmatch(text)
        if not match:
            raise BadPublicCode("this address is not a stamp's: those contain /S/ and a code")
        text = match[1]
    payload = re.sub(r"[\s-]", "", text)
    raw = base32.decode(payload, CODE_BYTES, BadPublicCode)
    if raw[0] != VERSION:
        raise BadPublicCode(
            f"it is a code of version {raw[0]}; this program reads version {VERSION}. "
            "Read it again, or bring the program up to date."
        )
    stamp = int.from_bytes(raw[3:11], "big")
    if not (stamp >> 48 and stamp >> 32 & 0xFFFF and stamp & 0xFFFFFFFF):
        raise BadPublicCode("it names a stamp that cannot be: its operator, edition or serial is 0")
    return PublicCode(
        raw[0], int.from_bytes(raw[1:3], "big"), stamp, raw[11 : 11 + HINT_BYTES], raw[-64:]
    )
