"""Where the holder cannot act, its operator stands in for it as the giver; the receiver signs as always (C9)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from backend.domain import codes, rules
from backend.domain.typed_data import ForcedRelease
from backend.errors import Unprocessable
from backend.ports import Actor, House
from backend.store import items as item_rows
from backend.store import network
from backend.usecases.hand_off import LineRequest, judged, keep_lists, line_of, release_row
from backend.usecases.operate import must_be_admin
from backend.usecases.submit import must_be, only, refuse, refuse_lines


@dataclass(frozen=True, slots=True)
class StandInRequest:
    """`giver` cannot sign, for a reason of codes.STAND_IN_REASONS."""

    giver: int
    receiver: int
    reason: int
    lines: tuple[LineRequest, ...]
    time: int | None = None


def hand_over_for(db: Connection, house: House, who: Actor, request: StandInRequest) -> bytes:
    """Make a list over what a custodian holds that cannot sign; its digest. The receiver takes it over as any list.

    Raises NotAllowed for who is no administrator, RefusedByRule, Unprocessable.
    """
    must_be_admin(who)
    must_be(request.reason, codes.STAND_IN_REASONS)
    if len({line.item for line in request.lines}) < len(request.lines):
        raise Unprocessable("An item stands on the list twice.", "Name each item once.")
    standings = item_rows.standings(db, [line.item for line in request.lines])
    release = ForcedRelease(
        request.giver,
        request.receiver,
        house.now() if request.time is None else request.time,
        request.reason,
        tuple(line_of(line, standings.get(line.item)) for line in request.lines),
    )
    people = network.custodians(db, [release.giver, release.receiver])
    giver, receiver = people.get(release.giver), people.get(release.receiver)
    refuse(rules.judge_forced(release, giver, receiver, house.now()))
    refuse_lines(judged(release, standings)[0])
    digest = house.digest(release)
    # Nothing on chain bounds it but the age of its time (C5).
    deadline = release.time + rules.OLDEST_SECONDS
    row = release_row(who, digest, release, deadline, deadline, signature=b"")
    return only(keep_lists(db, [row]))
