"""The words of a checked bundle: who answers for the item, and in which receptacles it was carried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from backend.domain.ids import custodian_text, receptacle_text
from backend.domain.times import written
from backend.domain.trail import Entry, HandedOff, Missing, Stay, TrailState, Why
from backend.domain.typed_data import Closing, TakeUp
from backend.indexer.events import Equivocated
from backend.proof.story import Carriage, Contents, Outcome, Story

WHY = {
    Why.ACCEPTED: "accepted it",
    Why.TAKEN_OVER: "took it over without reservation",
    Why.TAKEN_UP: "took it up",
    Why.UNPACKED: "found it when the receptacle was opened",
    Why.INFERRED: "answered for the receptacle, in which it was not looked for",
    Why.MISSING: "closed the receptacle in which it was missing",
    Why.RESERVATION: "the next one took it under reservation",
    Why.DELIVERED: "delivered",
    Why.STATED: "delivery stated by the carrier alone",
    Why.CONTESTED: "the addressee states: not received",
    Why.LEFT: "left the network",
    Why.DISPOSED: "custody ended",
}
Names = Mapping[int, str]


def answerable(state: TrailState, facilities: Names) -> str:
    """C12: who answers for the item, and why. Names are the operator's own words, numbers the chain's."""
    custodian = state.answer.custodian
    if not custodian:
        return f"nobody, {WHY[state.answer.why]}"
    return f"{named(custodian, facilities)}, {WHY[state.answer.why]}"


def named(custodian: int, facilities: Names) -> str:
    """`Counter of Arkadia (1-1)`, or the number alone."""
    number, name = custodian_text(custodian), facilities.get(custodian)
    return f"{name} ({number})" if name else number


def counted(number: int, noun: str) -> str:
    """`1 record`, `9 records`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def when(seconds: int) -> str:
    """`2026-03-03 09:14 UTC`."""
    return written(seconds, "%Y-%m-%d %H:%M UTC")


# --- receptacles (C7) -----------------------------------------------------------------------------
def carried(story: Story, facilities: Names) -> list[str]:
    """Sentences about each receptacle that carried the item, those that carried it in turn indented below it."""
    return [line for one in story.carriages for line in _carriage(story, one, facilities, "")]


def _carriage(story: Story, one: Carriage, names: Names, indent: str) -> Iterator[str]:
    facts = story.receptacles[one.number]
    by, at = named(one.packed_by, names), when(one.packing.event_time)
    closed = f"closed by {named(facts.closed_by, names)}" if facts.closed_by else "not closed"
    yield (
        f"{indent}In {receptacle_text(one.number)} (0x{one.receptacle.hex()}): packed by {by} on {at}, "
        f"{one.place + 1} of {facts.count}; {closed}."
    )
    for step in story.way(one):
        if isinstance(step, Carriage):
            yield from _carriage(story, step, names, indent + "  ")
        else:
            yield f"{indent}  {_hop(step, names)}"
    yield f"{indent}  {_outcome(story, one, names)}"


def _hop(entry: Entry, names: Names) -> str:
    body = entry.body
    if isinstance(body, HandedOff):
        signed = "somebody standing in for the giver" if body.forced_by else "signed by both"
        way = f"{named(body.giver, names)} to {named(body.receiver, names)}"
        return f"Carried with it: {way}, {when(body.received_at)}, {signed}."
    assert isinstance(body, TakeUp)
    return f"Taken up with it by {named(body.custodian, names)} alone, {when(body.time)}."


def _outcome(story: Story, one: Carriage, names: Names) -> str:
    body = one.end.body if one.end else None
    match body:
        case Stay():
            seen = (
                "seen in it"
                if body.verified
                else "neither seen nor missed: that it was there is inferred"
            )
            return f"Opened by {named(body.custodian, names)} on {when(body.time)}: {seen}."
        case Missing():
            return (
                f"Opened by {named(body.opener, names)} on {when(body.time)}: missing; "
                f"back with {named(body.custodian, names)}, who closed it."
            )
        case TakeUp():
            return (
                f"Taken up out of it by {named(body.custodian, names)} alone on {when(body.time)}."
            )
        case _:
            held_by = story.trails[one.receptacle].state.holder
            return f"Not opened: it lies in it; the receptacle is with {named(held_by, names)}."


def contents(found: Contents, facilities: Names) -> str:
    """One sentence about a receptacle's own contents, as its packings, closing and opening say."""
    facts, said = found.facts, list(found.said().values())
    refused = f" ({counted(found.refused, 'line')} refused)" if found.refused else ""
    closed = f"closed by {named(facts.closed_by, facilities)}" if facts.closed_by else "not closed"
    if found.opening is None:
        return f"It is a receptacle: {counted(facts.count, 'item')} packed{refused}, {closed}, not opened."
    seen, missing, inferred = map(said.count, (Outcome.FOUND, Outcome.MISSING, Outcome.INFERRED))
    return (
        f"It is a receptacle: {counted(facts.count, 'item')} packed{refused}, {closed}; opened by "
        f"{named(facts.opened_by, facilities)}, who states {seen} seen, {missing} missing, "
        f"{inferred} neither."
    )


def evidence(event: Equivocated, facilities: Names) -> str:
    """C10: facts for a person to look at; it says of nobody why."""
    first, second = event.first.release, event.second.release
    return (
        f"To be looked at: two complete hand-offs of this item by {named(event.giver, facilities)}, to "
        f"{named(first.receiver, facilities)} ({when(first.time)}) and to "
        f"{named(second.receiver, facilities)} ({when(second.time)}), all four signatures good. "
        "It changes nothing in the trail."
    )


# --- the same as data -----------------------------------------------------------------------------
def carried_json(story: Story) -> list[dict[str, Any]]:
    """Each receptacle that carried the item; `carried` in it are those that carried it in turn."""
    return [_carriage_json(story, one) for one in story.carriages]


def _carriage_json(story: Story, one: Carriage) -> dict[str, Any]:
    facts, packing = story.receptacles[one.number], one.packing
    closings = (e for e in story.trails[one.receptacle].entries if isinstance(e.body, Closing))
    closing = next(closings, None)
    return {
        "receptacle": one.number,
        "item": one.receptacle,
        "packed_by": one.packed_by,
        "packed_at": packing.event_time,
        "place": one.place,
        "count": facts.count,
        "contents": facts.contents,
        "closed_by": facts.closed_by,
        "closed_at": closing.event_time if closing else None,
        "opened_by": facts.opened_by,
        "opened_at": facts.opened_at,
        "outcome": one.outcome.value,
        "record": one.end.record if one.end else None,
        "hops": [_hop_json(hop) for hop in story.hops(one)],
        "carried": [_carriage_json(story, outer) for outer in story.carried_on(one)],
    }


def contents_json(found: Contents) -> dict[str, Any]:
    """A receptacle's own contents: each item in its order, and what the opening says of it."""
    return {
        "receptacle": asdict(found.facts) | {"refused_lines": found.refused},
        "items": [{"item": item, "outcome": how.value} for item, how in found.said().items()],
    }


def _hop_json(entry: Entry) -> dict[str, Any]:
    body = entry.body
    if isinstance(body, HandedOff):
        forced = {"forced_by": body.forced_by or None}
        return {"giver": body.giver, "receiver": body.receiver, "time": body.received_at} | forced
    assert isinstance(body, TakeUp)
    return {"taken_up_by": body.custodian, "time": body.time}


def evidence_json(event: Equivocated) -> dict[str, Any]:
    """Both releases of the pair, the earlier first."""
    return {
        "giver": event.giver,
        "custody_number": event.number,
        "block": event.place.block,
        "transaction": event.place.transaction,
        "hand_offs": [
            {
                "release": signed.receipt.release,
                "receiver": signed.release.receiver,
                "released_at": signed.release.time,
                "deadline": signed.release.deadline,
                "received_at": signed.receipt.time,
            }
            for signed in (event.first, event.second)
        ],
    }
