"""Editions: those there are, and new ones."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from backend.api.answers import stamps as answers
from backend.api.answers.promises import Promise
from backend.api.fields import EditionIn
from backend.api.requests.stamps import EditionBody
from backend.api.service import Call, answer
from backend.errors import Unprocessable
from backend.ports import Actor
from backend.queries import editions
from backend.usecases import operate
from stamps.art.edition import read_edition

router = APIRouter(prefix="/editions", tags=["editions"])


@router.get("", response_model=answers.Editions)
def list_editions(
    call: Call, operator: Annotated[int | None, Query(ge=1, lt=2**16)] = None
) -> Response:
    """All editions, or those of one operator, without counts."""
    return answer(call.read(lambda db: answers.Editions.of(db, editions.editions(db, operator))))


@router.get("/{edition}", response_model=answers.Edition)
def get_edition(call: Call, edition: EditionIn) -> Response:
    """One edition and how many of its stamps were issued, used, void, claimed."""
    found = call.read(lambda db: editions.edition(db, edition, counted=True))
    return answer(answers.Edition.model_validate(found))


@router.post("", status_code=202, response_model=Promise)
def create_edition(call: Call, body: EditionBody) -> Response:
    """Create an edition (administrators). Its claim codes' seed is made and sealed here."""
    request = operate.EditionRequest(
        edition=body.edition,
        title=body.title,
        quantity=body.quantity,
        face_value=body.face_value,
        currency=body.currency,
        first_day=body.first_day,
        metadata=body.metadata,
    )

    def work(db: Connection, who: Actor) -> Promise:
        _check_artwork(body)
        return Promise.of(db, operate.create_edition(db, call.house, who, request))

    return call.once(work, "admin")


def _check_artwork(body: EditionBody) -> None:
    """Raises BadArtwork; Unprocessable where its varieties are not as many stamps as the edition has."""
    art = read_edition(body.metadata)
    if art.quantity != body.quantity:
        raise Unprocessable(
            f"The varieties add up to {art.quantity} stamps, the edition has {body.quantity}.",
            "Put right the quantities of the varieties.",
        )
