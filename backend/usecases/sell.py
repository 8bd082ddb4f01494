"""Sell stamps: reserve, print, look, issue (S3, J1, J8). A print job is a row from the first moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row

from backend.domain import codes, ids
from backend.domain.refusals import refusal
from backend.domain.typed_data import Issue, Signed, Void
from backend.domain.wire import to_wire
from backend.errors import Conflict, NotAllowed, NotFound, Unprocessable
from backend.ports import Actor, House
from backend.store import network, stamps
from backend.usecases.submit import Promise, draft, keep, must_act_for, refuse
from stamps.sheet import LAYOUTS

MOST_STAMPS = 1_000
# A void of more does not fit into a transaction of 2^24 gas (ICryptoStamp.voidRange).
MOST_TO_VOID = 4_000
SPOILT = codes.VOID_REASONS.number("spoilt")


@dataclass(frozen=True, slots=True)
class PrintRequest:
    """`layout` names a sheet of stamps/sheet.py; labels count from 1."""

    custodian: int
    edition: int
    count: int
    layout: str
    start_label: int = 1


@dataclass(frozen=True, slots=True)
class Reserved:
    """What the customer is asked for: `total` in the currency's minor unit."""

    job: int
    first: int
    last: int
    total: int
    currency: str


def reserve_stamps(db: Connection, who: Actor, request: PrintRequest) -> Reserved:
    """Take serials from stock and begin a print job, in one transaction.

    Raises NotFound (edition), Unprocessable (count, sheet), Conflict (stock), RefusedByRule, NotAllowed.
    """
    must_act_for(who, request.custodian)
    _check_sheet(request)
    if not 1 <= request.count <= MOST_STAMPS:
        raise Unprocessable(f"1 to {MOST_STAMPS} stamps at a time, not {request.count}.")
    terms = stamps.on_chain(db, request.edition)
    if terms is None:
        raise NotFound(f"There is no edition {ids.edition_text(request.edition)}.")
    if request.edition >> 16 != request.custodian >> 24:
        refuse(refusal("NotOwnCustodian", edition=request.edition, custodian=request.custodian))
    _must_not_be_suspended(db, request.edition)
    first = stamps.reserve(db, request.edition, request.count)
    while first is not None and (
        end := stamps.last_unsaleable(db, request.edition, first, first + request.count - 1)
    ):
        # Voided before it was sold (stolen from the printer's stock), or its claim codes have leaked.
        stamps.skip_stock(db, request.edition, end + 1)
        first = stamps.reserve(db, request.edition, request.count)
    if first is None:
        left = stamps.stock_left(db, request.edition)
        raise Conflict(
            f"Only {left} stamps of this edition are left.", "Sell fewer, or another edition."
        )
    last = first + request.count - 1
    total = int(terms.face_value) * request.count
    job = stamps.new_print_job(
        db,
        edition=request.edition,
        first=first,
        last=last,
        layout=request.layout,
        start_label=request.start_label,
        total=total,
        currency=terms.currency,
        custodian=request.custodian,
        person=who.person,
    )
    return Reserved(job, first, last, total, terms.currency)


def _check_sheet(request: PrintRequest) -> None:
    """Now, not when the paper is in the printer and the stamps are taken from stock."""
    if request.layout not in LAYOUTS:
        known = ", ".join(LAYOUTS)
        raise Unprocessable(f"There is no sheet {request.layout[:40]!r}.", f"Known: {known}.")
    labels = LAYOUTS[request.layout].labels
    if not 1 <= request.start_label <= labels:
        raise Unprocessable(f"A sheet {request.layout} has labels 1 to {labels}.")


def mark_printed(db: Connection, who: Actor, job_id: int) -> None:
    """The sheet has been given out: from now on only «which came out?» ends the job."""
    row = _job(db, who, job_id)
    if row.state == "confirmed":
        raise Conflict("This print job is finished; its codes are not given out again.")
    stamps.set_job(db, job_id, state="printed")


def confirm_print(
    db: Connection,
    house: House,
    who: Actor,
    job_id: int,
    spoilt: Iterable[int],
    reason: int = SPOILT,
    *,
    unprinted: bool = False,
) -> list[Promise]:
    """Issue what came out, void what did not: the serials in `spoilt`, with a reason (S3, S5).

    A job of which nothing is sold may end unprinted; `unprinted` says that the asker saw it so. Raises NotFound,
    Conflict (finished before, never printed, printed meanwhile), Unprocessable (serials of another job),
    NotAllowed, RefusedByRule (its post is suspended: the job waits until it is not).
    """
    row = _job(db, who, job_id)
    if row.state == "confirmed":
        raise Conflict("This print job is finished.", "Look at the stamps' own pages.")
    if unprinted and row.state != "reserved":
        raise Conflict(
            f"The sheet of print job {job_id} was given out meanwhile; nothing was taken out of use.",
            "Look at what came out, and say on the job's page which stamps that is.",
        )
    bad = sorted(set(spoilt))
    if any(not row.first <= serial <= row.last for serial in bad):
        raise Unprocessable(f"This job printed serials {row.first} to {row.last}.")
    good = [serial for serial in range(row.first, row.last + 1) if serial not in bad]
    if good and row.state != "printed":
        raise Conflict(
            f"The sheet of print job {job_id} was never printed.",
            "Open its sheet, print it and look at what came out; then sell that.",
        )
    _must_not_be_suspended(db, row.edition)
    promises = [
        _put(db, house, who, Issue(row.edition, first, last, row.custodian), row.custodian)
        for first, last in ranges(good)
    ] + [
        _put(db, house, who, Void(row.edition, first, last, reason), row.custodian)
        for first, last in ranges(bad)
    ]
    stamps.set_job(db, job_id, state="confirmed", spoilt=bad, confirmed_at=datetime.now(UTC))
    return promises


def void_stamps(
    db: Connection, house: House, who: Actor, edition: int, first: int, last: int, reason: int
) -> Promise:
    """Take a range out of use, issued or not: returned, stolen, spoilt (S5).

    Raises Unprocessable (reason, range), NotFound, RefusedByRule (a used stamp, a suspended post), NotAllowed.
    """
    _must_be_of_its_post(who, edition)
    if reason not in codes.VOID_REASONS:
        known = ", ".join(codes.VOID_REASONS.names())
        raise Unprocessable(f"{reason} is no reason of a void.", f"Known: {known}.")
    terms = stamps.on_chain(db, edition)
    if terms is None:
        raise NotFound(f"There is no edition {ids.edition_text(edition)}.")
    if not 1 <= first <= last <= terms.quantity:
        refuse(refusal("InvalidRange", edition=edition, first=first, last=last))
    if last - first >= MOST_TO_VOID:
        raise Unprocessable(
            f"{last - first + 1} stamps are too many for one record.",
            f"Void at most {MOST_TO_VOID} at a time.",
        )
    _must_not_be_suspended(db, edition)
    _must_be_unspent(db, edition, first, last)
    return _put(db, house, who, Void(edition, first, last, reason), who.custodian)


def _must_be_unspent(db: Connection, edition: int, first: int, last: int) -> None:
    """S5: neither used nor void, nor promised to an item: who franked it was told that it counts."""
    stamps.lock_uses(db, edition, alone=True)
    used = stamps.first_spent(db, edition, first, last)
    if used is not None:
        stamp, block, is_void = used
        refuse(refusal("VoidStamp" if is_void else "AlreadyUsed", stamp=stamp, block_number=block))
    promised = stamps.first_promised(db, edition, first, last)
    if promised is not None:
        refuse(refusal("AlreadyUsed", stamp=promised, block_number=0))


def _must_not_be_suspended(db: Connection, edition: int) -> None:
    """N4: its post sends what is sold and what is void, and the chain takes nothing from a suspended one."""
    operator = ids.operator_of_edition(edition)
    if network.is_suspended(db, operator):
        refuse(refusal("OperatorIsSuspended", operator=operator))


def _must_be_of_its_post(who: Actor, edition: int) -> None:
    """S5: a post voids its own stamps, by an administrator or by who works at one of its custodians."""
    at = None if who.custodian is None else ids.operator_of_custodian(who.custodian)
    if who.role != "admin" and at != ids.operator_of_edition(edition):
        raise NotAllowed(
            f"Edition {ids.edition_text(edition)} is of another post.",
            "Work at a custodian of that post.",
        )


def ranges(serials: Iterable[int]) -> list[tuple[int, int]]:
    """Rising serials as (first, last) runs without gaps."""
    runs: list[tuple[int, int]] = []
    for serial in serials:
        if runs and serial == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], serial)
        else:
            runs.append((serial, serial))
    return runs


def _put(
    db: Connection, house: House, who: Actor, record: Issue | Void, custodian: int | None
) -> Promise:
    kind = "issue" if isinstance(record, Issue) else "void"
    signed: Signed = record
    return keep(
        db,
        draft(
            house,
            who,
            kind=kind,
            digest=house.digest(signed),
            payload=to_wire(signed),
            custodian=custodian,
            expected={},
            lane=f"submitter/{record.edition >> 16}",
        ),
    )


def _job(db: Connection, who: Actor, job_id: int) -> Row[Any]:
    row = stamps.job(db, job_id, lock=True)
    if row is None:
        raise NotFound(f"There is no print job {job_id}.")
    must_act_for(who, row.custodian)
    return row
