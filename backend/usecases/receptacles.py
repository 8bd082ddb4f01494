"""Bags, trays and containers: packed, closed with a seal, opened once (C7). Moving one is an ordinary hand-off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from backend.domain import codes, packing, rules
from backend.domain.keccak import keccak256
from backend.domain.network import Custodian, Standing
from backend.domain.packing import Contents
from backend.domain.refusals import Refusal
from backend.domain.typed_data import ZERO32, Closing, Opening, Packing
from backend.domain.wire import to_wire
from backend.errors import Conflict, NotFound, Unprocessable
from backend.ports import Actor, House
from backend.store import evidence, network
from backend.store import items as item_rows
from backend.store import receptacles as rows
from backend.usecases.operate import canonical
from backend.usecases.submit import (
    Promise,
    draft,
    hexed,
    keep,
    must_act_for,
    must_be,
    refuse,
    refuse_lines,
    signed,
)

LONGEST_SEAL = 30


@dataclass(frozen=True, slots=True)
class PackRequest:
    """Items into a receptacle. `number` (the receptacle's custody number) and `time` go with a device's signature."""

    custodian: int
    receptacle: bytes
    items: tuple[bytes, ...]
    time: int | None = None
    number: int | None = None
    signature: bytes | None = None


@dataclass(frozen=True, slots=True)
class CloseRequest:
    """`seal` is its number, of a kind of codes.SEALS; without one `evidence` may be a root of the asker's own.

    `count` and `contents`, as the device signed them, are compared with what was packed.
    """

    custodian: int
    receptacle: bytes
    seal: str = ""
    seal_kind: int = codes.SEALS.number("plastic")
    evidence: bytes = ZERO32
    time: int | None = None
    number: int | None = None
    count: int | None = None
    contents: bytes | None = None
    signature: bytes | None = None


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """What was found and what is missing, by item; what is neither is inferred from what was packed."""

    custodian: int
    receptacle: bytes
    found: frozenset[bytes] = frozenset()
    missing: tuple[bytes, ...] = ()
    seal_state: int | None = None
    evidence: bytes = ZERO32
    time: int | None = None
    number: int | None = None
    signature: bytes | None = None


def pack(db: Connection, house: House, who: Actor, request: PackRequest) -> Promise:
    """Put items into a receptacle that the custodian holds, as it holds them (C7).

    A list with bad lines is refused whole, each named. Raises RefusedByRule, NotAllowed, NotFound, Unprocessable.
    """
    if len(set(request.items)) < len(request.items):
        raise Unprocessable("An item stands on the list twice.", "Scan each item once.")
    if len(request.items) > packing.MOST_AT_ONCE:
        raise Unprocessable(
            f"{len(request.items)} items are too many for one list.",
            f"Pack {packing.MOST_AT_ONCE} at a time; a receptacle holds 5,000.",
        )
    custodian = _custodian(db, who, request.custodian)
    standings = item_rows.standings(db, [request.receptacle, *request.items])
    standing = _known(standings, request.receptacle)
    record = Packing(
        request.receptacle,
        standing.number if request.number is None else request.number,
        request.custodian,
        house.now() if request.time is None else request.time,
        request.items,
    )
    contents = rows.expected(db, request.receptacle)
    refuse(packing.judge_packing(record, standing, contents, custodian, house.now()))
    refuse_lines(_refused_items(db, record, standings))
    after = packing.packed_with(standing, record.time)
    expected = {item: packing.packed_in(standings[item], after) for item in record.items}
    return _keep(
        db, house, who, custodian, record, expected | {request.receptacle: after}, request.signature
    )


def _refused_items(
    db: Connection, record: Packing, standings: Mapping[bytes, Standing]
) -> dict[int, Refusal]:
    bags = [item for item in record.items if item in standings and standings[item].has_contents]
    heights = dict.fromkeys(bags, 1) | (rows.heights(db, bags) if bags else {})
    judged = (
        packing.judge_packed_item(item, standings.get(item), heights.get(item, 0), record)
        for item in record.items
    )
    return {line: found for line, found in enumerate(judged) if found}


def close(db: Connection, house: House, who: Actor, request: CloseRequest) -> Promise:
    """Close a receptacle: it takes nothing more and may move, as one (C7).

    Raises RefusedByRule, NotAllowed, NotFound, Unprocessable.
    """
    custodian = _custodian(db, who, request.custodian)
    standing = _known(item_rows.standings(db, [request.receptacle]), request.receptacle)
    contents = rows.expected(db, request.receptacle)
    time = house.now() if request.time is None else request.time
    seal = _seal(house, request, time)
    record = Closing(
        request.receptacle,
        standing.number if request.number is None else request.number,
        request.custodian,
        time,
        contents.count if request.count is None else request.count,
        contents.digest if request.contents is None else request.contents,
        root_of(seal) if seal else request.evidence,
    )
    refuse(packing.judge_closing(record, standing, contents, custodian, house.now()))
    if seal:
        evidence.keep_evidence(db, record.evidence, seal)
    after = packing.closed(standing, record.time)
    return _keep(db, house, who, custodian, record, {request.receptacle: after}, request.signature)


def _seal(house: House, request: CloseRequest, time: int) -> dict[str, Any] | None:
    number = request.seal.strip()
    if not number:
        return None
    if len(number) > LONGEST_SEAL or not number.isprintable():
        raise Unprocessable(
            f"A seal's number has 1 to {LONGEST_SEAL} characters.", "Read it again."
        )
    must_be(request.seal_kind, codes.SEALS)
    kind = codes.SEALS.name(request.seal_kind)
    return {"seal": number, "kind": kind, "salt": _salt(house, request.receptacle, time)}


def root_of(document: dict[str, Any]) -> bytes:
    """What stands on chain for a document that is kept here: its hash; the document bears its own salt."""
    return keccak256(canonical(document))


def open_(db: Connection, house: House, who: Actor, request: OpenRequest) -> Promise:
    """Open a closed receptacle: what is found and inferred is with who opens it, what is missing falls back (C7).

    Raises RefusedByRule, NotAllowed, NotFound, Unprocessable (an item that was not packed into it), Conflict
    (what was packed is still being recorded).
    """
    custodian = _custodian(db, who, request.custodian)
    standing = _known(item_rows.standings(db, [request.receptacle]), request.receptacle)
    contents = rows.recorded(db, request.receptacle)
    if standing.closed and contents != rows.expected(db, request.receptacle):
        raise Conflict("What was packed is still being recorded.", "Try again in a moment.")
    time = house.now() if request.time is None else request.time
    document = _seal_found(house, request, time)
    if len(request.missing) > packing.MOST_AT_ONCE:
        raise Unprocessable(
            f"{len(request.missing)} missing items are too many for one opening.",
            f"Name {packing.MOST_AT_ONCE}, leave the others as not looked at, and report them lost.",
        )
    record = Opening(
        request.receptacle,
        standing.number if request.number is None else request.number,
        request.custodian,
        time,
        request.missing,
        _found(contents, request),
        root_of(document) if document else request.evidence,
    )
    refuse(packing.judge_opening(record, standing, contents, custodian, house.now()))
    if document:
        evidence.keep_evidence(db, record.evidence, document)
    after = packing.opened(standing, record.time)
    expected = _after_opening(db, record, contents, standing, after)
    return _keep(
        db, house, who, custodian, record, expected | {request.receptacle: after}, request.signature
    )


def _seal_found(house: House, request: OpenRequest, time: int) -> dict[str, Any] | None:
    if request.seal_state is None:
        return None
    must_be(request.seal_state, codes.SEAL_STATES)
    state = codes.SEAL_STATES.name(request.seal_state)
    return {"seal_found": state, "salt": _salt(house, request.receptacle, time)}


def _salt(house: House, receptacle: bytes, time: int) -> str:
    """128 bits that only the keystore can tell: the same when a device sends the same again with its signature."""
    return house.signer.secret(f"seal/{receptacle.hex()}/{time}")[:16].hex()


def _found(contents: Contents, request: OpenRequest) -> tuple[int, ...]:
    """The bitmap of what was found, in the order of packing. Raises Unprocessable."""
    places = {item: place for place, item in enumerate(contents.items)}
    strangers = [item for item in (*request.found, *request.missing) if item not in places]
    if strangers and contents.count:
        raise Unprocessable(
            f"0x{strangers[0].hex()[:8]}… was not packed into this receptacle.",
            "Leave it out here. If you hold it, take it up: extra.",
        )
    both = request.found.intersection(request.missing)
    if both or len(set(request.missing)) < len(request.missing):
        raise Unprocessable("An item is named twice, or as found and as missing.", "Count again.")
    words = [0] * ((contents.count + 255) // 256)
    for item in request.found & places.keys():
        word, bit = divmod(places[item], 256)
        words[word] |= 1 << bit
    return tuple(words)


def _after_opening(
    db: Connection, record: Opening, contents: Contents, before: Standing, after: Standing
) -> dict[bytes, Standing]:
    """What lay in it until now; what was taken up meanwhile stays where it is."""
    standings = item_rows.standings(db, contents.items)
    inside = {i: s for i, s in standings.items() if s.holder == before.receptacle}
    closer = rows.closed_by(db, record.receptacle) or record.custodian
    missing = set(record.missing)
    return {
        item: rules.moved(standing, closer, after.latest_time)
        if item in missing
        else packing.stayed(standing, after)
        for item, standing in inside.items()
    }


def _custodian(db: Connection, who: Actor, number: int) -> Custodian:
    must_act_for(who, number)
    custodian = network.custodians(db, [number]).get(number)
    refuse(rules.judge_enrolled(number, custodian))
    assert custodian is not None
    return custodian


def _known(standings: Mapping[bytes, Standing], receptacle: bytes) -> Standing:
    if receptacle not in standings:
        raise NotFound(
            "No such receptacle has been accepted.",
            "Accept it like an item, or scan its label again.",
        )
    return standings[receptacle]


KINDS = {Packing: "packing", Closing: "closing", Opening: "opening"}


def _keep(
    db: Connection,
    house: House,
    who: Actor,
    custodian: Custodian,
    record: Packing | Closing | Opening,
    expected: Mapping[bytes, Standing],
    given: bytes | None,
) -> Promise:
    kind = KINDS[type(record)]
    digest, signature = signed(house, custodian, record.time, record, given)
    return keep(
        db,
        draft(
            house,
            who,
            kind=kind,
            digest=digest,
            payload={kind: to_wire(record), "signature": hexed(signature)},
            custodian=custodian.number,
            items=_in_order(record.receptacle, expected),
            expected=expected,
        ),
    )


def _in_order(receptacle: bytes, expected: Iterable[bytes]) -> tuple[bytes, ...]:
    return (receptacle, *(item for item in expected if item != receptacle))
