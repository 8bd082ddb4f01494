"""The receptacles of the state machine: packed, closed, opened, told to contract and oracle alike (C7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from backend.domain import packing
from backend.domain.commitments import next_head
from backend.domain.ids import FIRST_RECEPTACLE
from backend.domain.network import Standing
from backend.domain.packing import Contents
from backend.domain.rules import moved
from backend.domain.typed_data import Closing, Opening, Packing
from tests.contracts.errors import error, refusals
from tests.contracts.logs import struct
from tests.contracts.world import MINUTE


class BagStories:
    """A part of `Stories`: items may become receptacles. Slips are rare: a bag needs three good records to open."""

    st_slip = st.sampled_from((0,) * 9 + (1,))
    st_instant = st.sampled_from((0,) * 8 + (-16 * MINUTE, 6 * MINUTE))

    def setup_bags(self) -> None:
        self.contents: dict[bytes, Contents] = {}
        self.closers: dict[bytes, int] = {}
        self.next_receptacle = FIRST_RECEPTACLE

    def _inside(self, bag: bytes) -> Contents:
        return self.contents.get(bag, Contents())

    def _likely(
        self: Any, pick: int, fits: Callable[[Standing], bool], but: bytes = b""
    ) -> bytes | None:
        """Mostly an item of which the record may come true; else stories seldom get as far as an opening."""
        fitting = [item for item, told in self.items.items() if item != but and fits(told.standing)]
        found: bytes | None = self._item(pick)
        return fitting[pick % len(fitting)] if fitting and pick < 5 else found

    def _height(self: Any, item: bytes) -> int:
        if not self.items[item].standing.has_contents:
            return 0
        return 1 + max(self._height(inner) for inner in self._inside(item).items)

    def rule_journey(self, item: int = "st_item", items: list[int] = "st_items") -> None:
        """Packed, closed and opened at once: single steps seldom meet in one short story."""
        self.rule_pack(item, items, 0, 0, 0)
        self.rule_close(item, 0, 0, 0)
        self.rule_open(item, items, 0, len(items) - 1, 0)

    def rule_pack(
        self: Any,
        item: int = "st_item",
        items: list[int] = "st_items",
        off: int = "st_slip",
        time: int = "st_instant",
        who: int = "st_who",
    ) -> None:
        bag = self._likely(item, lambda its: its.ended is None and not (its.closed or its.opened))
        if bag is None:
            return
        told, (block, event) = self.items[bag], self._next(time)
        party = self._holder(told, who)
        number = max(0, told.standing.number + off)
        chosen = [
            self._likely(each, lambda its: its.holder == told.standing.holder, bag)
            for each in items
        ]
        record = self.world.packing(party.signer(event), bag, *chosen, number=number, time=event)
        signed = struct(Packing, record.argument[0])
        judged = packing.judge_packing(signed, told.standing, self._inside(bag), party.model, block)
        transaction = self.world.send_batch(record)
        expected, passed = self._pack_lines(signed, told.standing) if judged is None else ([], [])
        assert refusals(transaction, "LineRefused") == expected
        if judged is not None:
            assert refusals(transaction) == [(0, error(judged.name, *judged.values.values()))]
        elif not passed:
            assert refusals(transaction) == [(0, expected[0][1])]
        else:
            self._packed(bag, passed, event, record.digest)

    def _pack_lines(
        self: Any, signed: Packing, standing: Standing
    ) -> tuple[list[Any], list[bytes]]:
        """Line by line, each judged after the ones before it."""
        number = standing.receptacle or self.next_receptacle
        expected, passed = [], []
        for line, item in enumerate(signed.items):
            told = self.items[item]
            found = packing.judge_packed_item(item, told.standing, self._height(item), signed)
            if found:
                expected.append((line, error(found.name, *found.values.values())))
                continue
            passed.append(item)
            told.standing = packing.packed_in(told.standing, replace(standing, receptacle=number))
        return expected, passed

    def _packed(self: Any, bag: bytes, passed: list[bytes], event: int, digest: bytes) -> None:
        before = self.items[bag].standing
        if not before.receptacle:
            before = replace(before, receptacle=self.next_receptacle)
            self.next_receptacle += 1
        self.contents[bag] = self._inside(bag).plus(passed)
        self._extend(bag, packing.packed_with(before, event), digest)

    def rule_close(
        self: Any,
        item: int = "st_item",
        off: int = "st_slip",
        time: int = "st_instant",
        who: int = "st_who",
    ) -> None:
        bag = self._likely(item, lambda its: its.has_contents and not its.closed)
        if bag is None:
            return
        told, (block, event) = self.items[bag], self._next(time)
        party, inside = self._holder(told, who), self._inside(bag)
        listed = inside.items[1:] if off else inside.items
        record = self.world.closing(
            party.signer(event), bag, *listed, number=told.standing.number, time=event
        )
        signed = struct(Closing, record.argument[0])
        judged = packing.judge_closing(signed, told.standing, inside, party.model, block)

        def apply() -> None:
            self.closers[bag] = party.model.number
            self._extend(bag, packing.closed(told.standing, event), record.digest)

        self._tell(record, judged, apply)

    def rule_open(
        self: Any,
        item: int = "st_item",
        items: list[int] = "st_items",
        time: int = "st_instant",
        pick: int = "st_pick",
        who: int = "st_who",
    ) -> None:
        bag = self._likely(item, lambda its: its.closed)
        if bag is None:
            return
        told, (block, event) = self.items[bag], self._next(time)
        party, inside = self._holder(told, who), self._inside(bag)
        missing = () if pick else tuple(dict.fromkeys(self._item(each) for each in items))
        record = self.world.opening(
            party.signer(event),
            bag,
            inside.count,
            number=told.standing.number,
            time=event,
            missing=missing,
        )
        signed = struct(Opening, record.argument[0])
        judged = packing.judge_opening(signed, told.standing, inside, party.model, block)
        transaction = self.world.send_batch(record)
        if judged is not None:
            assert refusals(transaction) == [(0, error(judged.name, *judged.values.values()))]
            return
        self._extend(bag, packing.opened(told.standing, event), record.digest)
        said = self._miss(bag, signed, record.digest)
        assert refusals(transaction, "LineRefused") == said
        self._stay(bag, missing)

    def _miss(self: Any, bag: bytes, signed: Opening, digest: bytes) -> list[Any]:
        """What is missing falls back to who closed it; what does not lie in it is refused."""
        its, said = self.items[bag].standing, []
        for line, item in enumerate(signed.missing):
            standing = self.items[item].standing
            if standing.holder != its.receptacle:
                said.append((line, error("NotIn", item, its.receptacle)))
                continue
            after = moved(standing, self.closers[bag], its.latest_time)
            self._extend(item, after, digest, line)
        return said

    def _stay(self: Any, bag: bytes, missing: tuple[bytes, ...]) -> None:
        opened = self.items[bag]
        for item in self._inside(bag).items:
            told = self.items[item]
            if told.standing.holder == opened.standing.receptacle and item not in missing:
                told.standing = packing.stayed(told.standing, opened.standing)
                told.head = next_head(told.head, opened.head)
