"""What a page tells of a stamp or a trail, as data: the browser compares it with what the chain says.

Built from the same answers as the page itself, so that a lie on the page is a lie in the story.
"""

from __future__ import annotations

from typing import Any

from backend.domain.trail import Body, HandedOff, Missing, Packed, Stay
from backend.domain.typed_data import Closing, Delivery, End, Opening, Report, TakeUp
from backend.domain.verdict import UseAxis
from backend.ports import House
from backend.queries.carriers import CarrierAnswer
from backend.queries.stamps import StampAnswer
from backend.queries.trails import EntryAnswer, TrailAnswer

RPC = "/v1/rpc"


def contracts(house: House) -> dict[str, Any]:
    """Chain and contracts that a browser asks."""
    return {
        "chainId": house.ledger.chain_id,
        "network": "0x" + house.network.hex(),
        "ledger": "0x" + house.ledger.contract.hex(),
        "stamps": "0x" + house.stamps.contract.hex(),
    }


def stamp_story(house: House, answer: StampAnswer) -> dict[str, Any] | None:
    """The story of a stamp; None where the code says nothing that a chain could be asked about."""
    facts = answer.verdict.facts
    if answer.stamp is None or (facts is None and answer.payload is None):
        return None
    use = facts.use if facts else None
    return {
        "kind": "stamp",
        "contracts": contracts(house),
        "rpc": RPC,
        "stamp": str(answer.stamp),
        "payload": answer.payload.rpartition("/")[2] if answer.payload else None,
        "issuer": answer.issuer,
        "told": facts is not None,
        "issued": bool(facts and facts.issued_at is not None),
        "void": bool(facts and facts.void_reason is not None),
        "twin": answer.verdict.twin.value,
        "use": {"custodian": use.custodian, "time": use.time, "kind": use.kind} if use else None,
        "pending": answer.verdict.use is UseAxis.BEING_RECORDED,
    }


def trail_story(house: House, answer: TrailAnswer) -> dict[str, Any] | None:
    """The story of a trail, with the receptacles that the item lay in; None while nothing of it is recorded."""
    if answer.state is None or not answer.entries:
        return None
    told = [custodian for e in answer.entries for custodian in (e.at, e.to) if custodian]
    return {
        "kind": "trail",
        "contracts": contracts(house),
        "rpc": RPC,
        "item": "0x" + answer.item.hex(),
        "holder": answer.state.holder,
        "places": {str(custodian.number): custodian.place for custodian in told},
        "records": [record_story(entry) for entry in answer.entries],
        "receptacles": [carrier_story(one) for one in answer.carriers],
    }


def carrier_story(answer: CarrierAnswer) -> dict[str, Any]:
    """Where the browser finds a receptacle's own records: they say what became of what lay in it (C7)."""
    return {"item": "0x" + answer.item.hex(), "blocks": ["0x" + one.hex() for one in answer.blocks]}


def record_story(answer: EntryAnswer) -> dict[str, Any]:
    """One record as the page tells it."""
    entry, body = answer.entry, answer.entry.body
    told: dict[str, Any] = {
        "record": entry.record,
        "digest": "0x" + entry.digest.hex(),
        "line": entry.line,
        "blockHash": "0x" + entry.place.block_hash.hex(),
        "time": entry.event_time,
        "actor": answer.at.number if answer.at else 0,
        "receiver": answer.to.number if answer.to else 0,
    }
    return told | _in_it(body) if isinstance(body, OF_RECEPTACLES) else told | _of_one(body)


OF_RECEPTACLES = Packed | Closing | Opening | Stay | Missing


def _of_one(body: Body) -> dict[str, Any]:
    """Conditions and codes of a record."""
    match body:
        case HandedOff():
            told = {"released": body.released_at, "given": body.given, "found": body.found}
            forced = {"forcedBy": "0x" + body.forced_by.hex(), "code": body.reason}
            return told | (forced if body.forced_by else {})
        case End():
            return {"code": body.mode}
        case Report():
            return {"code": body.code}
        case TakeUp():
            return {"code": body.reason, "found": body.condition}
        case Delivery():
            return {"found": body.condition}
        case _:
            return {}


def _in_it(body: Packed | Closing | Opening | Stay | Missing) -> dict[str, Any]:
    """C7: how many items a receptacle's record is about (an opening: that it misses); what became of one in it."""
    match body:
        case Packed():
            return {"count": len(body.items)}
        case Closing():
            return {"count": body.count}
        case Opening():
            return {"count": len(body.missing)}
        case Stay():
            return {"outcome": "found" if body.verified else "inferred"}
        case Missing():
            return {"outcome": "missing"}
