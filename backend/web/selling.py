"""Selling stamps at a counter: reserve, print, look, put on the record (S3, J1, J8)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Response
from sqlalchemy import Connection

from backend.api import paper, people
from backend.domain import codes, ids
from backend.errors import PosthornError, Unprocessable
from backend.queries import editions, stamps, work
from backend.queries.work import PrintJobAnswer
from backend.usecases import sell
from backend.usecases.sell import PrintRequest
from backend.web.pictures import picture_of
from backend.web.visit import PageRoute, Visit, Visiting, see
from stamps.errors import StampsError
from stamps.sheet import LAYOUTS

router = APIRouter(route_class=PageRoute, include_in_schema=False)
STAMPS_SHOWN = 60
PDF = {"Content-Security-Policy": "frame-ancestors 'none'", "Content-Disposition": "inline"}


@router.get("/work/sell")
def sell_form(visit: Visiting, edition: Annotated[str, Query()] = "") -> Response:
    """Edition, quantity, sheet."""
    visit.at_desk()
    return _form(visit, {"edition": edition, "count": 1, "layout": "70x37", "start_label": 1})


def _form(visit: Visit, values: dict[str, object], error: PosthornError | None = None) -> Response:
    _, custodian = visit.at_desk()
    with visit.begin() as db:
        found = editions.editions(db, ids.operator_of_custodian(custodian))
    status = error.status if error else 200
    return visit.page(
        "work/sell.html",
        status=status,
        editions=[(e, picture_of(e, 1)) for e in found if e.stock],
        layouts=LAYOUTS,
        values=values,
        error=error,
    )


@router.post("/work/sell")
def reserve(
    visit: Visiting,
    edition: Annotated[str, Form()],
    count: Annotated[int, Form()],
    layout: Annotated[str, Form()] = "70x37",
    start_label: Annotated[int, Form()] = 1,
) -> Response:
    """Takes serials from stock; the job's page goes on from there."""
    who, custodian = visit.at_desk()
    values = {"edition": edition, "count": count, "layout": layout, "start_label": start_label}
    try:
        request = PrintRequest(custodian, _edition(edition), count, layout, start_label)
        job = visit.write(lambda db: sell.reserve_stamps(db, who, request)).job
    except PosthornError as error:
        return _form(visit, values, error)
    return see(f"/work/jobs/{job}")


def _edition(text: str) -> int:
    try:
        return ids.parse_edition(text)
    except ids.BadNumber as error:
        raise Unprocessable(f"{error}.", "Choose one of the editions.") from None


@router.get("/work/jobs/{job}")
def job_page(visit: Visiting, job: int) -> Response:
    """The sheet, «which came out?», and once that is answered the receipt."""
    who, _ = visit.at_desk()
    with visit.begin() as db:
        found = work.print_job(db, job)
        people.may_see(who, found.custodian)
        return visit.page("work/job.html", **_job(visit, db, found))


def _job(visit: Visit, db: Connection, found: PrintJobAnswer) -> dict[str, Any]:
    numbers = [
        ids.stamp_number(found.edition, serial) for serial in range(found.first, found.last + 1)
    ]
    edition = editions.edition(db, found.edition)
    spoilt = set(found.spoilt)
    sold = [n for n in numbers if ids.serial_of(n) not in spoilt]
    shown = sold[:STAMPS_SHOWN] if found.state == "confirmed" else []
    return {
        "job": found,
        "numbers": [(n, picture_of(edition, ids.serial_of(n))) for n in numbers],
        "edition": edition,
        "layout": LAYOUTS.get(found.layout),
        "sold": sold,
        "sold_runs": sell.ranges(sold),
        "spoilt_runs": sell.ranges(n for n in numbers if ids.serial_of(n) in spoilt),
        "answers": [stamps.one(db, visit.house, number) for number in shown],
        "reasons": codes.VOID_REASONS,
    }


@router.get("/work/jobs/{job}/part")
def job_part(visit: Visiting, job: int) -> Response:
    """How far the stamps of a finished job are, for live.js."""
    who, _ = visit.at_desk()
    with visit.begin() as db:
        found = work.print_job(db, job)
        people.may_see(who, found.custodian)
        return visit.page("work/job_part.html", **_job(visit, db, found))


@router.get("/work/jobs/{job}/sheet")
def sheet_part(visit: Visiting, job: int) -> Response:
    """«Which came out?», asked once the sheet was given out, for live.js: it opens in another window."""
    who, _ = visit.at_desk()
    with visit.begin() as db:
        found = work.print_job(db, job)
        people.may_see(who, found.custodian)
        return visit.page("work/sheet_part.html", **_job(visit, db, found))


@router.post("/work/jobs/{job}/sheet")
def sheet(
    visit: Visiting,
    job: int,
    claim_codes: Annotated[bool, Form()] = False,
    right_mm: Annotated[float, Form(ge=-10, le=10)] = 0.0,
    down_mm: Annotated[float, Form(ge=-10, le=10)] = 0.0,
) -> Response:
    """The sheet as PDF, each code read back before; from now on the job waits for an answer."""
    who, _ = visit.at_desk()
    try:
        with visit.begin() as db:
            sell.mark_printed(db, who, job)
            found = work.print_job(db, job)
            pdf = paper.sheet_pdf(db, visit.house, found, (right_mm, down_mm), claim_codes)
    except StampsError as error:
        raise Unprocessable(f"{error}") from None
    return Response(pdf, headers=PDF, media_type="application/pdf")


@router.post("/work/jobs/{job}")
def confirm(
    visit: Visiting,
    job: int,
    good: Annotated[list[int] | None, Form()] = None,
    reason: Annotated[str, Form()] = "spoilt",
    unprinted: Annotated[bool, Form()] = False,
) -> Response:
    """Puts the stamps that came out on the record as sold; the others are out of use."""
    who, _ = visit.at_desk()
    if reason not in codes.VOID_REASONS.names():
        raise Unprocessable(f"{reason} is no reason.", "Choose one of the list.")
    number = codes.VOID_REASONS.number(reason)

    def put_on_record(db: Connection) -> None:
        found = work.print_job(db, job)
        spoilt = set(range(found.first, found.last + 1)) - set(good or ())
        sell.confirm_print(db, visit.house, who, job, spoilt, number, unprinted=unprinted)

    visit.write(put_on_record)
    return see(f"/work/jobs/{job}")
