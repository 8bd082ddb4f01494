"""Items, lists, submissions and the desk as answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from sqlalchemy import Connection

from backend.api.answers.network import Custodian
from backend.api.answers.promises import Answer
from backend.api.answers.stamps import Edition, PrintJob
from backend.api.fields import ConditionOut, CustodianOut, EndedOut, HexOut, StandInReasonOut, hexed
from backend.domain.typed_data import Delivery
from backend.domain.wire import to_wire
from backend.ports import House
from backend.queries.items import ItemAnswer
from backend.queries.receptacles import ReceptacleAnswer
from backend.queries.releases import ReleaseAnswer
from backend.queries.status import as_of
from backend.queries.submissions import SubmissionAnswer
from backend.queries.work import Desk as DeskAnswer


class Item(Answer):
    """One line about an item. `recorded` false: where it will be once all that is pending is on chain."""

    item: HexOut
    number: str | None
    holder: Custodian | None
    ended: EndedOut | None
    accepted_time: int
    latest_time: int
    records: int
    custody_number: int
    recorded: bool


class Items(Answer):
    """Items that bear a number, the newest first: numbers are used again."""

    rows: tuple[Item, ...]
    as_of_block: int | None

    @classmethod
    def of(cls, db: Connection, found: Iterable[ItemAnswer]) -> Self:
        rows = tuple(Item.model_validate(one) for one in found)
        return cls(rows=rows, as_of_block=as_of(db).block)


class ReleaseLine(Answer):
    """One line of a list; `line` counts from 0."""

    line: int
    item: HexOut
    number: str | None
    custody_number: int
    condition: ConditionOut


class Release(Answer):
    """A list handed over: open, received, withdrawn, expired. `stand_in_reason`: why its giver did not sign (C9).

    `open_until`: until when it can be taken over here. `deadline`: until when the chain records it (C5).
    """

    digest: HexOut
    giver: Custodian
    receiver: Custodian
    time: int
    open_until: int
    deadline: int
    lines: tuple[ReleaseLine, ...]
    state: str
    person: str | None
    stand_in_reason: StandInReasonOut | None = None


class Releases(Answer):
    """Open lists."""

    rows: tuple[Release, ...]

    @classmethod
    def of(cls, found: Iterable[ReleaseAnswer]) -> Self:
        return cls(rows=tuple(Release.model_validate(one) for one in found))


class Content(Answer):
    """One thing that was packed; `place` counts from 0. inside, found, inferred, missing, taken_out."""

    place: int
    item: HexOut
    number: str | None
    state: str


class Receptacle(Answer):
    """A receptacle: none (nothing packed yet), open, closed, opened. `recorded` false: some of it is under way."""

    item: HexOut
    number: str | None
    state: str
    custody_number: int
    holder: Custodian | None
    contents: tuple[Content, ...]
    recorded: bool
    as_of_block: int | None

    @classmethod
    def of(cls, found: ReceptacleAnswer) -> Self:
        return cls.model_validate(
            {name: getattr(found, name) for name in cls.model_fields if name != "as_of_block"}
            | {"as_of_block": found.as_of.block}
        )


class Submission(Answer):
    """What was asked to be put on chain, and how far it is."""

    digest: HexOut
    kind: str
    state: str
    about: str
    words: str
    waits_for: str | None
    refusal: dict[str, Any] | None
    items: tuple[HexOut, ...]
    custodian: CustodianOut | None
    person: str | None
    device: str
    created_at: int
    changed_at: int
    block: int | None
    transaction: HexOut | None
    can_be_withdrawn: bool


class SubmissionWithPayload(Submission):
    """With the record itself and its signatures."""

    payload: dict[str, Any]
    as_of_block: int | None = None

    @classmethod
    def of(cls, db: Connection, found: SubmissionAnswer) -> Self:
        return cls.model_validate(found).model_copy(update={"as_of_block": as_of(db).block})


class Submissions(Answer):
    """The newest first; `cursor` goes on."""

    rows: tuple[Submission, ...]
    cursor: str | None
    as_of_block: int | None


class Desk(Answer):
    """Everything that a custodian's work page shows."""

    custodian: Custodian
    holds: tuple[Item, ...]
    holds_total: int
    to_take_over: tuple[Release, ...]
    handed_over: tuple[Release, ...]
    print_jobs: tuple[PrintJob, ...]
    queue: tuple[Submission, ...]
    waiting: int
    stock: tuple[Edition, ...]
    as_of_block: int | None = None

    @classmethod
    def of(cls, db: Connection, found: DeskAnswer) -> Self:
        return cls.model_validate(found).model_copy(update={"as_of_block": as_of(db).block})


class Draft(Answer):
    """What the addressee's key signs: the digest, or the struct under its EIP-712 domain."""

    delivery: dict[str, Any]
    digest: HexOut
    type: str
    domain: dict[str, Any]

    @classmethod
    def of(cls, house: House, delivery: Delivery) -> Self:
        signing = house.ledger
        return cls(
            delivery=to_wire(delivery),
            digest=house.digest(delivery),
            type=Delivery.TYPE,
            domain={
                "name": signing.name,
                "version": "1",
                "chainId": signing.chain_id,
                "verifyingContract": hexed(signing.contract),
            },
        )
