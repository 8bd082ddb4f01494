"""Who had the right to sign when, from the network's own events (N2, N3, NE8-NE10)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from backend.indexer.events import Event, KeyCompromised, RightGranted
from backend.proof.bundle import KeyRight


def rights_of(events: Iterable[Event]) -> tuple[KeyRight, ...]:
    """The rights that events in the order of the chain leave, by custodian, in the order of their grant."""
    granted: dict[int, list[KeyRight]] = {}
    for event in events:
        if isinstance(event, RightGranted):
            _grant(granted.setdefault(event.custodian, []), event)
        elif isinstance(event, KeyCompromised):
            rights = granted.setdefault(event.custodian, [])
            rights[:] = [_lost(right, event) for right in rights]
    return tuple(right for _, rights in sorted(granted.items()) for right in rights)


def _grant(rights: list[KeyRight], event: RightGranted) -> None:
    """NE9: those before it end where this one begins, if they did not end earlier; one to begin later never does."""
    rights[:] = [
        replace(right, until_time=min(right.until_time, event.from_time)) for right in rights
    ]
    rights.append(
        KeyRight(
            custodian=event.custodian,
            key=event.key,
            kind=event.kind,
            key_holder=event.key_holder,
            from_time=event.from_time,
            until_time=event.until_time,
            granted_block=event.place.block,
        )
    )


def _lost(right: KeyRight, event: KeyCompromised) -> KeyRight:
    """NE10: from this event on nothing signed with the key is recorded; what was recorded stays."""
    return replace(right, lost_block=event.place.block) if right.key == event.key else right


def right_at(
    events: Iterable[Event], custodian: int, time: int, before: tuple[int, int]
) -> KeyRight | None:
    """The right that the contract found at an event time, asked at a place (block, log) of the chain.

    Later events do not count: a rotation may cut short what a record was judged by.
    """
    earlier = [e for e in events if (e.place.block, e.place.log_index) < before]
    covering = (
        right
        for right in reversed(rights_of(earlier))
        if right.custodian == custodian
        and not right.lost_block
        and right.from_time <= time < right.until_time
    )
    return next(covering, None)
