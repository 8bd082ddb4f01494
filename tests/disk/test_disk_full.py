"""The database's disk runs full under load, and gets room again (reliability.md, test 22): `make disk`.

A small file system of its own in memory: mounting one takes root (or a sudo that asks nothing), which is why
this is no part of `make test`.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from backend.embedded.postgres import EmbeddedPostgres
from backend.embedded.processes import wait_until
from backend.errors import Unavailable
from backend.store import submissions
from backend.store.engine import begin, open_engine
from backend.store.migrate import migrate
from backend.store.room import NoRoom, Room
from backend.store.submissions import NewSubmission
from backend.store.tables import submission

SIZE_MEGABYTES = 320
MEGABYTE = 1_000_000
FILL = "X" * 20_000


@pytest.fixture
def small_disk() -> Iterator[Path]:
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    with tempfile.TemporaryDirectory(prefix="posthorn-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        options = f"size={SIZE_MEGABYTES}m,mode=0777"
        mount = [*root, "mount", "-t", "tmpfs", "-o", options, "posthorn", folder]
        subprocess.run(mount, check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run([*root, "umount", "-l", folder], check=True)


@contextmanager
def filled(disk: Path, leave_bytes: int) -> Iterator[None]:
    """All but so much of the disk is taken by somebody else."""
    status = os.statvfs(disk)
    filler = disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_bsize - leave_bytes)
    try:
        yield
    finally:
        filler.unlink()


class Promises:
    """What was acknowledged, and must never be lost."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.kept: list[bytes] = []
        self._numbers = count()

    def make(self) -> None:
        """One more. Raises Unavailable; then it is not promised."""
        digest = next(self._numbers).to_bytes(32)
        new = NewSubmission(digest=digest, kind="report", payload={"fill": FILL}, lane="lane")
        with begin(self.engine) as db:
            submissions.enqueue(db, [new])
        self.kept.append(digest)

    def are_there(self) -> bool:
        with begin(self.engine) as db:
            digests = set(db.scalars(select(submission.c.digest)))
        return digests >= set(self.kept)


def test_a_full_disk_loses_nothing_that_was_promised_and_work_goes_on_when_there_is_room(
    small_disk: Path,
) -> None:
    with EmbeddedPostgres(small_disk / "postgres") as server:
        engine = open_engine(server.url)
        migrate(engine)
        promises = Promises(engine)
        promises.make()
        with filled(small_disk, leave_bytes=30 * MEGABYTE):
            with pytest.raises(Unavailable, match=r"disk of the database is full|does not answer"):
                fill_up(promises)
            assert len(promises.kept) > 10
            for _ in range(5):
                with suppress(Unavailable):
                    promises.make()
        # PostgreSQL may have stopped when it could not write its log; `posthorn up` starts it again.
        if server.pid is None:
            server.start()
        assert wait_until(lambda: can_promise(promises), 30)
        assert promises.are_there()
        with begin(engine) as db:
            assert db.scalar(select(func.count()).select_from(submission)) == len(promises.kept)
        engine.dispose()


def fill_up(promises: Promises) -> None:
    """Raises Unavailable in the end."""
    while True:
        promises.make()


def can_promise(promises: Promises) -> bool:
    with suppress(Unavailable):
        promises.make()
        return True
    return False


def test_new_promises_are_refused_before_the_disk_is_full(small_disk: Path) -> None:
    """With the bounds of every installation; none of them fails for want of room, and the refusal ends by itself."""
    with EmbeddedPostgres(small_disk / "postgres") as server:
        engine = open_engine(server.url)
        migrate(engine)
        room, promises = Room(engine, small_disk), Promises(engine)
        with pytest.raises(NoRoom, match="nearly full"):
            room.check()
        promises.make()
        assert promises.are_there()
        engine.dispose()
