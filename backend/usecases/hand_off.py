"""Hand over and take over: a release by the giver, a receipt by the receiver, for a list (C2, C3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from backend.domain import codes, rules
from backend.domain.network import Custodian, Standing
from backend.domain.refusals import Refusal, show
from backend.domain.typed_data import (
    ZERO32,
    Finding,
    ForcedRelease,
    Line,
    Receipt,
    Release,
    received_bitmap,
)
from backend.domain.wire import from_wire, to_wire
from backend.errors import Conflict, NotFound, PosthornError, RefusedByRule, Unprocessable
from backend.ports import Actor, House
from backend.store import items as item_rows
from backend.store import network, releases
from backend.usecases.operate import must_be_admin
from backend.usecases.submit import (
    Draft,
    Promise,
    draft,
    each,
    hexed,
    keep_each,
    must_act_for,
    only,
    refuse,
    refuse_lines,
    signed,
)

COUNTER_SECONDS = 15 * 60
# For what is received at the last moment: a queue, a node or a post that is away delays the record, it voids none.
RECORDING_SECONDS = 3 * rules.DAY_SECONDS
# Items are locked until the commit, and PostgreSQL has room for so many locks.
MOST_TAKEN_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class LineRequest:
    """One item of a list. `number` None: the custody number that the item has now."""

    item: bytes
    condition: int = codes.SOUND
    evidence: bytes = ZERO32
    number: int | None = None


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """The giver's half. `signature`: a device's own, with time and numbers.

    `open_until`: until when the receiver may take it over here; None: 15 minutes, or a deadline that is given.
    `deadline`: until when the chain records it (C5), signed; None: three days more, at most 14 days after `time`.
    """

    giver: int
    receiver: int
    lines: tuple[LineRequest, ...]
    time: int | None = None
    open_until: int | None = None
    deadline: int | None = None
    signature: bytes | None = None


@dataclass(frozen=True, slots=True)
class ReceiptRequest:
    """The receiver's half: line indexes that are missing, conditions found that differ."""

    release: bytes
    missing: frozenset[int] = frozenset()
    findings: tuple[Finding, ...] = ()
    time: int | None = None
    signature: bytes | None = None


def hand_over(db: Connection, house: House, who: Actor, request: ReleaseRequest) -> bytes:
    """Sign and keep a release; its digest. Nothing is on chain before the receiver signs.

    Raises RefusedByRule (the list or its lines, each with its reason), NotAllowed, Unprocessable.
    """
    return only(hand_over_each(db, house, who, [request]))


def hand_over_each(
    db: Connection, house: House, who: Actor, requests: Sequence[ReleaseRequest]
) -> list[bytes | PosthornError]:
    """Many lists, each by itself: its digest, or why it is refused."""
    standings = item_rows.standings(db, {line.item for r in requests for line in r.lines})
    people = network.custodians(db, {n for r in requests for n in (r.giver, r.receiver)})
    made = each(lambda request: _released(house, who, request, standings, people), requests)
    return keep_lists(db, made)


def keep_lists(
    db: Connection, made: Sequence[dict[str, Any] | PosthornError]
) -> list[bytes | PosthornError]:
    """The digests of lists that stand open now as they were made; of the others why they do not."""
    rows = [row for row in made if isinstance(row, dict)]
    new = releases.keep(db, rows)
    repeated = {row["digest"] for row in rows} - new
    before = releases.lock(db, repeated) if repeated else {}

    def kept(row: dict[str, Any] | PosthornError) -> bytes:
        if isinstance(row, PosthornError):
            raise row
        digest: bytes = row["digest"]
        if digest not in new:
            _must_be_the_same(row, before.get(digest))
        new.discard(digest)
        return digest

    return each(kept, made)


def _must_be_the_same(row: dict[str, Any], before: Any) -> None:
    """The same list, signed at the same second, is a repeat of what is open, and of nothing else. Raises Conflict."""
    if before is None:
        raise Conflict("The same list stands before this one.", "Send each list once.")
    if before.state != "open":
        became = {"withdrawn": "taken back", "received": "taken over"}[before.state]
        raise Conflict(f"This very list was {became} before.", "Make a new one, a moment later.")
    if (until := releases.open_until(before)) != row["open_until"]:
        raise Conflict(
            f"This very list is there, and open until {show('until', until)}.",
            "Take it back and make a new one.",
        )


def _released(
    house: House,
    who: Actor,
    request: ReleaseRequest,
    standings: dict[bytes, Standing],
    people: dict[int, Custodian],
) -> dict[str, Any]:
    must_act_for(who, request.giver)
    release, open_until = _release(house, request, standings)
    giver, receiver = people.get(release.giver), people.get(release.receiver)
    _must_be_open(open_until, house.now(), "Name a time to come.")
    refuse(rules.judge_release(release, giver, receiver, house.now()))
    assert giver is not None
    refuse_lines(judged(release, standings)[0])
    digest, signature = signed(house, giver, release.time, release, request.signature)
    return release_row(who, digest, release, open_until, release.deadline, signature)


def release_row(
    who: Actor,
    digest: bytes,
    release: Release | ForcedRelease,
    open_until: int,
    deadline: int,
    signature: bytes,
) -> dict[str, Any]:
    """The giver's half, kept until the receiver signs; `signature` is empty where another stands in for the giver."""
    return {
        "digest": digest,
        "giver": release.giver,
        "receiver": release.receiver,
        "time": release.time,
        "open_until": open_until,
        "deadline": deadline,
        "lines": [to_wire(line) for line in release.lines],
        "signature": signature,
        "person": who.person,
        "device": who.device,
        "stand_in_reason": release.reason if isinstance(release, ForcedRelease) else None,
    }


def _release(
    house: House, request: ReleaseRequest, standings: dict[bytes, Standing]
) -> tuple[Release, int]:
    """What is signed, and until when it may be taken over. Raises Unprocessable."""
    time = request.time if request.time is not None else house.now()
    if len({line.item for line in request.lines}) < len(request.lines):
        raise Unprocessable("An item stands on the list twice.", "Scan each item once.")
    open_until, deadline = _times(request, time)
    lines = tuple(line_of(line, standings.get(line.item)) for line in request.lines)
    return Release(request.giver, request.receiver, time, deadline, lines), open_until


def _times(request: ReleaseRequest, time: int) -> tuple[int, int]:
    """Until when it is open and until when it is recorded; of the request alone, for a device signs them."""
    open_until, deadline = request.open_until, request.deadline
    if open_until is None:
        open_until = time + COUNTER_SECONDS if deadline is None else deadline
    if deadline is None:
        latest = time + rules.DEADLINE_SECONDS
        deadline = max(open_until, min(open_until + RECORDING_SECONDS, latest))
    if open_until > deadline:
        raise Unprocessable(
            f"The list is open until {show('until', open_until)}, after its deadline {show('deadline', deadline)}.",
            "Name a deadline that lies later, or none.",
        )
    return open_until, deadline


def _must_be_open(until: int, now: int, what_now: str) -> None:
    """Ours, and as strict as a deadline: what the giver left open for minutes nobody takes over days later."""
    if until < now:
        detail = f"The list can be taken over until {show('until', until)}; that time has passed."
        raise RefusedByRule("ListLapsed", detail, what_now, "C5", open_until=until)


def line_of(line: LineRequest, standing: Standing | None) -> Line:
    """The line to sign, for the custody number that the item has now. Raises Unprocessable."""
    if line.condition not in codes.CONDITIONS:
        known = ", ".join(codes.CONDITIONS.names())
        raise Unprocessable(f"{line.condition} is no condition.", f"One of: {known}.")
    current = standing.number if standing else 1
    number = line.number if line.number is not None else current
    return Line(line.item, number, line.condition, line.evidence)


def judged(
    release: Release | ForcedRelease, standings: dict[bytes, Standing], only: Receipt | None = None
) -> tuple[dict[int, Refusal], int]:
    """The refused lines, and how many wait for an earlier record of their item (B8)."""
    refused, waiting = {}, 0
    for index, line in enumerate(release.lines):
        if only is not None and not only.has(index):
            continue
        if rules.is_ahead(standings.get(line.item), line.number):
            waiting += 1
        elif found := rules.judge_line(line, standings.get(line.item), release):
            refused[index] = found
    return refused, waiting


def take_over(db: Connection, house: House, who: Actor, request: ReceiptRequest) -> Promise:
    """Sign a receipt over a release and submit the hand-off. An act of the receiver (B9).

    Raises NotFound, Conflict (withdrawn, received before), RefusedByRule, NotAllowed.
    """
    return only(take_over_each(db, house, who, [request]))


def take_over_each(
    db: Connection, house: House, who: Actor, requests: Sequence[ReceiptRequest]
) -> list[Promise | PosthornError]:
    """Many lists, each by itself and judged by what those before it leave: its promise, or why it is refused."""
    open_ = releases.lock(db, {request.release for request in requests})
    if sum(len(row.lines) for row in open_.values()) > MOST_TAKEN_AT_ONCE:
        raise Unprocessable(
            f"These lists have more than {MOST_TAKEN_AT_ONCE} lines.", "Send fewer of them at once."
        )
    receiver = _Receiver(db, house, who, open_)
    taken = each(receiver.take, requests)
    promises = iter(keep_each(db, [one for one in taken if isinstance(one, Draft)]))
    releases.set_state(db, receiver.received, "received")
    return [one if isinstance(one, PosthornError) else next(promises) for one in taken]


class _Receiver:
    """Who takes lists over: what is known of these, of the parties and of the items."""

    def __init__(self, db: Connection, house: House, who: Actor, rows: dict[bytes, Any]) -> None:
        self._house, self._who, self._rows = house, who, rows
        self._releases = {digest: release_of(row) for digest, row in rows.items()}
        lists = self._releases.values()
        self._people = network.custodians(db, {n for r in lists for n in (r.giver, r.receiver)})
        self._standings = item_rows.standings(db, {line.item for r in lists for line in r.lines})
        self.received: set[bytes] = set()

    def take(self, request: ReceiptRequest) -> Draft:
        """The submission for one list. Raises what take_over raises."""
        row = _still_open(self._rows.get(request.release), request.release in self.received)
        must_act_for(self._who, row.receiver)
        release = self._releases[row.digest]
        receipt = _receipt(self._house, release, request)
        giver, receiver = self._people.get(release.giver), self._people.get(release.receiver)
        now = self._house.now()
        _must_be_open(releases.open_until(row), now, "Ask the giver for a new one.")
        refuse(rules.judge_receipt(release, row.digest, receipt, giver, receiver, now))
        assert receiver is not None
        refused, waiting = judged(release, self._standings, only=receipt)
        refuse_lines(refused)
        by = signed(self._house, receiver, receipt.time, receipt, request.signature)
        made = self._draft(row, giver, release, receipt, *by, waiting)
        if not waiting:
            self._standings |= made.expected
        self.received.add(row.digest)
        return made

    def _draft(
        self,
        row: Any,
        giver: Custodian | None,
        release: Release | ForcedRelease,
        receipt: Receipt,
        digest: bytes,
        signature: bytes,
        waiting: int,
    ) -> Draft:
        items = [line.item for i, line in enumerate(release.lines) if receipt.has(i)]
        return draft(
            self._house,
            self._who,
            **_record(row, giver, release, receipt, signature),
            digest=digest,
            custodian=release.receiver,
            items=tuple(items),
            expected=_after(self._standings, items, receipt.time, release.receiver),
            waits_for=f"{waiting} earlier records of its items" if waiting else None,
            deadline=row.deadline,
        )


def _record(
    row: Any,
    giver: Custodian | None,
    release: Release | ForcedRelease,
    receipt: Receipt,
    signature: bytes,
) -> dict[str, Any]:
    """Kind and payload of the submission; where another stands in for the giver, also the key that sends it (C9)."""
    halves = {
        "release": to_wire(release),
        "receipt": to_wire(receipt),
        "receiver_signature": hexed(signature),
    }
    if isinstance(release, Release):
        given = {"giver_signature": hexed(row.signature)}
        return {"kind": "hand_off", "payload": halves | given}
    assert giver is not None
    lane = "governor" if giver.operator_suspended else f"submitter/{giver.operator}"
    return {"kind": "forced_hand_off", "payload": {"forced": halves}, "lane": lane}


def _still_open(row: Any, taken: bool = False) -> Any:
    """`taken`: received by the same request. Raises NotFound, Conflict."""
    if row is None:
        raise NotFound("There is no such list to take over.", "Scan the list's code again.")
    if row.state == "withdrawn":
        raise Conflict("The giver has withdrawn this list.", "Ask for a new one.")
    if row.state == "received" or taken:
        raise Conflict("This list was taken over before.", "Look at what you hold.")
    return row


def release_of(row: Any) -> Release | ForcedRelease:
    """The release that a row keeps."""
    lines = tuple(from_wire(Line, line) for line in row.lines)
    if row.stand_in_reason is not None:
        return ForcedRelease(row.giver, row.receiver, row.time, row.stand_in_reason, lines)
    return Release(row.giver, row.receiver, row.time, row.deadline, lines)


def _receipt(house: House, release: Release | ForcedRelease, request: ReceiptRequest) -> Receipt:
    """What is signed. Raises Unprocessable: a line that nobody knows would be received without a word."""
    last = len(release.lines) - 1
    named = [*request.missing, *(finding.line for finding in request.findings)]
    if strange := [line for line in named if not 0 <= line <= last]:
        raise Unprocessable(
            f"The list has no line {strange[0]}; its lines are 0 to {last}.",
            "Count lines from 0, as the list shows them.",
        )
    for finding in request.findings:
        if finding.condition not in codes.CONDITIONS:
            raise Unprocessable(f"{finding.condition} is no condition.")
    return Receipt(
        release=request.release,
        time=request.time if request.time is not None else house.now(),
        received=received_bitmap(len(release.lines), request.missing),
        findings=tuple(sorted(request.findings, key=lambda f: f.line)),
    )


def _after(
    standings: dict[bytes, Standing], items: list[bytes], time: int, receiver: int
) -> dict[bytes, Standing]:
    return {
        item: rules.moved(standings[item], receiver, time) for item in items if item in standings
    }


def withdraw_release(db: Connection, who: Actor, digest: bytes) -> None:
    """The giver takes back what was not received yet. Raises NotFound, Conflict, NotAllowed.

    The signature exists: who has a copy of it could still use it until its deadline, so a clerk who
    doubts recalls the items on chain as well (C3). Where an administrator stands in for the giver, an administrator
    takes back (C9).
    """
    row = _still_open(releases.lock(db, [digest]).get(digest))
    if row.stand_in_reason is None:
        must_act_for(who, row.giver)
    else:
        must_be_admin(who)
    releases.set_state(db, [digest], "withdrawn")
