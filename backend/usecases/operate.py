"""What operators and the governor do: admit, enrol, re-key, suspend, editions (N1-N4, S1). One act each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import count
from typing import Any

from sqlalchemy import Connection

from backend.domain import codes, ids, rules
from backend.domain.keccak import keccak256
from backend.domain.network import FOR_EVER
from backend.domain.refusals import refusal
from backend.errors import Conflict, NotAllowed, Unprocessable
from backend.ports import Actor, House
from backend.store import claims, network, stamps, submissions
from backend.usecases.claim_codes import claim_keys
from backend.usecases.submit import Promise, draft, hexed, keep, refuse

SECP256K1 = 1


@dataclass(frozen=True, slots=True)
class EditionRequest:
    """One issue of stamps. `metadata` (title, artwork, varieties) stays with us; its hash goes on chain."""

    edition: int
    title: str
    quantity: int
    face_value: int
    currency: str
    first_day: int
    metadata: dict[str, Any]


def act(
    db: Connection, house: House, who: Actor, kind: str, lane: str, arguments: dict[str, Any]
) -> Promise:
    """Submit one act of an operator or the governor. Raises NotAllowed for who is no administrator."""
    must_be_admin(who)
    return keep(
        db,
        draft(
            house,
            who,
            kind=kind,
            digest=_act_digest(db, kind, arguments),
            payload=arguments,
            custodian=None,
            expected={},
            lane=lane,
        ),
    )


def must_be_admin(who: Actor) -> None:
    """Raises NotAllowed for everybody else."""
    if who.role != "admin":
        raise NotAllowed("Only an administrator may do this.", "Ask one.")


def _act_digest(db: Connection, kind: str, arguments: dict[str, Any]) -> bytes:
    """Names an act: the same while it is on its way, a new one for the same act later (suspend again)."""
    said = canonical({"act": kind, "arguments": arguments})
    for time in count(1):
        digest = keccak256(said + time.to_bytes(4, "big"))
        earlier = submissions.find(db, digest)
        if earlier is None or earlier.state in submissions.OPEN:
            return digest
    raise AssertionError("counting never ends")


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no blanks: what digests of acts and hashes of metadata are made of."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def admit_operator(db: Connection, house: House, who: Actor, operator: int, name: str) -> Promise:
    """Admit an operator whose administrator's key is in this keystore."""
    admin = house.signer.address(f"admin/{operator}")
    arguments = {"operator": operator, "admin": hexed(admin), "name": name}
    return act(db, house, who, "admit_operator", "governor", arguments)


def equip_operator(db: Connection, house: House, who: Actor, operator: int) -> list[Promise]:
    """Name the operator's submitter and stamp signer, both keys of this keystore."""
    lane = f"admin/{operator}"
    submitter = hexed(house.signer.address(f"submitter/{operator}"))
    signer = hexed(house.signer.address(f"stamps/{operator}"))
    first = {"operator": operator, "submitter": submitter}
    second = {"operator": operator, "signer": signer}
    return [
        act(db, house, who, "add_submitter", lane, first),
        act(db, house, who, "add_stamp_signer", lane, second),
    ]


@dataclass(frozen=True, slots=True)
class CustodianRequest:
    """`generation` picks the key of the keystore; `until` None: without end."""

    custodian: int
    kind: int
    place: str
    name: str
    town: str
    key_holder: int
    generation: int = 1
    until: int | None = None


def enrol(db: Connection, house: House, who: Actor, request: CustodianRequest) -> Promise:
    """Enrol a custodian with its first signing right, and name it.

    Raises Unprocessable for a place that is no code, RefusedByRule for a number that is taken or of no
    operator, Conflict where it is being enrolled otherwise. What is refused leaves the name as it was.
    """
    must_be_admin(who)
    if not (request.place.isascii() and 0 < len(request.place) <= 12):
        raise Unprocessable(
            f"A place is a code of 1 to 12 letters and digits, not {request.place!r}."
        )
    operator = ids.operator_of_custodian(request.custodian)
    if not network.is_operator(db, operator):
        refuse(refusal("UnknownOperator", operator=operator))
    if network.custodians(db, [request.custodian]):
        refuse(refusal("CustodianExists", custodian=request.custodian))
    arguments = {
        "custodian": request.custodian,
        "kind": request.kind,
        "place": request.place,
        "right": _right(house, request),
    }
    if network.is_being_enrolled(db, arguments):
        raise Conflict("This custodian is being enrolled with other values.", "Wait for that one.")
    promise = act(db, house, who, "enrol", f"admin/{operator}", arguments)
    if not promise.repeated:
        network.name_custodian(db, request.custodian, request.name, request.town)
    return promise


def grant_right(db: Connection, house: House, who: Actor, request: CustodianRequest) -> Promise:
    """The next right of a custodian: another key (rotation) or another validity."""
    arguments = {"custodian": request.custodian, "right": _right(house, request)}
    return act(db, house, who, "grant_right", f"admin/{request.custodian >> 24}", arguments)


def grant_device(
    db: Connection,
    house: House,
    who: Actor,
    custodian: int,
    kind: int,
    key: bytes,
    until: int | None = None,
) -> Promise:
    """The next right of a custodian goes to a key on its device, of a kind of codes.KEY_KINDS (N3)."""
    right = {
        "key": hexed(key),
        "kind": kind,
        "key_holder": codes.KEY_HOLDERS.number("device"),
        "from": 0,
        "until": FOR_EVER if until is None else until,
    }
    arguments = {"custodian": custodian, "right": right}
    return act(db, house, who, "grant_right", f"admin/{custodian >> 24}", arguments)


def compromise(
    db: Connection, house: House, who: Actor, custodian: int, key: bytes | int
) -> Promise:
    """A key is lost: from the record on nothing signed with it counts (N3). `key`: 20 bytes, or a generation."""
    key = _custodian_key(house, custodian, key) if isinstance(key, int) else key
    arguments = {"custodian": custodian, "key": hexed(key)}
    return act(db, house, who, "compromise", f"admin/{custodian >> 24}", arguments)


def suspend_custodian(db: Connection, house: House, who: Actor, custodian: int) -> Promise:
    """Nothing new is recorded in its name; no old record is touched (N4)."""
    return _act_on(db, house, who, "suspend_custodian", custodian)


def reinstate_custodian(db: Connection, house: House, who: Actor, custodian: int) -> Promise:
    """It may act again (N4)."""
    return _act_on(db, house, who, "reinstate_custodian", custodian)


def _act_on(db: Connection, house: House, who: Actor, kind: str, custodian: int) -> Promise:
    known = network.custodians(db, [custodian]).get(custodian)
    refuse(rules.judge_enrolled(custodian, known))
    lane = f"admin/{ids.operator_of_custodian(custodian)}"
    return act(db, house, who, kind, lane, {"custodian": custodian})


def _right(house: House, request: CustodianRequest) -> dict[str, Any]:
    key = _custodian_key(house, request.custodian, request.generation)
    return {
        "key": hexed(key),
        "kind": SECP256K1,
        "key_holder": request.key_holder,
        "from": 0,
        "until": request.until if request.until is not None else FOR_EVER,
    }


def _custodian_key(house: House, custodian: int, generation: int) -> bytes:
    return house.signer.address(f"custodian/{ids.custodian_text(custodian)}/{generation}")


def create_edition(db: Connection, house: House, who: Actor, request: EditionRequest) -> Promise:
    """Create an edition with sealed seeds of claim codes, and keep its terms (S1, S10)."""
    must_be_admin(who)
    if request.quantity < 1 or len(request.currency) != 3 or request.face_value < 1:
        raise Unprocessable("An edition has stamps, a face value and a three-letter currency.")
    keys = claim_keys(house.claim_seeds, request.edition, request.quantity)
    root = claims.keep_tree(db, request.edition, 1, keys)
    terms = {
        "metadata": hexed(keccak256(canonical(request.metadata))),
        "claim_root": hexed(root),
        "face_value": request.face_value,
        "currency": request.currency,
        "service": 0,
        "supply": request.quantity,
        "first_day": request.first_day,
    }
    stamps.keep_terms(db, request.edition, request.title, request.metadata, request.quantity)
    lane = f"submitter/{request.edition >> 16}"
    return act(db, house, who, "create_edition", lane, {"edition": request.edition, "terms": terms})
