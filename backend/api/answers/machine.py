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
    stuck_nonce: int | None
    under_way: int
    oldest_under_way_seconds: int | None
    waiting: int
    held: int
    oldest_waiting_seconds: int | None


class NodeUrl(Answer):
    """One URL of the node, as the indexer found it; `trouble` is empty where all is well."""

    name: str
    trouble: str
    head: int | None


class Alarm(Answer):
    """What a person should look at, or should have; `ended_at` is null while it lasts."""

    source: str
    text: str
    raised_at: int
    ended_at: int | None


class Hooks(Answer):
    """Web hooks: how many are on, of these failing, disabled; messages to be told, and the age of the oldest."""

    on: int
    failing: int
    disabled: int
    waiting: int
    oldest_waiting_seconds: int | None


class Status(Answer):
    """How far this installation is."""

    healthy: bool
    as_of_block: int | None
    as_of_time: int | None
    safe_block: int | None
    finalized_block: int | None
    head: int | None
    lag_blocks: int | None
    lag_seconds: int | None
    checked_seconds_ago: int | None
    looked_again_at: int | None
    queue: dict[str, int]
    oldest_waiting_seconds: int | None
    lanes: tuple[Lane, ...]
    nodes: tuple[NodeUrl, ...]
    alarms: tuple[str, ...]
    last_alarms: tuple[Alarm, ...]
    quarantined_logs: int
    hooks: Hooks

    @classmethod
    def of(cls, found: StatusAnswer) -> Self:
        now = found.as_of
        return cls(
            healthy=found.healthy,
            as_of_block=now.block,
            as_of_time=now.time,
            safe_block=now.safe,
            finalized_block=now.finalized,
            head=found.head,
            lag_blocks=found.lag_blocks,
            lag_seconds=found.lag_seconds,
            checked_seconds_ago=found.checked_seconds_ago,
            looked_again_at=found.looked_again_at,
            queue=found.queue,
            oldest_waiting_seconds=found.oldest_waiting_seconds,
            lanes=tuple(Lane.model_validate(lane) for lane in found.lanes),
            nodes=tuple(NodeUrl.model_validate(one) for one in found.nodes),
            alarms=found.alarms,
            last_alarms=tuple(Alarm.model_validate(one) for one in found.last_alarms),
            quarantined_logs=found.quarantined_logs,
            hooks=Hooks.model_validate(found.hooks),
        )


class Health(Answer):
    """`live`: this process answers. `ready`: so does its database. `alarms`: what a person should look at."""

    live: bool
    ready: bool
    alarms: tuple[str, ...]
