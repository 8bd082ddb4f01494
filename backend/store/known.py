"""By which blocks a node shows that it serves the chain that was indexed (B7)."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, func, or_, select

from backend.store.engine import begin
from backend.store.tables import block, chain_state


def known_blocks(db: Connection) -> dict[int, bytes]:
    """The hashes of block 0, of the first indexed block (the deployment), and of the last final one."""
    state = db.execute(select(chain_state.c.genesis_hash, chain_state.c.finalized_number)).first()
    if state is None:
        return {}
    first = select(func.min(block.c.number)).scalar_subquery()
    wanted = or_(block.c.number == first, block.c.number == state.finalized_number)
    known = {row.number: row.hash for row in db.execute(select(block).where(wanted))}
    return known | ({} if state.genesis_hash is None else {0: state.genesis_hash})


def read_known_blocks(engine: Engine) -> dict[int, bytes]:
    """The same in a transaction of its own. Raises Unavailable."""
    with begin(engine) as db:
        return known_blocks(db)
