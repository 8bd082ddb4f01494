"""Bodies of hand-offs, ends, reports and what else changes or notes custody."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from backend.api.fields import (
    AddressIn,
    Bytes32In,
    ConditionIn,
    CustodianIn,
    Line,
    ModeIn,
    ReasonIn,
    ReportIn,
    Scanned,
    Seconds,
    SignatureIn,
    StandInReasonIn,
    TakeUpReasonIn,
)
from backend.api.requests.parts import EVIDENCE, MOST_LINES, Body, SignedBody, TimedBody
from backend.domain import codes
from backend.domain.typed_data import ZERO32

MOST_LISTS = 100


class LineBody(Body):
    """One item of a list, by its 0x-item, its label's code or its number."""

    item: Scanned
    condition: ConditionIn = Field(codes.SOUND)
    evidence: Bytes32In = Field(ZERO32, description=EVIDENCE)
    custody_number: int | None = Field(None, ge=0, lt=2**32)


class ListBody(TimedBody):
    """A list for a receiver.

    `open_until`: until when it can be taken over, 15 minutes after `time` if not given. `deadline`: until when the
    chain records it, three days more if not given, at most 14 days after `time` (C5). A deadline alone is both.
    """

    receiver: CustodianIn
    lines: tuple[LineBody, ...] = Field(min_length=1, max_length=MOST_LINES)
    open_until: Seconds | None = None
    deadline: Seconds | None = None


class ReleaseBody(ListBody):
    """Hand over a list."""

    custodian: CustodianIn | None = Field(None, description="the giver")


class ListsBody(Body):
    """Up to 100 lists by the custodian at which the caller works, with 500 lines in all."""

    lists: tuple[ListBody, ...] = Field(min_length=1, max_length=MOST_LISTS)

    @model_validator(mode="after")
    def _not_too_long(self) -> Self:
        if sum(len(one.lines) for one in self.lists) > MOST_LINES:
            raise ValueError(f"the lists have more than {MOST_LINES} lines in all")
        return self


class StandInBody(Body):
    """Hand over in the place of a custodian that cannot sign (C9)."""

    giver: CustodianIn
    receiver: CustodianIn
    reason: StandInReasonIn
    lines: tuple[LineBody, ...] = Field(min_length=1, max_length=MOST_LINES)
    time: Seconds | None = None


class FindingBody(Body):
    """A condition found that differs from the one given; `line` counts from 0."""

    line: int = Field(ge=0, lt=MOST_LINES)
    condition: ConditionIn
    evidence: Bytes32In = Field(ZERO32, description=EVIDENCE)


class PinBody(Body):
    """The receiver's own act at the giver's screen."""

    person: Line
    pin: str = Field(max_length=12)


class TakenBody(TimedBody):
    """All lines of a list but the missing ones, with what was found otherwise."""

    release: Bytes32In
    missing: frozenset[Annotated[int, Field(ge=0, lt=MOST_LINES)]] = frozenset()
    findings: tuple[FindingBody, ...] = Field((), max_length=MOST_LINES)


class ReceiptBody(TakenBody):
    """Take over a list."""

    pin: PinBody | None = None


class ReceiptsBody(Body):
    """Up to 100 lists, taken over at the custodian at which the caller works."""

    receipts: tuple[TakenBody, ...] = Field(min_length=1, max_length=MOST_LISTS)


class EquivocationBody(Body):
    """Two complete hand-offs of one item, each as a submission's payload has it (C10)."""

    item: Scanned
    first: dict[str, Any]
    second: dict[str, Any]


class ItemBody(SignedBody):
    """A record about one item, by its 0x-item, its label's code or its number."""

    item: Scanned


class TakeUpBody(ItemBody):
    """Found in hand, though the chain places it elsewhere (C11)."""

    reason: TakeUpReasonIn
    condition: ConditionIn = Field(codes.SOUND)


class EndBody(ItemBody):
    """Delivered with a mode, left the network, or disposed of (C4)."""

    mode: ModeIn
    custody_number: int | None = Field(None, ge=0, lt=2**32)


class RecallBody(ItemBody):
    """Void the open releases of an item (C3)."""

    custody_number: int | None = Field(None, ge=0, lt=2**32)


class ReportBody(ItemBody):
    """What was seen; `corrects` names a record of the trail, 0 for none (C8)."""

    code: ReportIn
    reason: ReasonIn = Field(0)
    corrects: int = Field(0, ge=0, lt=2**32)


class DeliveryBody(SignedBody):
    """A delivery that the addressee's key has signed, as the draft was (C4)."""

    item: Scanned
    recipient: AddressIn
    recipient_signature: SignatureIn
    time: Seconds
    deadline: Seconds
    custody_number: int | None = Field(None, ge=0, lt=2**32)
    condition: ConditionIn = Field(codes.SOUND)
