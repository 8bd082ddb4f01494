"""Stamps outside an acceptance: cancel, claim the twin, show the original (S4, S6, S9)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from backend.domain import codes, ids, rules
from backend.domain.merkle import claim_leaf, proves
from backend.domain.refusals import Refusal, refusal
from backend.domain.typed_data import ZERO32, Cancel, Claim, Original
from backend.domain.verdict import StampFacts
from backend.domain.wire import to_wire
from backend.errors import Conflict, NotFound, Unprocessable
from backend.ports import Actor, House
from backend.store import items as item_rows
from backend.store import network, stamps
from backend.usecases.franking import REPEAT_SECONDS, promise_stamps, refuse_with_sightings
from backend.usecases.submit import Promise, draft, hexed, keep, must_act_for, refuse, signed


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """`kind` is a code of codes.CANCEL_KINDS; `item` only where a stamp was missed at origin."""

    custodian: int
    stamps: tuple[int, ...]
    kind: int
    item: bytes = ZERO32
    time: int | None = None
    signature: bytes | None = None


@dataclass(frozen=True, slots=True)
class TwinRequest:
    """A claim (`to` an address) or the showing of an original (`to` None), signed by the claim key."""

    stamp: int
    deadline: int
    claim_key: bytes
    signature: bytes
    proof: tuple[bytes, ...]
    to: bytes | None = None


def cancel(db: Connection, house: House, who: Actor, request: CancelRequest) -> Promise:
    """Mark stamps used: in the mail stream, to order, or missed at origin. Once, for ever.

    A repeat by the same custodian within a day is the same cancellation. Raises Unprocessable,
    RefusedByRule (with the evidence; a used stamp shown elsewhere is kept as a sighting), NotAllowed.
    """
    must_act_for(who, request.custodian)
    if request.kind not in codes.CANCEL_KINDS:
        known = ", ".join(codes.CANCEL_KINDS.names())
        raise Unprocessable(f"{request.kind} is no kind of cancellation.", f"Known: {known}.")
    if not request.stamps:
        refuse(refusal("NoStamps"))
    time = request.time if request.time is not None else house.now()
    custodian = network.custodians(db, [request.custodian]).get(request.custodian)
    found = rules.judge_time(time, house.now())
    refuse(found or rules.judge_signer(request.custodian, custodian, time))
    assert custodian is not None
    facts = stamps.facts(db, request.stamps)
    if promise := _repeat(db, facts, request, time):
        return promise
    for stamp in request.stamps:
        found = _judge(db, stamp, facts.get(stamp), request, time)
        refuse_with_sightings(found, request.custodian, time, facts)
    record = Cancel(request.custodian, time, request.kind, request.item, request.stamps)
    digest, signature = signed(house, custodian, time, record, request.signature)
    promise_stamps(db, request.stamps, digest, request.custodian, time)
    waiting = [s for s, found_ in facts.items() if found_.being_recorded]
    return keep(
        db,
        draft(
            house,
            who,
            kind="cancel",
            digest=digest,
            payload={"cancel": to_wire(record), "signature": hexed(signature)},
            custodian=request.custodian,
            expected={},
            waits_for=f"the sale of stamp {ids.stamp_text(waiting[0])}" if waiting else None,
        ),
    )


def _repeat(
    db: Connection, facts: dict[int, StampFacts], request: CancelRequest, time: int
) -> Promise | None:
    """S4: the same piece fed twice; the first cancellation answers (J21)."""
    uses = [facts[s].use for s in request.stamps if s in facts]
    own = [
        u for u in uses if u and u.custodian == request.custodian and time - u.time < REPEAT_SECONDS
    ]
    if len(own) != len(request.stamps):
        return None
    digest = stamps.digest_of_use(db, request.stamps[0])
    return Promise(digest, "settled", repeated=True) if digest else None


def _judge(
    db: Connection, stamp: int, facts: StampFacts | None, request: CancelRequest, time: int
) -> Refusal | None:
    if found := rules.judge_stamp(stamp, facts, time):
        return found
    if ids.operator_of_stamp(stamp) == request.custodian >> 24:
        return None
    if not any(request.item):
        return refusal("ForeignStamp", stamp=stamp, custodian=request.custodian)
    standing = item_rows.standings(db, [request.item]).get(request.item)
    origin = item_rows.origin(db, request.item)
    held = standing is not None and standing.holder == request.custodian
    if not held or origin != ids.operator_of_stamp(stamp):
        return refusal("NotMissedOn", item=request.item, stamp=stamp)
    return None


def claim_or_show(db: Connection, house: House, who: Actor, request: TwinRequest) -> Promise:
    """Put a claim (S6) or the showing of an original (S9) on its way. The secret never comes here.

    Raises NotFound, Conflict, RefusedByRule (NotClaimKey, AlreadyClaimed, ClaimsAreClosed, NotUsed, PastDeadline).
    """
    facts = stamps.stamp_facts(db, request.stamp)
    if facts is None or facts.issued_at is None:
        raise NotFound(f"Stamp {ids.stamp_text(request.stamp)} has not been sold.")
    record = (
        Original(request.stamp, request.deadline)
        if request.to is None
        else Claim(request.stamp, request.to, request.deadline)
    )
    refuse(_judge_twin(facts, request, house.now()))
    digest = house.digest(record)
    signed = house.recover(digest, request.signature) == request.claim_key
    if not (signed and _is_claim_key(db, request)):
        refuse(refusal("NotClaimKey", stamp=request.stamp, claim_key=request.claim_key))
    kind = "original" if isinstance(record, Original) else "claim"
    return keep(
        db,
        draft(
            house,
            who,
            kind=kind,
            digest=digest,
            payload={
                kind: to_wire(record),
                "proof": [hexed(node) for node in request.proof],
                "signature": hexed(request.signature),
            },
            custodian=None,
            expected={},
            deadline=request.deadline,
        ),
    )


def _is_claim_key(db: Connection, request: TwinRequest) -> bool:
    """S1: whether the tree that counts holds this key for this stamp; the chain would say no for our money."""
    leaf = claim_leaf(request.stamp, request.claim_key)
    return proves(request.proof, stamps.root_of(db, request.stamp).root, leaf)


def _judge_twin(facts: StampFacts, request: TwinRequest, now: int) -> Refusal | None:
    stamp = request.stamp
    if request.deadline < now:
        return refusal("PastDeadline", deadline=request.deadline, block_time=now)
    found = _judge_original(facts, stamp) if request.to is None else _judge_claim(facts, request)
    if found is None and facts.claims_closed_at is not None:
        return refusal("ClaimsAreClosed", stamp=stamp, closed_at=facts.claims_closed_at)
    return found


def _judge_original(facts: StampFacts, stamp: int) -> Refusal | None:
    if facts.use is None:
        return refusal("NotUsed", stamp=stamp)
    return refusal("AlreadyShown", stamp=stamp) if facts.original_shown else None


def _judge_claim(facts: StampFacts, request: TwinRequest) -> Refusal | None:
    if facts.void_reason is not None:
        return refusal("VoidStamp", stamp=request.stamp, block_number=0)
    if facts.twin_claimed:
        return refusal("AlreadyClaimed", stamp=request.stamp, owner=b"")
    if request.to is not None and not any(request.to):
        raise Conflict("A twin cannot be claimed to nobody.", "Give the collector's address.")
    return None
