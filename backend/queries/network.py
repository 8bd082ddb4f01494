"""Operators and custodians as people read them: names beside numbers, and who held which key when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from backend.domain.network import Right


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
    """A post, carrier or authority of the network."""

    number: int
    name: str
    suspended: bool
    admitted_block: int
    custodians: int
    stamp_signers: tuple[SignerAnswer, ...]


def operators(db: Connection) -> tuple[OperatorAnswer, ...]:
    """All operators, by number."""
    ...


def operator(db: Connection, number: int) -> OperatorAnswer:
    """Raises NotFound."""
    ...


def custodians(db: Connection, operator: int | None = None) -> tuple[CustodianAnswer, ...]:
    """All custodians (of one operator), by number, without their rights."""
    ...


def custodian(db: Connection, number: int) -> CustodianAnswer:
    """One custodian with all its signing rights. Raises NotFound."""
    ...


def named(db: Connection, numbers: Iterable[int]) -> dict[int, CustodianAnswer]:
    """Words for custodians that other answers mention; one that is not enrolled (yet) is there too."""
    ...
