"""The embedded PostgreSQL: it keeps what it acknowledged, and touches nothing that is not its own."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from backend.embedded import postgres as module
from backend.embedded.postgres import (
    DiskFull,
    EmbeddedPostgres,
    FolderClosed,
    PostgresNotStarted,
    SocketPathTooLong,
)
from backend.embedded.processes import FolderInUse, command_line, wait_until

IS_ROOT = os.geteuid() == 0
NOBODY = pwd.getpwnam("nobody")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path that other users may enter (pytest's own is closed to them)."""
    with tempfile.TemporaryDirectory(prefix="posthorn-") as parent:
        Path(parent).chmod(0o711)
        yield Path(parent) / "postgres"


@pytest.fixture
def postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(folder) as server:
        yield server


def connect(server: EmbeddedPostgres) -> psycopg.Connection[Any]:
    return psycopg.connect(server.url.replace("+psycopg", ""), autocommit=True)


def numbers(server: EmbeddedPostgres) -> list[int]:
    with connect(server) as connection:
        return [row[0] for row in connection.execute("select n from numbers order by n")]


def kill(server: EmbeddedPostgres) -> None:
    """kill -9, and wait until the process is gone."""
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not command_line(pid), timeout_seconds=10)


def in_a_child(action: Callable[[], None], *, unprivileged: bool = False) -> None:
    """Run in a child process that ends without tidying up, as after kill -9."""
    child = os.fork()
    if child == 0:
        try:
            if unprivileged and IS_ROOT:
                os.setgroups([])
                os.setgid(NOBODY.pw_gid)
                os.setuid(NOBODY.pw_uid)
            action()
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_rows_outlive_stop_and_start(postgres: EmbeddedPostgres) -> None:
    with connect(postgres) as connection:
        connection.execute("create table numbers (n int)")
        connection.execute("insert into numbers values (1)")
    postgres.stop()
    assert postgres.pid is None
    postgres.start()
    assert numbers(postgres) == [1]


def test_kill_9_loses_no_acknowledged_row(postgres: EmbeddedPostgres) -> None:
    """B5. A writer commits until the server is shot; what came back as done is there afterwards."""
    acknowledged: list[int] = []
    enough = threading.Event()

    def write() -> None:
        with connect(postgres) as connection:
            connection.execute("create table numbers (n int)")
            for n in range(1_000_000):
                connection.execute("insert into numbers values (%s)", [n])
                acknowledged.append(n)
                if n == 200:
                    enough.set()

    with ThreadPoolExecutor() as pool:
        writer = pool.submit(write)
        assert enough.wait(timeout=30)
        kill(postgres)
        with pytest.raises(psycopg.OperationalError):
            writer.result(timeout=30)
    postgres.start()
    kept = numbers(postgres)
    # one more may have been written whose answer the shot cut off
    assert kept[: len(acknowledged)] == acknowledged
    assert len(kept) - len(acknowledged) in (0, 1)


def test_waits_for_the_last_sessions_of_a_killed_server(postgres: EmbeddedPostgres) -> None:
    """A busy session does not notice at once that its server is gone, and may still write."""
    with connect(postgres) as connection, ThreadPoolExecutor() as pool:
        connection.execute("create table numbers (n int)")
        row = connection.execute("select pg_backend_pid()").fetchone()
        assert row is not None
        busy = (
            "do $$ begin for i in 1..30000000 loop end loop; insert into numbers values (1); end $$"
        )
        statement = pool.submit(connection.execute, busy)
        assert wait_until(lambda: " DO" in command_line(row[0]), timeout_seconds=10)
        kill(postgres)
        assert command_line(row[0]), "the session ended too early for this test"
        postgres.start()
        assert not command_line(row[0])
        acknowledged = [] if statement.exception(timeout=30) else [1]
    assert numbers(postgres) in (acknowledged, [1])


def test_adopts_the_server_of_a_killed_parent(folder: Path) -> None:
    """B5. The server goes on when its parent dies; the next start takes it over as it is."""
    in_a_child(EmbeddedPostgres(folder).start)
    orphan = EmbeddedPostgres(folder).pid
    assert orphan is not None
    with EmbeddedPostgres(folder) as heir:
        assert heir.pid == orphan
    assert not command_line(orphan)


def test_one_parent_at_a_time(postgres: EmbeddedPostgres, folder: Path) -> None:
    with pytest.raises(FolderInUse):
        EmbeddedPostgres(folder).start()
    with connect(postgres) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_two_folders_are_two_servers(postgres: EmbeddedPostgres, folder: Path) -> None:
    with EmbeddedPostgres(folder.with_name("other")) as other:
        with connect(postgres) as connection:
            connection.execute("create table numbers (n int)")
        with pytest.raises(psycopg.errors.UndefinedTable):
            numbers(other)
        assert other.pid != postgres.pid


def test_foreign_process_in_the_lock_files_is_left_alone(postgres: EmbeddedPostgres) -> None:
    """After a restart of the machine a stale number may belong to anybody, also of the same user."""
    locks = [postgres.cluster / "postmaster.pid", postgres.run / ".s.PGSQL.5432.lock"]
    kill(postgres)
    account = {"user": NOBODY.pw_uid} if IS_ROOT else {}
    stranger = subprocess.Popen(["sleep", "600"], **account)  # type: ignore[call-overload]
    try:
        for lock in locks:
            lines = lock.read_text().splitlines()
            lock.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        postgres.start()
        assert postgres.pid != stranger.pid
        postgres.stop()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_empty_lock_files_do_not_stop_it(postgres: EmbeddedPostgres) -> None:
    """What a full disk or a power cut leaves."""
    kill(postgres)
    for lock in (postgres.cluster / "postmaster.pid", postgres.run / ".s.PGSQL.5432.lock"):
        lock.write_text("")
    postgres.start()
    assert postgres.pid is not None


def test_interrupted_first_start_is_begun_anew(folder: Path) -> None:
    folder.mkdir()
    (folder / "cluster.new").mkdir()
    (folder / "cluster.new" / "PG_VERSION").write_text("half")
    with EmbeddedPostgres(folder) as server:
        assert server.pid is not None
    assert not (folder / "cluster.new").exists()


def test_acknowledged_means_on_disk_and_only_the_socket_leads_in(
    postgres: EmbeddedPostgres,
) -> None:
    with connect(postgres) as connection:
        names = ("fsync", "synchronous_commit", "full_page_writes", "listen_addresses", "jit")
        settings = [connection.execute(f"show {name}").fetchone() for name in names]
    assert settings == [("on",), ("on",), ("on",), ("",), ("off",)]
    assert postgres.run.stat().st_mode & 0o077 == 0


def test_server_never_runs_as_root(postgres: EmbeddedPostgres) -> None:
    account = Path(f"/proc/{postgres.pid}").stat().st_uid
    assert account == (NOBODY.pw_uid if IS_ROOT else os.geteuid())
    assert account == postgres.cluster.stat().st_uid


def test_ordinary_user_starts_stops_and_keeps_rows(folder: Path) -> None:
    if IS_ROOT:
        os.chown(folder.parent, NOBODY.pw_uid, NOBODY.pw_gid)

    def use_it() -> None:
        with EmbeddedPostgres(folder) as server, connect(server) as connection:
            connection.execute("create table numbers (n int)")
            connection.execute("insert into numbers values (7)")

    in_a_child(use_it, unprivileged=True)
    with EmbeddedPostgres(folder) as server:
        assert numbers(server) == [7]


def test_says_which_folder_is_closed(folder: Path) -> None:
    closed = folder.parent / "closed"
    closed.mkdir(mode=0o700 if IS_ROOT else 0o000)
    with pytest.raises(FolderClosed, match=str(closed)):
        EmbeddedPostgres(closed / "postgres").start()


def test_says_that_a_folder_is_another_users(folder: Path) -> None:
    folder.mkdir(mode=0o755)
    if not IS_ROOT:
        folder.chmod(0o500)

    def start() -> None:
        with pytest.raises(FolderClosed, match="cannot be used by"):
            EmbeddedPostgres(folder).start()

    in_a_child(start, unprivileged=True)


def test_says_that_the_path_is_too_long(folder: Path) -> None:
    with pytest.raises(SocketPathTooLong, match="103 are possible"):
        EmbeddedPostgres(folder / ("x" * 80)).start()


def test_says_how_much_room_a_new_database_needs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_START_BYTES", 10**18)
    with pytest.raises(DiskFull, match="1,000,000,000,000,000,000 bytes"):
        EmbeddedPostgres(folder).start()


def test_passes_on_what_postgresql_says(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    (postgres.cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(PostgresNotStarted, match="incompatible"):
        postgres.start()
