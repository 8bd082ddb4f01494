"""Devices that sign for themselves: their passkeys, and which wait for an administrator (N3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from backend.queries.network import CustodianAnswer, named
from backend.store.tables import passkey, person, signing_right


@dataclass(frozen=True, slots=True)
class PasskeyAnswer:
    """A registered credential. `granted`: the chain has a right for its key. `person` registered it."""

    credential: bytes
    custodian: CustodianAnswer
    point: bytes
    rp_id: str
    key: bytes
    person: str | None
    created_at: int
    granted: bool


def by_key(db: Connection, key: bytes) -> PasskeyAnswer | None:
    """The passkey behind a signing right."""
    return next(iter(_answers(db, _known().where(passkey.c.key == key))), None)


def by_credential(db: Connection, credential: bytes) -> PasskeyAnswer | None:
    return next(iter(_answers(db, _known().where(passkey.c.credential == credential))), None)


def of_custodian(db: Connection, custodian: int) -> tuple[PasskeyAnswer, ...]:
    """The oldest first."""
    return _answers(db, _known().where(passkey.c.custodian == custodian))


def waiting(db: Connection) -> tuple[PasskeyAnswer, ...]:
    """Those whose key has no right yet, the oldest first."""
    return tuple(one for one in _answers(db, _known()) if not one.granted)


def _known() -> Select[Any]:
    granted = select(signing_right.c.key).where(signing_right.c.key == passkey.c.key)
    return (
        select(
            passkey,
            person.c.name.label("person_name"),
            func.extract("epoch", passkey.c.created_at).label("created_seconds"),
            granted.exists().label("granted"),
        )
        .outerjoin(person, person.c.id == passkey.c.person)
        .order_by(passkey.c.created_at)
    )


def _answers(db: Connection, query: Select[Any]) -> tuple[PasskeyAnswer, ...]:
    rows = db.execute(query).all()
    names = named(db, {row.custodian for row in rows})
    return tuple(_answer(row, names[row.custodian]) for row in rows)


def _answer(row: Row[Any], custodian: CustodianAnswer) -> PasskeyAnswer:
    return PasskeyAnswer(
        credential=row.credential,
        custodian=custodian,
        point=row.point,
        rp_id=row.rp_id,
        key=row.key,
        person=row.person_name,
        created_at=int(row.created_seconds),
        granted=row.granted,
    )
