"""The verify page: what a stamp's code or number says, with evidence and what to do now."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, File, Query, Response, UploadFile
from sqlalchemy import Connection

from backend.domain import ids
from backend.domain.commitments import BadTrailCode, parse_trail_code, trail_code_text
from backend.domain.verdict import CodeAxis, StampFacts, UseAxis
from backend.errors import NotFound, PosthornError, Unprocessable
from backend.queries import stamps, trails
from backend.queries.stamps import StampAnswer
from backend.web.pictures import picture_of
from backend.web.render import ASKS_NODES, SCANS
from backend.web.stories import contracts, stamp_story
from backend.web.visit import PageRoute, Visit, Visiting, see
from stamps.errors import ScanError
from stamps.scan import LARGEST_FILE_BYTES, read_codes

router = APIRouter(route_class=PageRoute, include_in_schema=False)
LONGEST_TEXT = 400
# The one word beside the icon: of the code where that decides, else of the use.
CODE_WORDS = {
    CodeAxis.MISMATCH: "Signature does not match",
    CodeAxis.UNKNOWN_SIGNER: "Unknown signer",
    CodeAxis.SIGNER_REVOKED: "Signer revoked",
    CodeAxis.UNREADABLE: "Cannot be read",
}
USE_WORDS = {
    UseAxis.NOT_SOLD: "Not sold",
    UseAxis.BEING_RECORDED: "Being recorded",
    UseAxis.NOT_YET_VALID: "Not yet valid",
    UseAxis.VALID: "Valid",
    UseAxis.USED: "Already used",
    UseAxis.VOID: "Out of use",
    UseAxis.WITHDRAWN: "Withdrawn",
    UseAxis.UNKNOWN: "Not known",
}


@router.get("/verify")
def verify_form(
    visit: Visiting, code: Annotated[str, Query(max_length=LONGEST_TEXT)] = ""
) -> Response:
    """A field for a code or number, the camera, a picture; or straight to what the code opens."""
    if code.strip():
        return see(where_to(code))
    return _form(visit)


def _form(visit: Visit, typed: str = "", error: PosthornError | None = None) -> Response:
    status = error.status if error else 200
    return visit.page("verify_form.html", SCANS, status=status, typed=typed, error=error)


def where_to(text: str) -> str:
    """The page that a scanned or typed text opens: a label's trail, else a stamp's verdict."""
    cleaned = text.strip()
    head, _, last = cleaned.rstrip("/").rpartition("/")
    if head.upper().endswith("/T") or head.upper() == "T":
        return f"/T/{quote(last)}"
    if head.upper().endswith("/C"):
        return f"/C/{quote(last.partition('#')[0])}"
    try:
        return f"/T/{trail_code_text(parse_trail_code(cleaned))}"
    except BadTrailCode:
        pass
    try:
        return f"/stamps/{ids.stamp_text(ids.parse_stamp(cleaned))}"
    except ids.BadNumber:
        return f"/S/{quote(last or cleaned, safe='')}"


@router.post("/verify/image")
def verify_picture(visit: Visiting, picture: Annotated[UploadFile, File()]) -> Response:
    """Reads the code in a picture, for browsers that cannot."""
    visit.look("picture")
    try:
        with visit.service.limits.picture():
            texts = read_codes(picture.file.read(LARGEST_FILE_BYTES + 1))
    except ScanError as error:
        problem = Unprocessable(_sentence(str(error)))
        return _form(visit, error=problem)
    return see(where_to(texts[0]))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


@router.get("/S/{payload}")
def verify_code(visit: Visiting, payload: str) -> Response:
    """What a stamp's QR opens. Adds one to the coarse count of scans; changes nothing else."""
    visit.look()
    if about := stamps.about_item_number(payload):
        return _form(visit, payload, Unprocessable(*about))
    with visit.begin() as db:
        found = stamps.verify(db, visit.house, payload[:LONGEST_TEXT], count=True)
        return _verdict_page(visit, db, found)


@router.get("/stamps/{number}")
def verify_number(visit: Visiting, number: str) -> Response:
    """The same for a typed number: without a code there is no signature to check. Raises NotFound."""
    return _numbered_page(visit, number)


@router.get("/C/{number}")
def concealed_code(visit: Visiting, number: str) -> Response:
    """What a stamp's concealed code opens. Its secret stands behind #, so it does not come here."""
    return _numbered_page(visit, number, concealed=True)


def _numbered_page(visit: Visit, number: str, concealed: bool = False) -> Response:
    visit.look()
    try:
        stamp = ids.parse_stamp(number)
    except ids.BadNumber as error:
        raise NotFound(f"{error}.", "It stands under the code on the paper.") from None
    with visit.begin() as db:
        return _verdict_page(visit, db, stamps.one(db, visit.house, stamp), concealed)


def _verdict_page(
    visit: Visit, db: Connection, found: StampAnswer, concealed: bool = False
) -> Response:
    """`concealed`: for who holds the concealed code. No node is asked there: a secret is on the page."""
    verdict, facts = found.verdict, found.verdict.facts
    word = CODE_WORDS.get(verdict.code) or USE_WORDS[verdict.use]
    claimable, showable = _open_to_its_code(facts)
    return visit.page(
        "verdict.html",
        {} if concealed else ASKS_NODES,
        answer=found,
        concealed=concealed,
        claimable=claimable,
        showable=showable,
        claim=_claim(visit, found) if concealed and (claimable or showable) else None,
        facts=facts,
        picture=picture_of(found.edition, ids.serial_of(found.stamp or 0)),
        word=word,
        trail=_trail(db, found),
        story=None if concealed else stamp_story(visit.house, found),
    )


def _open_to_its_code(facts: StampFacts | None) -> tuple[bool, bool]:
    """Whether its concealed code may still claim the twin (S6), and show the original (S9)."""
    if facts is None or facts.issued_at is None or facts.void_reason is not None:
        return False, False
    if facts.claims_closed_at is not None:
        return False, False
    return not facts.twin_claimed, facts.use is not None and not facts.original_shown


def _claim(visit: Visit, found: StampAnswer) -> dict[str, Any]:
    """What the browser signs over besides the address."""
    assert found.stamp is not None
    return {
        "stamp": str(found.stamp),
        "number": ids.stamp_text(found.stamp),
        "now": visit.house.now(),
        "contracts": contracts(visit.house),
    }


def _trail(db: Connection, found: StampAnswer) -> trails.TrailAnswer | None:
    """The way of the item that the stamp paid for: facility and time, without its number."""
    if found.trail_item is None:
        return None
    try:
        return trails.trail(db, found.trail_item)
    except PosthornError:
        return None
