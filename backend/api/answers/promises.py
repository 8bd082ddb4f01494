"""What a POST answers: kept and on its way, never done (B2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from backend.api.fields import HexOut, hexed
from backend.domain.commitments import trail_code_text
from backend.queries.status import AsOf, as_of
from backend.queries.submissions import WORDS
from backend.usecases.accept import Accepted as AcceptedItem
from backend.usecases.submit import Promise as Promised


class Answer(BaseModel):
    """Base of all answers: made of the queries' dataclasses."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Promise(Answer):
    """What was asked is kept and on its way. `digest` names it: GET /v1/submissions/{digest}."""

    digest: HexOut
    state: str
    words: str
    waits_for: str | None
    repeated: bool
    as_of_block: int | None

    @classmethod
    def of(cls, db: Connection, promised: Promised, now: AsOf | None = None) -> Self:
        """`now` where one request makes many promises."""
        waits = f"waits for {promised.waits_for}" if promised.waits_for else ""
        return cls(
            digest=promised.digest,
            state=promised.state,
            words=waits or WORDS.get(promised.state, promised.state),
            waits_for=promised.waits_for,
            repeated=promised.repeated,
            as_of_block=(now or as_of(db)).block,
        )


class Promises(Answer):
    """Several records of one request."""

    promises: tuple[Promise, ...]

    @classmethod
    def of(cls, db: Connection, promised: Iterable[Promised]) -> Self:
        now = as_of(db)
        return cls(promises=tuple(Promise.of(db, one, now) for one in promised))


class Accepted(Promise):
    """The new item. `trail_code` goes onto the label and nowhere else."""

    item: HexOut
    number: str
    scheme: str
    trail_code: str
    label: str = Field(description="address of the label's PDF")

    @classmethod
    def of_item(cls, db: Connection, found: AcceptedItem, now: AsOf | None = None) -> Self:
        item = hexed(found.item)
        return cls(
            **Promise.of(db, found.promise, now).__dict__,
            item=found.item,
            number=found.number.value,
            scheme=found.number.scheme.name.lower(),
            trail_code=trail_code_text(found.trail_code),
            label=f"/v1/items/{item}/label",
        )


class BulkLine(Answer):
    """One item of a bulk acceptance: accepted, or the problem with it."""

    line: int
    accepted: Accepted | None = None
    problem: dict[str, Any] | None = None


class Bulk(Answer):
    """Each line by itself, in the order given."""

    accepted: int
    refused: int
    lines: tuple[BulkLine, ...]


class ListLine(Answer):
    """One list of several: handed over under its digest, or the problem with it."""

    line: int
    digest: HexOut | None = None
    problem: dict[str, Any] | None = None


class Lists(Answer):
    """Each list by itself, in the order given."""

    handed_over: int
    refused: int
    lines: tuple[ListLine, ...]


class ReceiptLine(Answer):
    """One list of several: taken over, or the problem with it."""

    line: int
    promise: Promise | None = None
    problem: dict[str, Any] | None = None


class Receipts(Answer):
    """Each list by itself, in the order given."""

    taken_over: int
    refused: int
    lines: tuple[ReceiptLine, ...]


class Done(Answer):
    """Something of ours was changed; it does not concern the chain."""

    done: str
