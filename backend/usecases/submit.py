"""From a judged record to a submission: sign, keep, expect (B3, B8, B9)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection

from backend.domain import codes, ids
from backend.domain.network import Custodian, Right, Standing
from backend.domain.refusals import Refusal, refusal
from backend.domain.typed_data import Signed
from backend.domain.wire import to_wire
from backend.errors import NotAllowed, PosthornError, RefusedByRule, SignatureWanted, Unprocessable
from backend.ports import Actor, House
from backend.store import items as item_rows
from backend.store import submissions
from backend.store.submissions import NewSubmission

R = TypeVar("R")
T = TypeVar("T")
KEY_GENERATIONS = 16
SETTLED_MARGIN_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Promise:
    """What the asker gets at once: the digest names the record, `state` says how far it is."""

    digest: bytes
    state: str
    waits_for: str | None = None
    repeated: bool = False


def refuse(found: Refusal | None) -> None:
    """Raises RefusedByRule with the refusal's words; None passes."""
    if found is not None:
        raise RefusedByRule.of(found)


def refuse_lines(refused: dict[int, Refusal]) -> None:
    """A list with bad lines is refused whole, each bad line named. Raises RefusedByRule."""
    if refused:
        raise RefusedByRule.of_lines(refused)


def must_be(number: int, codes_: codes.CodeList) -> None:
    """Raises Unprocessable for a number that is not in the list."""
    if number not in codes_:
        known = ", ".join(codes_.names())
        raise Unprocessable(f"{number} is not in the list «{codes_.title}».", f"Known: {known}.")


def must_act_for(who: Actor, custodian: int) -> None:
    """B9: a record in a custodian's name needs a session at that custodian. Raises NotAllowed."""
    must_not_only_look(who)
    if who.custodian != custodian:
        here = ids.custodian_text(who.custodian) if who.custodian else "no custodian"
        raise NotAllowed(
            f"You work at {here}; this has to be done by custodian {ids.custodian_text(custodian)}.",
            "Sign in there, or let the other side sign with its PIN on this screen.",
        )


def must_not_only_look(who: Actor) -> None:
    """B9: auditors read everything and record nothing, wherever else they work. Raises NotAllowed."""
    if who.role == "auditor":
        raise NotAllowed("Auditors look and record nothing.", "Let a clerk do it.")


def signed(
    house: House, custodian: Custodian, time: int, record: Signed, given: bytes | None
) -> tuple[bytes, bytes]:
    """Digest and signature: the one that a device gave, checked; else one by the key that the operator keeps.

    Raises RefusedByRule (NoRight, SignatureLength, WrongSignature), SignatureWanted where only the device has
    the key, Unprocessable for a passkey that was used elsewhere.
    """
    right = custodian.right_at(time)
    if right is None:
        refuse(refusal("NoRight", custodian=custodian.number, time=time))
        raise AssertionError("unreachable")
    digest = house.digest(record)
    if given is not None:
        refuse(house.devices.refusal(right.kind, right.key, digest, given))
        return digest, given
    name = key_name(house, custodian.number, right.key)
    if name is None:
        raise _wanted(custodian, right, time, record, digest)
    return digest, house.signer.sign(name, digest)


def _wanted(
    custodian: Custodian, right: Right, time: int, record: Signed, digest: bytes
) -> SignatureWanted:
    """With the record itself: a device that trusts nobody makes the digest of it again."""
    return SignatureWanted(
        f"The key of custodian {ids.custodian_text(custodian.number)} is on its own device.",
        "Sign there and send the same again, with the signature and the time that was signed.",
        digest=hexed(digest),
        time=time,
        key=hexed(right.key),
        key_kind=right.kind,
        type=record.TYPE,
        record=to_wire(record),
    )


def key_name(house: House, custodian: int, key: bytes) -> str | None:
    """Which of the keystore's keys of a custodian has this address; None where it has none."""
    for generation in range(1, KEY_GENERATIONS + 1):
        name = f"custodian/{ids.custodian_text(custodian)}/{generation}"
        if house.signer.address(name) == key:
            return name
    return None


@dataclass(frozen=True, slots=True)
class Draft:
    """A submission to keep, and where its items will stand once it is recorded."""

    new: NewSubmission
    expected: Mapping[bytes, Standing]


def draft(
    house: House,
    who: Actor,
    *,
    kind: str,
    digest: bytes,
    payload: dict[str, Any],
    custodian: int | None,
    expected: Mapping[bytes, Standing],
    items: tuple[bytes, ...] = (),
    waits_for: str | None = None,
    deadline: int | None = None,
    lane: str | None = None,
) -> Draft:
    """Raises NotAllowed for who may only look."""
    must_not_only_look(who)
    new = NewSubmission(
        digest=digest,
        kind=kind,
        payload=payload,
        lane=lane or house.records_lane,
        items=items or tuple(expected),
        custodian=custodian,
        person=who.person,
        device=who.device,
        waits_for=waits_for,
        expires_at=deadline or None,
    )
    return Draft(new, expected)


def keep(db: Connection, one: Draft) -> Promise:
    """Keep the submission and what is expected of its items; a repeat is the same submission."""
    return keep_each(db, [one])[0]


def keep_each(db: Connection, drafts: Sequence[Draft]) -> list[Promise]:
    """Many at once, in their order."""
    fresh = submissions.enqueue(db, [one.new for one in drafts])
    known = submissions.states(db, [d.new.digest for d in drafts if d.new.digest not in fresh])
    kept = (one for one in drafts if one.new.digest in fresh and one.new.waits_for is None)
    item_rows.expect(db, {item: after for d in kept for item, after in d.expected.items()})
    return [_promise(one.new, known.get(one.new.digest)) for one in drafts]


def _promise(new: NewSubmission, known: tuple[str, str | None] | None) -> Promise:
    if known is not None:
        return Promise(new.digest, *known, repeated=True)
    return Promise(new.digest, new.state, new.waits_for)


def each(work: Callable[[R], T], requests: Iterable[R]) -> list[T | PosthornError]:
    """Several requests in one transaction: each has its outcome, one that is refused keeps no other back."""
    outcomes: list[T | PosthornError] = []
    for request in requests:
        try:
            outcomes.append(work(request))
        except PosthornError as error:
            outcomes.append(error)
    return outcomes


def only(outcomes: Sequence[T | PosthornError]) -> T:
    """The outcome of a single request. Raises it where it is an error."""
    (outcome,) = outcomes
    if isinstance(outcome, PosthornError):
        raise outcome
    return outcome


def hexed(value: bytes) -> str:
    """0x-hex, as payloads keep byte strings."""
    return "0x" + value.hex()
