"""How far this installation is: chain head, indexed, final, lag, queue, alarms (B2)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection


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
    ...


def status(db: Connection) -> StatusAnswer:
    """Everything at once, for the status page and `posthorn status`."""
    ...
