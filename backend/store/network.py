"""What the read model knows of operators and custodians (N1-N4), as the rule-book wants it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.postgresql import insert

from backend.domain.network import Custodian, Right
from backend.domain.verdict import SignerFacts
from backend.store.submissions import OPEN
from backend.store.tables import (
    block,
    custodian,
    custodian_name,
    operator,
    signing_right,
    stamp_signer,
    submission,
)


def custodians(db: Connection, numbers: Iterable[int]) -> dict[int, Custodian]:
    """Those of the numbers that are enrolled, with all their signing rights."""
    wanted = sorted(set(numbers))
    rights: dict[int, list[Right]] = {}
    for row in db.execute(
        select(signing_right)
        .where(signing_right.c.custodian.in_(wanted))
        .order_by(signing_right.c.from_time)
    ):
        rights.setdefault(row.custodian, []).append(_right(row))
    rows = db.execute(
        select(custodian, operator.c.suspended_block)
        .join(operator, operator.c.number == custodian.c.operator)
        .where(custodian.c.number.in_(wanted))
    )
    return {row.number: _custodian(row, tuple(rights.get(row.number, ()))) for row in rows}


def _right(row: Row[Any]) -> Right:
    return Right(
        key=row.key,
        kind=row.key_kind,
        key_holder=row.key_holder,
        from_time=row.from_time,
        until_time=row.until_time,
        compromised=row.compromised_block is not None,
    )


def _custodian(row: Row[Any], rights: tuple[Right, ...]) -> Custodian:
    return Custodian(
        number=row.number,
        kind=row.kind,
        place=row.place,
        suspended=row.suspended,
        operator_suspended=row.suspended_block is not None,
        rights=rights,
    )


def signers(db: Connection, operator_number: int) -> tuple[SignerFacts, ...]:
    """An operator's stamp signers, revoked ones too."""
    rows = db.execute(select(stamp_signer).where(stamp_signer.c.operator == operator_number))
    return tuple(SignerFacts(row.address, row.revoked_block) for row in rows)


def names(db: Connection, numbers: Iterable[int]) -> dict[int, str]:
    """Names of custodians, kept off chain; a custodian without one is missing here."""
    rows = db.execute(
        select(custodian_name).where(custodian_name.c.custodian.in_(sorted(set(numbers))))
    )
    return {row.custodian: row.name for row in rows}


def is_operator(db: Connection, number: int) -> bool:
    """Whether the chain has admitted an operator of this number."""
    return db.scalar(select(operator.c.number).where(operator.c.number == number)) is not None


def is_being_enrolled(db: Connection, arguments: dict[str, Any]) -> bool:
    """Whether another enrolment of the same custodian, with other arguments, is on its way."""
    payload = submission.c.payload
    found = select(submission.c.digest).where(
        submission.c.kind == "enrol",
        submission.c.state.in_(OPEN),
        payload["custodian"].as_integer() == arguments["custodian"],
        payload != arguments,
    )
    return db.execute(found).first() is not None


def name_custodian(db: Connection, number: int, name: str, town: str) -> None:
    values = {"name": name, "town": town}
    statement = insert(custodian_name).values(custodian=number, **values)
    db.execute(statement.on_conflict_do_update(index_elements=["custodian"], set_=values))


def chain_time(db: Connection) -> int | None:
    """The time of the newest indexed block; None before the first."""
    return db.scalar(select(block.c.time).order_by(block.c.number.desc()).limit(1))
