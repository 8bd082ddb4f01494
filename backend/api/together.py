"""Questions that wait are asked together: what a thread and a statement cost is shared by all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

from backend.errors import Unavailable

CLOSE_SECONDS = 2.0
MOST_WAITING = 2_000
Question = TypeVar("Question")
Answer = TypeVar("Answer")
Waiting = tuple[Question, asyncio.Future[Answer]]


class Together(Generic[Question, Answer]):
    """Asks all that came while the last ones were asked, at most `most` at once, in a thread of its own.

    Nobody waits for company: a question that comes alone is asked alone. `ask` answers in the order of the questions;
    a question's answer may be an error. What is not available is so for all of them; where `ask` raises anything else,
    each is asked again alone, so that none fails by another's fault. For one event loop.
    """

    def __init__(
        self, ask: Callable[[Sequence[Question]], Sequence[Answer | Exception]], most: int
    ) -> None:
        self._ask, self._most = ask, most
        self._waiting: list[Waiting[Question, Answer]] = []
        self._is_asking = self._is_closed = False
        # An executor's futures would cost as much as the thread.
        self._asked: SimpleQueue[list[Waiting[Question, Answer]] | None] = SimpleQueue()
        self._thread: Thread | None = None

    async def __call__(self, question: Question) -> Answer:
        """The answer. Raises what `ask` says or raises, and Unavailable where too many wait or all is closed."""
        if self._is_closed or len(self._waiting) >= MOST_WAITING:
            raise Unavailable("The server is too busy to answer.", "Ask again in a moment.")
        loop = asyncio.get_running_loop()
        if self._thread is None:
            thread = Thread(target=self._work, args=(loop,), daemon=True, name="together")
            thread.start()
            self._thread = thread
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((question, future))
        if not self._is_asking:
            self._ask_next()
        return await future

    def close(self) -> None:
        """Nothing is asked any more; returns when the thread has ended, or the database keeps it too long."""
        self._is_closed = True
        if self._thread is not None:
            self._asked.put(None)
            self._thread.join(CLOSE_SECONDS)

    def _ask_next(self) -> None:
        waiting = [one for one in self._waiting if not one[1].done()]  # the others have gone
        some, self._waiting = waiting[: self._most], waiting[self._most :]
        self._is_asking = bool(some)
        if some:
            self._asked.put(some)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """The thread: ask, and have the answers told in the loop."""
        while some := self._asked.get():
            answers = self._answers([question for question, _ in some])
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._tell, some, answers)

    def _answers(self, questions: Sequence[Question]) -> Sequence[Answer | Exception]:
        try:
            answers = self._ask(questions)
            if len(answers) != len(questions):
                raise ValueError(f"{len(answers)} answers to {len(questions)} questions")
            return answers
        except Unavailable as error:
            return [error] * len(questions)
        except Exception as error:  # noqa: BLE001 - it is raised where somebody waits
            if len(questions) == 1:
                return [error]
            return [self._answers([question])[0] for question in questions]

    def _tell(
        self, some: list[Waiting[Question, Answer]], answers: Sequence[Answer | Exception]
    ) -> None:
        self._ask_next()
        for (_, future), answer in zip(some, answers, strict=True):
            if future.done():  # nobody waits for it any more
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
