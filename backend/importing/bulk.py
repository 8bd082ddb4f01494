"""Many scans in one transaction: judged by the rule-book as the use cases do, kept with few statements.

What `usecases` do one by one (accept, hand over, take over, end custody) is done here for a batch, in the
order of the file. Hand-offs between the same two facilities at the same times become one list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from backend.domain import ids, rules
from backend.domain.commitments import commitment, item_id, new_trail_code, trail_code_lookup
from backend.domain.network import Standing
from backend.domain.typed_data import (
    Acceptance,
    End,
    Finding,
    Line,
    Receipt,
    Release,
    Signed,
    received_bitmap,
)
from backend.domain.wire import to_wire
from backend.errors import NotAllowed, PosthornError, RefusedByRule
from backend.importing import rows
from backend.importing.scans import Scan
from backend.ports import Actor, House
from backend.store import items, network
from backend.usecases.accept import REUSE_SECONDS
from backend.usecases.submit import hexed, key_name, refuse

MOST_LINES = 200


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that was not taken: the error's name, why, and what to do."""

    line: int
    name: str
    why: str
    what_to_do: str


@dataclass(slots=True)
class Outcome:
    """What became of a batch: `taken` and `repeated` count lines."""

    taken: int = 0
    repeated: int = 0
    refused: list[Refused] = field(default_factory=list)


@dataclass(slots=True)
class _List:
    """A hand-off that grows: one line for each scan."""

    scans: list[Scan] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


def take(
    db: Connection, house: House, who: Actor, scans: Sequence[Scan], reuse_numbers: bool
) -> Outcome:
    """Keep what may be recorded; say what may not and why. The caller commits."""
    known = rows.imported(db, [scan.meaning for scan in scans])
    # The first of several rows that say the same.
    fresh = [*{s.meaning: s for s in reversed(scans) if s.meaning not in known}.values()][::-1]
    batch = _Batch(db, house, who, fresh, reuse_numbers)
    for scan in fresh:
        batch.add(scan)
    batch.write()
    batch.outcome.repeated = len(scans) - len(fresh)
    return batch.outcome


class _Batch:
    """One transaction's worth of scans: what is known at its begin, and the rows that it will write."""

    def __init__(
        self,
        db: Connection,
        house: House,
        who: Actor,
        scans: Sequence[Scan],
        reuse_numbers: bool,
    ) -> None:
        self._db, self._house, self._who = db, house, who
        self._reuse_numbers = reuse_numbers
        self._now = house.now()
        self._bearing = rows.bearing(db, [scan.number for scan in scans])
        known = [item for found in self._bearing.values() for _, item in found]
        self._standings = items.standings(db, known)
        parties = {number for scan in scans for number in (scan.at, scan.to) if number}
        self._custodians = network.custodians(db, parties)
        self._keys: dict[tuple[int, bytes], str] = {}
        self._lists: dict[tuple[int, int, int, int], _List] = {}
        self._list_of: dict[bytes, tuple[int, int, int, int]] = {}
        self._expected: dict[bytes, Standing] = {}
        self._submissions: list[dict[str, Any]] = []
        self._secrets: list[dict[str, Any]] = []
        self._releases: list[dict[str, Any]] = []
        self._lines: list[dict[str, Any]] = []
        self.outcome = Outcome()

    def add(self, scan: Scan) -> None:
        """Judge one scan by where its item stands after all before it."""
        try:
            if scan.event == "acceptance":
                self._accept(scan)
            elif scan.event == "hand_off":
                self._hand_off(scan)
            else:
                self._deliver(scan)
        except PosthornError as error:
            self._refuse(scan, error)

    def write(self) -> None:
        """Write all rows of the batch."""
        for key in list(self._lists):
            self._close(key)
        items.expect(self._db, self._expected)
        rows.keep(self._db, self._submissions, self._secrets, self._releases, self._lines)
        self.outcome.taken = len(self._lines)

    def _refuse(self, scan: Scan, error: PosthornError) -> None:
        self.outcome.refused.append(Refused(scan.line, error.name, error.detail, error.what_now))

    # --- acceptance ---------------------------------------------------------------------------------
    def _accept(self, scan: Scan) -> None:
        self._refuse_number_in_use(scan)
        trail_code = new_trail_code()
        acceptance = Acceptance(
            commitment(scan.number, trail_code), scan.at, scan.time, scan.source
        )
        item = item_id(ids.operator_of_custodian(scan.at), acceptance.commitment)
        custodian = self._custodians.get(scan.at)
        refuse(rules.judge_acceptance(item, None, acceptance, custodian, {}, self._now))
        digest, signature = self._signed(acceptance, scan.at, scan.time)
        self._submit("acceptance", digest, acceptance, signature, scan.at, item)
        self._expect(item, rules.accepted(acceptance))
        self._secrets.append(_secret(scan, item, trail_code))
        self._bearing.setdefault(scan.number, []).append((scan.time, item))
        self._taken(scan, digest)

    def _refuse_number_in_use(self, scan: Scan) -> None:
        """J46: refused within 12 months, later a question, which an import answers beforehand."""
        earlier = [t for t, item in self._bearing.get(scan.number, ()) if item in self._standings]
        if not earlier:
            return
        age_days = (scan.time - earlier[-1]) // rules.DAY_SECONDS
        if age_days * rules.DAY_SECONDS >= REUSE_SECONDS and self._reuse_numbers:
            return
        young = age_days * rules.DAY_SECONDS < REUSE_SECONDS
        raise RefusedByRule(
            "NumberInUse",
            f"{scan.number} stands on an item accepted {max(age_days, 0)} days before.",
            "A number may be given again after 12 months: is this the same item?"
            if young
            else "If this is another item, import again with --reuse-numbers.",
        )

    # --- hand-off -----------------------------------------------------------------------------------
    def _hand_off(self, scan: Scan) -> None:
        item, standing = self._item(scan)
        line = Line(item, standing.number, scan.condition)
        release = _release(scan, (line,))
        giver, receiver = self._custodians.get(scan.at), self._custodians.get(scan.to)
        receipt = Receipt(bytes(32), scan.received, received_bitmap(1))
        refuse(
            rules.judge_release(release, giver, receiver, self._now)
            or rules.judge_receipt(release, bytes(32), receipt, giver, receiver, self._now)
            or rules.judge_line(line, standing, release)
        )
        self._key(scan.at, scan.time)
        self._key(scan.to, scan.received)
        self._put_on_list(scan, line)
        self._expect(item, rules.moved(standing, scan.to, scan.received))

    def _put_on_list(self, scan: Scan, line: Line) -> None:
        key = (scan.at, scan.to, scan.time, scan.received)
        if key in self._lists and len(self._lists[key].lines) == MOST_LINES:
            self._close(key)
        list_ = self._lists.setdefault(key, _List())
        list_.scans.append(scan)
        list_.lines.append(line)
        self._list_of[line.item] = key

    def _close(self, key: tuple[int, int, int, int]) -> None:
        """Sign the list as it is: giver, then receiver over the giver's digest (C2)."""
        list_ = self._lists.pop(key)
        release = _release(list_.scans[0], tuple(list_.lines))
        release_digest, given = self._signed(release, release.giver, release.time)
        receipt = Receipt(
            release_digest,
            list_.scans[0].received,
            received_bitmap(len(list_.lines)),
            tuple(
                Finding(index, scan.found)
                for index, scan in enumerate(list_.scans)
                if scan.found != scan.condition
            ),
        )
        digest, received = self._signed(receipt, release.receiver, receipt.time)
        payload = {
            "release": to_wire(release),
            "receipt": to_wire(receipt),
            "giver_signature": hexed(given),
            "receiver_signature": hexed(received),
        }
        on_list = tuple(line.item for line in list_.lines)
        self._submissions.append(
            self._row("hand_off", digest, payload, release.receiver, on_list, release.deadline)
        )
        self._releases.append(self._release_row(release, release_digest, given))
        for scan in list_.scans:
            self._taken(scan, digest)
        for item in on_list:
            del self._list_of[item]

    def _release_row(self, release: Release, digest: bytes, signature: bytes) -> dict[str, Any]:
        return {
            "digest": digest,
            "giver": release.giver,
            "receiver": release.receiver,
            "time": release.time,
            "open_until": release.deadline,
            "deadline": release.deadline,
            "lines": [to_wire(line) for line in release.lines],
            "signature": signature,
            "state": "received",
            "person": self._who.person,
            "device": self._who.device,
        }

    # --- delivery -----------------------------------------------------------------------------------
    def _deliver(self, scan: Scan) -> None:
        item, standing = self._item(scan)
        end = End(item, standing.number, scan.at, scan.time, scan.mode)
        refuse(rules.judge_end(end, standing, self._custodians.get(scan.at), self._now))
        digest, signature = self._signed(end, scan.at, scan.time)
        self._submit("end", digest, end, signature, scan.at, item)
        self._expect(item, rules.ended(standing, scan.time, scan.mode))
        self._taken(scan, digest)

    # --- what all have in common --------------------------------------------------------------------
    def _item(self, scan: Scan) -> tuple[bytes, Standing]:
        """The newest item that bears the number; a list that it is on is closed first, to keep its order."""
        found = [item for _, item in self._bearing.get(scan.number, ()) if item in self._standings]
        if not found:
            raise RefusedByRule(
                "UnknownItem",
                f"No item with the number {scan.number} has been accepted.",
                "Import its acceptance first, or put its line before this one.",
            )
        item = found[-1]
        if item in self._list_of:
            self._close(self._list_of[item])
        return item, self._standings[item]

    def _expect(self, item: bytes, standing: Standing) -> None:
        self._standings[item] = self._expected[item] = standing

    def _signed(self, record: Signed, number: int, time: int) -> tuple[bytes, bytes]:
        digest = self._house.digest(record)
        return digest, self._house.signer.sign(self._key(number, time), digest)

    def _key(self, number: int, time: int) -> str:
        """The name of the key that signs for a custodian at a time. Raises NotAllowed where it is not here."""
        right = self._custodians[number].right_at(time)
        assert right is not None  # judged before
        name = self._keys.get((number, right.key)) or key_name(self._house, number, right.key)
        if name is None:
            raise NotAllowed(
                f"The key of custodian {ids.custodian_text(number)} is not in this keystore.",
                "Only who has the key can sign: let its own device or installation record this.",
            )
        self._keys[number, right.key] = name
        return name

    def _submit(
        self, kind: str, digest: bytes, record: Signed, signature: bytes, by: int, item: bytes
    ) -> None:
        payload = {kind: to_wire(record), "signature": hexed(signature)}
        self._submissions.append(self._row(kind, digest, payload, by, (item,), None))

    def _row(
        self,
        kind: str,
        digest: bytes,
        payload: Mapping[str, Any],
        by: int,
        its: tuple[bytes, ...],
        deadline: int | None,
    ) -> dict[str, Any]:
        return {
            "digest": digest,
            "kind": kind,
            "payload": payload,
            "lane": self._house.records_lane,
            "state": "pending",
            "items": list(its),
            "custodian": by,
            "person": self._who.person,
            "device": self._who.device,
            "expires_at": datetime.fromtimestamp(deadline, UTC) if deadline else None,
        }

    def _taken(self, scan: Scan, digest: bytes) -> None:
        self._lines.append({"source": scan.meaning, "digest": digest})


def _release(scan: Scan, lines: tuple[Line, ...]) -> Release:
    """Deadlines lie as far ahead as they may: what is imported has been received already (C5)."""
    return Release(scan.at, scan.to, scan.time, scan.time + rules.DEADLINE_SECONDS, lines)


def _secret(scan: Scan, item: bytes, trail_code: bytes) -> dict[str, Any]:
    return {
        "item": item,
        "scheme": int(scan.number.scheme),
        "value": scan.number.value,
        "trail_lookup": trail_code_lookup(trail_code),
        "trail_code": trail_code,
        "operator": ids.operator_of_custodian(scan.at),
        "accepted_time": scan.time,
        "weight_grams": scan.weight_grams,
        "service": scan.service,
        "destination": scan.destination,
    }
