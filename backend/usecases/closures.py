"""Claims of a range are closed where its claim codes have leaked, and get new claim keys 30 days later (S10)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from backend.domain import codes, ids
from backend.domain.refusals import refusal
from backend.errors import NotFound, Unprocessable
from backend.ports import Actor, House
from backend.store import claims, stamps
from backend.usecases.operate import act, must_be_admin
from backend.usecases.submit import Promise, hexed, refuse

STAY_CLOSED_SECONDS = 30 * 86_400


def close_claims(
    db: Connection, house: House, who: Actor, edition: int, first: int, last: int, reason: int
) -> Promise:
    """Close the claims of a range, for everybody to see; claimed twins are not touched.

    Raises NotAllowed, NotFound, Unprocessable (reason), RefusedByRule (a range that overlaps).
    """
    must_be_admin(who)
    if reason not in codes.CLOSING_REASONS:
        known = ", ".join(codes.CLOSING_REASONS.names())
        raise Unprocessable(f"{reason} is no reason to close claims.", f"Known: {known}.")
    _check_range(db, edition, first, last)
    if closed := stamps.closure(db, edition, first, last):
        refuse(refusal("ClaimsOverlap", edition=edition, first=closed.first, last=closed.last))
    terms = {"edition": edition, "first": first, "last": last, "reason": reason}
    return act(db, house, who, "close_claims", _lane(edition), terms)


def replace_claim_keys(
    db: Connection, house: House, who: Actor, edition: int, first: int, keys: Sequence[bytes]
) -> Promise:
    """New claim keys (addresses, by serial from `first` on) for a range whose claims were closed 30 days ago.

    Their tree is kept, so that proofs can be given. Raises NotAllowed, NotFound, RefusedByRule.
    """
    must_be_admin(who)
    last = first + len(keys) - 1
    _check_range(db, edition, first, last)
    closed = stamps.closure(db, edition, first, last)
    if closed is None or (closed.first, closed.last) != (first, last):
        refuse(refusal("ClaimsNotClosed", edition=edition, first=first, last=last))
    assert closed is not None
    counts = stamps.root_of(db, ids.stamp_number(edition, first))
    if counts.closed_at is None:
        refuse(
            refusal("AlreadyReplaced", edition=edition, first=first, last=last, root=counts.root)
        )
    earliest = closed.block_time + STAY_CLOSED_SECONDS
    if house.now() < earliest:
        late = {"edition": edition, "first": first, "last": last, "earliest": earliest}
        refuse(refusal("ReplacementTooEarly", **late))
    root = claims.keep_tree(db, edition, first, keys)
    terms = {"edition": edition, "first": first, "last": last, "root": hexed(root)}
    return act(db, house, who, "replace_claim_root", _lane(edition), terms)


def _check_range(db: Connection, edition: int, first: int, last: int) -> None:
    terms = stamps.on_chain(db, edition)
    if terms is None:
        raise NotFound(f"There is no edition {ids.edition_text(edition)}.")
    if not 1 <= first <= last <= terms.quantity:
        refuse(refusal("InvalidRange", edition=edition, first=first, last=last))


def _lane(edition: int) -> str:
    return f"submitter/{ids.operator_of_edition(edition)}"
