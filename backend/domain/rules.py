"""The judge: what the contracts would say to a record, decided before it is sent (design.md §3).

Each function returns the refusal that the contract would give, or None. The order of the checks is the
contracts', so that both name the same error; a state machine compares the two on a real node.
Signatures are not checked here: the backend makes them or recovers them at its door.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from backend.domain.network import Custodian, Standing
from backend.domain.refusals import Refusal, refusal
from backend.domain.trail import DELIVERED_BY_KEY
from backend.domain.typed_data import (
    Acceptance,
    Delivery,
    End,
    ForcedRelease,
    Line,
    Recall,
    Receipt,
    Release,
    Report,
    TakeUp,
)
from backend.domain.verdict import StampFacts

DAY_SECONDS = 86_400
OLDEST_SECONDS = 14 * DAY_SECONDS
AHEAD_SECONDS = 5 * 60
SKEW_SECONDS = 15 * 60
DEADLINE_SECONDS = 14 * DAY_SECONDS
MAX_LINES = 500


def judge_time(time: int, now: int) -> Refusal | None:
    """C5: at most 14 days before and 5 minutes after the block."""
    if time + OLDEST_SECONDS < now:
        return refusal("TimeTooOld", time=time, oldest=now - OLDEST_SECONDS)
    if time > now + AHEAD_SECONDS:
        return refusal("TimeAhead", time=time, latest=now + AHEAD_SECONDS)
    return None


def judge_enrolled(number: int, custodian: Custodian | None) -> Refusal | None:
    """N2: there is such a custodian."""
    return refusal("UnknownCustodian", custodian=number) if custodian is None else None


def judge_signer(number: int, custodian: Custodian | None, time: int) -> Refusal | None:
    """N2-N4: enrolled, not suspended (judged now), with a right at the event time."""
    if custodian is None:
        return judge_enrolled(number, custodian)
    if custodian.operator_suspended:
        return refusal("OperatorIsSuspended", operator=custodian.operator)
    if custodian.suspended:
        return refusal("CustodianIsSuspended", custodian=number)
    if custodian.right_at(time) is None:
        return refusal("NoRight", custodian=number, time=time)
    return None


def judge_known(item: bytes, standing: Standing | None, time: int) -> Refusal | None:
    """C5: accepted, and the event at most 15 minutes before the item's latest."""
    if standing is None:
        return refusal("UnknownItem", item=item)
    if time + SKEW_SECONDS < standing.latest_time:
        return refusal("TimeBeforeLatest", item=item, time=time, latest=standing.latest_time)
    return None


def judge_held(
    item: bytes, standing: Standing | None, number: int, holder: int, time: int
) -> Refusal | None:
    """C3: under custody, held by this custodian, at this custody number; and known, in time (C5)."""
    if standing is not None and standing.ended is not None:
        return refusal("CustodyEnded", item=item)
    if standing is not None and standing.holder != holder:
        return refusal("NotHolder", item=item, custodian=holder, holder=standing.holder)
    if standing is not None and standing.number != number:
        return refusal("StaleNumber", item=item, given=number, current=standing.number)
    return judge_known(item, standing, time)


def is_ahead(standing: Standing | None, number: int) -> bool:
    """B8: signed for a custody number that the item has not reached: a predecessor is on its way."""
    return standing is None or number > standing.number


def judge_acceptance(
    item: bytes,
    standing: Standing | None,
    acceptance: Acceptance,
    custodian: Custodian | None,
    stamps: Mapping[int, StampFacts],
    now: int,
) -> Refusal | None:
    """C1, S4: once per item; all stamps or none."""
    if standing is not None:
        return refusal("AlreadyAccepted", item=item)
    if found := judge_time(acceptance.time, now):
        return found
    if found := judge_signer(acceptance.custodian, custodian, acceptance.time):
        return found
    return judge_franking(acceptance, stamps)


def judge_franking(acceptance: Acceptance, stamps: Mapping[int, StampFacts]) -> Refusal | None:
    """S4: rising, own operator's, issued, not used, not void, valid at the event time."""
    before = 0
    for stamp in acceptance.stamps:
        if stamp <= before:
            return refusal("StampsNotRising", before=before, stamp=stamp)
        if stamp >> 48 != acceptance.custodian >> 24:
            return refusal("ForeignStamp", stamp=stamp, custodian=acceptance.custodian)
        if found := judge_stamp(stamp, stamps.get(stamp), acceptance.time):
            return found
        before = stamp
    return None


def judge_stamp(stamp: int, facts: StampFacts | None, time: int) -> Refusal | None:
    """S1, S4: whether one stamp is good postage at a time. What is being recorded counts as issued."""
    if facts is None:
        return refusal("NotIssued", stamp=stamp)
    if facts.void_reason is not None:
        return refusal("VoidStamp", stamp=stamp, block_number=0)
    if facts.use is not None:
        return refusal("AlreadyUsed", stamp=stamp, block_number=facts.use.block)
    if facts.issued_at is None and not facts.being_recorded:
        return refusal("NotIssued", stamp=stamp)
    if time < facts.first_day:
        return refusal("NotYetValid", stamp=stamp, first_day=facts.first_day)
    if facts.withdrawn_from is not None and time >= facts.withdrawn_from:
        return refusal("WithdrawnFromPostage", stamp=stamp, withdrawn_from=facts.withdrawn_from)
    return None


def judge_release(
    release: Release, giver: Custodian | None, receiver: Custodian | None, now: int
) -> Refusal | None:
    """C2, C5: the list, its times, and that giver and receiver may sign."""
    if found := _judge_list(release, now):
        return found
    if found := judge_deadline(release.time, release.deadline, now):
        return found
    if found := judge_signer(release.giver, giver, release.time):
        return found
    return judge_signer(release.receiver, receiver, max(release.time, now))


def judge_deadline(time: int, deadline: int, now: int) -> Refusal | None:
    """C2, C5: at most 14 days after the event, and not passed."""
    if deadline > time + DEADLINE_SECONDS:
        return refusal("DeadlineTooFar", deadline=deadline, latest=time + DEADLINE_SECONDS)
    if deadline < now:
        return refusal("PastDeadline", deadline=deadline, block_time=now)
    return None


def judge_receipt(
    release: Release | ForcedRelease,
    release_digest: bytes,
    receipt: Receipt,
    giver: Custodian | None,
    receiver: Custodian | None,
    now: int,
) -> Refusal | None:
    """C2, C9: the receipt fits the release, and who has to sign may. Lines are judged apart."""
    if found := judge_fit(release, receipt):
        return found
    if receipt.release != release_digest:
        return refusal("OtherRelease", given=receipt.release, expected=release_digest)
    if receipt.time + SKEW_SECONDS < release.time:
        return refusal("ReceiptBeforeRelease", received=receipt.time, released=release.time)
    if found := judge_time(release.time, now) or judge_time(receipt.time, now):
        return found
    if found := _judge_giver(release, giver, now):
        return found
    return judge_signer(release.receiver, receiver, receipt.time)


def _judge_giver(
    release: Release | ForcedRelease, giver: Custodian | None, now: int
) -> Refusal | None:
    if isinstance(release, ForcedRelease):
        return judge_stand_in(release.giver, giver, now)
    if found := judge_deadline(release.time, release.deadline, now):
        return found
    return judge_signer(release.giver, giver, release.time)


def judge_stand_in(number: int, giver: Custodian | None, now: int) -> Refusal | None:
    """C9: somebody stands in only for who cannot sign now."""
    if giver is None:
        return judge_enrolled(number, giver)
    return refusal("GiverCanSign", giver=number) if not judge_signer(number, giver, now) else None


def judge_forced(
    release: ForcedRelease, giver: Custodian | None, receiver: Custodian | None, now: int
) -> Refusal | None:
    """C9, C5: the list, its time, that the giver cannot sign and the receiver may."""
    if found := _judge_list(release, now):
        return found
    if found := judge_stand_in(release.giver, giver, now):
        return found
    return judge_signer(release.receiver, receiver, max(release.time, now))


def _judge_list(release: Release | ForcedRelease, now: int) -> Refusal | None:
    if not 1 <= len(release.lines) <= MAX_LINES:
        return refusal("LineCount", lines=len(release.lines))
    if release.giver == release.receiver:
        return refusal("GiverIsReceiver", custodian=release.giver)
    return judge_time(release.time, now)


def judge_fit(release: Release | ForcedRelease, receipt: Receipt) -> Refusal | None:
    """C2: at least one line received, none beyond the list, findings rising and of received lines."""
    count = len(release.lines)
    words = (count + 255) // 256
    beyond = len(receipt.received) == words and receipt.received[-1] >> (count - 256 * (words - 1))
    if len(receipt.received) != words or beyond or not any(receipt.received):
        return refusal("ReceivedOutOfPlace", words=len(receipt.received), lines=count)
    before = -1
    for finding in receipt.findings:
        if finding.line <= before or finding.line >= count or not receipt.has(finding.line):
            return refusal("FindingOutOfPlace", line=finding.line)
        before = finding.line
    return None


def judge_line(
    line: Line, standing: Standing | None, release: Release | ForcedRelease
) -> Refusal | None:
    """C3: one received line of a hand-off, by the time at which it was released; C7."""
    found = judge_held(line.item, standing, line.number, release.giver, release.time)
    return found or judge_may_move(line.item, standing)


def judge_may_move(item: bytes, standing: Standing | None) -> Refusal | None:
    """C7: a receptacle with contents moves only when it is closed."""
    if standing is not None and standing.has_contents and not standing.closed:
        return refusal("NotClosed", item=item)
    return None


def judge_empty(item: bytes, standing: Standing | None) -> Refusal | None:
    """C7: custody of a receptacle ends when it has been opened, not before."""
    if standing is not None and standing.has_contents:
        return refusal("HasContents", item=item)
    return None


def judge_end(
    end: End, standing: Standing | None, custodian: Custodian | None, now: int
) -> Refusal | None:
    """C4: the holder ends its custody alone."""
    found = judge_held(end.item, standing, end.number, end.custodian, end.time)
    found = found or judge_empty(end.item, standing)
    return found or judge_alone(end.custodian, custodian, end.time, now)


def judge_recall(
    recall: Recall, standing: Standing | None, custodian: Custodian | None, now: int
) -> Refusal | None:
    """C3: the holder voids its open releases."""
    found = judge_held(recall.item, standing, recall.number, recall.custodian, recall.time)
    return found or judge_alone(recall.custodian, custodian, recall.time, now)


def judge_alone(number: int, custodian: Custodian | None, time: int, now: int) -> Refusal | None:
    """C5, N2-N4: what one custodian signs alone."""
    return judge_time(time, now) or judge_signer(number, custodian, time)


def judge_delivery(
    delivery: Delivery,
    standing: Standing | None,
    giver: Custodian | None,
    named: Collection[bytes],
    now: int,
) -> Refusal | None:
    """C4: signed by the giver and by a key that acceptance named (never the zero address)."""
    found = judge_held(delivery.item, standing, delivery.number, delivery.giver, delivery.time)
    if found := found or judge_empty(delivery.item, standing):
        return found
    if not any(delivery.recipient) or delivery.recipient not in named:
        return refusal("NotNamed", item=delivery.item, recipient=delivery.recipient)
    if found := judge_time(delivery.time, now):
        return found
    if found := judge_deadline(delivery.time, delivery.deadline, now):
        return found
    return judge_signer(delivery.giver, giver, delivery.time)


def judge_take_up(
    take_up: TakeUp, standing: Standing | None, custodian: Custodian | None, now: int
) -> Refusal | None:
    """C11: an active custodian takes what the chain places elsewhere or has ended."""
    if found := judge_known(take_up.item, standing, take_up.time):
        return found
    held = standing is not None and standing.ended is None
    if held and standing is not None and standing.holder == take_up.custodian:
        return refusal("AlreadyHolder", item=take_up.item, custodian=take_up.custodian)
    return judge_alone(take_up.custodian, custodian, take_up.time, now)


def judge_report(
    report: Report, standing: Standing | None, reporter: Custodian | None, now: int
) -> Refusal | None:
    """C8: by any active custodian; a correction names a record that exists."""
    if found := judge_known(report.item, standing, report.time):
        return found
    if standing is not None and report.corrects > standing.records:
        return refusal(
            "NoSuchRecord", item=report.item, corrects=report.corrects, records=standing.records
        )
    return judge_alone(report.reporter, reporter, report.time, now)


def accepted(acceptance: Acceptance) -> Standing:
    """Where an item stands after its acceptance."""
    return Standing(acceptance.custodian, 1, 1, acceptance.time, None, acceptance.keys)


def moved(standing: Standing, holder: int, time: int) -> Standing:
    """After a record that changed the holder or voided offers: one more of both counters (C3)."""
    return replace(
        standing,
        holder=holder,
        number=standing.number + 1,
        records=standing.records + 1,
        latest_time=max(standing.latest_time, time),
        ended=None,
    )


def ended(standing: Standing, time: int, mode: int = DELIVERED_BY_KEY) -> Standing:
    """After a delivery or another end of custody."""
    return replace(moved(standing, 0, time), ended=mode)


def reported(standing: Standing) -> Standing:
    """After a report: only the record number moves, no offer becomes stale (C3)."""
    return replace(standing, records=standing.records + 1)
