"""Trails: every record of an item with names, keys and blocks, and who answers for it now (C12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from backend.domain.trail import Entry, TrailState
from backend.queries.network import CustodianAnswer
from backend.queries.status import AsOf
from backend.queries.submissions import SubmissionAnswer


@dataclass(frozen=True, slots=True)
class KeyAnswer:
    """Whose key signed: its address, and whether device or operator held it (codes.KEY_HOLDERS, N2)."""

    address: bytes
    key_holder: int
    compromised_later: bool


@dataclass(frozen=True, slots=True)
class EntryAnswer:
    """One record: the domain's entry, and the words for it.

    `at` is the custodian that acts (a hand-off's giver), None where the addressee reports; `to` a
    hand-off's receiver. `flags` name what a reader should see: late, clock_behind, reservation,
    key_of_operator, take_up, corrects. `status` is settled or final.
    """

    entry: Entry
    at: CustodianAnswer | None
    to: CustodianAnswer | None
    key: KeyAnswer | None
    receiver_key: KeyAnswer | None
    text: str
    flags: tuple[str, ...]
    status: str


@dataclass(frozen=True, slots=True)
class TrailAnswer:
    """An item's trail. `state` is None while its acceptance is still being recorded.

    `number` and `franking` are there only where the label's code or a session opened the trail.
    `sentence` says where the item is, `answerable` who answers for it now and why. `etag` changes with
    every change of the answer.
    """

    item: bytes
    number: str | None
    scheme: str | None
    franking: dict[str, Any] | None
    state: TrailState | None
    entries: tuple[EntryAnswer, ...]
    holder: CustodianAnswer | None
    sentence: str
    answerable: str
    stamps: tuple[int, ...]
    pending: tuple[SubmissionAnswer, ...]
    as_of: AsOf
    etag: str


@dataclass(frozen=True, slots=True)
class ItemAnswer:
    """One line about an item, for lists. `recorded` False: this is where it will be once all is on chain."""

    item: bytes
    number: str | None
    holder: CustodianAnswer | None
    ended: int | None
    accepted_time: int
    latest_time: int
    records: int
    custody_number: int
    recorded: bool


def trail(db: Connection, item: bytes, opened: bool = False) -> TrailAnswer:
    """The trail of an item; `opened` by its label's code or a session: with its number. Raises NotFound."""
    ...


def by_code(db: Connection, trail_code: str) -> TrailAnswer:
    """The trail that a label's code opens. Raises NotFound, also for a text that is no trail code."""
    ...


def bearing(db: Connection, number: str) -> tuple[ItemAnswer, ...]:
    """All items that bear a number, the newest first: numbers are used again. Raises Unprocessable."""
    ...
