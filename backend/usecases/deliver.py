"""Delivery signed by a key that acceptance named: the addressee's, or the sender's on return (C4)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import Connection

from backend.domain import codes, rules
from backend.domain.typed_data import ZERO32, Delivery, DeliveryKeys
from backend.domain.wire import to_wire
from backend.errors import NotFound, RefusedByRule, Unprocessable
from backend.ports import Actor, House
from backend.store import items as item_rows
from backend.store import network
from backend.usecases.custody import keys_json
from backend.usecases.hand_off import RECORDING_SECONDS
from backend.usecases.submit import Promise, draft, hexed, keep, must_act_for, refuse, signed

# Within these the courier confirms what the addressee has signed; the chain records it for longer (C5).
OFFER_SECONDS = 15 * 60
VALID_SECONDS = OFFER_SECONDS + RECORDING_SECONDS


@dataclass(frozen=True, slots=True)
class DeliveryRequest:
    """`recipient` is the address of the key that signed `recipient_signature` over the delivery."""

    giver: int
    item: bytes
    recipient: bytes
    recipient_signature: bytes
    time: int
    deadline: int
    number: int | None = None
    condition: int = codes.SOUND
    evidence: bytes = ZERO32
    signature: bytes | None = None


def draft_delivery(db: Connection, house: House, who: Actor, item: bytes, giver: int) -> Delivery:
    """The delivery that the addressee is asked to sign, at the item's custody number now.

    Raises NotFound, NotAllowed, Unprocessable where acceptance named no key.
    """
    must_act_for(who, giver)
    standing = item_rows.standings(db, [item]).get(item)
    secret = item_rows.secret(db, item)
    if standing is None or secret is None:
        raise NotFound("No such item has been accepted here.", "Scan its label again.")
    if secret.recipient_key is None:
        raise Unprocessable(
            "Acceptance named no delivery key for this item.",
            "Deliver it with a mode: signature kept, letter-box, neighbour.",
        )
    now = house.now()
    return Delivery(
        item, standing.number, giver, secret.recipient_key, now, now + VALID_SECONDS, codes.SOUND
    )


def deliver(db: Connection, house: House, who: Actor, request: DeliveryRequest) -> Promise:
    """Record a delivery that giver and addressee have signed.

    Raises NotFound, NotAllowed, RefusedByRule (NotNamed, WrongSignature and those of custody).
    """
    must_act_for(who, request.giver)
    standing = item_rows.standings(db, [request.item]).get(request.item)
    secret = item_rows.secret(db, request.item)
    if standing is None or secret is None:
        raise NotFound("No such item has been accepted here.", "Scan its label again.")
    keys = DeliveryKeys(
        secret.recipient_key or bytes(20), secret.sender_key or bytes(20), secret.key_salt or ZERO32
    )
    delivery = Delivery(
        item=request.item,
        number=request.number if request.number is not None else standing.number,
        giver=request.giver,
        recipient=request.recipient,
        time=request.time,
        deadline=request.deadline,
        condition=request.condition,
        evidence=request.evidence,
    )
    giver = network.custodians(db, [request.giver]).get(request.giver)
    named = {key for key in (keys.recipient, keys.sender) if any(key)}
    refuse(rules.judge_delivery(delivery, standing, giver, named, house.now()))
    assert giver is not None
    _check_recipient(house, house.digest(delivery), request, secret.value)
    digest, signature = signed(house, giver, delivery.time, delivery, request.signature)
    return keep(
        db,
        draft(
            house,
            who,
            kind="delivery",
            digest=digest,
            payload={
                "delivery": to_wire(delivery),
                "keys": keys_json(keys),
                "giver_signature": hexed(signature),
                "recipient_signature": hexed(request.recipient_signature),
            },
            custodian=request.giver,
            expected={request.item: rules.ended(standing, delivery.time)},
            deadline=delivery.deadline,
        ),
    )


def _check_recipient(house: House, digest: bytes, request: DeliveryRequest, number: str) -> None:
    if house.recover(digest, request.recipient_signature) != request.recipient:
        raise RefusedByRule(
            "WrongSignature",
            f"This was not signed with the delivery code of item {number}.",
            "Look at the code that the sender passed on for this item, and type it anew. Without it, "
            "deliver with a mode: signature kept, letter-box, neighbour.",
            "C4",
        )


def delivery_key_seed(code: str, trail_code: bytes) -> bytes:
    """The private key that a 128-bit delivery code gives for one item: SHA-256, tagged (C1)."""
    cleaned = code.strip().upper().replace("-", "").replace(" ", "")
    return hashlib.sha256(b"posthorn.delivery." + trail_code + cleaned.encode()).digest()
