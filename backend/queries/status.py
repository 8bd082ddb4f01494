"""How far this installation is: head, safe, final, indexed, lag, queue, nonces, nodes, alarms (B2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select

from backend.queries.hooks import UNSEEN_SECONDS, HooksAnswer
from backend.queries.hooks import summary as hooks_summary
from backend.store.engine import straight
from backend.store.submissions import OPEN
from backend.store.tables import (
    alarm,
    chain_state,
    lane,
    quarantine,
    submission,
    transaction,
)

# The indexer looks at the chain every second or so; much longer, and it is not running.
INDEXER_SILENT_SECONDS = 30
# A sender takes what is due within a second, blocks come within a minute at the most.
WAITS_LONG_SECONDS = 900
LAST_ALARMS = 10


@dataclass(frozen=True, slots=True)
class AsOf:
    """Up to which block an answer counts what happened; None before the first block."""

    block: int | None
    time: int | None
    finalized: int | None
    safe: int | None = None

    def status(self, block: int | None) -> str:
        """`final` where the block can no longer be replaced, `safe` where it hardly ever is, else `settled`;
        `pending` without a block.
        """
        if block is None:
            return "pending"
        if self.finalized is not None and block <= self.finalized:
            return "final"
        return "safe" if self.safe is not None and block <= self.safe else "settled"


@dataclass(frozen=True, slots=True)
class LaneAnswer:
    """One sending key: its next nonce, transactions under way, submissions waiting for it.

    `stuck_nonce` is the lowest nonce that is signed and in no block yet, which holds up all later ones.
    """

    key_name: str
    address: bytes
    next_nonce: int
    stuck_nonce: int | None
    under_way: int
    oldest_under_way_seconds: int | None
    waiting: int
    held: int
    oldest_waiting_seconds: int | None


@dataclass(frozen=True, slots=True)
class NodeAnswer:
    """One URL as the indexer found it; `trouble` is empty where it answers and serves our chain."""

    name: str
    trouble: str
    head: int | None


@dataclass(frozen=True, slots=True)
class AlarmAnswer:
    """What a person should look at, or should have; `ended_at` is None while it lasts. Seconds since 1970."""

    source: str
    text: str
    raised_at: int
    ended_at: int | None


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """`lag_blocks` and `lag_seconds` between the node's head and the model; `queue` counts submissions by state.

    `alarms` are those of now, `last_alarms` the newest that were kept, over or not.
    """

    as_of: AsOf
    head: int | None
    lag_blocks: int | None
    lag_seconds: int | None
    checked_seconds_ago: int | None
    looked_again_at: int | None
    queue: dict[str, int]
    oldest_waiting_seconds: int | None
    lanes: tuple[LaneAnswer, ...]
    nodes: tuple[NodeAnswer, ...]
    alarms: tuple[str, ...]
    last_alarms: tuple[AlarmAnswer, ...]
    quarantined_logs: int
    hooks: HooksAnswer

    @property
    def healthy(self) -> bool:
        """Whether everything that should run does run."""
        return not self.alarms


AS_OF = """
SELECT indexed_number, block.time AS indexed_time, finalized_number, safe_number
FROM chain_state LEFT JOIN block ON block.number = indexed_number
"""


def as_of(db: Connection) -> AsOf:
    """The newest indexed block."""
    rows = straight(db, AS_OF)
    return AsOf(*rows[0]) if rows else AsOf(None, None, None)


def status(db: Connection) -> StatusAnswer:
    """Everything at once, for the status page and `posthorn status`."""
    state = db.execute(
        select(
            chain_state,
            _seconds_since(chain_state.c.checked_at).label("ago"),
            func.extract("epoch", chain_state.c.looked_again_at).label("looked"),
        )
    ).first()
    now, lanes = as_of(db), _lanes(db)
    ago = int(state.ago) if state else None
    quarantined = db.scalar(select(func.count()).select_from(quarantine)) or 0
    queue, oldest = _queue(db)
    hooks = hooks_summary(db)
    return StatusAnswer(
        as_of=now,
        head=state.head_number if state else None,
        lag_blocks=_lag(state.head_number if state else None, now.block or 0),
        lag_seconds=_lag(state.head_time if state else None, now.time),
        checked_seconds_ago=ago,
        looked_again_at=int(state.looked) if state else None,
        queue=queue,
        oldest_waiting_seconds=oldest,
        lanes=lanes,
        nodes=tuple(NodeAnswer(**one) for one in state.nodes) if state else (),
        alarms=(*_open_alarms(db), *_judged(ago, quarantined, oldest), *_of_hooks(hooks, now)),
        last_alarms=_last_alarms(db),
        quarantined_logs=quarantined,
        hooks=hooks,
    )


def _lag(head: int | None, reached: int | None) -> int | None:
    return None if head is None or reached is None else max(0, head - reached)


def _seconds_since(time: Any) -> ColumnElement[Any]:
    """Never below 0, also after the database's clock was set back."""
    return func.greatest(0, func.extract("epoch", func.now() - time))


def _open_alarms(db: Connection) -> list[str]:
    query = select(alarm.c.text).where(alarm.c.ended_at.is_(None)).order_by(alarm.c.id)
    return list(db.scalars(query))


def _last_alarms(db: Connection) -> tuple[AlarmAnswer, ...]:
    raised, ended = (func.extract("epoch", alarm.c[name]) for name in ("raised_at", "ended_at"))
    query = select(alarm.c.source, alarm.c.text, raised.label("raised"), ended.label("ended"))
    return tuple(
        AlarmAnswer(r.source, r.text, int(r.raised), None if r.ended is None else int(r.ended))
        for r in db.execute(query.order_by(alarm.c.id.desc()).limit(LAST_ALARMS))
    )


def _judged(
    checked_seconds_ago: int | None,
    quarantined: int,
    oldest_waiting_seconds: int | None,
) -> list[str]:
    """Alarms that nobody raises, because who should have may not be running."""
    alarms = []
    if checked_seconds_ago is None:
        alarms.append("The indexer has not read the chain yet. Start it: posthorn index.")
    elif checked_seconds_ago > INDEXER_SILENT_SECONDS:
        alarms.append(
            f"The indexer has not looked at the chain for {checked_seconds_ago} seconds. "
            "See whether it runs and the node answers."
        )
    if oldest_waiting_seconds is not None and oldest_waiting_seconds > WAITS_LONG_SECONDS:
        alarms.append(
            f"A submission has waited for {oldest_waiting_seconds} seconds. "
            "See whether the sender runs (posthorn send) and what its log says."
        )
    if quarantined:
        alarms.append(f"{quarantined} logs of the contracts could not be understood and are kept.")
    return alarms


def _of_hooks(hooks: HooksAnswer, now: AsOf) -> list[str]:
    alarms = []
    if hooks.unseen:
        alarms.append(
            f"Web hooks are on, and for {UNSEEN_SECONDS} seconds nobody has looked after them. "
            "Start it: posthorn hooks."
        )
    if hooks.on and now.block is not None and now.finalized is None:
        alarms.append(
            "Web hooks are on, and nothing is ever told: this chain does not say what is final. "
            "Set POSTHORN_FINALITY_DEPTH."
        )
    return alarms


def _queue(db: Connection) -> tuple[dict[str, int], int | None]:
    """Submissions not yet on chain by state, and for how many seconds the oldest of them waits that is not held."""
    age = _seconds_since(func.min(submission.c.created_at))
    rows = db.execute(
        select(submission.c.state, func.count().label("rows"), age.label("age"))
        .where(submission.c.state.in_(OPEN))
        .group_by(submission.c.state)
    ).all()
    counts = {row.state: row.rows for row in rows}
    oldest = max((int(row.age) for row in rows if row.state != "held"), default=None)
    return {state: counts.get(state, 0) for state in OPEN}, oldest


def _lanes(db: Connection) -> tuple[LaneAnswer, ...]:
    under_way = (
        select(
            transaction.c.lane,
            func.count().label("under_way"),
            func.min(transaction.c.nonce).label("stuck_nonce"),
            _seconds_since(func.min(transaction.c.created_at)).label("oldest_under_way"),
        )
        .where(transaction.c.state.in_(("signed", "broadcast")))
        .group_by(transaction.c.lane)
        .subquery()
    )
    is_pending = submission.c.state == "pending"
    waiting = (
        select(
            submission.c.lane,
            func.count().filter(is_pending).label("waiting"),
            func.count().filter(submission.c.state == "held").label("held"),
            _seconds_since(func.min(submission.c.created_at).filter(is_pending)).label(
                "oldest_waiting"
            ),
        )
        .where(submission.c.state.in_(OPEN))
        .group_by(submission.c.lane)
        .subquery()
    )
    query = (
        select(lane, under_way, waiting)
        .outerjoin(under_way, under_way.c.lane == lane.c.address)
        .outerjoin(waiting, waiting.c.lane == lane.c.key_name)
        .order_by(lane.c.key_name)
    )
    return tuple(map(_lane, db.execute(query)))


def _lane(row: Row[Any]) -> LaneAnswer:
    return LaneAnswer(
        key_name=row.key_name,
        address=row.address,
        next_nonce=row.next_nonce,
        stuck_nonce=row.stuck_nonce,
        under_way=row.under_way or 0,
        oldest_under_way_seconds=_whole(row.oldest_under_way),
        waiting=row.waiting or 0,
        held=row.held or 0,
        oldest_waiting_seconds=_whole(row.oldest_waiting),
    )


def _whole(seconds: Any) -> int | None:
    return None if seconds is None else int(seconds)
