"""The trust list out of the read model."""

from __future__ import annotations

from sqlalchemy import Connection, select

from backend.errors import Unavailable
from backend.ports import House
from backend.proof.trust_list import (
    BlockTime,
    IssuedRange,
    TrustedEdition,
    TrustedOperator,
    TrustedSigner,
    TrustList,
)
from backend.store.tables import block, edition, issued_range, operator, stamp_signer


def trust_list(db: Connection, house: House) -> TrustList:
    """All editions with their signers and issued ranges, as of the newest block. Raises Unavailable."""
    newest = db.execute(select(block).order_by(block.c.number.desc()).limit(1)).first()
    if newest is None:
        raise Unavailable("No block has been indexed yet.", "Try again in a moment.")
    return TrustList(
        chain_id=house.stamps.chain_id,
        contract=house.stamps.contract,
        alias=house.network_alias,
        as_of=BlockTime(newest.number, newest.hash, newest.time),
        operators=_operators(db),
        editions=_editions(db),
    )


def _operators(db: Connection) -> tuple[TrustedOperator, ...]:
    signers: dict[int, list[TrustedSigner]] = {}
    query = (
        select(stamp_signer, block.c.time.label("revoked_time"))
        .outerjoin(block, block.c.number == stamp_signer.c.revoked_block)
        .order_by(stamp_signer.c.operator, stamp_signer.c.from_block)
    )
    for row in db.execute(query):
        signers.setdefault(row.operator, []).append(
            TrustedSigner(row.address, row.revoked_block or 0, row.revoked_time or 0)
        )
    return tuple(
        TrustedOperator(row.number, row.name, tuple(signers.get(row.number, ())))
        for row in db.execute(select(operator).order_by(operator.c.number))
    )


def _editions(db: Connection) -> tuple[TrustedEdition, ...]:
    issued: dict[int, list[IssuedRange]] = {}
    for row in db.execute(
        select(issued_range).order_by(issued_range.c.edition, issued_range.c.first)
    ):
        issued.setdefault(row.edition, []).append(
            IssuedRange(row.first, row.last, row.block_number, row.block_time)
        )
    return tuple(
        TrustedEdition(
            row.edition, row.first_day, row.withdrawn_from or 0, tuple(issued.get(row.edition, ()))
        )
        for row in db.execute(select(edition).order_by(edition.c.edition))
    )
