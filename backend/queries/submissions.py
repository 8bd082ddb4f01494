"""Submissions: what users asked to be put on chain, how far it is, and in which words to say so (B2, B9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from backend.queries.paging import Page


@dataclass(frozen=True, slots=True)
class SubmissionAnswer:
    """`state`: pending, held, sent, settled, final, rejected, withdrawn, expired. Times in seconds.

    `about` says what it is ("hand-off of 3 items to Hall"), `words` how far it is ("being recorded").
    `refusal` has name, detail, what_now where the chain or the judge refused it.
    """

    digest: bytes
    sequence: int
    kind: str
    state: str
    about: str
    words: str
    waits_for: str | None
    refusal: dict[str, Any] | None
    items: tuple[bytes, ...]
    custodian: int | None
    person: str | None
    device: str
    created_at: int
    changed_at: int
    block: int | None
    transaction: bytes | None
    payload: dict[str, Any]

    @property
    def can_be_withdrawn(self) -> bool:
        """B8: what was not sent yet."""
        return self.state in ("pending", "held")


def one(db: Connection, digest: bytes) -> SubmissionAnswer:
    """Raises NotFound."""
    ...


def page(
    db: Connection,
    *,
    custodian: int | None = None,
    state: str | None = None,
    item: bytes | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[SubmissionAnswer]:
    """The newest first. Raises BadRequest for a cursor, limit or state that is none."""
    ...
