"""What stands on chain instead of numbers and names: salted commitments (C1, design.md §8)."""

from __future__ import annotations

import hashlib
import secrets

from backend.domain.item_numbers import ItemNumber
from backend.domain.keccak import keccak256
from backend.domain.typed_data import ZERO32

ITEM_TAG = keccak256(b"posthorn.item.1")
# Crockford's base32: no I, L, O, U, so that a typed code survives reading aloud.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TRAIL_CODE_LENGTH = 26


class BadTrailCode(ValueError):
    """Not a trail code: 26 characters of Crockford's base32, 128 bits."""


def new_trail_code() -> bytes:
    """128 random bits: opens an item's trail and salts its commitment."""
    return secrets.token_bytes(16)


def trail_code_text(code: bytes) -> str:
    """26 characters, upper case: what the label's QR carries."""
    number = int.from_bytes(code, "big")
    return "".join(ALPHABET[number >> 5 * i & 31] for i in reversed(range(TRAIL_CODE_LENGTH)))


def parse_trail_code(text: str) -> bytes:
    """The reverse of trail_code_text; forgives case, blanks, dashes and I, L, O. Raises BadTrailCode."""
    cleaned = text.strip().upper().replace("-", "").replace(" ", "")
    cleaned = cleaned.translate(str.maketrans("ILO", "110"))
    if len(cleaned) != TRAIL_CODE_LENGTH or any(c not in ALPHABET for c in cleaned):
        raise BadTrailCode(
            f"a trail code has {TRAIL_CODE_LENGTH} letters and digits; got {len(cleaned)}"
        )
    number = 0
    for character in cleaned:
        number = number << 5 | ALPHABET.index(character)
    if number >> 128:
        raise BadTrailCode("this is no trail code: its first character is too large")
    return number.to_bytes(16, "big")


def trail_code_lookup(code: bytes) -> bytes:
    """What the store keeps to find an item by its trail code: a tagged SHA-256, 32 bytes."""
    return hashlib.sha256(b"posthorn.trail." + code).digest()


def commitment(number: ItemNumber, trail_code: bytes) -> bytes:
    """keccak256(abi.encode(tag, scheme, keccak256(value), trail code as bytes16))."""
    return keccak256(
        ITEM_TAG
        + int(number.scheme).to_bytes(32, "big")
        + keccak256(number.value.encode("ascii"))
        + trail_code.ljust(32, b"\0")
    )


def item_id(operator: int, commitment_: bytes) -> bytes:
    """C1: item = keccak256(abi.encode(operator, commitment)); nobody can squat a commitment."""
    return keccak256(operator.to_bytes(32, "big") + commitment_)


def hidden_keys(recipient: bytes, sender: bytes, salt: bytes) -> bytes:
    """C1: keccak256(abi.encode(recipient, sender, salt)); zero where acceptance names no key."""
    if not any(recipient) and not any(sender):
        return ZERO32
    return keccak256(recipient.rjust(32, b"\0") + sender.rjust(32, b"\0") + salt)


def next_contents(contents: bytes, item: bytes) -> bytes:
    """C7: contents' = keccak256(abi.encode(contents, item)), from zero: what was really packed, in its order."""
    return keccak256(contents + item)


def next_head(head: bytes, digest: bytes, line: int = 0) -> bytes:
    """C6: head' = keccak256(abi.encode(head, digest, line))."""
    return keccak256(head + digest + line.to_bytes(32, "big"))
