"""Print jobs: reserve, print, look, issue (S3). A job is a row from the first moment, whatever the printer does."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from sqlalchemy import Connection

from backend.api import people
from backend.api.answers import stamps as answers
from backend.api.answers.promises import Promises
from backend.api.fields import CustodianIn
from backend.api.paper import sheet_pdf
from backend.api.requests.stamps import ConfirmationBody, PrintJobBody, SheetBody
from backend.api.service import Call, answer, gives
from backend.domain import ids
from backend.ports import Actor
from backend.queries import work
from backend.usecases import sell
from backend.usecases.submit import must_act_for

router = APIRouter(prefix="/print-jobs", tags=["print jobs"])
JobNumber = Annotated[int, Path(ge=1, lt=2**31)]


@router.post("", status_code=201, response_model=answers.Reserved)
def reserve(call: Call, body: PrintJobBody) -> Response:
    """Take stamps from stock and begin a print job; says what the customer has to pay."""

    def work_(db: Connection, who: Actor) -> answers.Reserved:
        who, custodian = people.at(who, body.custodian)
        request = sell.PrintRequest(
            custodian, body.edition, body.count, body.layout, body.start_label
        )
        taken = sell.reserve_stamps(db, who, request)
        return answers.Reserved(
            job=taken.job,
            first=ids.stamp_number(body.edition, taken.first),
            last=ids.stamp_number(body.edition, taken.last),
            total=taken.total,
            currency=taken.currency,
        )

    return call.once(work_, status=201)


@router.get("", response_model=answers.PrintJobs)
def unfinished(call: Call, custodian: CustodianIn | None = None) -> Response:
    """Jobs of a custodian that nobody has finished: which labels came out?"""

    def work_(db: Connection, who: Actor) -> answers.PrintJobs:
        _, here = people.at(who, custodian)
        must_act_for(who, here)
        return answers.PrintJobs.of(work.unfinished_jobs(db, here))

    return answer(call.signed_in(work_))


@router.get("/{job}", response_model=answers.PrintJob)
def get_job(call: Call, job: JobNumber) -> Response:
    """One print job."""

    def work_(db: Connection, who: Actor) -> answers.PrintJob:
        found = work.print_job(db, job)
        people.may_see(who, found.custodian)
        return answers.PrintJob.model_validate(found)

    return answer(call.signed_in(work_))


@router.post(
    "/{job}/sheet", response_class=Response, responses=gives("application/pdf", "the sheet")
)
def print_sheet(call: Call, job: JobNumber, body: SheetBody) -> Response:
    """The sheet as PDF. Every code on it has been read again; the job is printed from now on."""

    def work_(db: Connection, who: Actor) -> bytes:
        sell.mark_printed(db, who, job)
        offset_mm = (body.offset_right_mm, body.offset_down_mm)
        return sheet_pdf(db, call.house, work.print_job(db, job), offset_mm, body.claim_codes)

    pdf = call.signed_in(work_)
    name = f'attachment; filename="stamps-{job}.pdf"'
    return Response(pdf, media_type="application/pdf", headers={"Content-Disposition": name})


@router.post("/{job}/confirmation", status_code=202, response_model=Promises)
def confirm(call: Call, job: JobNumber, body: ConfirmationBody) -> Response:
    """Issue what came out, void what did not. Nothing is issued of a job whose sheet was never fetched."""
    return call.once(
        lambda db, who: Promises.of(
            db, sell.confirm_print(db, call.house, who, job, body.spoilt, body.reason)
        )
    )
