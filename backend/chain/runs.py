"""Cut due submissions into runs, one transaction each: pure.

Records of one item keep their order: a later one goes into the same run or a later run. Otherwise a record
joins the first run of its kind that has room, so that a mixed stream still makes full transactions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from backend.chain.calls import (
    TRANSACTION_BYTES,
    TRANSACTION_GAS,
    TRANSACTION_GAS_CAP,
    bytes_of,
    gas_of,
    is_act,
)

# What other records may rest on without naming an item: nothing behind one of these overtakes it.
FOUNDATIONS = frozenset({"issue", "void"})


class Due(Protocol):
    """A row of table submission that may be sent now."""

    @property
    def kind(self) -> str: ...
    @property
    def payload(self) -> dict[str, Any]: ...
    @property
    def items(self) -> list[bytes]: ...
    @property
    def digest(self) -> bytes: ...


@dataclass(slots=True)
class Run:
    """Records of one kind for one transaction, in their order."""

    kind: str
    rows: list[Due] = field(default_factory=list)
    gas: int = TRANSACTION_GAS
    calldata_bytes: int = TRANSACTION_BYTES

    def takes(self, row: Due, most_bytes: int) -> bool:
        """Whether the row fits: same kind, gas (EIP-7825), calldata. An act stands alone."""
        if row.kind != self.kind or (self.rows and is_act(row.kind)):
            return False
        gas = self.gas + gas_of(row.kind, row.payload)
        size = self.calldata_bytes + bytes_of(row.kind, row.payload)
        fits = gas <= TRANSACTION_GAS_CAP and size <= most_bytes
        return fits or not self.rows

    def add(self, row: Due) -> None:
        self.rows.append(row)
        self.gas += gas_of(row.kind, row.payload)
        self.calldata_bytes += bytes_of(row.kind, row.payload)


def cut(rows: Iterable[Due], most: int, most_bytes: int) -> list[Run]:
    """At most `most` runs from rows in the order of their sequence, each of `most_bytes` of calldata.

    Stops at the first row that would need one run more.
    """
    runs: list[Run] = []
    placed: dict[bytes, int] = {}
    floor = 0
    for row in rows:
        foundation = is_act(row.kind) or row.kind in FOUNDATIONS
        earliest = max([floor, *(placed.get(item, 0) for item in row.items)])
        start = max(len(runs) - 1, 0) if foundation else earliest
        index = next(
            (i for i in range(start, len(runs)) if runs[i].takes(row, most_bytes)), len(runs)
        )
        if index == most:
            break
        if index == len(runs):
            runs.append(Run(row.kind))
        runs[index].add(row)
        placed.update(dict.fromkeys(row.items, index))
        floor = index if foundation else floor
    return runs
