"""What the records give against what the contract keeps: heads, holders, and the journeys of receptacles (C6, C7)."""

from __future__ import annotations

from typing import Any

from backend.chain.views import ItemOnChain, Views
from backend.domain.ids import is_receptacle, operator_of_custodian, receptacle_text
from backend.domain.trail import TrailState
from backend.proof.records import Refuted
from backend.proof.story import Story

HELD, ENDED = 1, 2


def check_standing(story: Story, views: Views, at: int) -> None:
    """Every fact that the contract keeps of the item and its receptacles, at a block. Raises Refuted, Unavailable."""
    _check("head", story.state.head, views.head_of(story.item, at=at))
    on_chain = views.item_of(story.item, at=at)
    _check("state", _item(story, on_chain.height), on_chain)
    _check("custodian", story.custodian(), views.custodian_of(story.item, at=at))
    for item, trail in story.trails.items():
        lying_in = trail.unwritten or _receptacle(trail.state)
        if (
            item == story.item or not trail.state.opened
        ):  # an opened one has a life of its own after it
            _check("receptacle that it lies in", lying_in, views.lying_in(item, at=at))
            _check("head", trail.state.head, views.head_of(item, at=at))
    for number, receptacle in story.receptacles.items():
        _check(receptacle_text(number), receptacle, views.receptacle_of(number, at=at))


def _item(story: Story, height: int) -> ItemOnChain:
    """The item as the contract must have it; how deep its contents are nested is not told by its own trail."""
    state = story.state
    return ItemOnChain(
        holder=state.holder,
        number=state.number,
        records=state.records,
        time=state.latest_time,
        state=HELD if state.ended is None else ENDED,
        receptacle=state.receptacle,
        height=height,
        closed=state.closed,
        origin=operator_of_custodian(story.acceptance.custodian),
    )


def _receptacle(state: TrailState) -> int:
    return state.holder if is_receptacle(state.holder) else 0


def _check(what: str, by_records: Any, on_chain: Any) -> None:
    if by_records != on_chain:
        raise Refuted(
            f"The {what}: the records give {_shown(by_records)}, the contract has {_shown(on_chain)}."
        )


def _shown(value: Any) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
