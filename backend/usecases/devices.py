"""A device that signs for itself: it registers a passkey, an administrator grants it the right (N3)."""

from __future__ import annotations

from sqlalchemy import Connection

from backend.domain import codes
from backend.errors import Conflict, NotFound
from backend.ports import Actor, House
from backend.store import passkeys
from backend.usecases.operate import grant_device, must_be_admin
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
    must_be_admin(who)
    row = passkeys.find(db, credential)
    if row is None:
        raise NotFound("There is no such passkey.", "Let the device register it first.")
    return grant_device(db, house, who, row.custodian, codes.KEY_KINDS.number("passkey"), row.key)
