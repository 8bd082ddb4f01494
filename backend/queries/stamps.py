"""What a scanned or typed stamp is told: the verdict, its evidence, its edition, and what to do now."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from backend.domain.verdict import Verdict
from backend.ports import House
from backend.queries.editions import EditionAnswer
from backend.queries.network import CustodianAnswer
from backend.queries.status import AsOf


@dataclass(frozen=True, slots=True)
class SightingAnswer:
    """Where and when a stamp was presented again after its use."""

    custodian: CustodianAnswer
    time: int


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """The verdict in words, the same in API, page and CLI; never an accusation.

    `tone` for colour and icon: good, wait, used, stop, unknown. `evidence` are whole sentences.
    """

    tone: str
    headline: str
    evidence: tuple[str, ...]
    what_now: str
    appeal: str


@dataclass(frozen=True, slots=True)
class StampAnswer:
    """`stamp` is None where the code cannot be read; `edition` None where nobody issued such a stamp.

    `payload` is the public code that was shown, None where a number was typed. `trail_item` is the item
    that the stamp paid for. `owner` and `claimed_at` are of a claimed twin. `scans` counts pages opened.
    """

    verdict: Verdict
    words: VerdictWords
    stamp: int | None
    payload: str | None
    edition: EditionAnswer | None
    issuer: str
    use_at: CustodianAnswer | None
    sightings: tuple[SightingAnswer, ...]
    void_at: int | None
    void_block: int | None
    owner: bytes | None
    claimed_at: int | None
    trail_item: bytes | None
    scans: int
    as_of: AsOf
    notes: tuple[str, ...]


def verify(db: Connection, house: House, text: str, count: bool = False) -> StampAnswer:
    """The answer to a public code (payload, path or URL) or a typed number.

    `count` adds one to the coarse count of scans of that day. Never raises for a bad code: the verdict
    says so.
    """
    ...


def one(db: Connection, house: House, stamp: int) -> StampAnswer:
    """The answer for a number: the code axis is `not_shown`."""
    ...
