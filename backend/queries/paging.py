"""Pages of long answers: the cursor names the last row, so a page never shifts under its reader."""

from __future__ import annotations

import base64
import binascii
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


def encode_cursor(*key: int | str) -> str:
    """The last row's sort key as an opaque text that is safe in a URL."""
    packed = json.dumps(key, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def decode_cursor(cursor: str, *types: type) -> list[int | str]:
    """The sort key of a cursor, checked against the types of its parts. Raises BadRequest."""
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        key = None
    if not isinstance(key, list) or [type(part) for part in key] != list(types):
        raise BadRequest("This cursor was not given by this list.", "Begin again without a cursor.")
    return key


def rows_asked(limit: int) -> int:
    """The limit, if it is one. Raises BadRequest."""
    if not 1 <= limit <= MOST_ROWS:
        raise BadRequest(f"A page has 1 to {MOST_ROWS} rows, not {limit}.")
    return limit
