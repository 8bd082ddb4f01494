"""What one row says: an event of one item at a facility. Reading it asks no database but for the facilities."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Literal

from backend.domain import codes, ids
from backend.domain.item_numbers import BadItemNumber, ItemNumber, numbered
from backend.domain.texts import is_digits, is_line
from backend.domain.times import LAST_SECOND
from backend.errors import Unprocessable
from backend.importing.files import Row
from backend.usecases.accept import check_new_number

Event = Literal["acceptance", "hand_off", "delivery"]
# Besides their names: how files of other programs call them, the UPU's EMSEVT codes (M40) among them.
EVENTS: dict[str, Event] = {
    "acceptance": "acceptance",
    "ema": "acceptance",
    "hand_off": "hand_off",
    "hand-off": "hand_off",
    "delivery": "delivery",
    "emi": "delivery",
}
MOST_GRAMS = 1_000_000


class BadRow(ValueError):
    """A row that cannot be understood: `what_to_do` is for who made the file."""

    def __init__(self, why: str, what_to_do: str) -> None:
        super().__init__(why)
        self.what_to_do = what_to_do


@dataclass(frozen=True, slots=True)
class Scan:
    """One row, understood. Times in seconds; `to`, `received` and `found` are a hand-off's."""

    line: int
    event: Event
    number: ItemNumber
    at: int
    time: int
    to: int = 0
    received: int = 0
    source: int = 0
    mode: int = 0
    condition: int = codes.SOUND
    found: int = codes.SOUND
    weight_grams: int | None = None
    service: str = ""
    destination: str = ""

    @property
    def meaning(self) -> bytes:
        """SHA-256 of what the row says, wherever it stands: the same scan twice is one scan."""
        said = (
            *(self.event, int(self.number.scheme), self.number.value, self.at, self.time),
            *(self.to, self.received, self.source, self.mode, self.condition, self.found),
        )
        return hashlib.sha256(repr(said).encode()).digest()


class Facilities:
    """Custodians by number, by the code of their place, by name; the last two only where they fit one."""

    def __init__(self, places: Mapping[int, str], names: Mapping[int, str]) -> None:
        self._by_word: dict[str, set[int]] = {}
        for words in (places, names):
            for custodian, word in words.items():
                self._by_word.setdefault(word.casefold(), set()).add(custodian)
        for custodian in places:
            self._by_word[ids.custodian_text(custodian)] = {custodian}

    def find(self, word: str) -> int:
        """Raises BadRow where no custodian, or more than one, is called so."""
        found = self._by_word.get(word.casefold(), set())
        if len(found) == 1:
            return next(iter(found))
        if not found:
            raise BadRow(
                f"No facility is called {word!r}.",
                "Give its number (like 1-4), its place code or its name, as `posthorn custodians` has them.",
            )
        several = ", ".join(map(ids.custodian_text, sorted(found)))
        raise BadRow(f"{word!r} may be any of {several}.", "Give the facility's number.")


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a file leaves to be said once: time zone of times without one, mode of deliveries without one."""

    facilities: Facilities
    zone: tzinfo
    mode: int | None = None

    def scan(self, row: Row) -> Scan:
        """Raises BadRow, with what is wrong and what to do."""
        if row.fault:
            raise BadRow(row.fault, "Put the line right in the file and import it again.")
        cell = row.cells
        event = EVENTS.get(cell["event"].lower().replace(" ", "_"))
        if event is None:
            known = ", ".join(dict.fromkeys(EVENTS.values()))
            raise BadRow(f"{cell['event']!r} is no event.", f"One of: {known}.")
        scan = Scan(
            line=row.line,
            event=event,
            number=_number(cell),
            at=self.facilities.find(cell["facility"]),
            time=self._time(cell["time"]),
        )
        if event == "acceptance":
            return self._acceptance(scan, cell)
        return self._hand_off(scan, cell) if event == "hand_off" else self._delivery(scan, cell)

    def _acceptance(self, scan: Scan, cell: Mapping[str, str]) -> Scan:
        _check_new(scan.number)
        return replace(
            scan,
            source=_code(cell, "source", codes.SOURCES, codes.SOURCES.number("bulk")),
            weight_grams=_grams(cell.get("weight_grams", "")),
            service=_line(cell, "service"),
            destination=_line(cell, "destination"),
        )

    def _hand_off(self, scan: Scan, cell: Mapping[str, str]) -> Scan:
        if not cell.get("next_facility"):
            raise BadRow("A hand-off needs a next_facility.", "Say who took the item over.")
        condition = _code(cell, "condition", codes.CONDITIONS, codes.SOUND)
        return replace(
            scan,
            to=self.facilities.find(cell["next_facility"]),
            received=self._time(cell["received"]) if cell.get("received") else scan.time,
            condition=condition,
            found=_code(cell, "found", codes.CONDITIONS, condition),
        )

    def _delivery(self, scan: Scan, cell: Mapping[str, str]) -> Scan:
        mode = _code(cell, "mode", codes.MODES, self.mode)
        if mode not in codes.DELIVERY_MODES:
            known = ", ".join(c.name for c in codes.MODES if c.number in codes.DELIVERY_MODES)
            raise BadRow(f"«{codes.MODES.text(mode)}» is no delivery.", f"One of: {known}.")
        return replace(scan, mode=mode)

    def _time(self, text: str) -> int:
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            found = None
        if found is None or len(text) < len("20261123T0914"):
            raise BadRow(
                f"{text!r} is no time.", "Write date and time like 2026-11-23T09:14:00+01:00."
            )
        seconds = _seconds(found if found.tzinfo else found.replace(tzinfo=self.zone))
        if not 0 <= seconds <= LAST_SECOND:
            raise BadRow(f"{text!r} lies before 1970 or after 9999.", "Put the year right.")
        return seconds


def _seconds(time: datetime) -> int:
    """-1 where its zone takes a time out of the calendar."""
    try:
        return int(time.timestamp())
    except OverflowError:
        return -1


# 13 characters between letters are an S10 number, misread or not, unless the file says otherwise.
LIKE_S10 = re.compile(r"\s*[A-Z]{2}.{9}[A-Z]{2}\s*", re.IGNORECASE)


def _number(cell: Mapping[str, str]) -> ItemNumber:
    scheme = cell.get("scheme", "").lower() or (
        "s10" if LIKE_S10.fullmatch(cell["item"]) else "auto"
    )
    try:
        return numbered(scheme, cell["item"])
    except BadItemNumber as error:
        raise BadRow(f"{error}.", "Put the number right as it stands on the label.") from None


def _check_new(number: ItemNumber) -> None:
    """Raises BadRow for a number that no new item may bear."""
    try:
        check_new_number(number)
    except Unprocessable as error:
        raise BadRow(error.detail, error.what_now) from None


def _line(cell: Mapping[str, str], column: str) -> str:
    text = cell.get(column, "")
    if not is_line(text):
        raise BadRow(f"The {column} is no line of text.", "At most 120 characters on one line.")
    return text


def _code(cell: Mapping[str, str], column: str, known: codes.CodeList, missing: int | None) -> int:
    """A code by its name or number; `missing` where the cell is empty or not there."""
    word = cell.get(column, "").lower().replace(" ", "_")
    if not word and missing is not None:
        return missing
    if is_digits(word, 9) and int(word) in known:
        return int(word)
    if word in known.names():
        return known.number(word)
    said = f"{word!r} is no {column}." if word else f"The {column} is missing."
    raise BadRow(said, f"One of: {', '.join(known.names())}.")


def _grams(text: str) -> int | None:
    if not text:
        return None
    if not (is_digits(text, 9) and 0 < int(text) <= MOST_GRAMS):
        raise BadRow(f"{text[:20]!r} is no weight.", f"Whole grams, from 1 to {MOST_GRAMS:,}.")
    return int(text)
