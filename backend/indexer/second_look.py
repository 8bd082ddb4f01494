"""The second look: recent blocks are read from the node again and compared with the stored rows.

What was indexed was checked against the headers' blooms when it came, but a bloom does not tell two logs with
the same topics apart, and a disk may forget. A difference is an alarm, and is named; nothing is changed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import structlog
from sqlalchemy import ColumnElement, Connection, Engine, func, select, update

from backend.errors import Unavailable
from backend.indexer.decode import Contracts
from backend.indexer.events import RawLog
from backend.indexer.fetch import Reach, Run, fetch
from backend.indexer.node import Deployment, Log, Node
from backend.indexer.raw import block_hashes, finalized_number, stored_logs
from backend.store.alarms import end_alarm, raise_alarm
from backend.store.engine import begin
from backend.store.tables import block, chain_state, log

DAY_SECONDS = 86_400
RECENT_DAYS = 2
ALARM = "second look"
# How often an indexer looks whether a second look is due, and how soon a failed one is tried again.
DUE_SECONDS = 600.0
FIELDS = RawLog._fields

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """Blocks `first` to `last` were read again; `differences` name what the node has otherwise."""

    first: int
    last: int
    logs: int
    differences: tuple[str, ...]


def look_again(
    engine: Engine, node: Node, deployment: Deployment, days: float | None = RECENT_DAYS
) -> Seen | None:
    """Read the blocks of the last days again, all where `days` is None; keep what was found as alarm.

    None where nothing is indexed yet. Blocks that are not final may be replaced meanwhile: they are then the
    indexer's business and no difference. Raises Unavailable where node or database is away.
    """
    with begin(engine) as db:
        bounds = _bounds(db, days)
    if bounds is None:
        return None
    contracts = Contracts(deployment.network, deployment.ledger, deployment.stamps)
    number, logs, found = bounds[0], 0, list[str]()
    reach = Reach()
    while number <= bounds[1]:
        run = _fetch(node, contracts, number, bounds[1], reach)
        if not run.blocks:
            found.append(f"Block {number} is stored and the node does not have it.")
            break
        with begin(engine) as db:
            found += _differences(db, run)
        number, logs = run.blocks[-1].number + 1, logs + len(run.logs)
    with begin(engine) as db:
        _keep(db, found)
    return Seen(*bounds, logs, tuple(found))


def _fetch(node: Node, contracts: Contracts, first: int, last: int, reach: Reach) -> Run:
    """With fewer and fewer blocks at a time, and by other URLs, before it gives up. Raises Unavailable."""
    while True:
        try:
            return fetch(node, contracts.addresses, first, last, None, reach)
        except Unavailable:
            if reach.headers == 1:
                raise
            node.doubt()


def _bounds(db: Connection, days: float | None) -> tuple[int, int] | None:
    newest = db.execute(select(block).order_by(block.c.number.desc()).limit(1)).first()
    if newest is None:
        return None
    since = newest.time - days * DAY_SECONDS if days is not None else 0
    first = db.scalar(select(func.min(block.c.number)).where(block.c.time >= since))
    return first or 0, newest.number


def _differences(db: Connection, run: Run) -> Iterator[str]:
    """Of blocks that are stored, and not in the act of being replaced."""
    first, last = run.blocks[0].number, run.blocks[-1].number
    hashes, final = block_hashes(db, first, last), finalized_number(db)
    stored, _ = stored_logs(db, log.c.block_number.between(first, last))
    ours = {(one.block_number, one.log_index): one for one in stored}
    theirs = {(one.block_number, one.log_index): one for one in run.logs}
    replaced = {one.number for one in run.blocks if hashes.get(one.number) != one.hash}
    for number in sorted(replaced):
        if final is not None and number <= final:
            yield f"Block {number}, which was final, has another hash at the node."
    for number, index in sorted(ours.keys() | theirs.keys()):
        here, there = ours.get((number, index)), theirs.get((number, index))
        if number not in replaced and not _same(here, there):
            state = "is missing here" if here is None else "is not so at the node"
            yield f"Log {index} of block {number} {state}."


def _same(here: Log | None, there: Log | None) -> bool:
    if here is None or there is None:
        return False
    return all(getattr(here, name) == getattr(there, name) for name in FIELDS)


def _keep(db: Connection, found: list[str]) -> None:
    if not found:
        end_alarm(db, ALARM)
        return
    raise_alarm(
        db,
        ALARM,
        f"The second look found {len(found)} differences between the node and the stored rows. "
        f"The first: {found[0]} See all: posthorn second-look.",
    )


def look_nightly(engine: Engine, node: Node, deployment: Deployment, stop: threading.Event) -> None:
    """Look again once a day until told to stop, whichever indexer comes first; it alone does it."""
    while not stop.wait(DUE_SECONDS):
        try:
            look_if_due(engine, node, deployment)
        except Unavailable as error:
            logger.warning("second_look_waits", reason=str(error))


def look_if_due(engine: Engine, node: Node, deployment: Deployment) -> Seen | None:
    """Look again where a day has passed since the last time. Raises Unavailable; then it is still due."""
    with begin(engine) as db:
        before = db.scalar(select(chain_state.c.looked_again_at).where(_long_ago()))
        if before is None or not _claim(db):
            return None
    try:
        seen = look_again(engine, node, deployment)
    except Unavailable:
        with begin(engine) as db:
            db.execute(update(chain_state).values(looked_again_at=before))
        raise
    _tell(seen)
    return seen


def _claim(db: Connection) -> bool:
    """Of several indexers one gets it."""
    claimed = update(chain_state).where(_long_ago()).values(looked_again_at=func.now())
    return db.execute(claimed).rowcount == 1


def _long_ago() -> ColumnElement[bool]:
    return chain_state.c.looked_again_at < func.now() - func.make_interval(0, 0, 0, 1)


def _tell(seen: Seen | None) -> None:
    if seen is None:
        return
    logger.info("looked_again", first=seen.first, last=seen.last, logs=seen.logs)
    for difference in seen.differences:
        logger.error("second_look_differs", reason=difference)
