"""People and their credentials; of links, sessions and tokens only a hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from backend.store.engine import named_row
from backend.store.tables import credential, custodian, person, pin_try

PIN_TRIES = 5
PIN_WINDOW = timedelta(minutes=5)


def secret_hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def add_person(db: Connection, name: str, role: str, custodians: Sequence[int]) -> int | None:
    """The new person's id; None where the name is taken."""
    statement = (
        insert(person)
        .values(name=name, role=role, custodians=list(custodians))
        .on_conflict_do_nothing()
        .returning(person.c.id)
    )
    number: int | None = db.scalar(statement)
    return number


def without_custodian(db: Connection, numbers: Sequence[int]) -> list[int]:
    """Those of the numbers that no custodian bears."""
    known = db.scalars(select(custodian.c.number).where(custodian.c.number.in_(numbers)))
    return sorted(set(numbers) - set(known))


def by_name(db: Connection, name: str) -> Row[Any] | None:
    return db.execute(select(person).where(person.c.name == name)).first()


def by_id(db: Connection, person_id: int | None) -> Row[Any] | None:
    return db.execute(select(person).where(person.c.id == person_id)).first()


def everybody(db: Connection) -> Sequence[Row[Any]]:
    return db.execute(select(person).order_by(person.c.id)).all()


def set_person(db: Connection, person_id: int | None, **values: Any) -> None:
    db.execute(update(person).where(person.c.id == person_id).values(**values))


def disable(db: Connection, person_id: int) -> None:
    """The person, its sessions, links and tokens end at once."""
    set_person(db, person_id, disabled=True)
    db.execute(delete(credential).where(credential.c.person == person_id))


def new_credential(
    db: Connection, kind: str, person_id: int, expires_at: datetime, **values: Any
) -> str:
    """A fresh secret of a kind (link, session, token); it is returned once and never kept."""
    secret = secrets.token_urlsafe(32)
    db.execute(
        insert(credential).values(
            secret_hash=secret_hash(secret),
            kind=kind,
            person=person_id,
            expires_at=expires_at,
            **values,
        )
    )
    return secret


def use_link(db: Connection, secret: str) -> int | None:
    """The person of a sign-in link, once; None where it is unknown, used or over."""
    statement = (
        update(credential)
        .where(
            credential.c.secret_hash == secret_hash(secret),
            credential.c.kind == "link",
            credential.c.used_at.is_(None),
            credential.c.expires_at > func.now(),
        )
        .values(used_at=func.now())
        .returning(credential.c.person)
    )
    person_id: int | None = db.scalar(statement)
    return person_id


# Asked with every request.
_HOLDER = """
SELECT person.*, credential.custodian AS at_custodian, credential.device, credential.secret_hash
FROM person JOIN credential ON credential.person = person.id
WHERE secret_hash = %b AND kind = %b AND expires_at > now() AND NOT disabled
"""


def holder_of(db: Connection, kind: str, secret: str) -> Any:
    """Person and credential of a live session or token; None where there is none."""
    return named_row(db, _HOLDER, (secret_hash(secret), kind))


def work_at(db: Connection, session: str, custodian: int) -> None:
    """From now on the session acts in the name of this custodian."""
    db.execute(
        update(credential)
        .where(credential.c.secret_hash == secret_hash(session))
        .values(custodian=custodian)
    )


def end_session(db: Connection, session: str) -> None:
    db.execute(delete(credential).where(credential.c.secret_hash == secret_hash(session)))


def begin_pin_try(db: Connection, name: str) -> int:
    """Keep one more try of a name's PIN; 0, or the seconds to wait where too many were made.

    Whether anybody bears the name makes no difference.
    """
    db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("pin " + name, 0))))
    db.execute(delete(pin_try).where(pin_try.c.created_at <= func.now() - PIN_WINDOW))
    tries, oldest, now = db.execute(
        select(func.count(), func.min(pin_try.c.created_at), func.now()).where(
            pin_try.c.name == name
        )
    ).one()
    if tries >= PIN_TRIES:
        wait: timedelta = oldest + PIN_WINDOW - now
        return max(1, ceil(wait.total_seconds()))
    db.execute(insert(pin_try).values(name=name))
    return 0


def forget_pin_tries(db: Connection, name: str) -> None:
    """The PIN was good: what was tried before it counts no more."""
    db.execute(delete(pin_try).where(pin_try.c.name == name))
