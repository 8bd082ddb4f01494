"""Lists handed over: what is on them, who gave them to whom, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from backend.queries.network import CustodianAnswer


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """One line: index, item, its number off chain where known here, custody number, condition given."""

    line: int
    item: bytes
    number: str | None
    custody_number: int
    condition: int


@dataclass(frozen=True, slots=True)
class ReleaseAnswer:
    """`state`: open, received, withdrawn, expired (its deadline has passed)."""

    digest: bytes
    giver: CustodianAnswer
    receiver: CustodianAnswer
    time: int
    deadline: int
    lines: tuple[LineAnswer, ...]
    state: str
    person: str | None


def one(db: Connection, digest: bytes, now: int) -> ReleaseAnswer:
    """Raises NotFound."""
    ...


def to_take_over(db: Connection, custodian: int, now: int) -> tuple[ReleaseAnswer, ...]:
    """Open lists for a custodian, the oldest first."""
    ...


def handed_over(db: Connection, custodian: int, now: int) -> tuple[ReleaseAnswer, ...]:
    """Open lists of a custodian that nobody has taken over yet, the oldest first."""
    ...
