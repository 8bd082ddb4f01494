"""Hand over and take over: a release by the giver, a receipt by the receiver, for a list (C2, C3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from backend.domain import codes, rules
from backend.domain.network import Custodian, Standing
from backend.domain.refusals import Refusal
from backend.domain.typed_data import (
    ZERO32,
    Finding,
    ForcedRelease,
    Line,
    Receipt,
    Release,
    received_bitmap,
)
from backend.domain.wire import from_wire, to_wire
from backend.errors import Conflict, NotFound, Unprocessable
from backend.ports import Actor, House
from backend.store import items as item_rows
from backend.store import network, releases
from backend.usecases.operate import must_be_admin
from backend.usecases.submit import (
    Promise,
    hexed,
    keep,
    must_act_for,
    refuse,
    refuse_lines,
    signature_of,
)

COUNTER_DEADLINE_SECONDS = 15 * 60


@dataclass(frozen=True, slots=True)
class LineRequest:
    """One item of a list. `number` None: the custody number that the item has now."""

    item: bytes
    condition: int = codes.SOUND
    evidence: bytes = ZERO32
    number: int | None = None


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """The giver's half. `deadline` None: 15 minutes. `signature`: a device's own, with time and numbers."""

    giver: int
    receiver: int
    lines: tuple[LineRequest, ...]
    time: int | None = None
    deadline: int | None = None
    signature: bytes | None = None


@dataclass(frozen=True, slots=True)
class ReceiptRequest:
    """The receiver's half: line indexes that are missing, conditions found that differ."""

    release: bytes
    missing: frozenset[int] = frozenset()
    findings: tuple[Finding, ...] = ()
    time: int | None = None
    signature: bytes | None = None


def hand_over(db: Connection, house: House, who: Actor, request: ReleaseRequest) -> bytes:
    """Sign and keep a release; its digest. Nothing is on chain before the receiver signs.

    Raises RefusedByRule (the list or its lines, each with its reason), NotAllowed, Unprocessable.
    """
    must_act_for(who, request.giver)
    standings = item_rows.standings(db, [line.item for line in request.lines])
    release = _release(house, request, standings)
    people = network.custodians(db, [release.giver, release.receiver])
    giver, receiver = people.get(release.giver), people.get(release.receiver)
    refuse(rules.judge_release(release, giver, receiver, house.now()))
    assert giver is not None
    refuse_lines(judged(release, standings)[0])
    digest = house.digest(release)
    signature = signature_of(house, giver, release.time, release, request.signature)
    keep_release(db, who, digest, release, release.deadline, signature=signature)
    return digest


def keep_release(
    db: Connection,
    who: Actor,
    digest: bytes,
    release: Release | ForcedRelease,
    deadline: int,
    **by: Any,
) -> None:
    """Keep the giver's half until the receiver signs; `by` the giver's signature, or why another stands in."""
    releases.keep_release(
        db,
        digest=digest,
        giver=release.giver,
        receiver=release.receiver,
        time=release.time,
        deadline=deadline,
        lines=[to_wire(line) for line in release.lines],
        person=who.person,
        device=who.device,
        **by,
    )


def _release(house: House, request: ReleaseRequest, standings: dict[bytes, Standing]) -> Release:
    time = request.time if request.time is not None else house.now()
    if len({line.item for line in request.lines}) < len(request.lines):
        raise Unprocessable("An item stands on the list twice.", "Scan each item once.")
    return Release(
        giver=request.giver,
        receiver=request.receiver,
        time=time,
        deadline=request.deadline or time + COUNTER_DEADLINE_SECONDS,
        lines=tuple(line_of(line, standings.get(line.item)) for line in request.lines),
    )


def line_of(line: LineRequest, standing: Standing | None) -> Line:
    """The line to sign, for the custody number that the item has now. Raises Unprocessable."""
    if line.condition not in codes.CONDITIONS:
        known = ", ".join(codes.CONDITIONS.names())
        raise Unprocessable(f"{line.condition} is no condition.", f"One of: {known}.")
    current = standing.number if standing else 1
    number = line.number if line.number is not None else current
    return Line(line.item, number, line.condition, line.evidence)


def judged(
    release: Release | ForcedRelease, standings: dict[bytes, Standing], only: Receipt | None = None
) -> tuple[dict[int, Refusal], int]:
    """The refused lines, and how many wait for an earlier record of their item (B8)."""
    refused, waiting = {}, 0
    for index, line in enumerate(release.lines):
        if only is not None and not only.has(index):
            continue
        if rules.is_ahead(standings.get(line.item), line.number):
            waiting += 1
        elif found := rules.judge_line(line, standings.get(line.item), release):
            refused[index] = found
    return refused, waiting


def take_over(db: Connection, house: House, who: Actor, request: ReceiptRequest) -> Promise:
    """Sign a receipt over a release and submit the hand-off. An act of the receiver (B9).

    Raises NotFound, Conflict (withdrawn, received before), RefusedByRule, NotAllowed.
    """
    row = _open_release(db, request.release)
    must_act_for(who, row.receiver)
    release = release_of(row)
    receipt = _receipt(house, release, request)
    digest = house.digest(receipt)
    people = network.custodians(db, [release.giver, release.receiver])
    giver, receiver = people.get(release.giver), people.get(release.receiver)
    refuse(rules.judge_receipt(release, row.digest, receipt, giver, receiver, house.now()))
    assert receiver is not None
    standings = item_rows.standings(db, [line.item for line in release.lines])
    refused, waiting = judged(release, standings, only=receipt)
    refuse_lines(refused)
    signature = signature_of(house, receiver, receipt.time, receipt, request.signature)
    received = [line.item for i, line in enumerate(release.lines) if receipt.has(i)]
    promise = keep(
        db,
        house,
        who,
        **_record(row, giver, release, receipt, signature),
        digest=digest,
        custodian=release.receiver,
        items=tuple(received),
        expected=_after(standings, received, receipt.time, release.receiver),
        waits_for=f"{waiting} earlier records of its items" if waiting else None,
        deadline=row.deadline,
    )
    releases.set_release(db, row.digest, "received")
    return promise


def _record(
    row: Row[Any],
    giver: Custodian | None,
    release: Release | ForcedRelease,
    receipt: Receipt,
    signature: bytes,
) -> dict[str, Any]:
    """Kind and payload of the submission; where another stands in for the giver, also the key that sends it (C9)."""
    halves = {
        "release": to_wire(release),
        "receipt": to_wire(receipt),
        "receiver_signature": hexed(signature),
    }
    if isinstance(release, Release):
        signed = {"giver_signature": hexed(row.signature)}
        return {"kind": "hand_off", "payload": halves | signed}
    assert giver is not None
    lane = "governor" if giver.operator_suspended else f"submitter/{giver.operator}"
    return {"kind": "forced_hand_off", "payload": {"forced": halves}, "lane": lane}


def _open_release(db: Connection, digest: bytes) -> Row[Any]:
    row = releases.find_release(db, digest, lock=True)
    if row is None:
        raise NotFound("There is no such list to take over.", "Scan the list's code again.")
    if row.state == "withdrawn":
        raise Conflict("The giver has withdrawn this list.", "Ask for a new one.")
    if row.state == "received":
        raise Conflict("This list was taken over before.", "Look at what you hold.")
    return row


def release_of(row: Row[Any]) -> Release | ForcedRelease:
    """The release that a row keeps."""
    lines = tuple(from_wire(Line, line) for line in row.lines)
    if row.stand_in_reason is not None:
        return ForcedRelease(row.giver, row.receiver, row.time, row.stand_in_reason, lines)
    return Release(row.giver, row.receiver, row.time, row.deadline, lines)


def _receipt(house: House, release: Release | ForcedRelease, request: ReceiptRequest) -> Receipt:
    for finding in request.findings:
        if finding.condition not in codes.CONDITIONS:
            raise Unprocessable(f"{finding.condition} is no condition.")
    return Receipt(
        release=request.release,
        time=request.time if request.time is not None else house.now(),
        received=received_bitmap(len(release.lines), request.missing),
        findings=tuple(sorted(request.findings, key=lambda f: f.line)),
    )


def _after(
    standings: dict[bytes, Standing], items: list[bytes], time: int, receiver: int
) -> dict[bytes, Standing]:
    return {
        item: rules.moved(standings[item], receiver, time) for item in items if item in standings
    }


def withdraw_release(db: Connection, who: Actor, digest: bytes) -> None:
    """The giver takes back what was not received yet. Raises NotFound, Conflict, NotAllowed.

    The signature exists: who has a copy of it could still use it until its deadline, so a clerk who
    doubts recalls the items on chain as well (C3). Where an administrator stands in for the giver, an administrator
    takes back (C9).
    """
    row = _open_release(db, digest)
    if row.stand_in_reason is None:
        must_act_for(who, row.giver)
    else:
        must_be_admin(who)
    releases.set_release(db, digest, "withdrawn")
