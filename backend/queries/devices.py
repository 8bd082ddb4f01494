"""Devices that sign for themselves: their passkeys, and which wait for an administrator (N3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from backend.domain.network import Right
from backend.queries.network import CustodianAnswer, named, rights
from backend.store.tables import passkey, person


@dataclass(frozen=True, slots=True)
class PasskeyAnswer:
    """A registered credential. `state`: waits (no right yet), signs, ended (another key signs now), lost.

    `person` registered it.
    """

    credential: bytes
    custodian: CustodianAnswer
    point: bytes
    rp_id: str
    key: bytes
    person: str | None
    created_at: int
    state: str


def by_key(db: Connection, key: bytes) -> PasskeyAnswer | None:
    """The passkey behind a signing right."""
    return next(iter(_answers(db, _known().where(passkey.c.key == key))), None)


def by_credential(db: Connection, credential: bytes) -> PasskeyAnswer | None:
    return next(iter(_answers(db, _known().where(passkey.c.credential == credential))), None)


def of_custodian(db: Connection, custodian: int) -> tuple[PasskeyAnswer, ...]:
    """The oldest first."""
    return _answers(db, _known().where(passkey.c.custodian == custodian))


def every(db: Connection) -> tuple[PasskeyAnswer, ...]:
    """All of them, the oldest first."""
    return _answers(db, _known())


def _known() -> Select[Any]:
    return (
        select(
            passkey,
            person.c.name.label("person_name"),
            func.extract("epoch", passkey.c.created_at).label("created_seconds"),
        )
        .outerjoin(person, person.c.id == passkey.c.person)
        .order_by(passkey.c.created_at)
    )


def _answers(db: Connection, query: Select[Any]) -> tuple[PasskeyAnswer, ...]:
    rows = db.execute(query).all()
    numbers = {row.custodian for row in rows}
    names, held = named(db, numbers), rights(db, numbers)
    return tuple(
        _answer(row, names[row.custodian], _state(row.key, held.get(row.custodian, ())))
        for row in rows
    )


def _state(key: bytes, held: tuple[Right, ...]) -> str:
    """By the rights of its custodian, in the order in which they begin (N3)."""
    own = [right for right in held if right.key == key]
    if not own:
        return "waits"
    if any(right.compromised for right in own):
        return "lost"
    return "signs" if held[-1].key == key else "ended"


def _answer(row: Row[Any], custodian: CustodianAnswer, state: str) -> PasskeyAnswer:
    return PasskeyAnswer(
        credential=row.credential,
        custodian=custodian,
        point=row.point,
        rp_id=row.rp_id,
        key=row.key,
        person=row.person_name,
        created_at=int(row.created_seconds),
        state=state,
    )
