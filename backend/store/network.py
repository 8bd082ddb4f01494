"""What the read model knows of operators and custodians (N1-N4), as the rule-book wants it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from backend.domain.network import Custodian, Right
from backend.domain.verdict import SignerFacts
from backend.store.engine import straight
from backend.store.submissions import OPEN
from backend.store.tables import (
    block,
    custodian_name,
    operator,
    stamp_signer,
    submission,
)

_CUSTODIANS = """
SELECT custodian.number, custodian.kind, place, suspended, suspended_block IS NOT NULL,
    key, key_kind, key_holder, from_time, until_time, compromised_block IS NOT NULL
FROM custodian JOIN operator ON operator.number = custodian.operator
LEFT JOIN signing_right ON signing_right.custodian = custodian.number
WHERE custodian.number = ANY(ARRAY(SELECT unnest(%b::bigint[]))) ORDER BY from_time
"""


def custodians(db: Connection, numbers: Iterable[int]) -> dict[int, Custodian]:
    """Those of the numbers that are enrolled, with all their signing rights."""
    found: dict[int, Custodian] = {}
    for number, kind, place, suspended, of_suspended, *right in straight(
        db, _CUSTODIANS, (sorted(set(numbers)),)
    ):
        before = found[number].rights if number in found else ()
        rights = (*before, Right(*right)) if right[0] is not None else before
        found[number] = Custodian(number, kind, place, suspended, of_suspended, rights)
    return found


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


def is_suspended(db: Connection, number: int) -> bool:
    """Whether the governor has suspended an operator (N4)."""
    its = operator.c.number == number, operator.c.suspended_block.is_not(None)
    return db.scalar(select(operator.c.number).where(*its)) is not None


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
