"""A stamp's number as a person reads and types it: `1-3-000017` is operator 1, its edition 3, serial 17.

On chain it is one uint64: operator (16 bits), edition within the operator (16), serial (32); all
three start at 1 (S2).
"""

from __future__ import annotations

import re

from stamps.errors import BadNumber

# Hyphens and the dashes that word processors make of them; a typed space does no harm.
WRITTEN = re.compile(r"([0-9]{1,5})\s*[-‐‑–]\s*([0-9]{1,5})\s*[-‐‑–]\s*([0-9]{1,10})")


def number_text(stamp: int) -> str:
    """`1-3-000017`. Raises BadNumber for what is no stamp's number."""
    operator, edition, serial = parts(stamp)
    return f"{operator}-{edition}-{serial:06d}"


def parts(stamp: int) -> tuple[int, int, int]:
    """Operator, edition within the operator, and serial. Raises BadNumber."""
    operator, edition, serial = stamp >> 48, stamp >> 32 & 0xFFFF, stamp & 0xFFFFFFFF
    if not (0 <= stamp < 1 << 64 and operator and edition and serial):
        raise BadNumber(f"{stamp} is not a stamp's number: operator, edition and serial start at 1")
    return operator, edition, serial


def parse_number(text: str) -> int:
    """The stamp that `text` writes, leading zeros or not. Raises BadNumber."""
    match = WRITTEN.fullmatch(text.strip())
    if not match:
        raise BadNumber(
            f"{text!r} is not a stamp's number. It is written like 1-3-000017: "
            "operator, edition, serial."
        )
    operator, edition, serial = (int(part) for part in match.groups())
    if not (0 < operator < 1 << 16 and 0 < edition < 1 << 16 and 0 < serial < 1 << 32):
        raise BadNumber(
            f"{text!r} is not a stamp's number: operator and edition are 1 to 65535, "
            "the serial is 1 to 4294967295."
        )
    return operator << 48 | edition << 32 | serial
