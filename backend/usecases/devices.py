"""A device that signs for itself: it registers a passkey, an administrator grants it the right (N3)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row

from backend.domain import codes
from backend.errors import Conflict, NotFound
from backend.ports import Actor, House
from backend.store import passkeys
from backend.usecases.operate import compromise, grant_device, must_be_admin
from backend.usecases.submit import Promise, must_act_for


def register(
    db: Connection,
    who: Actor,
    custodian: int,
    credential: bytes,
    point: bytes,
    rp_id: str,
    key: bytes,
) -> None:
    """Keep a passkey whose registration was checked; it signs nothing before its right is on chain.

    Raises NotAllowed, Conflict where the credential serves another custodian.
    """
    must_act_for(who, custodian)
    known = passkeys.find(db, credential)
    if known is not None and known.custodian != custodian:
        raise Conflict(
            "This device's passkey serves another custodian.", "Make a new one on this device."
        )
    if known is None and passkeys.has_key(db, key):
        raise Conflict("This key is registered already.", "Ask an administrator to look at it.")
    passkeys.keep(
        db,
        credential=credential,
        custodian=custodian,
        person=who.person,
        point=point,
        rp_id=rp_id,
        key=key,
    )


def grant(db: Connection, house: House, who: Actor, credential: bytes) -> Promise:
    """The custodian's next right goes to this passkey; the one before ends there (N3).

    Raises NotAllowed for who is no administrator, NotFound.
    """
    row = _known(db, who, credential)
    return grant_device(db, house, who, row.custodian, codes.KEY_KINDS.number("passkey"), row.key)


def report_lost(db: Connection, house: House, who: Actor, credential: bytes) -> Promise:
    """Nothing signed with its key is recorded any more (N3). Raises NotAllowed, NotFound."""
    row = _known(db, who, credential)
    return compromise(db, house, who, row.custodian, row.key)


def _known(db: Connection, who: Actor, credential: bytes) -> Row[Any]:
    must_be_admin(who)
    row = passkeys.find(db, credential)
    if row is None:
        raise NotFound("There is no such passkey.", "Let the device register it first.")
    return row
