"""The work page of one custodian: what it holds, what is to be taken over, what is unfinished."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, false, func, select, true, union_all

from backend.errors import NotFound
from backend.queries import editions, network, releases, submissions
from backend.queries.editions import EditionAnswer
from backend.queries.items import ItemAnswer
from backend.queries.network import CustodianAnswer
from backend.queries.releases import ReleaseAnswer
from backend.queries.submissions import SubmissionAnswer
from backend.queries.words import NoSignature, why_no_signature, why_not_to_be_taken_over
from backend.store import network as network_rows
from backend.store import tables
from backend.store.submissions import OPEN
from backend.store.tables import edition_terms, forecast, item_secret, person, submission

HOLDS_SHOWN = 200
QUEUE_SHOWN = 20
JOB = tables.print_job
STANDING = ("item", "latest_time", "records", "number")


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

    `no_signature` says why nothing can be signed here now, if so. `queue` has the custodian's last submissions,
    `waiting` counts those not yet on chain; `stock` the editions of its operator.
    """

    custodian: CustodianAnswer
    no_signature: NoSignature | None
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
    standing = network_rows.custodians(db, [custodian])[custodian]
    holds, holds_total = _holds(db, who)
    waiting = submission.c.custodian == custodian, submission.c.state.in_(OPEN)
    return Desk(
        custodian=who,
        no_signature=why_no_signature(standing, who, now),
        holds=holds,
        holds_total=holds_total,
        to_take_over=releases.to_take_over(db, custodian, now),
        handed_over=releases.handed_over(db, custodian, now),
        print_jobs=unfinished_jobs(db, custodian),
        queue=submissions.page(db, custodian=custodian, limit=QUEUE_SHOWN).rows,
        waiting=db.scalar(select(func.count()).where(*waiting)) or 0,
        stock=editions.editions(db, who.operator),
    )


def no_signature(db: Connection, custodian: int, now: int) -> NoSignature | None:
    """Why a custodian cannot sign now; None where it can. Raises NotFound."""
    who = network.custodian(db, custodian)
    return why_no_signature(network_rows.custodians(db, [custodian])[custodian], who, now)


def no_signature_of_giver(db: Connection, list_: ReleaseAnswer, now: int) -> NoSignature | None:
    """Why the giver's half of an open list does not count any more; None where it does."""
    giver = network_rows.custodians(db, [list_.giver.number])[list_.giver.number]
    by_stand_in = list_.stand_in_reason is not None
    return why_not_to_be_taken_over(giver, list_.giver, list_.time, by_stand_in, now)


def _holds(db: Connection, who: CustodianAnswer) -> tuple[tuple[ItemAnswer, ...], int]:
    """What a custodian holds, the newest first, and how much that is in all."""
    held = _held(who.number).subquery()
    query = (
        select(
            held,
            item_secret.c.value,
            item_secret.c.accepted_time,
            func.count().over().label("total"),
        )
        .outerjoin(item_secret, item_secret.c.item == held.c.item)
        .order_by(held.c.latest_time.desc(), held.c.item)
        .limit(HOLDS_SHOWN)
    )
    rows = db.execute(query).all()
    shown = (
        ItemAnswer(
            item=row.item,
            number=row.value,
            holder=who,
            ended=None,
            accepted_time=row.accepted_time or row.accepted,
            latest_time=row.latest_time,
            records=row.records,
            custody_number=row.number,
            recorded=row.recorded,
        )
        for row in rows
    )
    return tuple(shown), rows[0].total if rows else 0


def _held(custodian: int) -> Any:
    """Items in a custodian's hands: by the chain, but where the forecast is ahead of it, by that.

    Not the receptacles that were opened: their journey is over (C7), nothing more is done with them.
    """
    item = tables.item
    ahead = forecast.alias()
    moves_on = and_(ahead.c.item == item.c.item, ahead.c.records >= item.c.records)
    on_chain = select(
        *(item.c[name] for name in STANDING),
        item.c.accepted_time.label("accepted"),
        true().label("recorded"),
    ).where(
        item.c.holder == custodian,
        item.c.ended.is_(None),
        ~item.c.opened,
        ~select(ahead.c.item).where(moves_on).exists(),
    )
    overtaken = and_(item.c.item == forecast.c.item, item.c.records > forecast.c.records)
    expected = select(
        *(forecast.c[name] for name in STANDING),
        forecast.c.latest_time.label("accepted"),
        false().label("recorded"),
    ).where(
        forecast.c.holder == custodian,
        forecast.c.ended.is_(None),
        ~forecast.c.opened,
        ~select(item.c.item).where(overtaken).exists(),
    )
    return union_all(on_chain, expected)


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
