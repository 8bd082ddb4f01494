"""Web hooks: administrators add them, switch them off and on, try and remove them (docs/hooks.md)."""

from __future__ import annotations

import json
import secrets
from typing import Any

from sqlalchemy import Connection, Row

from backend.domain.times import iso
from backend.errors import Conflict, NotFound
from backend.ports import House, Outcome
from backend.store import hooks as rows

SALT_BYTES = 16
LARGEST_NUMBER = 2**31 - 1


def add_hook(
    db: Connection, house: House, operator: int, url: str, salt: bytes | None = None
) -> tuple[int, str]:
    """Its number and its secret, which is shown once. The operator is known.

    `salt`: 16 bytes of a form, whose second sending is answered like the first. Raises Unprocessable, Conflict.
    """
    house.hooks.check(url)
    row = rows.add(db, operator, url, salt or secrets.token_bytes(SALT_BYTES))
    if row is None:
        raise Conflict("This form has added another web hook already.", "Open the page anew.")
    return row.id, house.hooks.secret(row.salt)


def remove_hook(db: Connection, number: int) -> None:
    """With all that it was still to be told. Raises NotFound."""
    known(db, number)
    rows.remove(db, number)


def switch_hook(db: Connection, number: int, on: bool) -> None:
    """Off, or on again, where it goes on from where it stood. Raises NotFound."""
    known(db, number)
    (rows.switch_on if on else rows.switch_off)(db, number)


def try_hook(house: House, row: Row[Any]) -> Outcome:
    """Calls it with a message about nothing, whatever its state; takes up to some 15 seconds."""
    body = {"type": "hook.test", "timestamp": iso(house.now()), "data": {"hook": row.id}}
    message = f"test_{secrets.token_hex(16)}"
    return house.hooks.call(row.url, row.salt, message, json.dumps(body))


def known(db: Connection, number: int) -> Row[Any]:
    """Raises NotFound."""
    row = rows.find(db, number) if number <= LARGEST_NUMBER else None
    if row is None:
        raise NotFound(f"There is no web hook {number}.", "`posthorn hook list` names all.")
    return row
