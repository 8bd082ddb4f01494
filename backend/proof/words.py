"""The short words of a checked bundle: `nobody, delivered`."""

from __future__ import annotations

from collections.abc import Mapping

from backend.domain.ids import custodian_text
from backend.domain.trail import TrailState, Why

WHY = {
    Why.ACCEPTED: "accepted it",
    Why.TAKEN_OVER: "took it over without reservation",
    Why.TAKEN_UP: "took it up",
    Why.RESERVATION: "the next one took it under reservation",
    Why.DELIVERED: "delivered",
    Why.STATED: "delivery stated by the carrier alone",
    Why.CONTESTED: "the addressee states: not received",
    Why.LEFT: "left the network",
    Why.DISPOSED: "custody ended",
}


def answerable(state: TrailState, facilities: Mapping[int, str]) -> str:
    """C12: who answers for the item, and why. Names are the operator's own words, numbers the chain's."""
    custodian = state.answer.custodian
    if not custodian:
        return f"nobody, {WHY[state.answer.why]}"
    number = custodian_text(custodian)
    name = facilities.get(custodian)
    return f"{f'{name} ({number})' if name else number}, {WHY[state.answer.why]}"


def counted(number: int, noun: str) -> str:
    """`1 record`, `9 records`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
