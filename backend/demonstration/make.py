"""Make the demonstration: 14 months of records in a few seconds, every one through the use cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine, Table, func, insert, select

from backend.demonstration import cast, editions, stories
from backend.demonstration.plan import Plan, day
from backend.demonstration.showcase import arrange
from backend.demonstration.stage import DAY, HOUR, Loops, Stage
from backend.ports import House
from backend.store.engine import begin
from backend.store.tables import entry, item, operator, showcase

Progress = Callable[[str, int, int], None]
START_DAYS_AGO = 425


@dataclass(frozen=True, slots=True)
class Made:
    """What stands on the chain now. `records` are those of items, as the pages count them."""

    items: int
    posts: int
    authorities: int
    records: int


def start_time(now: int) -> int:
    """When the demonstration's chain begins: fourteen months ago, at 06:00 UTC."""
    return day(now, START_DAYS_AGO, "06:00")


def is_made(engine: Engine) -> bool:
    """Whether the demonstration was made before, to its end."""
    with begin(engine) as db:
        return db.execute(select(showcase.c.position)).first() is not None


def make(engine: Engine, house: House, loops: Loops, now: int, progress: Progress) -> Made:
    """Play all stories on a fresh chain that begins at start_time(now); ends at `now`."""
    stage = Stage(engine, house, loops, clock=start_time(now) + HOUR)
    cast.found_network(stage, lapse=now - DAY)
    cast.lose_a_phone(stage)
    plan = Plan(stage)
    parcels = stories.tell_all(plan, now)
    _philately(plan, now)
    stage.clock = start_time(now) + 2 * DAY
    plan.play(lambda done, of: progress("records", done, of))
    stage.clock = now
    with begin(engine) as db:
        db.execute(insert(showcase), arrange(stage, parcels))
        return _count(db)


def _philately(plan: Plan, now: int) -> None:
    stage = plan.stage
    first_day = day(now, 60, "00:00")
    at = plan.at
    at(day(now, 400, "08:00"), lambda: editions.create_alpstein(stage, day(now, 399, "00:00")))
    at(day(now, 75, "08:00"), lambda: editions.create_signals(stage, first_day))
    at(day(now, 60, "09:00"), lambda: editions.first_day_covers(stage))
    at(day(now, 52, "16:00"), lambda: editions.take_back(stage))
    at(day(now, 45, "18:00"), lambda: editions.claim_twins(stage))
    stream, copied = editions.MAIL_STREAM, editions.signals(editions.COPIED)
    at(
        day(now, 30, "09:14"),
        lambda: editions.cancel_stamps(stage, cast.HALL, [copied], stream),
    )
    at(day(now, 30, "09:54"), lambda: editions.copy_turns_up(stage))
    boxed = editions.signals(editions.FROM_THE_STREET_BOX)
    at(
        day(now, 9, "21:30"),
        lambda: editions.cancel_stamps(stage, cast.HALL, [boxed], stream),
    )
    at(day(now, 3, "11:00"), lambda: editions.create_saentis(stage, day(now, -10, "00:00")))


def _count(db: Connection) -> Made:
    def count(table: Table, *conditions: ColumnElement[bool]) -> int:
        query = select(func.count()).select_from(table).where(*conditions)
        return int(db.scalar(query) or 0)

    authorities = 1
    posts = count(operator) - authorities
    return Made(count(item), posts, authorities, count(entry))
