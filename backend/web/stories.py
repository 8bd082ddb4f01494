"""What a page tells of a stamp or a trail, as data: the browser compares it with what the chain says.

Built from the same answers as the page itself, so that a lie on the page is a lie in the story.
"""

from __future__ import annotations

from typing import Any

from backend.domain.trail import Entry, HandedOff, Missing, Packed, Stay
from backend.domain.typed_data import Closing, Delivery, End, Opening, Report, TakeUp
from backend.domain.verdict import UseAxis
from backend.ports import House
from backend.queries.stamps import StampAnswer
from backend.queries.trails import EntryAnswer, TrailAnswer

RPC = "/v1/rpc"
# Of a secp256k1 signature (EIP-2098).
COMPACT_BYTES = 64


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
    """The story of a trail; None while nothing of it is recorded, and for what the browser cannot check yet.

    Its scripts know neither receptacles nor forced hand-offs nor devices' keys: they would miss records and
    signatures, and call that a difference.
    """
    if not answer.entries or any(is_beyond_scripts(one.entry) for one in answer.entries):
        return None
    told = [custodian for e in answer.entries for custodian in (e.at, e.to) if custodian]
    return {
        "kind": "trail",
        "contracts": contracts(house),
        "rpc": RPC,
        "item": "0x" + answer.item.hex(),
        "places": {str(custodian.number): custodian.place for custodian in told},
        "records": [record_story(entry) for entry in answer.entries],
    }


def is_beyond_scripts(entry: Entry) -> bool:
    """Whether the pages' scripts cannot check a record yet: forced, about receptacles, or signed by a device's key."""
    body = entry.body
    forced = isinstance(body, HandedOff) and bool(body.forced_by)
    by_device = any(len(signature) != COMPACT_BYTES for signature in entry.signatures)
    return forced or by_device or isinstance(body, Packed | Closing | Opening | Stay | Missing)


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
    match body:
        case HandedOff():
            told |= {"released": body.released_at, "given": body.given, "found": body.found}
        case End():
            told["code"] = body.mode
        case Report():
            told["code"] = body.code
        case TakeUp():
            told |= {"code": body.reason, "found": body.condition}
        case Delivery():
            told["found"] = body.condition
        case _:
            pass
    return told
