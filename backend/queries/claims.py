"""What a collector's browser needs besides the concealed code: where the claim key stands in its tree (S1)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from backend.domain import ids
from backend.domain.refusals import refusal
from backend.errors import NotFound, RefusedByRule
from backend.store import claims, stamps


@dataclass(frozen=True, slots=True)
class ClaimProofAnswer:
    """The claim key's address and its Merkle proof. No secret: the key itself is on the paper alone."""

    stamp: int
    claim_key: bytes
    proof: tuple[bytes, ...]


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
