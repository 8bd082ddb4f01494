"""Pages of long answers: the cursor names the last row, so a page never shifts under its reader."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Generic, TypeVar

from backend.errors import BadRequest

T = TypeVar("T")
MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows, and the cursor of the rows after them; None at the end."""

    rows: tuple[T, ...]
    cursor: str | None


def encode_cursor(*key: int | bytes) -> str:
    """The last row's sort key as an opaque text that is safe in a URL."""
    parts = [part.hex() if isinstance(part, bytes) else part for part in key]
    packed = json.dumps(parts, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def decode_cursor(cursor: str, *types: type[int] | type[bytes]) -> list[int | bytes]:
    """The sort key of a cursor, checked against the types of its parts. Raises BadRequest."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [_part(part, kind) for part, kind in zip(parts, types, strict=True)]
    except (ValueError, TypeError):
        raise BadRequest(
            "This cursor was not given by this list.", "Begin again without a cursor."
        ) from None


def _part(part: object, kind: type[int] | type[bytes]) -> int | bytes:
    """Raises ValueError."""
    if kind is bytes and isinstance(part, str):
        return bytes.fromhex(part)
    if kind is int and type(part) is int and 0 <= part < 1 << 63:
        return part
    raise ValueError(f"{part!r} is no {kind.__name__}")


def rows_asked(limit: int) -> int:
    """The limit, if it is one. Raises BadRequest."""
    if not 1 <= limit <= MOST_ROWS:
        raise BadRequest(f"A page has 1 to {MOST_ROWS} rows, not {limit}.")
    return limit
