"""A web hook of one operator under fire, and what its receiver was told held against the records."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from clients import CUSTODIANS
from receiver import Receiver, receiving
from sqlalchemy import Connection, Engine, text

from backend.domain.ids import operator_of_custodian
from backend.ports import Hooks
from backend.store import hooks as rows
from backend.store.engine import begin

OPERATOR = operator_of_custodian(CUSTODIANS[0])
Key = tuple[str, int]


@dataclass
class Told:
    """The receiver of a hook of OPERATOR."""

    receiver: Receiver

    @property
    def repeats(self) -> int:
        """How often something was told that had been told before."""
        return len(self.receiver.taken) - len({one.id for one in self.receiver.taken})

    def broken(self, engine: Engine) -> list[str]:
        """K12: each record at least once and under one id, an item's in order, and nothing else."""
        came = [(one.key, one.id) for one in self.receiver.taken]
        names = defaultdict(set)
        for key, name in came:
            names[key].add(name)
        found = [
            f"told under {len(some)} ids: {key}" for key, some in names.items() if len(some) > 1
        ]
        wanted = due(engine)
        found += [f"never told: {key}" for key in wanted - names.keys()]
        found += [f"told, and not to be: {key}" for key in names.keys() - wanted]
        return found + out_of_order(list(names))


def out_of_order(first_told: list[Key]) -> list[str]:
    """By when each was told first."""
    newest: dict[str, int] = {}
    found = []
    for item, record in first_told:
        if record < newest.get(item, 0):
            found.append(f"overtaken: record {record} of {item}")
        newest[item] = record
    return found


def due(engine: Engine) -> set[Key]:
    """Records of items that the operator had to do with by then, up to the hook's cursor."""
    query = text(
        "SELECT item.operator, entry.item, record, actor, receiver FROM entry JOIN item ON item.item = entry.item "
        "WHERE block_number <= (SELECT cursor FROM hook) ORDER BY record"
    )
    known, wanted = set(), set()
    with begin(engine) as db:
        for row in db.execute(query):
            parties = {n >> 24 for n in (row.actor, row.receiver) if n}
            if row.operator == OPERATOR or OPERATOR in parties:
                known.add(row.item)
            if row.item in known:
                wanted.add(("0x" + row.item.hex(), row.record))
    return wanted


def still_to_be_told(db: Connection) -> list[str]:
    """What a worker has not come to yet."""
    query = text(
        "SELECT 'hook' AS what, id FROM hook WHERE cursor < (SELECT finalized_number FROM chain_state) "
        "UNION ALL SELECT 'message', record FROM hook_message"
    )
    return [str(row) for row in db.execute(query)]


@contextmanager
def told(engine: Engine, hooks: Hooks) -> Iterator[Told]:
    """The hook and its receiver, from now on."""
    with receiving() as receiver:
        with begin(engine) as db:
            row = rows.add(db, OPERATOR, receiver.url, os.urandom(16))
            assert row is not None
        receiver.secret = hooks.secret(row.salt)
        yield Told(receiver)
