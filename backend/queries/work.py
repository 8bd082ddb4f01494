"""The work page of one custodian: what it holds, what is to be taken over, what is unfinished."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from backend.queries.editions import EditionAnswer
from backend.queries.network import CustodianAnswer
from backend.queries.releases import ReleaseAnswer
from backend.queries.submissions import SubmissionAnswer
from backend.queries.trails import ItemAnswer


@dataclass(frozen=True, slots=True)
class PrintJobAnswer:
    """`state`: reserved, printed, confirmed. Serials `first` to `last`; `total` in the minor unit."""

    job: int
    edition: int
    title: str
    first: int
    last: int
    state: str
    spoilt: tuple[int, ...]
    layout: str
    start_label: int
    total: int
    currency: str
    custodian: int
    person: str | None
    created_at: int
    confirmed_at: int | None


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a work page shows. `holds_total` counts all, `holds` shows the newest 200."""

    custodian: CustodianAnswer
    holds: tuple[ItemAnswer, ...]
    holds_total: int
    to_take_over: tuple[ReleaseAnswer, ...]
    handed_over: tuple[ReleaseAnswer, ...]
    print_jobs: tuple[PrintJobAnswer, ...]
    queue: tuple[SubmissionAnswer, ...]
    waiting: int
    stock: tuple[EditionAnswer, ...]


def desk(db: Connection, custodian: int, now: int) -> Desk:
    """Raises NotFound for a custodian that is not enrolled."""
    ...


def print_job(db: Connection, job: int) -> PrintJobAnswer:
    """Raises NotFound."""
    ...
