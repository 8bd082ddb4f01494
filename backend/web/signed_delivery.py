"""A delivery that the addressee has signed, as a text that fits a QR: the courier scans it and signs too (C4).

83 bytes in Crockford's base32: custody number (uint32), giver (uint40), time, deadline (uint40), signature.
"""

from __future__ import annotations

from dataclasses import dataclass

from backend.errors import BadRequest
from stamps import base32
from stamps.errors import BadCode

BYTES = 4 + 5 + 5 + 5 + 64
LENGTH = base32.length(8 * BYTES)


@dataclass(frozen=True, slots=True)
class SignedDelivery:
    """What the addressee's browser signed, without the item, which the trail code names."""

    number: int
    giver: int
    time: int
    deadline: int
    signature: bytes


def parse_signed(text: str) -> SignedDelivery:
    """Raises BadRequest for what is no signed delivery."""
    try:
        raw = base32.decode(text.strip().upper(), BYTES, BadCode)
    except BadCode as error:
        raise BadRequest(f"This is no signed delivery: {error}", "Sign once more.") from None
    number, giver, time, deadline = (
        int.from_bytes(raw[a:b], "big") for a, b in ((0, 4), (4, 9), (9, 14), (14, 19))
    )
    return SignedDelivery(number, giver, time, deadline, raw[19:])
