"""The judge and the forecasts of receptacles (C7): packed, closed with a seal, opened once.

As in rules.py: each judge gives the refusal that the contract would give, in its order, or None.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce

from backend.domain.commitments import next_contents
from backend.domain.ids import UNNUMBERED_RECEPTACLE
from backend.domain.network import Custodian, Standing
from backend.domain.refusals import Refusal, refusal
from backend.domain.rules import judge_alone, judge_held, judge_may_move, moved
from backend.domain.typed_data import ZERO32, Closing, Opening, Packing

MOST_CONTENTS = 5_000
MOST_HEIGHT = 4
# What one packing packs and one opening misses: more would not fit into a transaction for sure.
MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Contents:
    """What was really packed into a receptacle, in the order of packing."""

    items: tuple[bytes, ...] = ()

    @property
    def count(self) -> int:
        return len(self.items)

    @property
    def digest(self) -> bytes:
        """The running hash that a closing signs."""
        return reduce(next_contents, self.items, ZERO32)

    def plus(self, items: Iterable[bytes]) -> Contents:
        return Contents((*self.items, *items))


def judge_packing(
    packing: Packing,
    standing: Standing | None,
    contents: Contents,
    custodian: Custodian | None,
    now: int,
) -> Refusal | None:
    """One packing as a whole; its items are judged one by one."""
    found = _judge_open(packing, standing)
    if found:
        return found
    count = contents.count + len(packing.items)
    if not packing.items or count > MOST_CONTENTS:
        return refusal("ContentCount", receptacle=packing.receptacle, count=count)
    return judge_alone(packing.custodian, custodian, packing.time, now)


def _judge_open(record: Packing | Closing, standing: Standing | None) -> Refusal | None:
    """Held, and never packed, or packed and not closed."""
    receptacle = record.receptacle
    found = judge_held(receptacle, standing, record.number, record.custodian, record.time)
    if found or standing is None:
        return found
    if standing.closed:
        return refusal("IsClosed", receptacle=receptacle)
    if standing.opened:
        return refusal("WasOpened", receptacle=receptacle)
    return None


def judge_packed_item(
    item: bytes, standing: Standing | None, height: int, packing: Packing
) -> Refusal | None:
    """One item of a packing; `height` is how deep its own contents are nested, 0 for none."""
    number = standing.number if standing else 0
    found = judge_held(item, standing, number, packing.custodian, packing.time)
    if not found and item == packing.receptacle:
        found = refusal("NotClosed", item=item)
    found = found or judge_may_move(item, standing)
    if not found and height + 1 > MOST_HEIGHT:
        found = refusal("TooDeep", item=item)
    return found


def judge_closing(
    closing: Closing,
    standing: Standing | None,
    contents: Contents,
    custodian: Custodian | None,
    now: int,
) -> Refusal | None:
    """Count and hash are those of what was really packed."""
    found = _judge_open(closing, standing)
    if found:
        return found
    if contents.count == 0:
        return refusal("ContentCount", receptacle=closing.receptacle, count=0)
    if (contents.count, contents.digest) != (closing.count, closing.contents):
        return refusal(
            "OtherContents",
            receptacle=closing.receptacle,
            count=contents.count,
            contents=contents.digest,
        )
    return judge_alone(closing.custodian, custodian, closing.time, now)


def judge_opening(
    opening: Opening,
    standing: Standing | None,
    contents: Contents,
    custodian: Custodian | None,
    now: int,
) -> Refusal | None:
    """Only a closed one is opened, by its holder."""
    receptacle = opening.receptacle
    found = judge_held(receptacle, standing, opening.number, opening.custodian, opening.time)
    if found:
        return found
    if standing is not None and not standing.closed:
        return refusal("NotClosed", item=receptacle)
    words = (contents.count + 255) // 256
    if len(opening.missing) > contents.count or len(opening.found) != words:
        return refusal("ContentCount", receptacle=receptacle, count=contents.count)
    return judge_alone(opening.custodian, custodian, opening.time, now)


def packed_in(standing: Standing, receptacle: Standing) -> Standing:
    """An item that lies in a receptacle: no record of its own yet, so no counter moves."""
    return replace(standing, holder=receptacle.receptacle)


def packed_with(standing: Standing, time: int) -> Standing:
    """A receptacle after a packing: numbered from its first on."""
    after = moved(standing, standing.holder, time)
    return replace(after, receptacle=standing.receptacle or UNNUMBERED_RECEPTACLE)


def closed(standing: Standing, time: int) -> Standing:
    """A receptacle after its closing."""
    return replace(moved(standing, standing.holder, time), closed=True)


def opened(standing: Standing, time: int) -> Standing:
    """A receptacle after its opening: its journey is over."""
    return replace(moved(standing, standing.holder, time), closed=False, opened=True)


def stayed(standing: Standing, opening: Standing) -> Standing:
    """An item after the opening of the receptacle in which it lay and was not missing: with who opened it."""
    return moved(standing, opening.holder, opening.latest_time)
