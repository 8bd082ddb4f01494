"""Files that say of themselves when a byte was changed: canonical JSON with its SHA-256, read strictly.

A sealed file is `{"body":…,"sha256":"…"}` and a line feed, in the one spelling that this module writes:
sorted names, no blanks, UTF-8 without escapes where JSON needs none. Any other spelling is refused, so that
two files with the same meaning are the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from backend.errors import Unprocessable

# Strings are passed over whole, brackets in them do not nest. Possessive, and an end that is missing does no
# harm: what cannot be given back needs no memory, and is not looked through again from the next quotation mark.
NESTING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{\]}]', re.DOTALL)
STEPS = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}
DEEPEST = 20
ANEW = "Get the file anew from who made it."


class Damaged(Unprocessable):
    """The file is not what its maker sealed."""

    title = "The file was changed"


class NotSealed(Damaged):
    """It is no sealed file at all, or not the whole of one: nothing can be said of what it was."""

    title = "This is no sealed file"


class OtherFormat(Unprocessable):
    """A sealed file, but of another kind or version."""

    title = "The file is of another kind"


def canonical(value: Any) -> bytes:
    """The one spelling of a JSON value. Raises ValueError for what JSON cannot say."""
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def seal(body: dict[str, Any]) -> bytes:
    """The whole file."""
    return canonical({"body": body, "sha256": _checksum(body)}) + b"\n"


def unseal(raw: bytes, format_: str) -> dict[str, Any]:
    """The body of a sealed file without its `format`, which must be this one.

    Raises NotSealed, Damaged for anything but what `seal` wrote, OtherFormat.
    """
    try:
        whole = json.loads(raw) if _is_shallow(raw) else None
        spelled_alike = canonical(whole) + b"\n" == raw
    except ValueError:
        raise NotSealed("This is no sealed file: it is not JSON.", ANEW) from None
    if not isinstance(whole, dict) or set(whole) != {"body", "sha256"}:
        raise NotSealed("This is no sealed file: it is not of body and sha256.", ANEW)
    body, said = whole["body"], whole["sha256"]
    if not isinstance(body, dict):
        raise NotSealed("This is no sealed file: its body is no object.", ANEW)
    if said != (found := _checksum(body)):
        raise Damaged(f"The checksum says {said}, the content has {found}.", ANEW)
    if not spelled_alike:
        raise Damaged("The content fits its checksum but is not in its one spelling.", ANEW)
    if (stated := body.pop("format", None)) != format_:
        raise OtherFormat(
            f"This file is of the format {stated!r}, not {format_!r}.",
            "Take the file that the command is for, or a Posthorn that knows this format.",
        )
    return body


def _is_shallow(raw: bytes) -> bool:
    """Deeply nested JSON overflows the C stack where a library has raised the recursion limit (py_ecc does)."""
    depth = 0
    for found in NESTING.finditer(raw):
        depth += STEPS.get(found[0], 0)
        if depth > DEEPEST:
            return False
    return True


def _checksum(body: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(body)).hexdigest()


def fields(value: Any, *names: str) -> dict[str, Any]:
    """An object with exactly these names. Raises Damaged."""
    if not isinstance(value, dict) or set(value) != set(names):
        raise Damaged(f"Exactly the fields {', '.join(names)} were due.", ANEW)
    return value


def objects(value: Any, *names: str) -> list[dict[str, Any]]:
    """A list of objects with exactly these names. Raises Damaged."""
    return [fields(one, *names) for one in elements(value)]


def elements(value: Any) -> list[Any]:
    """A list. Raises Damaged."""
    if not isinstance(value, list):
        raise Damaged(f"A list was due, not {str(value)[:40]!r}.", ANEW)
    return value


def number(value: Any, bits: int) -> int:
    """A whole number from 0 to below 2^bits. Raises Damaged."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << bits:
        raise Damaged(f"A whole number of at most {bits} bits was due, not {value!r}.", ANEW)
    return value


def text(value: Any) -> str:
    """A text. Raises Damaged."""
    if not isinstance(value, str):
        raise Damaged(f"A text was due, not {value!r}.", ANEW)
    return value


def raw_bytes(value: Any, size: int | None = None) -> bytes:
    """0x and lower-case hex digits, of `size` bytes if one is named. Raises Damaged."""
    digits = value[2:] if isinstance(value, str) and value[:2] == "0x" else "?"
    good = len(digits) % 2 == 0 and set(digits) <= set("0123456789abcdef")
    if not good or size not in (None, len(digits) // 2):
        wanted = "bytes" if size is None else f"{size} bytes"
        raise Damaged(f"{wanted} in hex were due, not {str(value)[:40]!r}.", ANEW)
    return bytes.fromhex(digits)


def hexed(raw: bytes) -> str:
    """0x and lower-case hex digits."""
    return "0x" + raw.hex()
