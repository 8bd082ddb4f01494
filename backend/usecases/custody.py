"""What one custodian records alone: ends, take-ups, recalls, reports (C3, C4, C8, C11)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from backend.domain import codes, rules
from backend.domain.network import Custodian, Standing
from backend.domain.typed_data import (
    ZERO32,
    DeliveryKeys,
    End,
    Recall,
    Report,
    TakeUp,
)
from backend.domain.wire import to_wire
from backend.errors import NotFound
from backend.ports import Actor, House
from backend.store import items as item_rows
from backend.store import network
from backend.usecases.submit import (
    Promise,
    draft,
    hexed,
    keep,
    must_act_for,
    must_be,
    refuse,
    signed,
)


@dataclass(frozen=True, slots=True)
class EndRequest:
    """`mode` is a code of codes.MODES; `number` and `time` go with a device's own signature."""

    custodian: int
    item: bytes
    mode: int
    evidence: bytes = ZERO32
    time: int | None = None
    number: int | None = None
    signature: bytes | None = None


@dataclass(frozen=True, slots=True)
class TakeUpRequest:
    custodian: int
    item: bytes
    reason: int
    condition: int = codes.SOUND
    evidence: bytes = ZERO32
    time: int | None = None
    signature: bytes | None = None


@dataclass(frozen=True, slots=True)
class RecallRequest:
    custodian: int
    item: bytes
    time: int | None = None
    number: int | None = None
    signature: bytes | None = None


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """`corrects` is the record that a correction names, 0 for none."""

    custodian: int
    item: bytes
    code: int
    reason: int = 0
    corrects: int = 0
    evidence: bytes = ZERO32
    time: int | None = None
    signature: bytes | None = None


def end_custody(db: Connection, house: House, who: Actor, request: EndRequest) -> Promise:
    """The holder ends its custody: a delivery mode, left the network, disposal (C4)."""
    must_be(request.mode, codes.MODES)
    custodian, standing = _parties(db, who, request.custodian, request.item)
    time = request.time if request.time is not None else house.now()
    number = request.number if request.number is not None else standing.number
    end = End(request.item, number, request.custodian, time, request.mode, request.evidence)
    refuse(rules.judge_end(end, standing, custodian, house.now()))
    after = rules.ended(standing, time, request.mode)
    return _keep_alone(db, house, who, "end", end, custodian, after, request.signature)


def take_up(db: Connection, house: House, who: Actor, request: TakeUpRequest) -> Promise:
    """Record alone that a custodian holds what the chain places elsewhere or has ended (C11)."""
    must_be(request.reason, codes.TAKE_UP_REASONS)
    must_be(request.condition, codes.CONDITIONS)
    custodian, standing = _parties(db, who, request.custodian, request.item)
    time = request.time if request.time is not None else house.now()
    record = TakeUp(
        request.item,
        request.custodian,
        time,
        request.reason,
        request.condition,
        request.evidence,
    )
    refuse(rules.judge_take_up(record, standing, custodian, house.now()))
    after = rules.moved(standing, request.custodian, time)
    return _keep_alone(db, house, who, "take_up", record, custodian, after, request.signature)


def recall(db: Connection, house: House, who: Actor, request: RecallRequest) -> Promise:
    """Void on chain all open releases of an item (C3)."""
    custodian, standing = _parties(db, who, request.custodian, request.item)
    time = request.time if request.time is not None else house.now()
    number = request.number if request.number is not None else standing.number
    record = Recall(request.item, number, request.custodian, time)
    refuse(rules.judge_recall(record, standing, custodian, house.now()))
    after = rules.moved(standing, request.custodian, time)
    return _keep_alone(db, house, who, "recall", record, custodian, after, request.signature)


def report(db: Connection, house: House, who: Actor, request: ReportRequest) -> Promise:
    """Append an observation to a trail; nothing is ever edited (C8)."""
    must_be(request.code, codes.REPORTS)
    must_be(request.reason, codes.REASONS)
    custodian, standing = _parties(db, who, request.custodian, request.item)
    time = request.time if request.time is not None else house.now()
    record = Report(
        request.item,
        request.code,
        request.reason,
        request.corrects,
        request.custodian,
        time,
        request.evidence,
    )
    refuse(rules.judge_report(record, standing, custodian, house.now()))
    after = rules.reported(standing)
    return _keep_alone(db, house, who, "report", record, custodian, after, request.signature)


def _parties(db: Connection, who: Actor, number: int, item: bytes) -> tuple[Custodian, Standing]:
    must_act_for(who, number)
    custodian = network.custodians(db, [number]).get(number)
    refuse(rules.judge_enrolled(number, custodian))
    assert custodian is not None
    standing = item_rows.standings(db, [item]).get(item)
    if standing is None:
        raise NotFound("No such item has been accepted.", "Accept it, or scan its label again.")
    return custodian, standing


def _keep_alone(
    db: Connection,
    house: House,
    who: Actor,
    kind: str,
    record: End | TakeUp | Recall | Report,
    custodian: Custodian,
    after: Standing,
    given: bytes | None,
) -> Promise:
    digest, signature = signed(house, custodian, record.time, record, given)
    payload = {kind: to_wire(record), "signature": hexed(signature)}
    if kind == "report":
        payload["keys"] = keys_json(DeliveryKeys())
    return keep(
        db,
        draft(
            house,
            who,
            kind=kind,
            digest=digest,
            payload=payload,
            custodian=custodian.number,
            expected={record.item: after},
        ),
    )


def keys_json(keys: DeliveryKeys) -> dict[str, str]:
    """Delivery keys as payloads keep them."""
    return {
        "recipient": hexed(keys.recipient),
        "sender": hexed(keys.sender),
        "salt": hexed(keys.salt),
    }
