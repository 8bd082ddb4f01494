"""How far this installation is: chain head, indexed, final, lag, queue, alarms (B2)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, select

from backend.store.submissions import OPEN
from backend.store.tables import block, chain_state, lane, quarantine, submission, transaction

# The indexer looks at the chain every second or so; much longer, and it is not running.
INDEXER_SILENT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class AsOf:
    """Up to which block an answer counts what happened; None before the first block."""

    block: int | None
    time: int | None
    finalized: int | None

    def status(self, block: int | None) -> str:
        """`settled`, or `final` where the block can no longer be replaced; `pending` without a block."""
        if block is None:
            return "pending"
        return "final" if self.finalized is not None and block <= self.finalized else "settled"


@dataclass(frozen=True, slots=True)
class LaneAnswer:
    """One sending key: its next nonce, transactions under way, submissions waiting for it."""

    key_name: str
    address: bytes
    next_nonce: int
    under_way: int
    waiting: int


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """`lag_blocks` between the node's head and the model; `queue` counts submissions by state."""

    as_of: AsOf
    head: int | None
    lag_blocks: int | None
    checked_seconds_ago: int | None
    queue: dict[str, int]
    oldest_waiting_seconds: int | None
    lanes: tuple[LaneAnswer, ...]
    alarms: tuple[str, ...]
    quarantined_logs: int

    @property
    def healthy(self) -> bool:
        """Whether everything that should run does run."""
        return not self.alarms


def as_of(db: Connection) -> AsOf:
    """The newest indexed block."""
    row = db.execute(
        select(
            chain_state.c.indexed_number, chain_state.c.finalized_number, block.c.time
        ).outerjoin(block, block.c.number == chain_state.c.indexed_number)
    ).first()
    return AsOf(row.indexed_number, row.time, row.finalized_number) if row else AsOf(*[None] * 3)


def status(db: Connection) -> StatusAnswer:
    """Everything at once, for the status page and `posthorn status`."""
    seconds_ago = func.extract("epoch", func.now() - chain_state.c.checked_at)
    state = db.execute(
        select(chain_state.c.head_number, chain_state.c.alarm, seconds_ago.label("ago"))
    ).first()
    now, head = as_of(db), state.head_number if state else None
    ago = int(state.ago) if state else None
    quarantined = db.scalar(select(func.count()).select_from(quarantine)) or 0
    return StatusAnswer(
        as_of=now,
        head=head,
        lag_blocks=max(0, head - (now.block or 0)) if head is not None else None,
        checked_seconds_ago=ago,
        queue=_queue(db),
        oldest_waiting_seconds=_oldest_waiting_seconds(db),
        lanes=_lanes(db),
        alarms=tuple(_alarms(state.alarm if state else None, ago, quarantined)),
        quarantined_logs=quarantined,
    )


def _alarms(alarm: str | None, checked_seconds_ago: int | None, quarantined: int) -> list[str]:
    alarms = [alarm] if alarm else []
    if checked_seconds_ago is None:
        alarms.append("The indexer has not read the chain yet. Start it: posthorn index.")
    elif checked_seconds_ago > INDEXER_SILENT_SECONDS:
        alarms.append(
            f"The indexer has not looked at the chain for {checked_seconds_ago} seconds. "
            "See whether it runs and the node answers."
        )
    if quarantined:
        alarms.append(f"{quarantined} logs of the contracts could not be understood and are kept.")
    return alarms


def _queue(db: Connection) -> dict[str, int]:
    """Submissions not yet on chain by state; what has settled is counted by the model."""
    rows = db.execute(
        select(submission.c.state, func.count().label("rows"))
        .where(submission.c.state.in_(OPEN))
        .group_by(submission.c.state)
    )
    counts = {row.state: row.rows for row in rows}
    return {state: counts.get(state, 0) for state in OPEN}


def _oldest_waiting_seconds(db: Connection) -> int | None:
    age = func.extract("epoch", func.now() - func.min(submission.c.created_at))
    seconds = db.scalar(select(age).where(submission.c.state.in_(("pending", "sent"))))
    return int(seconds) if seconds is not None else None


def _lanes(db: Connection) -> tuple[LaneAnswer, ...]:
    under_way = (
        select(func.count())
        .where(and_(transaction.c.lane == lane.c.address, transaction.c.state != "mined"))
        .scalar_subquery()
    )
    waiting = (
        select(func.count())
        .where(and_(submission.c.lane == lane.c.key_name, submission.c.state == "pending"))
        .scalar_subquery()
    )
    query = select(lane, under_way.label("under_way"), waiting.label("waiting"))
    return tuple(
        LaneAnswer(row.key_name, row.address, row.next_nonce, row.under_way, row.waiting)
        for row in db.execute(query.order_by(lane.c.key_name))
    )
