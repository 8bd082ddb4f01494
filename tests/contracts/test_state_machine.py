"""The contracts against `backend.domain`: random stories, told to both, must be judged alike (C1-C8, C11, N2-N4, S4).

The oracle is the rule-book that the backend itself uses (rules.py, commitments.py). Every record is sent as a batch of
one: what the judge says must be what the contract says, by name and with its values; what the judge thinks of an item
must be what the chain keeps of it, head included.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from backend.domain.commitments import next_head
from backend.domain.network import Standing
from backend.domain.refusals import Refusal, refusal
from backend.domain.rules import (
    accepted,
    ended,
    judge_acceptance,
    judge_delivery,
    judge_end,
    judge_line,
    judge_recall,
    judge_receipt,
    judge_report,
    judge_take_up,
    moved,
    reported,
)
from backend.domain.typed_data import (
    ZERO32,
    Acceptance,
    Delivery,
    End,
    Finding,
    Recall,
    Receipt,
    Release,
    Report,
    TakeUp,
    received_bitmap,
)
from backend.domain.verdict import StampFacts, Use
from tests.contracts.bag_stories import BagStories
from tests.contracts.errors import error, refusals
from tests.contracts.logs import struct
from tests.contracts.parties import Parties, Party
from tests.contracts.world import DAY, MINUTE, Key, People, Record, World

HELD, ENDED = 1, 2
TIMES = (0, 0, 0, -MINUTE, -14 * MINUTE, -16 * MINUTE, 4 * MINUTE, 6 * MINUTE, -DAY, -15 * DAY)


@dataclass
class Told:
    """An item as the oracle sees it."""

    people: People
    standing: Standing
    head: bytes = field(default=ZERO32)


class Stories(BagStories):
    """Rules are what may happen; the invariant is that both tell the same story."""

    st_who = st.integers(0, 5)
    st_other = st.integers(0, 5)
    st_item = st.integers(0, 5)
    st_items = st.lists(st.integers(0, 5), min_size=1, max_size=4)
    st_time = st.sampled_from(TIMES)
    st_off = st.sampled_from((0, 0, 0, 0, -1, 1))
    st_pick = st.integers(0, 7)
    st_signer = st.sampled_from(("recipient", "recipient", "sender", "stranger"))
    st_change = st.sampled_from(
        ("wait", "rotate", "rotate", "compromise", "suspend", "suspend operator", "back")
    )

    def __init__(self, world: World) -> None:
        self.world = world
        self.edition = world.edition()
        self.edition.issue(1, 4)

    def setup(self) -> None:
        self.parties = Parties(self.world)
        self.items: dict[bytes, Told] = {}
        self.setup_bags()
        self.stamps = {
            self.edition.stamp(serial): self._sold(serial <= 4) for serial in range(1, 7)
        }
        # In each story hypothesis leaves out some rules: there are items also without rule_accept.
        for who in (0, 0, 0, 1, 3):
            self.rule_accept(who, time=0, pick=0)

    def _sold(self, sold: bool) -> StampFacts:
        first_day = self.world.stamps.edition(self.edition.number)[6]
        facts = dict.fromkeys(StampFacts.__dataclass_fields__)
        facts |= {
            "issued_at": first_day if sold else None,
            "being_recorded": False,
            "first_day": first_day,
        }
        return StampFacts(**facts)

    # -------------------------------------------------------------------------------------------- telling both

    def _tell(self, record: Record, judged: Refusal | None, apply: Callable[[], None]) -> None:
        """Sends a record and compares; `judged` is what the oracle says at the block's time."""
        transaction = self.world.send_batch(record)
        said = refusals(transaction)
        assert said == ([] if judged is None else [(0, self._words(judged, said))])
        if judged is None:
            apply()

    @staticmethod
    def _words(judged: Refusal, said: list[tuple[int, str]]) -> str:
        """The oracle does not know the block of a record, a use or a void: it is taken from what was said."""
        values = dict(judged.values)
        if "block_number" in values and said:
            values["block_number"] = int(said[0][1].rsplit(", ", 1)[1])
        return error(judged.name, *values.values())

    def _next(self, offset: int) -> tuple[int, int]:
        """The time of the next block, and an event time that lies `offset` from it."""
        block = self.world.next_block_in(20)
        return block, block + offset

    def _item(self, pick: int) -> bytes | None:
        return list(self.items)[pick % len(self.items)] if self.items else None

    def _extend(self, item: bytes, standing: Standing, digest: bytes, line: int = 0) -> None:
        told = self.items[item]
        told.standing, told.head = standing, next_head(told.head, digest, line)

    # ------------------------------------------------------------------------------------------------- records

    def rule_accept(
        self, who: int = "st_who", time: int = "st_time", pick: int = "st_pick"
    ) -> None:
        party = self.parties[who]
        block, event = self._next(time)
        people = People(f"item {block}")
        stamps = ((), (1,), (2, 3), (3, 3), (4, 5), (1, 2), (6,), (4,))[pick]
        numbers = tuple(self.edition.stamp(serial) for serial in stamps)
        record = self.world.acceptance(
            party.signer(event), time=event, keys=people.hidden, stamps=numbers
        )
        signed = struct(Acceptance, record.argument[0])
        judged = judge_acceptance(record.item, None, signed, party.model, self.stamps, block)

        def apply() -> None:
            self.items[record.item] = Told(
                people, accepted(signed), next_head(ZERO32, record.digest)
            )
            for number in numbers:
                use = Use(party.model.number, event, 0, record.item, 0)
                self.stamps[number] = replace(self.stamps[number], use=use)

        self._tell(record, judged, apply)

    def rule_hand_off(
        self,
        who: int = "st_who",
        other: int = "st_other",
        items: list[int] = "st_items",
        off: int = "st_off",
        time: int = "st_time",
        pick: int = "st_pick",
    ) -> None:
        if not self.items:
            return
        first = self.items[self._item(items[0])].standing  # type: ignore[index]
        place = self.parties.place_of(first.holder)
        if pick and place is not None:  # mostly the holder gives
            who = place
        to = who if pick == 3 else (who + 1 + other % 5) % 6
        giver, receiver = self.parties[who], self.parties[to]
        block, event = self._next(time)
        lines = [
            self.world.line(
                item, number=max(0, self.items[item].standing.number + (off if i == 0 else 0))
            )
            for i, item in enumerate(self._item(each) for each in items)  # type: ignore[arg-type]
        ]
        given, taken = giver.signer(event), receiver.signer(block)
        release = self.world.release(
            given, taken, *lines, time=event, deadline=event + DAY * (1 + pick % 2)
        )
        bitmap = received_bitmap(len(lines), frozenset({0} if pick == 7 and len(lines) > 1 else ()))
        findings = (Finding(len(lines) - 1, 2),) if pick == 6 else ()
        receipt = self.world.receipt(release, time=block, received=bitmap, findings=findings)
        record = self.world.signed_hand_off(given, taken, release, receipt)
        judged = self._judge_release(release, receipt, giver, receiver, block)
        self._tell_lines(record, release, receipt, judged)

    def _judge_release(
        self, release: Release, receipt: Receipt, giver: Party, receiver: Party, block: int
    ) -> Refusal | None:
        if release.giver == release.receiver:
            return refusal("GiverIsReceiver", custodian=release.giver)
        digest = self.world.digest(release)
        return judge_receipt(release, digest, receipt, giver.model, receiver.model, block)

    def _tell_lines(
        self, record: Record, release: Release, receipt: Receipt, judged: Refusal | None
    ) -> None:
        """Line by line, each judged after the ones before it (C3)."""
        transaction = self.world.send_batch(record)
        expected, passed = [], 0
        for i, line in enumerate(release.lines if judged is None else ()):
            if not receipt.has(i):
                continue
            told = self.items[line.item]
            if found := judge_line(line, told.standing, release):
                expected.append((i, error(found.name, *found.values.values())))
            else:
                passed += 1
                standing = moved(told.standing, release.receiver, receipt.time)
                self._extend(line.item, standing, record.digest, i)
        assert refusals(transaction, "LineRefused") == expected
        if judged is not None:
            assert refusals(transaction) == [(0, error(judged.name, *judged.values.values()))]
        elif not passed:
            assert refusals(transaction) == [(0, expected[0][1])]

    def rule_deliver(
        self,
        item: int = "st_item",
        off: int = "st_off",
        time: int = "st_time",
        signer: str = "st_signer",
    ) -> None:
        chosen = self._item(item)
        if chosen is None:
            return
        told, (block, event) = self.items[chosen], self._next(time)
        party = self._holder(told, item)
        stranger = Key("stranger")
        key = stranger if signer == "stranger" else getattr(told.people, signer)
        number = max(0, told.standing.number + off)
        values = {"number": number, "time": event, "deadline": event + DAY}
        record = self.world.delivery(party.signer(event), chosen, told.people, key, **values)
        signed = struct(Delivery, record.argument[0])
        named = (told.people.recipient.raw, told.people.sender.raw)
        judged = judge_delivery(signed, told.standing, party.model, named, block)
        self._tell(
            record, judged, lambda: self._extend(chosen, ended(told.standing, event), record.digest)
        )

    def rule_end(
        self, item: int = "st_item", who: int = "st_who", off: int = "st_off", time: int = "st_time"
    ) -> None:
        chosen = self._item(item)
        if chosen is None:
            return
        told, (block, event) = self.items[chosen], self._next(time)
        party = self._holder(told, who)
        number = max(0, told.standing.number + off)
        record = self.world.end(party.signer(event), chosen, number=number, time=event)
        judged = judge_end(struct(End, record.argument[0]), told.standing, party.model, block)
        self._tell(
            record,
            judged,
            lambda: self._extend(chosen, ended(told.standing, event, 5), record.digest),
        )

    def rule_recall(
        self, item: int = "st_item", who: int = "st_who", off: int = "st_off", time: int = "st_time"
    ) -> None:
        chosen = self._item(item)
        if chosen is None:
            return
        told, (block, event) = self.items[chosen], self._next(time)
        party = self._holder(told, who)
        number = max(0, told.standing.number + off)
        record = self.world.recall(party.signer(event), chosen, number=number, time=event)
        judged = judge_recall(struct(Recall, record.argument[0]), told.standing, party.model, block)
        standing = moved(told.standing, party.model.number, event)
        self._tell(record, judged, lambda: self._extend(chosen, standing, record.digest))

    def rule_take_up(
        self, item: int = "st_item", who: int = "st_who", time: int = "st_time"
    ) -> None:
        chosen = self._item(item)
        if chosen is None:
            return
        told, party, (block, event) = self.items[chosen], self.parties[who], self._next(time)
        record = self.world.take_up(party.signer(event), chosen, time=event)
        judged = judge_take_up(
            struct(TakeUp, record.argument[0]), told.standing, party.model, block
        )
        standing = moved(told.standing, party.model.number, event)
        self._tell(record, judged, lambda: self._extend(chosen, standing, record.digest))
        self._twice(record, judged)

    def rule_report(
        self,
        item: int = "st_item",
        who: int = "st_who",
        time: int = "st_time",
        pick: int = "st_pick",
    ) -> None:
        chosen = self._item(item)
        if chosen is None:
            return
        told, party, (block, event) = self.items[chosen], self.parties[who], self._next(time)
        record = self.world.report(party.signer(event), chosen, time=event, corrects=pick)
        judged = judge_report(struct(Report, record.argument[0]), told.standing, party.model, block)
        self._tell(
            record, judged, lambda: self._extend(chosen, reported(told.standing), record.digest)
        )
        self._twice(record, judged)

    def _twice(self, record: Record, judged: Refusal | None) -> None:
        """C8, C11: what names no custody number is recorded once."""
        if judged is None:
            said = refusals(self.world.send_batch(record))
            assert [words.split(":")[0] for _, words in said] in (
                ["AlreadyRecorded"],
                ["TimeBeforeLatest"],
            )

    def _holder(self, told: Told, pick: int) -> Party:
        """Mostly who holds the item."""
        place = self.parties.place_of(told.standing.holder)
        return self.parties[pick if place is None or pick == 5 else place]

    # ------------------------------------------------------------------------------------------------- network

    def rule_change_who_may_act(
        self, who: int = "st_who", change: str = "st_change", pick: int = "st_pick"
    ) -> None:
        """One rule of many, so that most records meet custodians that may act."""
        party = self.parties[who]
        if change == "wait":
            self.world.wait((1 + pick) * DAY)
        elif change == "rotate":
            self.parties.rotate(party, self.world.next_block_in(20))
        elif change == "compromise":
            self.parties.compromise(party, pick)
        elif change == "suspend" or party.model.suspended:
            self.parties.suspend_or_reinstate(party)
        elif change == "suspend operator" or party.model.operator_suspended:
            self.parties.suspend_or_reinstate_operator(party.model.operator)

    # ----------------------------------------------------------------------------------------------- invariants

    def invariant_the_chain_keeps_what_the_oracle_thinks(self) -> None:
        """C3, C6: holder, counters, latest time, state and head of every item."""
        for item, told in self.items.items():
            its = told.standing
            state = HELD if its.ended is None else ENDED
            kept = (its.holder, its.number, its.records, its.latest_time, state)
            as_one = (its.receptacle, self._height(item), its.closed)
            assert self.world.ledger.itemOf(item)[:8] == kept + as_one
        heads = self.world.ledger.headsOf(list(self.items))
        assert [bytes(head) for head in heads] == [told.head for told in self.items.values()]

    def invariant_used_stamps_are_used(self) -> None:
        """S4: what the oracle thinks used, and nothing else."""
        for stamp, facts in self.stamps.items():
            assert (self.world.stamps.useOf(stamp)[0] != 0) == (facts.use is not None)


def test_contracts_and_domain_judge_alike(world: World, state_machine: Any) -> None:
    """Random stories of up to 30 steps; the first ten are short ones."""
    state_machine(Stories, world, settings={"max_examples": 20, "stateful_step_count": 30})
