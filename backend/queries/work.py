"""The work page of one custodian: what it holds, what is to be taken over, what is unfinished."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, select, union

from backend.errors import NotFound
from backend.queries import editions, network, releases, submissions, trails
from backend.queries.editions import EditionAnswer
from backend.queries.network import CustodianAnswer
from backend.queries.releases import ReleaseAnswer
from backend.queries.submissions import SubmissionAnswer
from backend.queries.trails import ItemAnswer
from backend.store import tables
from backend.store.submissions import OPEN
from backend.store.tables import edition_terms, forecast, person, submission

HOLDS_SHOWN = 200
QUEUE_SHOWN = 20
JOB = tables.print_job


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
    """Everything a work page shows. `holds_total` counts all, `holds` shows the newest 200.

    `queue` has the custodian's last submissions, `waiting` counts those not yet on chain; `stock` the
    editions of its operator.
    """

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
    who = network.custodian(db, custodian)
    held = _held(custodian).subquery()
    newest = select(held.c.item).order_by(held.c.latest_time.desc()).limit(HOLDS_SHOWN)
    items = [row.item for row in db.execute(newest)]
    shown = trails.lines(db, items)
    waiting = submission.c.custodian == custodian, submission.c.state.in_(OPEN)
    return Desk(
        custodian=who,
        holds=tuple(shown[item] for item in items),
        holds_total=db.scalar(select(func.count()).select_from(held)) or 0,
        to_take_over=releases.to_take_over(db, custodian, now),
        handed_over=releases.handed_over(db, custodian, now),
        print_jobs=unfinished_jobs(db, custodian),
        queue=submissions.page(db, custodian=custodian, limit=QUEUE_SHOWN).rows,
        waiting=db.scalar(select(func.count()).where(*waiting)) or 0,
        stock=editions.editions(db, who.operator),
    )


def _held(custodian: int) -> Any:
    """Items in a custodian's hands: by the chain, but where the forecast is ahead of it, by that."""
    item = tables.item
    ahead = forecast.alias()
    moves_on = and_(ahead.c.item == item.c.item, ahead.c.records > item.c.records)
    on_chain = select(item.c.item, item.c.latest_time).where(
        item.c.holder == custodian,
        item.c.ended.is_(None),
        ~select(ahead.c.item).where(moves_on).exists(),
    )
    overtaken = and_(item.c.item == forecast.c.item, item.c.records >= forecast.c.records)
    expected = select(forecast.c.item, forecast.c.latest_time).where(
        forecast.c.holder == custodian,
        forecast.c.ended.is_(None),
        ~select(item.c.item).where(overtaken).exists(),
    )
    return union(on_chain, expected)


def unfinished_jobs(db: Connection, custodian: int) -> tuple[PrintJobAnswer, ...]:
    """Print jobs that nobody has looked at yet, the oldest first (J8)."""
    query = _jobs().where(JOB.c.custodian == custodian, JOB.c.state != "confirmed")
    return tuple(_job(row) for row in db.execute(query.order_by(JOB.c.id)))


def print_job(db: Connection, job: int) -> PrintJobAnswer:
    """Raises NotFound."""
    row = db.execute(_jobs().where(JOB.c.id == job)).first()
    if row is None:
        raise NotFound(f"There is no print job {job}.", "Look at the unfinished ones.")
    return _job(row)


def _jobs() -> Select[Any]:
    return (
        select(
            JOB,
            person.c.name.label("person_name"),
            edition_terms.c.title,
            func.extract("epoch", JOB.c.created_at).label("created_seconds"),
            func.extract("epoch", JOB.c.confirmed_at).label("confirmed_seconds"),
        )
        .outerjoin(person, person.c.id == JOB.c.person)
        .outerjoin(edition_terms, edition_terms.c.edition == JOB.c.edition)
    )


def _job(row: Row[Any]) -> PrintJobAnswer:
    return PrintJobAnswer(
        job=row.id,
        edition=row.edition,
        title=row.title or "",
        first=row.first,
        last=row.last,
        state=row.state,
        spoilt=tuple(row.spoilt),
        layout=row.layout,
        start_label=row.start_label,
        total=row.total,
        currency=row.currency,
        custodian=row.custodian,
        person=row.person_name,
        created_at=int(row.created_seconds),
        confirmed_at=int(row.confirmed_seconds) if row.confirmed_seconds is not None else None,
    )
