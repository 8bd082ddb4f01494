"""Web hooks, and what each is still to be told: rows made by a cursor, deleted when told (docs/decisions/0019).

Times are those of the database, so that all workers go by one clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from backend.domain.ids import custodians_of
from backend.store.alarms import end_alarm, raise_alarm
from backend.store.engine import named_row, straight
from backend.store.tables import chain_state, hook, hook_message

# Messages of one look at the chain, more or less; and how many may wait before no more are made.
MOST_AT_ONCE = 1_000
MOST_WAITING = 10_000
# How often a hook of which nothing is to be told is looked at, to show that somebody does.
ALIVE_SECONDS = 10

# The first message not told yet of its item, where it is due: a later one never overtakes it.
_DUE = """
FROM hook_message AS message WHERE message.hook = hook.id AND message.due_at <= now() AND NOT EXISTS (
    SELECT FROM hook_message AS earlier
    WHERE (earlier.hook, earlier.item) = (message.hook, message.item) AND earlier.record < message.record)
"""
_LAGS = """
hook.cursor < (SELECT finalized_number FROM chain_state)
AND (SELECT count(*) FROM (SELECT FROM hook_message WHERE hook = hook.id LIMIT %(most)s) AS waiting) < %(most)s
"""
_TO_LOOK_AT = f"""
SELECT id FROM hook WHERE state = 'on' AND (
    looked_at < now() - make_interval(secs => %(alive)s) OR ({_LAGS})
    OR due_at <= now() AND EXISTS (SELECT {_DUE}))
ORDER BY looked_at
"""
_NEXT = f"""
SELECT hook.id, hook.operator, hook.url, hook.salt, hook.failures, hook.refused, message.item, message.record,
    message.attempts
FROM hook, LATERAL (SELECT * {_DUE} ORDER BY message.due_at, message.sequence LIMIT 1) AS message
WHERE hook.id = %(hook)s AND state = 'on' AND hook.due_at <= now()
"""
# Blocks after the cursor, up to the one in which the thousandth record lies, or to the last final one.
_REACH = f"""
SELECT hook.operator, hook.cursor, coalesce(
    (SELECT block_number FROM entry WHERE block_number > hook.cursor AND block_number <= finalized_number
     ORDER BY block_number OFFSET %(records)s LIMIT 1), finalized_number)
FROM hook, chain_state WHERE hook.id = %(hook)s AND state = 'on' AND {_LAGS} FOR UPDATE OF hook
"""
# With an item that it has accepted or has had, or that it gave or got just now, an operator has to do.
_GATHER = """
INSERT INTO hook_message (hook, item, record)
SELECT %(hook)s, entry.item, entry.record FROM entry JOIN item ON item.item = entry.item
WHERE entry.block_number > %(after)s AND entry.block_number <= %(upto)s AND (
    item.operator = %(operator)s OR EXISTS (
        SELECT FROM entry AS known WHERE known.item = entry.item AND known.record <= entry.record
        AND (known.actor BETWEEN %(low)s AND %(high)s OR known.receiver BETWEEN %(low)s AND %(high)s)))
ORDER BY entry.block_number, entry.log_index, entry.item, entry.record
ON CONFLICT DO NOTHING
"""


def message_id(salt: bytes, item: bytes, record: int) -> str:
    """The same however often a record is told to a hook: by it the receiver knows a repeat (K12)."""
    return "msg_" + hashlib.sha256(salt + item + record.to_bytes(4)).hexdigest()[:32]


def add(db: Connection, operator: int, url: str, salt: bytes) -> Row[Any] | None:
    """A new hook, told of what becomes final from now on; None where one has this salt.

    The very hook that was added with this salt is the one that was asked for: a form that is sent again adds no other.
    """
    state = chain_state.c
    newest = select(func.coalesce(state.finalized_number, state.indexed_number)).scalar_subquery()
    values = {"operator": operator, "url": url, "salt": salt}
    values |= {"cursor": func.coalesce(newest, -1)}
    db.execute(insert(hook).values(**values).on_conflict_do_nothing(index_elements=["salt"]))
    return db.execute(
        select(hook).where(*(hook.c[n] == values[n] for n in ("salt", "operator", "url")))
    ).first()


def find(db: Connection, number: int) -> Row[Any] | None:
    return db.execute(select(hook).where(hook.c.id == number)).first()


def remove(db: Connection, number: int) -> None:
    """With all that it was still to be told."""
    db.execute(delete(hook).where(hook.c.id == number))
    end_alarm(db, _source(number))


def switch_on(db: Connection, number: int) -> None:
    """It goes on where it stood, at once, and as if nothing had failed."""
    fresh = {
        "failures": 0,
        "refused": 0,
        "trouble": "",
        "due_at": func.now(),
        "looked_at": func.now(),
    }
    db.execute(update(hook).where(hook.c.id == number).values(state="on", **fresh))
    again = {"attempts": 0, "due_at": func.now()}
    db.execute(update(hook_message).where(hook_message.c.hook == number).values(**again))
    end_alarm(db, _source(number))


def switch_off(db: Connection, number: int) -> None:
    """Nothing is told until it is switched on again; what is to be told stays."""
    db.execute(update(hook).where(hook.c.id == number).values(state="off"))
    end_alarm(db, _source(number))


def disable(db: Connection, number: int, operator: int, why: str) -> bool:
    """As switch_off, not by a person: an alarm says so. False where a person has switched it off, or removed it."""
    on = hook.c.id == number, hook.c.state == "on"
    if not db.execute(update(hook).where(*on).values(state="disabled", trouble=why)).rowcount:
        return False
    text = f"Web hook {number} of operator {operator} was switched off: {why}."
    raise_alarm(
        db, _source(number), f"{text} When its receiver is right: `posthorn hook on {number}`."
    )
    return True


def _source(number: int) -> str:
    return f"hook {number}"


# --- what workers do ------------------------------------------------------------------------------
def to_look_at(db: Connection) -> Sequence[int]:
    """Hooks with something to do, those first that were looked at longest ago."""
    values = {"alive": ALIVE_SECONDS, "most": MOST_WAITING}
    return [row[0] for row in straight(db, _TO_LOOK_AT, values)]


def gather(db: Connection, number: int) -> bool:
    """Messages for what has become final; the cursor moves with them. Whether there was anything to look at."""
    db.execute(update(hook).where(hook.c.id == number).values(looked_at=func.now()))
    asked = {"hook": number, "records": MOST_AT_ONCE - 1, "most": MOST_WAITING}
    for operator, after, upto in straight(db, _REACH, asked):
        low, high = custodians_of(operator)
        values = {"hook": number, "operator": operator, "low": low, "high": high}
        straight(db, _GATHER, values | {"after": after, "upto": upto})
        db.execute(update(hook).where(hook.c.id == number).values(cursor=upto))
        return True
    return False


def next_message(db: Connection, number: int) -> Any:
    """What a hook is to be told next, and how it went before; None where nothing is due, or it rests."""
    return named_row(db, _NEXT, {"hook": number})


def lock(db: Connection, number: int) -> None:
    """Before its messages, as those do who switch or remove it."""
    db.execute(select(hook.c.id).where(hook.c.id == number).with_for_update())


def note_told(db: Connection, number: int, item: bytes, record: int) -> None:
    """The receiver has taken it, and all is well with it."""
    db.execute(delete(hook_message).where(*_is(number, item, record)))
    well = {"failures": 0, "refused": 0, "trouble": "", "due_at": func.now(), "told_at": func.now()}
    db.execute(update(hook).where(hook.c.id == number).values(**well))


def put_off(db: Connection, number: int, item: bytes, record: int, seconds: float) -> None:
    """This message, and with it those after it of the same item."""
    later = func.now() + timedelta(seconds=seconds)
    values = {"attempts": hook_message.c.attempts + 1, "due_at": later}
    db.execute(update(hook_message).where(*_is(number, item, record)).values(**values))


def rest(db: Connection, number: int, seconds: float) -> None:
    """The whole hook."""
    later = {"failures": hook.c.failures + 1, "due_at": func.now() + timedelta(seconds=seconds)}
    db.execute(update(hook).where(hook.c.id == number).values(**later))


def note_trouble(db: Connection, number: int, words: str, refused: int) -> None:
    """What the last call came to, and how many messages in a row were refused."""
    db.execute(update(hook).where(hook.c.id == number).values(trouble=words, refused=refused))


def _is(number: int, item: bytes, record: int) -> tuple[Any, ...]:
    columns = hook_message.c
    return columns.hook == number, columns.item == item, columns.record == record
