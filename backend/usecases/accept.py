"""Accept an item: its first record, with its franking (C1, S4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from backend.domain import codes, ids, rules
from backend.domain.commitments import (
    commitment,
    hidden_keys,
    item_id,
    new_trail_code,
    trail_code_lookup,
    trail_code_text,
)
from backend.domain.item_numbers import STAMP_PREFIX, BadItemNumber, ItemNumber, Scheme, numbered
from backend.domain.network import Custodian
from backend.domain.refusals import show
from backend.domain.typed_data import ZERO32, Acceptance, DeliveryKeys
from backend.domain.verdict import StampFacts
from backend.domain.wire import to_wire
from backend.errors import Conflict, SignatureWanted, Unprocessable
from backend.ports import Actor, House
from backend.store import items as item_rows
from backend.store import network, stamps
from backend.usecases.franking import Franking, check_paid, promise_stamps, refuse_with_sightings
from backend.usecases.submit import Promise, draft, hexed, keep, must_act_for, signed
from stamps.errors import BadPrint
from stamps.label import check_number

# UPU S10: a number may be given again after 12 months.
REUSE_SECONDS = 365 * rules.DAY_SECONDS


@dataclass(frozen=True, slots=True)
class AcceptRequest:
    """What a counter, a courier or an import knows of an item. Weights in grams, `time` in seconds.

    `number` None: the item is known by its (one) stamp only. `signature` is a device's own, over the
    acceptance with this `time`, `trail_code` and `keys`; without it the operator's key signs.
    """

    custodian: int
    number: str | None
    scheme: str = "auto"
    source: int = 1
    time: int | None = None
    franking: Franking | None = None
    weight_grams: int | None = None
    service: str = ""
    destination: str = ""
    keys: DeliveryKeys | None = None
    previous: bytes = ZERO32
    evidence: bytes = ZERO32
    trail_code: bytes | None = None
    reuse_confirmed: bool = False
    signature: bytes | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The new item; its trail code goes onto the label and nowhere else."""

    promise: Promise
    item: bytes
    number: ItemNumber
    trail_code: bytes


def accept(db: Connection, house: House, who: Actor, request: AcceptRequest) -> Accepted:
    """Record an acceptance and its franking: all of it or nothing.

    Raises Unprocessable (number, codes, payment), Conflict (number or trail code in use), RefusedByRule,
    NotAllowed.
    """
    must_act_for(who, request.custodian)
    franking = request.franking or Franking()
    number = _number(request)
    _refuse_number_in_use(db, house, number, request.reuse_confirmed)
    trail_code = request.trail_code or new_trail_code()
    acceptance = _acceptance(house, request, number, trail_code)
    item = item_id(ids.operator_of_custodian(request.custodian), acceptance.commitment)
    custodian = network.custodians(db, [request.custodian]).get(request.custodian)
    standing = item_rows.standings(db, [item]).get(item)
    facts = stamps.facts(db, franking.stamps)
    found = rules.judge_acceptance(item, standing, acceptance, custodian, facts, house.now())
    refuse_with_sightings(found, request.custodian, acceptance.time, facts)
    assert custodian is not None
    check_paid(db, franking)
    digest, signature = _signed(house, custodian, acceptance, trail_code, request.signature)
    promise_stamps(db, franking.stamps, digest, request.custodian, acceptance.time)
    promise = keep(
        db,
        draft(
            house,
            who,
            kind="acceptance",
            digest=digest,
            payload={"acceptance": to_wire(acceptance), "signature": hexed(signature)},
            custodian=request.custodian,
            expected={item: rules.accepted(acceptance)},
            items=(item,),
            waits_for=_unsettled_sale(facts),
        ),
    )
    if not promise.repeated:
        _keep_secret(db, request, franking, number, item, trail_code, acceptance)
    return Accepted(promise, item, number, trail_code)


def _signed(
    house: House,
    custodian: Custodian,
    acceptance: Acceptance,
    trail_code: bytes,
    given: bytes | None,
) -> tuple[bytes, bytes]:
    """As signed; what a device has to sign bears the trail code, which has to be the same again."""
    try:
        return signed(house, custodian, acceptance.time, acceptance, given)
    except SignatureWanted as wanted:
        wanted.facts["trail_code"] = trail_code_text(trail_code)
        raise


def _number(request: AcceptRequest) -> ItemNumber:
    if request.number is None:
        stamps_ = request.franking.stamps if request.franking else ()
        if len(stamps_) != 1:
            raise Unprocessable(
                "An item without a number is known by its stamp, so it needs exactly one.",
                "Give a number, or the one stamp on it.",
            )
        return numbered("own", STAMP_PREFIX + ids.stamp_text(stamps_[0]))
    try:
        number = numbered(request.scheme, request.number)
    except BadItemNumber as error:
        raise Unprocessable(f"{error}.", number=request.number) from None
    check_new_number(number)
    return number


def check_new_number(number: ItemNumber) -> None:
    """What an item may be called that has none yet. Raises Unprocessable.

    Who takes `STAMP-…` as an own number keeps the item from being known by that stamp.
    """
    if number.scheme is not Scheme.OWN:
        return
    if number.value.startswith(STAMP_PREFIX):
        raise Unprocessable(
            f"{number}: {STAMP_PREFIX}… is for items that are known by their stamp.",
            "Leave the number out and name the stamp, or begin the number otherwise.",
            number=number.value,
        )
    try:
        check_number(number.value)
    except BadPrint as error:
        raise Unprocessable(
            f"{str(error)[0].upper()}{str(error)[1:]}.", "Take a shorter one."
        ) from None


def _refuse_number_in_use(
    db: Connection, house: House, number: ItemNumber, reuse_confirmed: bool
) -> None:
    """J46: refused within 12 months; later it is a question."""
    earlier = item_rows.accepted_bearing(db, int(number.scheme), number.value)
    if earlier is None:
        return
    age_seconds = house.now() - earlier.accepted_time
    if age_seconds < REUSE_SECONDS:
        raise Conflict(
            f"{number} stands on an item that was accepted {show('time', earlier.accepted_time)}.",
            "Look at that item: it may be this one, sent twice. Another item needs a new label; numbers may be given "
            "again after 12 months.",
            number=number.value,
            item=hexed(earlier.item),
        )
    if not reuse_confirmed:
        raise Conflict(
            f"{number} stood on an item accepted {age_seconds // rules.DAY_SECONDS} days ago.",
            "If this is another item, confirm that the number is used again.",
            number=number.value,
            item=hexed(earlier.item),
            confirm="reuse_confirmed",
        )


def _acceptance(
    house: House, request: AcceptRequest, number: ItemNumber, trail_code: bytes
) -> Acceptance:
    if request.source not in codes.SOURCES:
        known = ", ".join(codes.SOURCES.names())
        raise Unprocessable(f"{request.source} is no source of an item.", f"One of: {known}.")
    keys = request.keys
    if keys and not any(keys.salt):
        raise Unprocessable(
            "A salt of zeros hides no delivery key: whoever knows an address would find its items.",
            "Draw 32 random bytes for each item.",
        )
    return Acceptance(
        commitment=commitment(number, trail_code),
        custodian=request.custodian,
        time=request.time if request.time is not None else house.now(),
        source=request.source,
        keys=hidden_keys(keys.recipient, keys.sender, keys.salt) if keys else ZERO32,
        previous=request.previous,
        evidence=request.evidence,
        stamps=tuple(sorted(request.franking.stamps)) if request.franking else (),
    )


def _unsettled_sale(facts: Mapping[int, StampFacts]) -> str | None:
    """B8: a stamp whose sale is on its way is good, but the chain must have the sale first."""
    waiting = [stamp for stamp, found in facts.items() if found.being_recorded]
    return f"the sale of stamp {ids.stamp_text(waiting[0])}" if waiting else None


def _keep_secret(
    db: Connection,
    request: AcceptRequest,
    franking: Franking,
    number: ItemNumber,
    item: bytes,
    trail_code: bytes,
    acceptance: Acceptance,
) -> None:
    """Raises Conflict for a trail code that stands on another label: it would open that one's trail."""
    keys = request.keys
    kept = item_rows.keep_secret(
        db,
        item=item,
        scheme=int(number.scheme),
        value=number.value,
        trail_lookup=trail_code_lookup(trail_code),
        trail_code=trail_code,
        operator=ids.operator_of_custodian(request.custodian),
        accepted_time=acceptance.time,
        weight_grams=request.weight_grams,
        service=request.service,
        destination=request.destination,
        franking=franking.as_json(),
        key_salt=keys.salt if keys else None,
        recipient_key=keys.recipient if keys else None,
        sender_key=keys.sender if keys else None,
    )
    if not kept:
        raise Conflict(
            "This trail code stands on another label.", "Leave it out, and one is made here."
        )
