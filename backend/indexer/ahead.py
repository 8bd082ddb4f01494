"""Blocks, fetched and decoded while those before them are written (ADR 15)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Row

from backend.errors import Unavailable
from backend.indexer.node import Block
from backend.indexer.reader import Fetched
from backend.indexer.reader_process import ReaderProcess

# Reader.fetch
Fetch = Callable[[int, Block, bytes | None], Fetched]
# How many blocks the head must be away for a process of its own to be worth starting, and to be kept.
FAR, NEAR = 1_000, 100


class Ahead:
    """While a run is written, a thread fetches the one after it; nobody else asks the node meanwhile."""

    def __init__(self, fetch: Fetch, process: ReaderProcess | None = None) -> None:
        self._fetch = fetch
        self._process = process
        self._worker = ThreadPoolExecutor(1, "fetch ahead")
        self._fetched: Fetched | None = None

    def take(self, newest: Block | Row[Any] | None, head: Block) -> Fetched | None:
        """What was fetched, if it follows `newest`; it is taken once."""
        fetched, self._fetched = self._fetched, None
        return fetched if fetched is not None and fetched.follows(newest, head) else None

    def forget(self) -> None:
        """The node is doubted, and with it what it said of blocks to come."""
        self._fetched = None
        if self._process is not None:
            self._process.end()

    @contextmanager
    def beside(self, written: Fetched, head: Block) -> Iterator[None]:
        """Fetches what follows the run that is written meanwhile, if the head is further away."""
        last = written.blocks[-1] if written.blocks else head
        fetch = self._by_whom(head.number - last.number)
        if last.number >= head.number:
            yield
            return
        fetching = self._worker.submit(fetch, last.number + 1, head, last.hash)
        try:
            yield
        finally:
            self._fetched = _unless_away(fetching)

    def _by_whom(self, distance: int) -> Fetch:
        """The process, where there is one and the head is far away."""
        process = self._process
        if process is not None and distance >= (FAR if process.pid is None else NEAR):
            return process.fetch
        if process is not None:
            process.end()
        return self._fetch


def _unless_away(fetching: Future[Fetched]) -> Fetched | None:
    try:
        return fetching.result()
    except Unavailable:
        return None  # the next step asks again, and says so
