"""What `status`, `second-look` and `digests` say, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backend.cli.output import copyable
from backend.errors import BadRequest
from backend.indexer.second_look import Seen
from backend.indexer.spans import Digest, first_difference
from backend.queries.hooks import HooksAnswer
from backend.queries.status import AlarmAnswer, LaneAnswer, StatusAnswer


def status_text(found: StatusAnswer) -> str:
    now = found.as_of
    waiting = sum(found.queue.values())
    lines = [
        f"head {found.head}, indexed {now.block}, safe {now.safe}, final {now.finalized}",
        f"{found.lag_blocks} blocks and {found.lag_seconds} seconds behind the head{_seen(found)}",
        f"{waiting} submissions on their way{_age(found.oldest_waiting_seconds)}",
        *map(_lane_text, found.lanes),
        *(f"node {one.name}: {one.trouble or f'block {one.head}'}" for one in found.nodes),
        *_hooks_text(found.hooks),
        *(f"ALARM: {copyable(alarm)}" for alarm in found.alarms),
        *(f"alarm {_when(one)}: {one.text}" for one in found.last_alarms if one.ended_at),
    ]
    return "\n".join(lines)


def _seen(found: StatusAnswer) -> str:
    """Of a head that may have moved since."""
    ago = found.checked_seconds_ago
    return "" if ago is None else f", as it was {ago} s ago"


def _lane_text(lane: LaneAnswer) -> str:
    stuck = "" if lane.stuck_nonce is None else f" from {lane.stuck_nonce} on"
    return (
        f"{lane.key_name}: {lane.under_way} under way{stuck}{_age(lane.oldest_under_way_seconds)}, "
        f"{lane.waiting} waiting{_age(lane.oldest_waiting_seconds)}, {lane.held} held, "
        f"next nonce {lane.next_nonce}"
    )


def _hooks_text(hooks: HooksAnswer) -> list[str]:
    if not hooks.on and not hooks.disabled and not hooks.waiting:
        return []
    waiting = f"{hooks.waiting} messages to be told{_age(hooks.oldest_waiting_seconds)}"
    return [
        f"web hooks: {hooks.on} on, {hooks.failing} failing, {hooks.disabled} disabled, {waiting}"
    ]


def _age(seconds: int | None) -> str:
    return "" if seconds is None else f" (oldest {seconds} s)"


def _when(one: AlarmAnswer) -> str:
    times = [one.raised_at, one.ended_at or one.raised_at]
    said = [datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%d %H:%M:%S") for t in times]
    return " to ".join(said) + " UTC"


def seen_text(seen: Seen | None) -> str:
    if seen is None:
        return "Nothing is indexed yet."
    what = f"Blocks {seen.first} to {seen.last} read again, {seen.logs} logs: "
    return what + ("\n".join(["", *seen.differences]) if seen.differences else "nothing differs.")


def digests_json(ours: Sequence[Digest], differing: Digest | None) -> dict[str, Any]:
    facts = [_digest_json(one) for one in ours]
    return {"digests": facts} | ({"differs": _digest_json(differing)} if differing else {})


def _digest_json(one: Digest) -> dict[str, Any]:
    return {"first": one.first, "last": one.last, "logs": one.logs, "digest": one.digest}


def read_digests(file: Path) -> list[Digest]:
    """What `digests --json` printed. Raises BadRequest."""
    try:
        found = json.loads(file.read_text())["digests"]
        return [
            Digest(d["first"], d["last"], d["logs"], bytes.fromhex(d["digest"][2:])) for d in found
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        what_now = "`posthorn digests --json` prints them."
        raise BadRequest(f"{file} holds no digests: {error!r}.", what_now) from None


def digests_text(ours: Sequence[Digest], theirs: Sequence[Digest] | None) -> str:
    if theirs is None:
        lines = [f"{d.first}-{d.last} {d.logs} logs 0x{d.digest.hex()}" for d in ours]
        return "\n".join(lines) or "No thousand blocks are complete yet."
    differing = first_difference(ours, theirs)
    if differing is None:
        return "Nothing differs, as far as both have come."
    if differing.first == differing.last:
        return f"Block {differing.first} differs."
    return (
        f"Blocks {differing.first} to {differing.last} differ. "
        f"Which of them, on both sides: {copyable(f'`posthorn digests --span {differing.first}`')}."
    )
