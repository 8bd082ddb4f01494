"""Submissions: what was asked, how far it is, and taking it back; the desk of a custodian."""

from __future__ import annotations

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from backend.api import people
from backend.api.answers import custody as answers
from backend.api.fields import Bytes32In, CustodianIn, Line
from backend.api.service import Call, answer
from backend.api.withdraw import withdraw_submission
from backend.ports import Actor
from backend.queries import submissions, work
from backend.queries.status import as_of

router = APIRouter(tags=["submissions"])


@router.get("/submissions", response_model=answers.Submissions)
def list_submissions(
    call: Call,
    custodian: CustodianIn | None = None,
    state: Line | None = None,
    item: Bytes32In | None = None,
    cursor: Line | None = None,
    limit: int = 50,
) -> Response:
    """The newest first. Clerks see those of a custodian of theirs, auditors and administrators all."""

    def work_(db: Connection, who: Actor) -> answers.Submissions:
        here = custodian
        if who.role == "clerk":
            _, here = people.at(who, custodian)
            people.may_see(who, here)
        page = submissions.page(
            db, custodian=here, state=state, item=item, cursor=cursor, limit=limit
        )
        rows = tuple(answers.Submission.model_validate(row) for row in page.rows)
        return answers.Submissions(rows=rows, cursor=page.cursor, as_of_block=as_of(db).block)

    return answer(call.signed_in(work_))


@router.get("/submissions/{digest}", response_model=answers.SubmissionWithPayload)
def get_submission(call: Call, digest: Bytes32In) -> Response:
    """One submission with its record and signatures."""

    def work_(db: Connection, who: Actor) -> answers.SubmissionWithPayload:
        found = submissions.one(db, digest)
        people.may_see(who, found.custodian)
        return answers.SubmissionWithPayload.of(db, found)

    return answer(call.signed_in(work_))


@router.post("/submissions/{digest}/withdrawal", response_model=answers.SubmissionWithPayload)
def withdraw(call: Call, digest: Bytes32In) -> Response:
    """Take back what was not sent yet (B8)."""

    def work_(db: Connection, who: Actor) -> answers.SubmissionWithPayload:
        withdraw_submission(db, who, digest)
        return answers.SubmissionWithPayload.of(db, submissions.one(db, digest))

    return call.once(work_, status=200, makes_room=True)


@router.get("/desk", response_model=answers.Desk)
def desk(call: Call, custodian: CustodianIn | None = None) -> Response:
    """What a custodian holds, has to take over, has not finished; its queue and stock."""

    def work_(db: Connection, who: Actor) -> answers.Desk:
        _, here = people.at(who, custodian)
        people.may_see(who, here)
        return answers.Desk.of(db, work.desk(db, here, call.house.now()))

    return answer(call.signed_in(work_))
