"""Trails and the auditor's table as answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from sqlalchemy import Connection

from backend.api.answers.network import Custodian
from backend.api.answers.promises import Answer
from backend.api.fields import CustodianOut, EndedOut, HexOut, KeyHolderOut, PaymentOut, StampOut
from backend.queries.audit import RecordAnswer, Total
from backend.queries.status import as_of
from backend.queries.trails import EntryAnswer, TrailAnswer


class Key(Answer):
    """Whose key signed, and who held it."""

    address: HexOut
    key_holder: KeyHolderOut
    compromised_later: bool


class Record(Answer):
    """One record of a trail. `body` is what was signed (of a hand-off: given and found side by side).

    `carried` are the moves of the receptacle in which the item lay; `seal` what is kept of a receptacle's seal.
    """

    record: int
    custody_number: int
    kind: str
    text: str
    status: str
    flags: tuple[str, ...]
    at: Custodian | None
    to: Custodian | None
    event_time: int
    block_time: int
    block: int
    block_hash: HexOut
    transaction: HexOut
    log_index: int
    digest: HexOut
    line: int
    signatures: tuple[HexOut, ...]
    key: Key | None
    receiver_key: Key | None
    body: dict[str, Any]
    carried: tuple[Record, ...]
    seal: str | None

    @classmethod
    def of(cls, found: EntryAnswer) -> Self:
        entry, place = found.entry, found.entry.place
        return cls(
            record=entry.record,
            custody_number=entry.number,
            kind=entry.kind,
            text=found.text,
            status=found.status,
            flags=found.flags,
            at=Custodian.model_validate(found.at) if found.at else None,
            to=Custodian.model_validate(found.to) if found.to else None,
            event_time=entry.event_time,
            block_time=place.block_time,
            block=place.block,
            block_hash=place.block_hash,
            transaction=place.transaction,
            log_index=place.log_index,
            digest=entry.digest,
            line=entry.line,
            signatures=entry.signatures,
            key=Key.model_validate(found.key) if found.key else None,
            receiver_key=Key.model_validate(found.receiver_key) if found.receiver_key else None,
            body=found.body,
            carried=tuple(cls.of(hop) for hop in found.carried),
            seal=found.seal,
        )


class Answerable(Answer):
    """C12: who answers for the item now, from which record it follows, and why."""

    custodian: CustodianOut | None
    record: int
    why: str
    sentence: str


class Payment(Answer):
    """Other payment, in the currency's minor unit."""

    kind: PaymentOut
    amount: int


class Franking(Answer):
    """What paid for the item: postage required, stamps, other payment."""

    required: int | None
    currency: str
    stamps: tuple[StampOut, ...]
    payments: tuple[Payment, ...]


class UnderWay(Answer):
    """A record that is not on chain yet. `about` only where the trail is opened; never who typed it."""

    kind: str
    state: str
    words: str
    about: str | None


class Notice(Answer):
    """Evidence of two hand-offs of the item by one giver (C10): to be looked at by a person, and no verdict."""

    text: str
    giver: Custodian
    receivers: tuple[Custodian, Custodian]
    releases: tuple[HexOut, HexOut]
    custody_number: int
    block: int
    block_time: int
    transaction: HexOut


class Trail(Answer):
    """An item's trail. `number` and `franking` only where the label's code or a session opened it.

    `carried` are the moves of the closed receptacle in which it lies now.
    """

    item: HexOut
    number: str | None
    scheme: str | None
    franking: Franking | None
    sentence: str
    answerable: Answerable
    holder: Custodian | None
    ended: EndedOut | None
    custody_number: int | None
    records: int
    head: HexOut | None
    stamps: tuple[StampOut, ...]
    trail: tuple[Record, ...]
    notices: tuple[Notice, ...]
    carried: tuple[Record, ...]
    pending: tuple[UnderWay, ...]
    as_of_block: int | None
    as_of_time: int | None
    finalized_block: int | None

    @classmethod
    def of(cls, found: TrailAnswer) -> Self:
        state = found.state
        return cls(
            item=found.item,
            number=found.number,
            scheme=found.scheme,
            franking=Franking.model_validate(found.franking) if found.franking else None,
            sentence=found.sentence,
            answerable=_answerable(found),
            holder=Custodian.model_validate(found.holder) if found.holder else None,
            ended=state.ended if state else None,
            custody_number=state.number if state else None,
            records=state.records if state else 0,
            head=state.head if state else None,
            stamps=found.stamps,
            trail=tuple(Record.of(entry) for entry in found.entries),
            notices=tuple(Notice.model_validate(one) for one in found.notices),
            carried=tuple(Record.of(hop) for hop in found.carried),
            pending=tuple(UnderWay.model_validate(one) for one in found.pending),
            as_of_block=found.as_of.block,
            as_of_time=found.as_of.time,
            finalized_block=found.as_of.finalized,
        )


class Trails(Answer):
    """The trails of items that bear one number, the newest first: numbers are used again."""

    rows: tuple[Trail, ...]


def _answerable(found: TrailAnswer) -> Answerable:
    if found.state is None:
        return Answerable(custodian=None, record=0, why="pending", sentence=found.answerable)
    said = found.state.answer
    return Answerable(
        custodian=said.custodian or None,
        record=said.record,
        why=said.why.value,
        sentence=found.answerable,
    )


class AuditRow(Answer):
    """One record in the auditor's table."""

    item: HexOut
    number: str | None
    record: int
    kind: str
    text: str
    at: Custodian | None
    to: Custodian | None
    event_time: int
    block_time: int
    block: int
    transaction: HexOut
    digest: HexOut
    flags: tuple[str, ...]
    status: str


class AuditPage(Answer):
    """Records, the newest block first; `cursor` goes on. `more_than_total`: they were not counted any further."""

    rows: tuple[AuditRow, ...]
    cursor: str | None
    total: int
    more_than_total: bool
    as_of_block: int | None

    @classmethod
    def of(
        cls, db: Connection, rows: Iterable[RecordAnswer], cursor: str | None, total: Total
    ) -> Self:
        shown = tuple(AuditRow.model_validate(row) for row in rows)
        return cls(
            rows=shown,
            cursor=cursor,
            total=total.count,
            more_than_total=total.is_more,
            as_of_block=as_of(db).block,
        )


class Statistics(Answer):
    """Counts over the whole network."""

    operators: int
    custodians: int
    items: int
    items_open: int
    records: int
    hand_offs: int
    signatures: int
    stamps_issued: int
    stamps_used: int
    stamps_void: int
    twins_claimed: int
