"""Stamps as use cases need them: what the model says of each, stock to reserve, print jobs, sightings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from backend.domain.ids import edition_of, serial_of, stamp_number
from backend.domain.verdict import Sighting, StampFacts, Use
from backend.store.engine import straight
from backend.store.submissions import OPEN
from backend.store.tables import (
    claim_root,
    claims_closed,
    edition,
    edition_terms,
    from_eight_bytes,
    in_eight_bytes,
    issued_range,
    print_job,
    promised_use,
    scan_count,
    sighting,
    stamp_use,
    submission,
    void_range,
)

DAY_SECONDS = 86_400


# All facts of stamps, of any number of them in one statement: this is asked for every code that anybody scans.
# Of ranges, the newest that begins at or below the serial is the only one that may cover it.
FACTS = """
edition.edition, edition.first_day, edition.withdrawn_from, issued.block_time, issued.block_number, void.reason,
EXISTS (SELECT FROM twin WHERE twin.stamp = asked.stamp),
CASE WHEN replaced.edition IS NULL THEN closed.block_time END,
ARRAY(SELECT block_time FROM original_shown WHERE stamp = asked.stamp ORDER BY block_time),
ARRAY(SELECT ARRAY[custodian, time] FROM sighting WHERE stamp = asked.stamp ORDER BY time),
CASE WHEN issued.block_time IS NULL THEN EXISTS (
    SELECT FROM submission WHERE kind = 'issue' AND state IN ('pending', 'held', 'sent')
    AND (payload ->> 'edition')::bigint = asked.edition
    AND (payload ->> 'first')::bigint <= serial AND (payload ->> 'last')::bigint >= serial) ELSE false END,
stamp_use.custodian, stamp_use.time, stamp_use.kind, stamp_use.item, stamp_use.block_number
"""
FACTS_WIDTH = 16
FACTS_FROM = """
(SELECT *, stamp >> 32 & 4294967295 AS edition, stamp & 4294967295 AS serial FROM {{stamps}}) AS asked
LEFT JOIN edition ON edition.edition = asked.edition AND serial BETWEEN 1 AND edition.quantity
LEFT JOIN LATERAL {issued_range} ON issued.last >= serial
LEFT JOIN LATERAL {void_range} ON void.last >= serial
LEFT JOIN LATERAL {claims_closed} ON closed.last >= serial
LEFT JOIN LATERAL {claim_root} ON replaced.last >= serial
LEFT JOIN stamp_use ON stamp_use.stamp = asked.stamp
""".format(
    **{
        table: f"(SELECT * FROM {table} WHERE {table}.edition = asked.edition AND first <= serial "
        f"ORDER BY first DESC LIMIT 1) AS {name}"
        for table, name in (
            ("issued_range", "issued"),
            ("void_range", "void"),
            ("claims_closed", "closed"),
            ("claim_root", "replaced"),
        )
    }
)
# An array within a SELECT keeps its length from the planner, which would plan anew for each.
_FACTS = f"SELECT asked.stamp, {FACTS} FROM " + FACTS_FROM.format(
    stamps="unnest((SELECT %b::bigint[])) AS stamp"
)


def facts(db: Connection, stamps: Iterable[int]) -> dict[int, StampFacts]:
    """What is known of each stamp; one whose edition does not exist or has no such serial is missing here."""
    asked = [in_eight_bytes(stamp) for stamp in sorted(set(stamps))]
    rows = straight(db, _FACTS, (asked,)) if asked else []
    read = {from_eight_bytes(row[0]): read_facts(row[1:]) for row in rows}
    return {stamp: found for stamp, found in read.items() if found is not None}


def read_facts(columns: Sequence[Any]) -> StampFacts | None:
    """The facts out of the columns FACTS; None where the stamp's edition does not exist or has no such serial."""
    (
        edition_number,
        first_day,
        withdrawn_from,
        issued_at,
        issued_block,
        void_reason,
        twin_claimed,
        closed_at,
        shown,
        sightings,
        being_issued,
        *use,
    ) = columns
    if edition_number is None:
        return None
    return StampFacts(
        issued_at=issued_at,
        issued_block=issued_block,
        being_recorded=being_issued,
        first_day=first_day,
        withdrawn_from=withdrawn_from,
        use=Use(*use) if use[0] is not None else None,
        void_reason=void_reason,
        twin_claimed=twin_claimed,
        claims_closed_at=closed_at,
        sightings=tuple(Sighting(custodian, time) for custodian, time in sightings),
        original_shown=tuple(shown),
    )


def stamp_facts(db: Connection, stamp: int) -> StampFacts | None:
    """All facts of one stamp; None where its edition does not exist or has no such serial."""
    return facts(db, (stamp,)).get(stamp)


@dataclass(frozen=True, slots=True)
class ClaimRoot:
    """S1, S10: the root of the tree in which a claim key stands; `closed_at` only while its claims are closed."""

    root: bytes
    closed_at: int | None


def root_of(db: Connection, stamp: int) -> ClaimRoot:
    """Of a stamp of an edition that exists: as the contract's claimRootOf."""
    number, serial = edition_of(stamp), serial_of(stamp)
    closed = db.execute(_covering(claims_closed, number, serial)).first()
    if closed is None:
        own = select(edition.c.claim_root).where(edition.c.edition == number)
        return ClaimRoot(db.execute(own).scalar_one(), None)
    replaced = db.execute(_covering(claim_root, number, serial)).first()
    return ClaimRoot(replaced.root, None) if replaced else ClaimRoot(bytes(32), closed.block_time)


def closure(db: Connection, number: int, first: int, last: int) -> Row[Any] | None:
    """The closed range of an edition that overlaps another (S10); None where none does."""
    closed = claims_closed.c
    overlapping = select(claims_closed).where(
        closed.edition == number, closed.first <= last, closed.last >= first
    )
    return db.execute(overlapping.order_by(closed.first)).first()


def _covering(ranges: Any, number: int, serial: int) -> Any:
    newest_below = (
        select(ranges)
        .where(ranges.c.edition == number, ranges.c.first <= serial)
        .order_by(ranges.c.first.desc())
        .limit(1)
        .subquery()
    )
    return select(newest_below).where(newest_below.c.last >= serial)


def add_sighting(db: Connection, stamp: int, custodian: int, time: int) -> None:
    """A used stamp was presented: kept as evidence, never as a finding against anybody."""
    db.execute(insert(sighting).values(stamp=stamp, custodian=custodian, time=time))


def promise_use(db: Connection, stamp: int, digest: bytes, custodian: int, time: int) -> bool:
    """Promise a stamp to one record; False where another record that may still count has it."""
    statement = insert(promised_use).values(
        stamp=stamp, digest=digest, custodian=custodian, time=time
    )
    if db.execute(statement.on_conflict_do_nothing().returning(promised_use.c.stamp)).first():
        return True
    holder = db.execute(
        select(promised_use.c.digest, submission.c.state)
        .join(submission, submission.c.digest == promised_use.c.digest, isouter=True)
        .where(promised_use.c.stamp == stamp)
        .with_for_update(of=promised_use)
    ).one()
    if holder.digest == digest:
        return True
    if holder.state in (*OPEN, "settled", "final"):
        return False
    values = {"digest": digest, "custodian": custodian, "time": time}
    db.execute(update(promised_use).where(promised_use.c.stamp == stamp).values(**values))
    return True


# Whoever promises stamps of an edition, side by side, or takes some out of use, alone, sees what the others did.
EDITION_LOCKS = 0x706F7375


def lock_uses(db: Connection, number: int, alone: bool) -> None:
    """Until the commit."""
    function = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    # The second key is a signed 32-bit integer; an edition has 32 bits.
    key = number - (1 << 32) if number >= 1 << 31 else number
    straight(db, f"SELECT {function}({EDITION_LOCKS}, {key})")


_VOID_UNDER_WAY = """
SELECT EXISTS (SELECT FROM submission WHERE kind = 'void' AND state IN ('pending', 'held', 'sent')
    AND (payload ->> 'edition')::bigint = %b
    AND (payload ->> 'first')::bigint <= %b AND (payload ->> 'last')::bigint >= %b)
"""


def is_void_under_way(db: Connection, stamp: int) -> bool:
    """Whether a record that is not on chain yet takes the stamp out of use."""
    serial = serial_of(stamp)
    ((found,),) = straight(db, _VOID_UNDER_WAY, (edition_of(stamp), serial, serial))
    return bool(found)


def first_promised(db: Connection, number: int, first: int, last: int) -> int | None:
    """The first stamp of a range that is promised to a record that is not on chain yet; None where none is."""
    low, high = stamp_number(number, first), stamp_number(number, last)
    query = (
        select(func.min(promised_use.c.stamp))
        .join(submission, submission.c.digest == promised_use.c.digest)
        .where(promised_use.c.stamp.between(low, high), submission.c.state.in_(OPEN))
    )
    stamp: int | None = db.scalar(query)
    return stamp


def digest_of_use(db: Connection, stamp: int) -> bytes | None:
    """The record that used the stamp."""
    digest: bytes | None = db.scalar(select(stamp_use.c.digest).where(stamp_use.c.stamp == stamp))
    return digest


def first_spent(db: Connection, number: int, first: int, last: int) -> tuple[int, int, bool] | None:
    """The first stamp of a range that is used or void: (stamp, block, is void); None where none is."""
    low, high = stamp_number(number, first), stamp_number(number, last)
    used = db.execute(
        select(stamp_use.c.stamp, stamp_use.c.block_number)
        .where(stamp_use.c.stamp.between(low, high))
        .order_by(stamp_use.c.stamp)
        .limit(1)
    ).first()
    if used is not None:
        return used.stamp, used.block_number, False
    void = db.execute(
        select(void_range)
        .where(
            void_range.c.edition == number,
            void_range.c.first <= last,
            void_range.c.last >= first,
        )
        .order_by(void_range.c.first)
        .limit(1)
    ).first()
    if void is None:
        return None
    return stamp_number(number, max(void.first, first)), void.block_number, True


def count_scan(db: Connection, stamp: int, time: int) -> None:
    """One more scan of the stamp's page on that day: a coarse count, nothing about who."""
    statement = insert(scan_count).values(stamp=stamp, day=time // DAY_SECONDS, scans=1)
    db.execute(
        statement.on_conflict_do_update(
            index_elements=["stamp", "day"], set_={"scans": scan_count.c.scans + 1}
        )
    )


def keep_terms(
    db: Connection, number: int, title: str, metadata: dict[str, Any], quantity: int
) -> None:
    """An edition's title and metadata, whose hash is on chain."""
    values = {"title": title, "metadata": metadata, "quantity": quantity}
    statement = insert(edition_terms).values(edition=number, **values)
    db.execute(statement.on_conflict_do_nothing())


def terms(db: Connection, number: int) -> Row[Any] | None:
    return db.execute(select(edition_terms).where(edition_terms.c.edition == number)).first()


def on_chain(db: Connection, number: int) -> Row[Any] | None:
    """The edition as the chain has it."""
    return db.execute(select(edition).where(edition.c.edition == number)).first()


def reserve(db: Connection, number: int, count: int) -> int | None:
    """The first of `count` serials taken from stock, in the transaction of the print job (S3).

    None where fewer are left.
    """
    statement = (
        update(edition_terms)
        .where(
            and_(
                edition_terms.c.edition == number,
                edition_terms.c.next_serial + count - 1 <= edition_terms.c.quantity,
            )
        )
        .values(next_serial=edition_terms.c.next_serial + count)
        .returning(edition_terms.c.next_serial)
    )
    following = db.scalar(statement)
    return None if following is None else int(following) - count


def last_unsaleable(db: Connection, number: int, first: int, last: int) -> int | None:
    """The last serial that was voided before it was sold, or whose claims were closed (S5, S10); None for none.

    It may lie above the range, where what touches the range reaches beyond it.
    """
    ends = [
        select(func.max(ranges.c.last)).where(
            ranges.c.edition == number, ranges.c.first <= last, ranges.c.last >= first
        )
        for ranges in (void_range, claims_closed)
    ]
    end = db.scalar(select(func.greatest(*(one.scalar_subquery() for one in ends))))
    return None if end is None else int(end)


def all_sold_or_void(db: Connection, number: int, first: int, last: int) -> bool:
    """Whether the chain has every serial of the range as issued or void."""
    serial = func.generate_series(first, last).column_valued("serial")
    covered = [
        exists().where(
            ranges.c.edition == number,
            ranges.c.first <= serial,
            ranges.c.last >= serial,
        )
        for ranges in (issued_range, void_range)
    ]
    open_ = select(serial).where(~or_(*covered)).limit(1)
    return db.execute(open_).first() is None


def skip_stock(db: Connection, number: int, next_serial: int) -> None:
    """Go on with the stock at a serial."""
    db.execute(
        update(edition_terms)
        .where(edition_terms.c.edition == number)
        .values(next_serial=next_serial)
    )


def new_print_job(db: Connection, **values: Any) -> int:
    """The id of the new row, in state reserved."""
    statement = insert(print_job).values(state="reserved", **values).returning(print_job.c.id)
    return int(db.scalar(statement) or 0)


def job(db: Connection, job_id: int, lock: bool = False) -> Row[Any] | None:
    query = select(print_job).where(print_job.c.id == job_id)
    return db.execute(query.with_for_update() if lock else query).first()


def set_job(db: Connection, job_id: int, **values: Any) -> None:
    db.execute(update(print_job).where(print_job.c.id == job_id).values(**values))


def unfinished_jobs(db: Connection, custodian: int) -> Sequence[Row[Any]]:
    """Print jobs that nobody has looked at yet: the counter's first screen shows them."""
    return db.execute(
        select(print_job)
        .where(print_job.c.custodian == custodian, print_job.c.state != "confirmed")
        .order_by(print_job.c.id)
    ).all()


def stock_left(db: Connection, number: int) -> int:
    """Serials not yet reserved."""
    left = edition_terms.c.quantity - edition_terms.c.next_serial + 1
    return int(
        db.scalar(select(func.coalesce(left, 0)).where(edition_terms.c.edition == number)) or 0
    )
