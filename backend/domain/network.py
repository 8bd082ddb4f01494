"""Who may act: custodians and their signing rights (N2-N4), and where an item stands."""

from __future__ import annotations

from dataclasses import dataclass

from backend.domain.ids import operator_of_custodian

FOR_EVER = 2**40 - 1
# A passkey's signature has some hundred bytes; more than this is calldata that somebody pays for.
LONGEST_SIGNATURE = 1_536


@dataclass(frozen=True, slots=True)
class Right:
    """N3: a key may sign for event times from `from_time` to before `until_time`.

    `key_holder` (codes.KEY_HOLDERS) says whether the device or the operator holds the key (N2). The right of
    a compromised key is empty: nothing signed with it is recorded any more, whatever time it bears.
    """

    key: bytes
    kind: int
    key_holder: int
    from_time: int
    until_time: int
    compromised: bool = False

    def covers(self, time: int) -> bool:
        return not self.compromised and self.from_time <= time < self.until_time


@dataclass(frozen=True, slots=True)
class Custodian:
    """N2: who can hold an item. Rights never overlap; they are in the order in which they were granted."""

    number: int
    kind: int
    place: str
    suspended: bool
    operator_suspended: bool
    rights: tuple[Right, ...]

    @property
    def operator(self) -> int:
        return operator_of_custodian(self.number)

    def right_at(self, time: int) -> Right | None:
        """The right that covers an event time."""
        return next((right for right in reversed(self.rights) if right.covers(time)), None)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an item stands for its next record (C3, C7): what the contract stores of it.

    `receptacle` is its own number as one, 0 for none.
    """

    holder: int
    number: int
    records: int
    latest_time: int
    ended: int | None
    keys: bytes
    receptacle: int = 0
    closed: bool = False
    opened: bool = False

    @property
    def has_contents(self) -> bool:
        """A receptacle that was packed and not opened yet."""
        return self.receptacle != 0 and not self.opened
