"""Claim keys: where one stands in its tree (S1), and of which ranges the claims were closed (S10)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from backend.domain import ids
from backend.domain.refusals import refusal
from backend.errors import NotFound, RefusedByRule
from backend.store import claims, stamps
from backend.store.tables import claim_root, claims_closed


@dataclass(frozen=True, slots=True)
class ClaimProofAnswer:
    """The claim key's address and its Merkle proof. No secret: the key itself is on the paper alone."""

    stamp: int
    claim_key: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ClosureAnswer:
    """One range whose claims were closed; `replaced_at` is when it got new claim keys, None before."""

    edition: int
    first: int
    last: int
    reason: int
    closed_at: int
    replaced_at: int | None


def closures(db: Connection) -> tuple[ClosureAnswer, ...]:
    """All of them, the latest first."""
    closed, replaced = claims_closed.c, claim_root.c
    query = (
        select(claims_closed, replaced.block_time.label("replaced_at"))
        .outerjoin(
            claim_root, (replaced.edition == closed.edition) & (replaced.first == closed.first)
        )
        .order_by(closed.block_number.desc(), closed.edition, closed.first)
    )
    return tuple(
        ClosureAnswer(row.edition, row.first, row.last, row.reason, row.block_time, row.replaced_at)
        for row in db.execute(query)
    )


def claim_proof(db: Connection, stamp: int) -> ClaimProofAnswer:
    """Raises NotFound (no such stamp, claim keys not kept here), RefusedByRule while its claims are closed."""
    number = ids.edition_of(stamp)
    edition = stamps.on_chain(db, number)
    if edition is None or not 1 <= ids.serial_of(stamp) <= edition.quantity:
        raise NotFound(f"There is no stamp {ids.stamp_text(stamp)}.", "Read the number again.")
    counts = stamps.root_of(db, stamp)
    if counts.closed_at is not None:
        closed = refusal("ClaimsAreClosed", stamp=stamp, closed_at=counts.closed_at)
        raise RefusedByRule(
            closed.name, closed.detail, closed.what_now, closed.rule, **closed.values
        )
    found = claims.claim_proof(db, counts.root, ids.serial_of(stamp))
    if found is None:
        raise NotFound(
            f"The claim keys of edition {ids.edition_text(number)} are not kept here.",
            "Ask the post that issued it.",
        )
    key, proof = found
    return ClaimProofAnswer(stamp, key, tuple(proof))
