"""Clerks: they ask over HTTP, again with the same key until answered, and note what they were told."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random
from threading import Event, Thread
from typing import Any

import httpx
from history import ACKNOWLEDGED, REFUSED, Asked

from backend.demonstration import cast
from backend.domain.commitments import commitment, item_id, trail_code_text
from backend.domain.ids import custodian_text, operator_of_custodian
from backend.domain.item_numbers import make_s10, numbered

# Their keys are the operator's to sign with.
CUSTODIANS = (cast.COUNTER_1, cast.HALL, cast.INNSBRUCK_OE, cast.ZURICH_OE, cast.CUSTOMS)
PATIENCE_SECONDS = 90.0
PAUSE_SECONDS = 0.2
MOST_LINES = 4
MOST_ITEMS = 12
GIVES_UP, ASKS_TWICE = 0.02, 0.1
MOMENTS = count(1)  # one clock for all: a moment is never twice


@dataclass
class Item:
    """As the client knows it; nobody else acts on it."""

    item: bytes
    holder: int


@dataclass
class Client(Thread):
    """Does one thing after another with items of its own until told to stop. `history` is what it asked for."""

    number: int
    url: str
    tokens: dict[int, str]
    random: Random
    stop: Event
    history: list[Asked] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    answers: int = 0

    __hash__ = Thread.__hash__

    def __post_init__(self) -> None:
        super().__init__(name=f"client {self.number}", daemon=True)
        self._numbers = count(self.number * 1_000_000 + 10_000_000)
        self._keys = count(1)

    def run(self) -> None:
        try:
            with httpx.Client(base_url=self.url, timeout=20) as self.http:
                while not self.stop.is_set():
                    self._do_something()
        except Exception as error:
            self.failures.append(f"{self.name}: {error!r}")
            raise

    def _do_something(self) -> None:
        if not self.items or (len(self.items) < MOST_ITEMS and self.random.random() < 0.3):
            self._accept()
            return
        deeds = {
            self._hand_off: 6,
            self._report: 4,
            self._hand_over_what_is_not_there: 1,
            self._withdraw_a_list: 1,
            self._report_nonsense: 1,
            self._forget: 1,
        }
        (deed,) = self.random.choices(list(deeds), list(deeds.values()))
        deed()

    # --- deeds --------------------------------------------------------------------------------------
    def _accept(self) -> None:
        at, code = cast.COUNTER_1, self.random.randbytes(16)
        number = make_s10("RR", next(self._numbers), "AT")
        item = item_id(operator_of_custodian(at), commitment(numbered("s10", number), code))
        asked = self._note(item)
        body = {
            "number": number,
            "trail_code": trail_code_text(code),
            "evidence": hexed(asked.marker),
        }
        if self._ask(asked, "/v1/items", body, at):
            self.items.append(Item(item, at))

    def _hand_off(self) -> None:
        giver = self.random.choice(self.items).holder
        held = [item for item in self.items if item.holder == giver]
        moved = self.random.sample(held, min(len(held), self.random.randint(1, MOST_LINES)))
        receiver = self._other_than(giver)
        asked = self._note(*(one.item for one in moved))
        release = self._hand_over(asked, giver, receiver, moved)
        if release is None:
            self._drop(moved)
        elif self._ask(asked, "/v1/receipts", {"release": release}, receiver):
            for item in moved:
                item.holder = receiver
        else:
            self._drop(moved)

    def _hand_over(
        self, asked: Asked, giver: int, receiver: int, moved: Sequence[Item]
    ) -> str | None:
        """The digest of a list that is signed over, and not on chain yet."""
        lines = [{"item": hexed(one.item), "evidence": hexed(asked.marker)} for one in moved]
        body = {"receiver": custodian_text(receiver), "lines": lines}
        answer = self._persist("/v1/releases", body, giver)
        if answer is None:
            return None
        if answer.status_code >= 400:
            asked.outcome = REFUSED
            return None
        digest: str = answer.json()["digest"]
        return digest

    def _report(self) -> None:
        item = self.random.choice(self.items)
        asked = self._note(item.item)
        body = {
            "item": hexed(item.item),
            "code": "held",
            "evidence": hexed(asked.marker),
        }
        if not self._ask(asked, "/v1/reports", body, self.random.choice(CUSTODIANS)):
            self._drop([item])

    def _hand_over_what_is_not_there(self) -> None:
        """Refused: the giver does not hold it."""
        item = self.random.choice(self.items)
        asked = self._note(item.item)
        stranger = self._other_than(item.holder)
        self._hand_over(asked, stranger, self._other_than(stranger), [item])
        asked.outcome = REFUSED

    def _withdraw_a_list(self) -> None:
        """A list that nobody took over must never be recorded, and what is on it stays where it is."""
        item = self.random.choice(self.items)
        asked = self._note(item.item)
        release = self._hand_over(asked, item.holder, self._other_than(item.holder), [item])
        asked.outcome = REFUSED
        if release is not None:
            self._persist(f"/v1/releases/{release}/withdrawal", {}, item.holder)

    def _report_nonsense(self) -> None:
        """Refused: there is no such code, or no such item."""
        asked = self._note(self.random.choice(self.items).item)
        bad = self.random.choice([{"code": "no such code"}, {"item": hexed(asked.marker)}])
        body = {"item": hexed(asked.items[0]), "code": "held"}
        body |= {"evidence": hexed(asked.marker)}
        answer = self._persist("/v1/reports", body | bad, cast.HALL)
        asked.outcome = REFUSED
        if answer is not None and answer.status_code < 400:
            raise AssertionError(f"{answer.text} though it is nonsense")

    def _forget(self) -> None:
        self._drop([self.random.choice(self.items)])

    def _drop(self, items: Sequence[Item]) -> None:
        self.items = [one for one in self.items if one not in items]

    def _other_than(self, custodian: int) -> int:
        return self.random.choice([one for one in CUSTODIANS if one != custodian])

    # --- asking -------------------------------------------------------------------------------------
    def _note(self, *items: bytes) -> Asked:
        marker = self.number.to_bytes(4, "big") + len(self.history).to_bytes(28, "big")
        self.history.append(Asked(marker, items, asked=0))
        return self.history[-1]

    def _ask(self, asked: Asked, path: str, body: dict[str, Any], custodian: int) -> bool:
        """Whether it was promised. `asked` knows then what came of it."""
        asked.asked = next(MOMENTS)
        answer = self._persist(path, body, custodian)
        asked.answered = next(MOMENTS)
        if answer is None:
            return False
        if answer.status_code != 202:
            asked.outcome = REFUSED
            self.failures.append(f"{path} was refused: {answer.status_code} {answer.text}")
            return False
        asked.outcome = ACKNOWLEDGED
        asked.digest = bytes.fromhex(answer.json()["digest"][2:])
        return True

    def _persist(self, path: str, body: dict[str, Any], custodian: int) -> httpx.Response | None:
        """An answer that is one, after as many tries as it takes; None where the client gives up."""
        headers = {
            "Authorization": f"Bearer {self.tokens[custodian]}",
            "Posthorn-Custodian": custodian_text(custodian),
            "Idempotency-Key": f"client {self.number} request {next(self._keys)}",
        }
        given_up = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < given_up:
            answer = self._try(path, body, headers)
            if answer is not None:
                self.answers += 1
                self._ask_again(answer, path, body, headers)
                return answer
            if self.random.random() < GIVES_UP:
                return None
            time.sleep(PAUSE_SECONDS)
        raise TimeoutError(f"{path}: no answer in {PATIENCE_SECONDS} s")

    def _try(
        self, path: str, body: dict[str, Any], headers: dict[str, str]
    ) -> httpx.Response | None:
        """None: the server died, or says that it cannot now."""
        try:
            answer = self.http.post(path, json=body, headers=headers)
        except httpx.TransportError:
            return None
        return None if answer.status_code >= 500 else answer

    def _ask_again(
        self, answer: httpx.Response, path: str, body: dict[str, Any], headers: dict[str, str]
    ) -> None:
        """Now and then the same again: the answer must be the same."""
        if answer.status_code >= 400 or self.random.random() > ASKS_TWICE:
            return
        again = self._try(path, body, headers)
        if again is not None and again.json() != answer.json():
            self.failures.append(f"{path}: {again.text} after {answer.text}")


def hexed(raw: bytes) -> str:
    return "0x" + raw.hex()
