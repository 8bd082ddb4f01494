"""Trails as rows and back, without loss: for the indexer, which writes them, and for queries and proofs.

The body is JSON: signed structs as in domain.wire, a hand-off as the fields of trail.HandedOff.
"""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from backend.domain.ids import operator_of_custodian
from backend.domain.trail import (
    KIND_NAMES,
    Answer,
    Body,
    Entry,
    HandedOff,
    Missing,
    Packed,
    Place,
    Stay,
    TrailState,
    Why,
)
from backend.domain.typed_data import Acceptance, Delivery, Packing, Report
from backend.domain.wire import from_wire, to_wire

KINDS: dict[str, Any] = {name: struct for struct, name in KIND_NAMES.items()}
# What nobody signs as such: its JSON bears the fields of the class.
_PLAIN = (HandedOff, Stay, Missing)
# Looked up once a class, not once a record.
_NAMES = {plain: [field.name for field in fields(plain)] for plain in _PLAIN}
_OCTETS = {plain: [f.name for f in fields(plain) if f.type == "bytes"] for plain in _PLAIN}


def entry_values(entry: Entry) -> dict[str, Any]:
    """The row of table `entry`."""
    place = entry.place
    return {
        "item": entry.item,
        "record": entry.record,
        "number": entry.number,
        "kind": entry.kind,
        "digest": entry.digest,
        "line": entry.line,
        "actor": _actor(entry.body),
        "receiver": entry.body.receiver if isinstance(entry.body, HandedOff) else None,
        "event_time": entry.event_time,
        "body": body_to_json(entry.body),
        "signatures": list(entry.signatures),
        "block_number": place.block,
        "block_hash": place.block_hash,
        "block_time": place.block_time,
        "transaction_hash": place.transaction,
        "log_index": place.log_index,
    }


def entry_from_row(row: Row[Any]) -> Entry:
    """The entry that the row was made of."""
    return Entry(
        item=row.item,
        record=row.record,
        number=row.number,
        digest=row.digest,
        line=row.line,
        body=body_from_json(row.kind, row.body),
        signatures=tuple(row.signatures),
        place=Place(
            block=row.block_number,
            block_hash=row.block_hash,
            block_time=row.block_time,
            transaction=row.transaction_hash,
            log_index=row.log_index,
        ),
    )


def _actor(body: Body) -> int:
    """The custodian that acts; 0 where the recipient reports."""
    if isinstance(body, HandedOff | Delivery):
        return body.giver
    return body.reporter if isinstance(body, Report) else body.custodian


@lru_cache(maxsize=1024)
def body_to_json(body: Body) -> dict[str, Any]:
    """Not to be changed: the lines of a list share one."""
    if isinstance(body, Packed):
        packed = {"receptacle_number": body.receptacle, "refused": list(body.refused)}
        return to_wire(body.packing) | packed
    if not isinstance(body, _PLAIN):
        return to_wire(body)
    values = {name: getattr(body, name) for name in _NAMES[type(body)]}
    for name in _OCTETS[type(body)]:
        values[name] = "0x" + values[name].hex()
    return values


def body_from_json(kind: str, data: dict[str, Any]) -> Body:
    """The reverse of body_to_json. Raises BadWire or KeyError where the row was tampered with."""
    struct = KINDS[kind]
    if struct is Packed:
        signed = {n: v for n, v in data.items() if n not in ("receptacle_number", "refused")}
        packing = from_wire(Packing, signed)
        return Packed(packing, data["receptacle_number"], tuple(data["refused"]))
    if struct not in _PLAIN:
        body: Body = from_wire(struct, data)
        return body
    values: dict[str, Any] = {
        name: bytes.fromhex(v[2:]) if isinstance(v, str) else v for name, v in data.items()
    }
    plain: Body = struct(**values)
    return plain


def item_values(state: TrailState, acceptance: Acceptance) -> dict[str, Any]:
    """The row of table `item`: the state after its latest record, and what acceptance said of it."""
    return {
        "operator": operator_of_custodian(acceptance.custodian),
        "commitment": acceptance.commitment,
        "accepted_time": acceptance.time,
    } | state_values(state)


def state_values(state: TrailState) -> dict[str, Any]:
    """The columns of table `item` that change with each record."""
    return {
        "item": state.item,
        "holder": state.holder,
        "number": state.number,
        "records": state.records,
        "latest_time": state.latest_time,
        "head": state.head,
        "ended": state.ended,
        "keys": state.keys,
        "answer_custodian": state.answer.custodian,
        "answer_record": state.answer.record,
        "answer_why": state.answer.why.value,
        "last_answerable": state.last_answerable,
        "receptacle": state.receptacle,
        "closed": state.closed,
        "opened": state.opened,
    }


def state_from_row(row: Row[Any]) -> TrailState:
    """The reverse of state_values."""
    return TrailState(
        item=row.item,
        holder=row.holder,
        number=row.number,
        records=row.records,
        latest_time=row.latest_time,
        head=row.head,
        ended=row.ended,
        keys=row.keys,
        answer=Answer(row.answer_custodian, row.answer_record, Why(row.answer_why)),
        last_answerable=row.last_answerable,
        receptacle=row.receptacle,
        closed=row.closed,
        opened=row.opened,
    )
