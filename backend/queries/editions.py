"""Editions: their terms on chain, their title and metadata here, and how many stamps went which way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class EditionAnswer:
    """One edition. Amounts in the currency's minor unit; `stock` is what may still be reserved.

    `issued`, `used`, `void`, `claimed` count stamps on chain; `title` is empty and `stock` 0 where the
    edition is another installation's.
    """

    edition: int
    operator: int
    operator_name: str
    title: str
    metadata: dict[str, Any]
    quantity: int
    face_value: int
    currency: str
    service: int
    first_day: int
    withdrawn_from: int | None
    issued: int
    used: int
    void: int
    claimed: int
    stock: int
    created_block: int


def editions(db: Connection, operator: int | None = None) -> tuple[EditionAnswer, ...]:
    """All editions (of one operator), by number."""
    ...


def edition(db: Connection, number: int) -> EditionAnswer:
    """Raises NotFound."""
    ...
