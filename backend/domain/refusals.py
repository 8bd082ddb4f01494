"""A record that is refused: an error of the contracts with its values, told in the words of explanations.py."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backend.domain import ids
from backend.domain.explanations import EXPLANATIONS, UNRECORDED, Explanation
from backend.domain.times import written


@dataclass(frozen=True, slots=True)
class Names:
    """What a reader calls holders and items. The rules know numbers alone: who reads the database has the names."""

    holders: Mapping[int, str] = field(default_factory=dict)
    items: Mapping[bytes, str] = field(default_factory=dict)


NO_NAMES = Names()
# An address or a word of 32 bytes, as it is kept with a submission.
KEPT_BYTES = re.compile("0x([0-9a-f]{40}|[0-9a-f]{64})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error of the contracts by name, with its values."""

    name: str
    values: dict[str, Any]

    @property
    def rule(self) -> str:
        return self._explanation.rule

    @property
    def detail(self) -> str:
        return self.told(NO_NAMES)

    def told(self, names: Names) -> str:
        """What happened, in the reader's names."""
        holders = names.holders
        shown = {
            name: holders[value] if name in HOLDERS and value in holders else show(name, value)
            for name, value in self.values.items()
        }
        return self._explanation.detail.format(**shown)

    @property
    def holders(self) -> frozenset[int]:
        """The custodians and receptacles that it mentions."""
        named = (self.values.get(name) for name in HOLDERS)
        return frozenset(number for number in named if isinstance(number, int) and number)

    @property
    def what_now(self) -> str:
        return self._explanation.what_now

    @property
    def _explanation(self) -> Explanation:
        """Block 0 stands for what is kept here and not on the chain yet."""
        is_kept_only = self.values.get("block_number") == 0
        return (UNRECORDED if is_kept_only else EXPLANATIONS).get(self.name) or EXPLANATIONS[
            self.name
        ]


def refusal(name: str, **values: Any) -> Refusal:
    """A refusal by the name of the contract's error. Raises KeyError for a name that no contract has."""
    if name not in EXPLANATIONS:
        raise KeyError(name)
    return Refusal(name, values)


def told_lines(refused: Mapping[int, Refusal], names: Names = NO_NAMES) -> list[dict[str, Any]]:
    """The refused lines of a list, each with what happened to it and what to do next."""
    return [
        {
            "line": index,
            "number": names.items.get(one.values.get("item", b"")),
            "name": one.name,
            "detail": one.told(names),
            "what_now": one.what_now,
        }
        for index, one in refused.items()
    ]


def told_list(lines: Sequence[Mapping[str, Any]]) -> str:
    """A list with refused lines in one sentence: which line is the first, what about it, and how many there are."""
    first, count = lines[0], len(lines)
    item = f" ({first['number']})" if first["number"] else ""
    more = f" ({count} lines of the list are refused.)" if count > 1 else ""
    return f"Line {first['line'] + 1}{item}: {first['detail']}{more}"


def what_now_of_list(lines: Sequence[Mapping[str, Any]]) -> str:
    """The next step with a list that has refused lines; of a single one, what is to be done about it."""
    if len(lines) > 1 or not lines[0]["what_now"]:
        return "Take these lines off the list, or put them right, and send it again."
    return f"{lines[0]['what_now']} Or take this line off the list, and send it again."


def show(name: str, value: Any) -> str:
    """A value as people read it: numbers of custodians and stamps in their own form, times in UTC."""
    form = SHOWN.get(name)
    if form is not None and isinstance(value, int):
        return form(value)
    text = "0x" + value.hex() if isinstance(value, bytes) else str(value)
    return text[:10] + "…" if isinstance(value, bytes) or KEPT_BYTES.fullmatch(text) else text


def _time(seconds: int) -> str:
    if seconds >= 1 << 38:
        return "for ever"
    return written(seconds, "%Y-%m-%d %H:%M:%S UTC")


TIMES = [
    "time",
    "oldest",
    "latest",
    "deadline",
    "block_time",
    "from_",
    "until",
    "received",
    "released",
    "first_day",
    "closed_at",
    "withdrawn_from",
    "earliest",
    "acceptable_from",
]
# Values that are a custodian, or a receptacle that holds an item; where `receptacle` is bytes, it is the item itself.
HOLDERS = ("custodian", "giver", "holder", "receptacle")
SHOWN: dict[str, Callable[[int], str]] = {
    **dict.fromkeys(TIMES, _time),
    "custodian": ids.custodian_text,
    "giver": ids.custodian_text,
    "holder": lambda holder: ids.custodian_text(holder) if holder else "nobody",
    "receptacle": ids.receptacle_text,
    "stamp": ids.stamp_text,
    "before": ids.stamp_text,
    "edition": ids.edition_text,
}
