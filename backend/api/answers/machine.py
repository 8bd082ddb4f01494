"""Who has signed in, and how the installation is, as answers."""

from __future__ import annotations

from typing import Self

from backend.api.answers.promises import Answer
from backend.api.fields import CustodianOut, HexOut
from backend.queries.status import StatusAnswer


class Me(Answer):
    """Who has signed in, in which role, and where this person works now."""

    person: str
    role: str
    custodian: CustodianOut | None
    custodians: tuple[CustodianOut, ...]


class Lane(Answer):
    """One sending key."""

    key_name: str
    address: HexOut
    next_nonce: int
    under_way: int
    waiting: int


class Status(Answer):
    """How far this installation is."""

    healthy: bool
    as_of_block: int | None
    as_of_time: int | None
    finalized_block: int | None
    head: int | None
    lag_blocks: int | None
    checked_seconds_ago: int | None
    queue: dict[str, int]
    oldest_waiting_seconds: int | None
    lanes: tuple[Lane, ...]
    alarms: tuple[str, ...]
    quarantined_logs: int

    @classmethod
    def of(cls, found: StatusAnswer) -> Self:
        now = found.as_of
        return cls(
            healthy=found.healthy,
            as_of_block=now.block,
            as_of_time=now.time,
            finalized_block=now.finalized,
            head=found.head,
            lag_blocks=found.lag_blocks,
            checked_seconds_ago=found.checked_seconds_ago,
            queue=found.queue,
            oldest_waiting_seconds=found.oldest_waiting_seconds,
            lanes=tuple(Lane.model_validate(lane) for lane in found.lanes),
            alarms=found.alarms,
            quarantined_logs=found.quarantined_logs,
        )


class Health(Answer):
    """`live`: this process answers. `ready`: so does its database. `alarms`: what a person should look at."""

    live: bool
    ready: bool
    alarms: tuple[str, ...]
