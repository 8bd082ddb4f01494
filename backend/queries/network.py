"""Operators and custodians as people read them: names beside numbers, and who held which key when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Select, func, select

from backend.domain import ids
from backend.domain.network import Right
from backend.errors import NotFound
from backend.store import network as network_rows
from backend.store import tables
from backend.store.engine import named_rows
from backend.store.tables import custodian_name, stamp_signer

CUSTODIAN = tables.custodian
OPERATOR = tables.operator


@dataclass(frozen=True, slots=True)
class CustodianAnswer:
    """A custodian with its words. `kind` is a code of codes.KINDS; `name` falls back to its number."""

    number: int
    operator: int
    operator_name: str
    kind: int
    place: str
    name: str
    town: str
    suspended: bool
    rights: tuple[Right, ...] = ()


@dataclass(frozen=True, slots=True)
class SignerAnswer:
    """A stamp signer: its address, and the blocks from and until which it counts (S8)."""

    address: bytes
    from_block: int
    revoked_block: int | None


@dataclass(frozen=True, slots=True)
class OperatorAnswer:
    """A post, carrier or authority of the network; `custodians` counts those enrolled."""

    number: int
    name: str
    suspended: bool
    admitted_block: int
    custodians: int
    stamp_signers: tuple[SignerAnswer, ...]


def operators(db: Connection) -> tuple[OperatorAnswer, ...]:
    """All operators, by number."""
    signers: dict[int, list[SignerAnswer]] = {}
    for row in db.execute(select(stamp_signer).order_by(stamp_signer.c.from_block)):
        signer = SignerAnswer(row.address, row.from_block, row.revoked_block)
        signers.setdefault(row.operator, []).append(signer)
    own = select(func.count()).where(CUSTODIAN.c.operator == OPERATOR.c.number)
    rows = db.execute(
        select(OPERATOR, own.scalar_subquery().label("enrolled")).order_by(OPERATOR.c.number)
    )
    return tuple(
        OperatorAnswer(
            number=row.number,
            name=row.name,
            suspended=row.suspended_block is not None,
            admitted_block=row.admitted_block,
            custodians=row.enrolled,
            stamp_signers=tuple(signers.get(row.number, ())),
        )
        for row in rows
    )


def operator(db: Connection, number: int) -> OperatorAnswer:
    """Raises NotFound."""
    found = next((answer for answer in operators(db) if answer.number == number), None)
    if found is None:
        raise NotFound(f"There is no operator {number}.", "Look at the list of operators.")
    return found


def custodians(db: Connection, operator: int | None = None) -> tuple[CustodianAnswer, ...]:
    """All custodians (of one operator), by number, without their rights."""
    query = _enrolled().order_by(CUSTODIAN.c.number)
    if operator is not None:
        query = query.where(CUSTODIAN.c.operator == operator)
    return tuple(_answer(row) for row in db.execute(query))


def custodian(db: Connection, number: int) -> CustodianAnswer:
    """One custodian with all its signing rights. Raises NotFound."""
    row = db.execute(_enrolled().where(CUSTODIAN.c.number == number)).first()
    if row is None:
        text = ids.custodian_text(number)
        raise NotFound(f"There is no custodian {text}.", "Look at the list of custodians.")
    return _answer(row, rights(db, [number])[number])


def rights(db: Connection, numbers: Iterable[int]) -> dict[int, tuple[Right, ...]]:
    """All signing rights of enrolled custodians, in the order in which they begin (N3)."""
    found = network_rows.custodians(db, numbers)
    return {number: custodian_.rights for number, custodian_ in found.items()}


def named(
    db: Connection, numbers: Iterable[int], *, shows_bags: bool = False
) -> dict[int, CustodianAnswer]:
    """Words for holders that other answers mention; a custodian that is not enrolled (yet) is there too.

    `shows_bags`: to who may know the numbers of other items than their own; to others a bag is a bag.
    """
    asked = {number for number in numbers if number}
    inside = {number for number in asked if ids.is_receptacle(number)}
    bags = _receptacles(db, inside, shows_bags) if inside else {}
    return _custodians(db, asked - set(bags)) | bags


def told(db: Connection, numbers: Iterable[int]) -> dict[int, str]:
    """Holders in a sentence that names their numbers too: `Zürich exchange (2-7)`, `bag 1234 (with Hall)`."""
    return {
        number: _in_sentence(number, found.name)
        for number, found in named(db, numbers, shows_bags=True).items()
    }


def _in_sentence(number: int, name: str) -> str:
    if ids.is_receptacle(number):
        bag, comma, holder = name.partition(", ")
        return f"{bag} ({holder})" if comma else bag
    text = ids.custodian_text(number)
    return text if name == text else f"{name} ({text})"


def bag_text(number: str | None) -> str:
    """`bag ATINNBCHZRHAAUN60009001002`, by the number on its label; no reader knows the chain's own."""
    return f"bag {number}" if number else "a bag"


def _receptacles(db: Connection, numbers: set[int], shows_bags: bool) -> dict[int, CustodianAnswer]:
    """C7: a receptacle as a holder, with the custodian that has it (through at most four of them)."""
    item, secret = tables.item, tables.item_secret
    rows = db.execute(
        select(item.c.receptacle, item.c.holder, secret.c.value)
        .outerjoin(secret, secret.c.item == item.c.item)
        .where(item.c.receptacle.in_(numbers))
    ).all()
    holders = named(db, (row.holder for row in rows), shows_bags=shows_bags)
    bags = {
        row.receptacle: _receptacle(
            row.receptacle, bag_text(row.value if shows_bags else None), holders.get(row.holder)
        )
        for row in rows
    }
    unknown = {number: _receptacle(number, "a bag", None) for number in numbers - bags.keys()}
    return unknown | bags


def _receptacle(number: int, bag: str, holder: CustodianAnswer | None) -> CustodianAnswer:
    name = f"{bag}, with {holder.name}" if holder else bag
    if holder is None:
        return CustodianAnswer(number, 0, "", 0, "", name, "", False)
    return replace(holder, number=number, name=name, rights=())


# As _enrolled says it; asked with nearly every answer.
_ENROLLED = """
SELECT custodian.*, operator.name AS operator_name, custodian_name.name, custodian_name.town
FROM custodian JOIN operator ON operator.number = custodian.operator
LEFT JOIN custodian_name ON custodian_name.custodian = custodian.number
WHERE custodian.number = ANY(ARRAY(SELECT unnest(%b::bigint[])))
"""


def _custodians(db: Connection, numbers: set[int]) -> dict[int, CustodianAnswer]:
    wanted = sorted(numbers)
    if not wanted:
        return {}
    rows = named_rows(db, _ENROLLED, (wanted,))
    found = {row.number: _answer(row) for row in rows}
    return {number: found.get(number) or _stranger(number) for number in wanted}


def _enrolled() -> Select[Any]:
    return (
        select(
            CUSTODIAN,
            OPERATOR.c.name.label("operator_name"),
            custodian_name.c.name,
            custodian_name.c.town,
        )
        .join(OPERATOR, OPERATOR.c.number == CUSTODIAN.c.operator)
        .outerjoin(custodian_name, custodian_name.c.custodian == CUSTODIAN.c.number)
    )


def _answer(row: Any, rights_: tuple[Right, ...] = ()) -> CustodianAnswer:
    return CustodianAnswer(
        number=row.number,
        operator=row.operator,
        operator_name=row.operator_name,
        kind=row.kind,
        place=row.place,
        name=row.name or ids.custodian_text(row.number),
        town=row.town or "",
        suspended=row.suspended,
        rights=rights_,
    )


def _stranger(number: int) -> CustodianAnswer:
    operator_ = ids.operator_of_custodian(number)
    return CustodianAnswer(number, operator_, "", 0, "", ids.custodian_text(number), "", False)
