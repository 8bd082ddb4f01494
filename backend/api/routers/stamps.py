"""Stamps: look at one, cancel, void, claim the twin, show the original; and verify what was scanned."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import Connection

from backend.api import people
from backend.api.answers import stamps as answers
from backend.api.answers.promises import Promise
from backend.api.fields import Scanned, StampIn
from backend.api.limits import network_of
from backend.api.requests.stamps import (
    CancelBody,
    ClaimBody,
    ClaimKeysBody,
    ClosureBody,
    OriginalBody,
    VerifyBody,
    VoidBody,
)
from backend.api.service import Call, Caller, answer
from backend.domain import ids
from backend.domain.typed_data import ZERO32
from backend.ports import Actor
from backend.queries import claims, stamps
from backend.queries.labels import find_item
from backend.usecases import cancel, closures, sell
from stamps.scan import read_code

router = APIRouter(tags=["stamps"])
IMAGE = {
    "requestBody": {
        "required": True,
        "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def limit_looks(call: Caller, rule: str = "verify") -> None:
    """Anybody may verify, only machines of the posts may go through the numbers. Raises TooMany."""
    if not call.is_signed_in():
        call.service.limits.count(rule, network_of(call.address))


@router.get("/stamps/{stamp}", response_model=answers.Stamp)
def get_stamp(call: Call, stamp: StampIn) -> Response:
    """The verdict on a typed number: without a code there is no signature to check."""
    return answer(answers.Stamp.of(call.look(lambda db: stamps.one(db, call.house, stamp))))


@router.get("/stamps/{stamp}/claim-proof", response_model=answers.ClaimProof)
def get_claim_proof(call: Call, stamp: StampIn) -> Response:
    """What a claim or an original needs besides the concealed code. Anybody may ask; nothing of it is secret."""
    found = call.look(lambda db: claims.claim_proof(db, stamp))
    return answer(answers.ClaimProof.model_validate(found))


@router.get("/verify", response_model=answers.Stamp)
def verify(call: Call, code: Annotated[Scanned, Query()]) -> Response:
    """The verdict on a public code or a typed number."""
    return _verdict(call, code)


@router.post("/verify", response_model=answers.Stamp)
def verify_code(call: Call, body: VerifyBody) -> Response:
    """The same, for codes that should not stand in an address."""
    return _verdict(call, body.code)


def _verdict(call: Caller, code: str) -> Response:
    return answer(answers.Stamp.of(call.look(lambda db: stamps.verify(db, call.house, code))))


async def image(request: Request) -> bytes:
    """The request's body; its size is limited before it gets here."""
    return await request.body()


@router.post("/verify/image", response_model=answers.Stamp, openapi_extra=IMAGE)
def verify_image(call: Call, picture: Annotated[bytes, Depends(image)]) -> Response:
    """The verdict on the code in a photograph (PNG, JPEG, WebP)."""
    limit_looks(call, "picture")
    with call.service.limits.picture():
        code = read_code(picture)
    return answer(answers.Stamp.of(call.read(lambda db: stamps.verify(db, call.house, code))))


@router.post("/cancellations", status_code=202, response_model=Promise)
def cancel_stamps(call: Call, body: CancelBody) -> Response:
    """Mark stamps used without an acceptance. The same piece again within a day is the same cancellation."""

    def work(db: Connection, who: Actor) -> Promise:
        who, custodian = people.at(who, body.custodian)
        request = cancel.CancelRequest(
            custodian=custodian,
            stamps=tuple(stamps.number_of(db, call.house, text) for text in body.stamps),
            kind=body.kind,
            item=find_item(db, body.item) if body.item else ZERO32,
            time=body.time,
            signature=body.signature,
        )
        return Promise.of(db, cancel.cancel(db, call.house, who, request))

    return call.once(work)


@router.post("/voids", status_code=202, response_model=Promise)
def void_range(call: Call, body: VoidBody) -> Response:
    """Take a range of one's own post out of use, sold or not. Used stamps cannot be void."""

    def work(db: Connection, who: Actor) -> Promise:
        people.must_be_of(who, ids.operator_of_edition(body.edition))
        voided = (body.edition, body.first, body.last, body.reason)
        return Promise.of(db, sell.void_stamps(db, call.house, who, *voided))

    return call.once(work)


@router.post("/closures", status_code=202, response_model=Promise)
def close_claims(call: Call, body: ClosureBody) -> Response:
    """Close the claims of a range whose codes may be known to others (administrators). There is no way back."""
    closed = (body.edition, body.first, body.last, body.reason)

    def work(db: Connection, who: Actor) -> Promise:
        return Promise.of(db, closures.close_claims(db, call.house, who, *closed))

    return call.once(work, "admin")


@router.post("/claim-keys", status_code=202, response_model=Promise)
def replace_claim_keys(call: Call, body: ClaimKeysBody) -> Response:
    """New claim keys for a closed range, once, 30 days after the closing or later (administrators)."""
    given = (body.edition, body.first, body.claim_keys)

    def work(db: Connection, who: Actor) -> Promise:
        return Promise.of(db, closures.replace_claim_keys(db, call.house, who, *given))

    return call.once(work, "admin")


@router.post("/claims", status_code=202, response_model=Promise)
def claim(call: Call, body: ClaimBody) -> Response:
    """Move a stamp's twin to the collector's address. Signed by the claim key; nobody needs to sign in."""
    return _twin(call, body, body.to)


@router.post("/originals", status_code=202, response_model=Promise)
def show_original(call: Call, body: OriginalBody) -> Response:
    """Show that the original of a used stamp is in hand, without claiming its twin."""
    return _twin(call, body, None)


def _twin(call: Caller, body: OriginalBody, to: bytes | None) -> Response:
    call.service.limits.count("claim", network_of(call.address))
    request = cancel.TwinRequest(
        stamp=body.stamp,
        deadline=body.deadline,
        claim_key=body.claim_key,
        signature=body.signature,
        proof=body.proof,
        to=to,
    )
    return call.once(
        lambda db, who: Promise.of(db, cancel.claim_or_show(db, call.house, who, request)),
        "anybody",
    )
