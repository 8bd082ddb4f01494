"""Bundle format 1: what is in the file, to bytes and back (docs/bundle-format.md).

The logs are the node's own, untouched: they carry what was signed and by whom (G4). What is not on chain is
marked as the operator's own statement, and no check rests on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.chain.deployment import Deployment
from backend.domain.commitments import BadTrailCode, parse_trail_code, trail_code_text
from backend.domain.item_numbers import ItemNumber, Scheme
from backend.indexer.events import RawLog
from backend.proof.sealed import (
    ANEW,
    Damaged,
    elements,
    fields,
    hexed,
    number,
    objects,
    raw_bytes,
    seal,
    text,
    unseal,
)

FORMAT = "posthorn.bundle.1"
CONTRACTS = {"network": "PostalNetwork", "ledger": "CustodyLedger", "stamps": "CryptoStamp"}
LOG_FIELDS = ("address", "block", "data", "index", "topics", "transaction")
RIGHT_FIELDS = ("custodian", "from", "granted", "key", "key_holder", "kind", "lost", "until")


@dataclass(frozen=True, slots=True)
class BlockMark:
    """A block of the chain; its time is the record time of what is in it."""

    number: int
    hash: bytes
    time: int


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens the item's commitment (C1): its number and the trail code of its label."""

    number: ItemNumber
    trail_code: bytes


@dataclass(frozen=True, slots=True)
class KeyRight:
    """N3, as the network's events tell it: granted in one block, and lost in another (compromised) or 0."""

    custodian: int
    key: bytes
    kind: int
    key_holder: int
    from_time: int
    until_time: int
    granted_block: int
    lost_block: int = 0


@dataclass(frozen=True, slots=True)
class Anchor:
    """Room for what shows a block's hash without its chain: signed headers, a witness, a timestamp."""

    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Bundle:
    """One trail as it was at the block `made`. `facilities` are names of custodians, the operators' own words."""

    deployment: Deployment
    item: bytes
    made: BlockMark
    blocks: tuple[BlockMark, ...]
    logs: tuple[RawLog, ...]
    rights: tuple[KeyRight, ...]
    opening: Opening | None
    facilities: Mapping[int, str]
    anchors: tuple[Anchor, ...] = ()


def place_of(log: RawLog) -> tuple[int, int]:
    """Where a log stands in the order of the chain."""
    return log.block_number, log.log_index


def write_bundle(bundle: Bundle) -> bytes:
    """The file."""
    chain = {name: hexed(bundle.deployment.addresses[of]) for name, of in CONTRACTS.items()}
    return seal(
        {
            "format": FORMAT,
            "chain": chain
            | {"id": bundle.deployment.chain_id, "first_block": bundle.deployment.first_block},
            "item": hexed(bundle.item),
            "made": _mark_out(bundle.made),
            "blocks": [_mark_out(mark) for mark in sorted(bundle.blocks, key=lambda m: m.number)],
            "logs": [_log_out(log) for log in sorted(bundle.logs, key=place_of)],
            "rights": [_right_out(right) for right in bundle.rights],
            "opening": bundle.opening and _opening_out(bundle.opening),
            "statements": {
                "facilities": [
                    {"custodian": custodian, "name": name}
                    for custodian, name in sorted(bundle.facilities.items())
                ]
            },
            "anchors": [{"kind": a.kind, "data": hexed(a.data)} for a in bundle.anchors],
        }
    )


def read_bundle(raw: bytes) -> Bundle:
    """The reverse of write_bundle; takes nothing else. Raises Damaged, OtherFormat."""
    body = fields(
        unseal(raw, FORMAT),
        *("anchors", "blocks", "chain", "item", "logs", "made", "opening", "rights", "statements"),
    )
    blocks = tuple(_mark_in(mark) for mark in elements(body["blocks"]))
    if len({mark.number for mark in blocks}) != len(blocks):
        raise Damaged("A block stands in this bundle twice.", ANEW)
    bundle = Bundle(
        deployment=_chain_in(body["chain"]),
        item=raw_bytes(body["item"], 32),
        made=_mark_in(body["made"]),
        blocks=blocks,
        logs=_logs_in(body["logs"], {mark.number: mark.hash for mark in blocks}),
        rights=tuple(_right_in(r) for r in objects(body["rights"], *RIGHT_FIELDS)),
        opening=None if body["opening"] is None else _opening_in(body["opening"]),
        facilities=_facilities_in(body["statements"]),
        anchors=tuple(
            Anchor(text(a["kind"]), raw_bytes(a["data"]))
            for a in objects(body["anchors"], "kind", "data")
        ),
    )
    if write_bundle(bundle) != raw:
        raise Damaged("The lists of this bundle are not in their one order.", ANEW)
    return bundle


def _chain_in(value: Any) -> Deployment:
    chain = fields(value, *CONTRACTS, "id", "first_block")
    addresses = {of: raw_bytes(chain[name], 20) for name, of in CONTRACTS.items()}
    return Deployment(number(chain["id"], 64), addresses, number(chain["first_block"], 48))


def _mark_out(mark: BlockMark) -> dict[str, Any]:
    return {"number": mark.number, "hash": hexed(mark.hash), "time": mark.time}


def _mark_in(value: Any) -> BlockMark:
    mark = fields(value, "number", "hash", "time")
    return BlockMark(
        number(mark["number"], 48), raw_bytes(mark["hash"], 32), number(mark["time"], 40)
    )


def _log_out(log: RawLog) -> dict[str, Any]:
    return {
        "address": hexed(log.address),
        "block": log.block_number,
        "data": hexed(log.data),
        "index": log.log_index,
        "topics": [hexed(topic) for topic in log.topics],
        "transaction": hexed(log.transaction_hash),
    }


def _logs_in(value: Any, hashes: Mapping[int, bytes]) -> tuple[RawLog, ...]:
    logs = objects(value, *LOG_FIELDS)
    places = {(number(log["block"], 48), number(log["index"], 32)) for log in logs}
    if {block for block, _ in places} != set(hashes) or len(places) != len(logs):
        raise Damaged("The blocks of this bundle are not those of its logs.", ANEW)
    return tuple(
        RawLog(
            block_number=log["block"],
            block_hash=hashes[log["block"]],
            transaction_hash=raw_bytes(log["transaction"], 32),
            log_index=log["index"],
            address=raw_bytes(log["address"], 20),
            topics=tuple(raw_bytes(topic, 32) for topic in elements(log["topics"])),
            data=raw_bytes(log["data"]),
        )
        for log in logs
    )


def _right_out(right: KeyRight) -> dict[str, Any]:
    return {
        "custodian": right.custodian,
        "key": hexed(right.key),
        "kind": right.kind,
        "key_holder": right.key_holder,
        "from": right.from_time,
        "until": right.until_time,
        "granted": right.granted_block,
        "lost": right.lost_block,
    }


def _right_in(right: dict[str, Any]) -> KeyRight:
    return KeyRight(
        custodian=number(right["custodian"], 40),
        key=raw_bytes(right["key"], 20),
        kind=number(right["kind"], 8),
        key_holder=number(right["key_holder"], 8),
        from_time=number(right["from"], 40),
        until_time=number(right["until"], 40),
        granted_block=number(right["granted"], 48),
        lost_block=number(right["lost"], 48),
    )


def _opening_out(opening: Opening) -> dict[str, Any]:
    return {
        "scheme": int(opening.number.scheme),
        "number": opening.number.value,
        "trail_code": trail_code_text(opening.trail_code),
    }


def _opening_in(value: Any) -> Opening:
    opening = fields(value, "scheme", "number", "trail_code")
    try:
        scheme = Scheme(number(opening["scheme"], 8))
        code = parse_trail_code(text(opening["trail_code"]))
        return Opening(ItemNumber(scheme, text(opening["number"]).encode("ascii").decode()), code)
    except (ValueError, BadTrailCode) as error:
        raise Damaged(f"The opening of the commitment cannot be read: {error}.", ANEW) from None


def _facilities_in(value: Any) -> dict[int, str]:
    facilities = objects(fields(value, "facilities")["facilities"], "custodian", "name")
    return {number(f["custodian"], 40): text(f["name"]) for f in facilities}
