"""Evidence of equivocation, checked as the contract checked it (C10, contracts/Equivocations.sol)."""

from __future__ import annotations

from collections.abc import Sequence

from backend.domain.typed_data import SigningDomain
from backend.indexer.events import Equivocated, Event, HandOff
from backend.proof.records import Refuted, Signature, check_signature


def parties(giver: int, first: HandOff, second: HandOff) -> frozenset[int]:
    """The giver and the two receivers."""
    return frozenset({giver, first.release.receiver, second.release.receiver})


def check_equivocation(event: Equivocated, ledger: SigningDomain, events: Sequence[Event]) -> None:
    """Two releases of one item and custody number by one giver, both received, the later within the earlier's time.

    Raises Refuted.
    """
    for signed in (event.first, event.second):
        _check_complete(event, signed, ledger, events)
    first, second = event.first.release, event.second.release
    if first.digest(ledger) == second.digest(ledger):
        raise Refuted("The evidence shows one release twice.")
    if not first.time <= second.time < first.deadline:
        raise Refuted(
            f"The evidence shows releases at {first.time} until {first.deadline} and at {second.time}: "
            "one had lapsed before the other."
        )


def _check_complete(
    event: Equivocated, signed: HandOff, ledger: SigningDomain, events: Sequence[Event]
) -> None:
    release, receipt = signed.release, signed.receipt
    released, received = release.digest(ledger), receipt.digest(ledger)
    listed = any(
        (line.item, line.number) == (event.item, event.number) and receipt.has(place)
        for place, line in enumerate(release.lines)
    )
    if release.giver != event.giver or receipt.release != released or not listed:
        raise Refuted("The evidence shows no complete hand-off of the item by this giver.")
    what = "The evidence of two hand-offs"
    by_giver = Signature(released, signed.giver_signature, release.giver, release.time)
    by_receiver = Signature(received, signed.receiver_signature, release.receiver, receipt.time)
    for signature in (by_giver, by_receiver):
        check_signature(what, signature, events, event.place)
