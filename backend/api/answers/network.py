"""Operators, custodians, keys and codes as answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from sqlalchemy import Connection

from backend.api.answers.promises import Answer
from backend.api.fields import CustodianOut, HexOut, KeyHolderOut, KindOut
from backend.queries.network import CustodianAnswer, OperatorAnswer
from backend.queries.status import as_of


class Right(Answer):
    """A signing right. `until` 1099511627775 is without end."""

    key: HexOut
    key_holder: KeyHolderOut
    from_time: int
    until_time: int
    compromised: bool


class Custodian(Answer):
    """A custodian with its words."""

    number: CustodianOut
    operator: int
    operator_name: str
    kind: KindOut
    place: str
    name: str
    town: str
    suspended: bool


class CustodianWithRights(Custodian):
    """With every key that it has had."""

    rights: tuple[Right, ...]
    as_of_block: int | None = None

    @classmethod
    def of(cls, db: Connection, found: CustodianAnswer) -> Self:
        return cls.model_validate(found).model_copy(update={"as_of_block": as_of(db).block})


class Signer(Answer):
    """A stamp signer and the blocks between which it counts."""

    address: HexOut
    from_block: int
    revoked_block: int | None


class Operator(Answer):
    """A post, carrier or authority."""

    number: int
    name: str
    suspended: bool
    admitted_block: int
    custodians: int
    stamp_signers: tuple[Signer, ...]


class Operators(Answer):
    """All of the network."""

    rows: tuple[Operator, ...]
    as_of_block: int | None

    @classmethod
    def of(cls, db: Connection, found: Iterable[OperatorAnswer]) -> Self:
        rows = tuple(Operator.model_validate(one) for one in found)
        return cls(rows=rows, as_of_block=as_of(db).block)


class Custodians(Answer):
    """All of the network or of one operator."""

    rows: tuple[Custodian, ...]
    as_of_block: int | None

    @classmethod
    def of(cls, db: Connection, found: Iterable[CustodianAnswer]) -> Self:
        rows = tuple(Custodian.model_validate(one) for one in found)
        return cls(rows=rows, as_of_block=as_of(db).block)


class CodeEntry(Answer):
    """One code: its number on chain, its name here, its text for people, its UPU EMSEVT event if any."""

    number: int
    name: str
    text: str
    emsevt: str


class CodeTable(Answer):
    """A published list of codes."""

    title: str
    codes: tuple[CodeEntry, ...]
