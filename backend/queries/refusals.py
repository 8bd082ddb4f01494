"""Refusals in the reader's names: the rules know custodians, receptacles and items by their numbers alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from backend.domain.refusals import Names, Refusal
from backend.errors import RefusedByRule
from backend.queries import network
from backend.queries.submissions import numbers_of


def tell_in_names(db: Connection, outcomes: Iterable[object]) -> None:
    """The refusals among these outcomes tell their custodians and items by name; looked up once for all of them."""
    errors = [one for one in outcomes if isinstance(one, RefusedByRule)]
    names = _names(db, [one for error in errors for one in error.refused.values()])
    for error in errors:
        error.tell(names)


def _names(db: Connection, refused: Sequence[Refusal]) -> Names:
    items = {one.values["item"] for one in refused if "item" in one.values}
    holders = network.told(db, {number for one in refused for number in one.holders})
    return Names(holders, numbers_of(db, items))
