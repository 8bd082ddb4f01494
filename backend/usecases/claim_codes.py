"""The secrets of claim codes: a seed for each print run, destroyed when the run is confirmed (S10).

A print run is 50 serials of an edition: 1 to 50 is run 1. Print jobs take serials as customers come, so that one
job may end in the middle of a run; its seed goes when the last of the 50 is sold or void. What leaks with a seed
are the codes of at most one run.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from backend.domain.ids import stamp_number
from backend.errors import Conflict
from backend.ports import ClaimSeeds, House
from backend.store import stamps
from stamps.claim import claim_address, claim_secret

RUN = 50


def claim_keys(seeds: ClaimSeeds, edition: int, quantity: int) -> list[bytes]:
    """The addresses of a new edition's claim keys, by serial (S1); makes and seals the seeds of its runs."""
    secrets = _secrets(seeds.make, edition, 1, quantity)
    assert secrets is not None
    return [claim_address(secret, stamp) for stamp, secret in secrets.items()]


def claim_secrets(
    seeds: ClaimSeeds, edition: int, first: int, last: int
) -> dict[int, bytes] | None:
    """The secrets of serials `first` to `last` by stamp; None once the seed of one of them is destroyed."""
    return _secrets(seeds.get, edition, first, last)


def secrets_to_print(
    db: Connection, seeds: ClaimSeeds, edition: int, first: int, last: int
) -> dict[int, bytes]:
    """The secrets of stamps that are to be printed. Raises Conflict: destroyed, or of closed claims."""
    if closed := stamps.closure(db, edition, first, last):
        raise Conflict(
            f"Claims of the serials {closed.first} to {closed.last} were closed: the claim codes of "
            "these stamps count no more.",
            "Call these stamps spoilt, and print others.",
        )
    secrets = claim_secrets(seeds, edition, first, last)
    if secrets is None:
        raise Conflict(
            "The claim codes of these stamps have been destroyed.", "Print without them."
        )
    return secrets


def _secrets(
    seed_of: Callable[[int, int], bytes | None], edition: int, first: int, last: int
) -> dict[int, bytes] | None:
    found: dict[int, bytes] = {}
    for run in range(_run_of(first), _run_of(last) + 1):
        seed = seed_of(edition, run)
        if seed is None:
            return None
        serials = range(max(first, _first_of(run)), min(last, _first_of(run + 1) - 1) + 1)
        numbers = (stamp_number(edition, serial) for serial in serials)
        found |= {stamp: claim_secret(seed, stamp) for stamp in numbers}
    return found


def destroy_confirmed(db: Connection, house: House) -> list[tuple[int, int]]:
    """Destroy the seeds of the runs of which the chain has every serial as sold or void; (edition, run) of each.

    Called when what it looks at is committed: a seed that is destroyed does not come back.
    """
    done = [kept for kept in house.claim_seeds.kept() if _is_confirmed(db, *kept)]
    for edition, run in done:
        house.claim_seeds.destroy(edition, run)
    return done


def _is_confirmed(db: Connection, edition: int, run: int) -> bool:
    terms = stamps.on_chain(db, edition)
    if terms is None:
        return False
    last = min(_first_of(run + 1) - 1, terms.quantity)
    return stamps.all_sold_or_void(db, edition, _first_of(run), last)


def _run_of(serial: int) -> int:
    return (serial - 1) // RUN + 1


def _first_of(run: int) -> int:
    return (run - 1) * RUN + 1
