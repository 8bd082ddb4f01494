"""Files that commands read and write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from backend.errors import BadRequest

LARGEST_BYTES = 100_000_000
SEALED_BEGINS = b'{"body":'
T = TypeVar("T")


def read_sealed(file: Path, what: str, maker: str, read: Callable[[bytes], T]) -> T:
    """What `read` makes of a sealed file; `what` it should be, `maker` is the command that writes such.

    Raises BadRequest for what is none, or only a part of one; Damaged where a whole one was changed.
    """
    from backend.proof.sealed import ANEW, NotSealed, OtherFormat

    content = _content(file, what)
    if not content.startswith(SEALED_BEGINS):
        raise BadRequest(f"{file} is no {what}.", f"`posthorn {maker}` writes one.")
    try:
        return read(content)
    except NotSealed:
        raise BadRequest(f"{file} is no {what}, or only a part of one.", ANEW) from None
    except OtherFormat as error:
        raise BadRequest(error.detail, error.what_now) from None


def _content(file: Path, what: str) -> bytes:
    """Of anything that can be read, pipes and devices too. Raises BadRequest."""
    try:
        with file.open("rb") as handle:
            content = handle.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        raise BadRequest(f"There is no file named {file}.", "Check its name and folder.") from None
    except IsADirectoryError:
        raise BadRequest(f"{file} is a folder.", f"Name the file of the {what}.") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise BadRequest(f"{file} cannot be read: {why}.") from None
    if len(content) > LARGEST_BYTES:
        raise BadRequest(f"{file} is far too large for a {what}.")
    return content


def write_file(file: Path, content: bytes) -> None:
    """Whole or not at all. Raises BadRequest where it cannot be written."""
    draft = file.with_name(file.name + ".new")
    try:
        draft.write_bytes(content)
        draft.replace(file)
    except OSError as error:
        raise BadRequest(f"{file} cannot be written: {error.strerror}.") from None
