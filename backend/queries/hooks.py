"""Web hooks as administrators see them, and how they are as a whole."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from backend.store.engine import named_row
from backend.store.tables import hook, hook_message, operator

# No worker has looked at a hook for so long: none runs.
UNSEEN_SECONDS = 60

_SUMMARY = f"""
SELECT count(*) FILTER (WHERE state = 'on') AS is_on, count(*) FILTER (WHERE state = 'on' AND trouble <> '') AS failing,
    count(*) FILTER (WHERE state = 'disabled') AS disabled,
    coalesce(max(looked_at) FILTER (WHERE state = 'on') < now() - interval '{UNSEEN_SECONDS} seconds', false) AS unseen,
    (SELECT count(*) FROM hook_message) AS waiting,
    (SELECT greatest(0, extract(epoch FROM now() - min(created_at)))::integer FROM hook_message HAVING count(*) > 0)
        AS oldest
FROM hook
"""


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """`state`: on, off, disabled; `trouble` says why the last call failed. `waiting` messages are to be told.

    Times are seconds since 1970, or None.
    """

    number: int
    operator: int
    operator_name: str
    url: str
    state: str
    trouble: str
    waiting: int
    told_at: int | None
    created_at: int


@dataclass(frozen=True, slots=True)
class HooksAnswer:
    """Of all hooks: how many are on, of these failing, disabled; what waits, and the age of the oldest.

    `unseen`: some are on, and no worker looks after them.
    """

    on: int
    failing: int
    disabled: int
    waiting: int
    oldest_waiting_seconds: int | None
    unseen: bool


def hooks(db: Connection) -> tuple[HookAnswer, ...]:
    """All of them, by number."""
    waiting = select(func.count()).where(hook_message.c.hook == hook.c.id).scalar_subquery()
    times = [func.extract("epoch", hook.c[name]).label(name) for name in ("told_at", "created_at")]
    columns = [hook.c[name] for name in ("id", "operator", "url", "state", "trouble")]
    query = (
        select(*columns, *times, operator.c.name, waiting.label("waiting"))
        .outerjoin(operator, operator.c.number == hook.c.operator)
        .order_by(hook.c.id)
    )
    return tuple(
        HookAnswer(
            number=row.id,
            operator=row.operator,
            operator_name=row.name or str(row.operator),
            url=row.url,
            state=row.state,
            trouble=row.trouble,
            waiting=row.waiting,
            told_at=None if row.told_at is None else int(row.told_at),
            created_at=int(row.created_at),
        )
        for row in db.execute(query)
    )


def summary(db: Connection) -> HooksAnswer:
    """For the status."""
    row = named_row(db, _SUMMARY)
    return HooksAnswer(row.is_on, row.failing, row.disabled, row.waiting, row.oldest, row.unseen)
