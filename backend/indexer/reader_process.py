"""A process that fetches, checks and decodes: beside the one that writes, not in turns with it (ADR 15).

It has nothing that could be lost. Whatever befalls it, the indexer fetches the blocks itself.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

from backend.errors import PosthornError, Unavailable
from backend.indexer.node import Block
from backend.indexer.reader import Fetched, Reader

# A node may be slow, each of its answers almost too late.
LONGEST_SECONDS = 60.0
LOOK_SECONDS = 0.5


class ReaderProcess:
    """Asked as a Reader is. It starts with the first question, and ends with this process at the latest.

    `command` runs `read_for_parent`; once `stop` is set, its answers are not waited for.
    """

    def __init__(self, command: Sequence[str], stop: threading.Event | None = None) -> None:
        self._command = command
        self._stop = stop or threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    @property
    def pid(self) -> int | None:
        """None while it does not run."""
        return None if self._process is None else self._process.pid

    def fetch(self, first: int, head: Block, parent_hash: bytes | None) -> Fetched:
        """As Reader.fetch. Raises Unavailable also where the process does not answer any more."""
        try:
            connection = self._connection or self._start()
            connection.send((first, head, parent_hash))
            self._wait(connection)
            fetched = connection.recv()
        except (OSError, EOFError) as error:
            self.end()
            raise Unavailable("The process that reads ahead has ended.") from error
        if not isinstance(fetched, Fetched):
            raise Unavailable("The process that reads ahead got no answer from the node.")
        return fetched

    def _wait(self, connection: Connection) -> None:
        """Until it answers. Raises EOFError where that takes too long, or nobody needs it any more."""
        until = time.monotonic() + LONGEST_SECONDS
        while not connection.poll(LOOK_SECONDS):
            if self._stop.is_set() or time.monotonic() > until:
                raise EOFError

    def _start(self) -> Connection:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self._process = subprocess.Popen(list(self._command), stdin=theirs.fileno())
            self._connection = Connection(ours.detach())
        return self._connection

    def end(self) -> None:
        """It may be asked again: then it is started again."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._connection = self._process = None


def read_for_parent(reader: Reader) -> None:
    """Answer on standard input what the parent's ReaderProcess asks, until the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    with Connection(os.dup(0)) as connection:
        try:
            while True:
                connection.send(_fetched(reader, *connection.recv()))
        except (OSError, EOFError):
            return


def _fetched(reader: Reader, first: int, head: Block, parent_hash: bytes | None) -> Fetched | None:
    try:
        return reader.fetch(first, head, parent_hash)
    except PosthornError:
        return None  # the parent will ask the node itself, and say what is wrong with it
