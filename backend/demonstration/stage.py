"""The stage: a clock that the maker moves, and one step of write, send and read at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, Engine

from backend.errors import PosthornError
from backend.ports import Actor, House
from backend.store.engine import begin

P = ParamSpec("P")
T = TypeVar("T")
HOUR = 3_600
DAY = 24 * HOUR
# A record reaches the chain this long after it was made, but where a story says otherwise.
RECORDING_SECONDS = 20


class Loops(Protocol):
    """The send and read loops, one pass at a time, on a chain whose clock the maker moves."""

    def settle(self, block_time: int) -> None:
        """Send all that is due in a block of this time, and index it."""


@dataclass
class Stage:
    """`clock` is the time that the use cases see. A step happens on it; `settle` puts it on chain."""

    engine: Engine
    house: House
    loops: Loops
    clock: int
    people: dict[str, int] = field(default_factory=dict)
    workers: dict[int, int] = field(default_factory=dict)
    last_block: int = 0

    def __post_init__(self) -> None:
        self.house = replace(self.house, now=lambda: self.clock)

    def do(
        self,
        step: Callable[Concatenate[Connection, House, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """One use case in one transaction, at the stage's time."""
        with begin(self.engine) as db:
            return step(db, self.house, *args, **kwargs)

    def settle(self) -> None:
        """Everything that was done is on chain and indexed, a moment later."""
        self.last_block = max(self.clock + RECORDING_SECONDS, self.last_block + 1)
        self.loops.settle(self.last_block)

    def actor(self, custodian: int) -> Actor:
        """Whoever works at a custodian."""
        person = self.workers[custodian]
        return Actor(person, "clerk", custodian, frozenset({custodian}), "demonstration")

    @property
    def admin(self) -> Actor:
        return Actor(self.people["admin"], "admin", device="demonstration")

    def expect_refusal(self, name: str, step: Callable[[Connection, House], object]) -> None:
        """A step that the rules refuse, on purpose. Raises AssertionError where they do not."""
        try:
            self.do(step)
        except PosthornError as error:
            if error.name == name:
                return
            raise
        raise AssertionError(f"{name} was expected")
