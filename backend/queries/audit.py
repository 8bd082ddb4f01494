"""The auditor's table: records across operators by filters, counts, and reconciliation."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from backend.queries.network import CustodianAnswer
from backend.queries.paging import Page


@dataclass(frozen=True, slots=True)
class Filters:
    """All that is given must hold. `text`: number, item, digest, transaction or block. Times in seconds.

    `exception`: late, reservation, take_up, clock_behind, stated_alone (as the flags of entries).
    """

    text: str = ""
    operator: int | None = None
    custodian: int | None = None
    kind: str | None = None
    since: int | None = None
    until: int | None = None
    exception: str | None = None


@dataclass(frozen=True, slots=True)
class RecordAnswer:
    """One record in the table. `number` is the item's number where this installation accepted it."""

    item: bytes
    number: str | None
    record: int
    kind: str
    text: str
    at: CustodianAnswer | None
    to: CustodianAnswer | None
    event_time: int
    block_time: int
    block: int
    transaction: bytes
    digest: bytes
    flags: tuple[str, ...]
    status: str


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts over the whole network, as indexed."""

    operators: int
    custodians: int
    items: int
    items_open: int
    records: int
    hand_offs: int
    signatures: int
    stamps_issued: int
    stamps_used: int
    stamps_void: int
    twins_claimed: int


def search(
    db: Connection, filters: Filters, cursor: str | None = None, limit: int = 50
) -> Page[RecordAnswer]:
    """Records, the newest block first. Raises BadRequest, Unprocessable."""
    ...


def count(db: Connection, filters: Filters) -> int:
    """How many records the filters leave."""
    ...


def statistics(db: Connection) -> Statistics:
    """The counts of the front page."""
    ...
