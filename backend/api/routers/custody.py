"""What one custodian records: take-ups, ends, deliveries, recalls, reports."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from backend.api import people
from backend.api.answers.promises import Promise
from backend.api.requests.custody import (
    DeliveryBody,
    EndBody,
    ItemBody,
    RecallBody,
    ReportBody,
    TakeUpBody,
)
from backend.api.service import Call, Caller
from backend.ports import Actor
from backend.queries.labels import find_item
from backend.usecases import custody, deliver
from backend.usecases.submit import Promise as Promised

router = APIRouter(tags=["custody"])
Record = Callable[[Connection, Actor, int, bytes], Promised]


@router.post("/take-ups", status_code=202, response_model=Promise)
def take_up(call: Call, body: TakeUpBody) -> Response:
    """Record alone that an item is in hand which the chain places elsewhere or has ended (C11)."""

    def record(db: Connection, who: Actor, custodian: int, item: bytes) -> Promised:
        request = custody.TakeUpRequest(
            custodian, item, body.reason, body.condition, body.evidence, body.time, body.signature
        )
        return custody.take_up(db, call.house, who, request)

    return _record(call, body, record)


@router.post("/ends", status_code=202, response_model=Promise)
def end(call: Call, body: EndBody) -> Response:
    """End custody with a mode: delivered without a key, left the network, disposed of (C4)."""

    def record(db: Connection, who: Actor, custodian: int, item: bytes) -> Promised:
        request = custody.EndRequest(
            custodian,
            item,
            body.mode,
            body.evidence,
            body.time,
            body.custody_number,
            body.signature,
        )
        return custody.end_custody(db, call.house, who, request)

    return _record(call, body, record)


@router.post("/recalls", status_code=202, response_model=Promise)
def recall(call: Call, body: RecallBody) -> Response:
    """Void all open releases of an item on chain (C3)."""

    def record(db: Connection, who: Actor, custodian: int, item: bytes) -> Promised:
        request = custody.RecallRequest(
            custodian, item, body.time, body.custody_number, body.signature
        )
        return custody.recall(db, call.house, who, request)

    return _record(call, body, record)


@router.post("/reports", status_code=202, response_model=Promise)
def report(call: Call, body: ReportBody) -> Response:
    """Add an observation to a trail; nothing is ever edited (C8)."""

    def record(db: Connection, who: Actor, custodian: int, item: bytes) -> Promised:
        request = custody.ReportRequest(
            custodian,
            item,
            body.code,
            body.reason,
            body.corrects,
            body.evidence,
            body.time,
            body.signature,
        )
        return custody.report(db, call.house, who, request)

    return _record(call, body, record)


def _record(call: Caller, body: ItemBody, record: Record) -> Response:
    def work(db: Connection, who: Actor) -> Promise:
        who, custodian = people.at(who, body.custodian)
        return Promise.of(db, record(db, who, custodian, find_item(db, body.item)))

    return call.once(work)


@router.post("/deliveries", status_code=202, response_model=Promise)
def deliver_signed(call: Call, body: DeliveryBody) -> Response:
    """Deliver against the signature of a key that acceptance named; see GET /v1/items/{item}/delivery."""

    def work(db: Connection, who: Actor) -> Promise:
        who, giver = people.at(who, body.custodian)
        request = deliver.DeliveryRequest(
            giver=giver,
            item=find_item(db, body.item),
            recipient=body.recipient,
            recipient_signature=body.recipient_signature,
            time=body.time,
            deadline=body.deadline,
            number=body.custody_number,
            condition=body.condition,
            evidence=body.evidence,
            signature=body.signature,
        )
        return Promise.of(db, deliver.deliver(db, call.house, who, request))

    return call.once(work)
