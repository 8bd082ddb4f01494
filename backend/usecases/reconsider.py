"""Held records, judged again when what they wait for may have arrived (B8)."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import Connection, Row

from backend.domain import rules
from backend.domain.refusals import Refusal
from backend.domain.typed_data import Acceptance, Cancel, ForcedRelease, Receipt, Release
from backend.domain.wire import from_wire
from backend.ports import House
from backend.store import items as item_rows
from backend.store import network, stamps

Outcome = Literal["pending", "held"] | Refusal


def reconsider(db: Connection, house: House, row: Row[Any]) -> Outcome:
    """`pending`: may be sent now; `held`: waits on; a Refusal: will never be recorded."""
    if row.kind in ("hand_off", "forced_hand_off"):
        return _hand_off(db, house, row)
    if row.kind == "acceptance":
        acceptance = from_wire(Acceptance, row.payload["acceptance"])
        return _stamps(db, house, row, acceptance)
    cancel = from_wire(Cancel, row.payload["cancel"])
    return _await_sale(db, cancel.stamps)


def _hand_off(db: Connection, house: House, row: Row[Any]) -> Outcome:
    halves = row.payload.get("forced", row.payload)
    release = _release(halves["release"])
    receipt = from_wire(Receipt, halves["receipt"])
    people = network.custodians(db, [release.giver, release.receiver])
    giver, receiver = people.get(release.giver), people.get(release.receiver)
    now = house.now()
    found = rules.judge_receipt(release, receipt.release, receipt, giver, receiver, now)
    if found:
        return found
    standings = item_rows.standings(db, [line.item for line in release.lines])
    received = [line for i, line in enumerate(release.lines) if receipt.has(i)]
    if any(rules.is_ahead(standings.get(line.item), line.number) for line in received):
        return "held"
    refused = {
        line.item: found
        for line in received
        if (found := rules.judge_line(line, standings.get(line.item), release))
    }
    good = [line.item for line in received if line.item not in refused]
    if not good:
        return next(iter(refused.values()))
    after = {item: rules.moved(standings[item], release.receiver, receipt.time) for item in good}
    item_rows.expect(db, after)
    return "pending"


def _release(data: dict[str, Any]) -> Release | ForcedRelease:
    """C9: only where another stands in for the giver does it bear a reason."""
    return from_wire(ForcedRelease, data) if "reason" in data else from_wire(Release, data)


def _stamps(db: Connection, house: House, row: Row[Any], acceptance: Acceptance) -> Outcome:
    item = bytes(row.items[0])
    custodian = network.custodians(db, [acceptance.custodian]).get(acceptance.custodian)
    facts = stamps.facts(db, acceptance.stamps)
    found = rules.judge_acceptance(item, None, acceptance, custodian, facts, house.now())
    if found:
        return found
    outcome = _await_sale(db, acceptance.stamps)
    if outcome == "pending":
        item_rows.expect(db, {item: rules.accepted(acceptance)})
    return outcome


def _await_sale(db: Connection, wanted: tuple[int, ...]) -> Outcome:
    waiting = any(found.being_recorded for found in stamps.facts(db, wanted).values())
    return "held" if waiting else "pending"
