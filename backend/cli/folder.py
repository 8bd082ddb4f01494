"""The folder of an installation: whose it is now, and how far its first start came."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryFile

from backend.cli.installation import RUNNING, running
from backend.cli.listening import free_port, is_free
from backend.embedded.processes import FolderInUse, FolderLock
from backend.errors import BadSettings, Conflict
from backend.key_files import KEYS, SEED, check_keys_there

FORMAT = 1
LOCAL = "127.0.0.1"
# What a first start makes and may throw away again when it was interrupted. Keys are not among it.
MADE_ANEW = ("postgres", "chain", "deployment.json")


class AlreadyRunning(Conflict):
    """Posthorn runs in this folder."""


class FolderNotWritable(BadSettings):
    """Nothing can be kept there."""


class ForeignFolder(BadSettings):
    """The folder holds something else, or an installation of another version."""


@dataclass(frozen=True, slots=True)
class Installed:
    """`installation.json`. `genesis_time` belongs to the chain for ever.

    `build` names the code, the deployment and the keys for which all was prepared last (`fingerprint`); it is
    written when the first start is complete: an empty one was interrupted.
    """

    format: int
    genesis_time: int
    demonstration: bool
    build: str = ""


class DataFolder:
    """DATA, held by one `posthorn up` at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._lock = FolderLock(self.path)
        self._file = self.path / "installation.json"

    def acquire(self) -> None:
        """Make the folder if need be, and take it. Raises AlreadyRunning, FolderNotWritable, ForeignFolder."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ForeignFolder(
                f"{self.path} cannot be made: {error.strerror}.", "Choose another --data."
            ) from None
        try:
            self._lock.acquire()
            TemporaryFile(dir=self.path).close()
        except FolderInUse:
            self._say_who_runs()
        except OSError as error:
            self._lock.release()
            raise FolderNotWritable(
                f"The folder {self.path} cannot be written ({error.strerror}).",
                "Name another one with --data, or make it writable.",
            ) from None
        if self.installed() is None and any((self.path / name).exists() for name in MADE_ANEW):
            raise ForeignFolder(
                f"{self.path} holds a database or a chain, but no installation.json of Posthorn's.",
                "Restore the file from a backup, or choose another --data.",
            )

    @property
    def seed(self) -> Path:
        return self.path / KEYS / SEED

    def check_keys_there(self, passphrase: str | None) -> None:
        """Of an installation that was prepared before. Raises KeysLost."""
        check_keys_there(self.path / KEYS, passphrase)

    @property
    def was_killed(self) -> bool:
        """Whether the one before could not tidy up: its workers may need a moment to end."""
        return (self.path / RUNNING).exists()

    def release(self) -> None:
        """Let the next one in."""
        (self.path / RUNNING).unlink(missing_ok=True)
        self._lock.release()

    def _say_who_runs(self) -> None:
        found = running(self.path) or {}
        where = f" at {found['origin']}" if "origin" in found else ""
        process = f", process {found['pid']}" if "pid" in found else ""
        raise AlreadyRunning(
            f"Posthorn runs in {self.path} already{where}{process}.",
            "Open that address, or stop it with Ctrl-C where it runs; "
            "another --data with another --port runs beside it.",
        )

    def installed(self) -> Installed | None:
        """What an earlier start made. Raises ForeignFolder for another version's."""
        try:
            content = json.loads(self._file.read_text())
            found = Installed(**content)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            raise ForeignFolder(
                f"{self._file} is not of this version of Posthorn.",
                "Run the version that made it, or choose another --data.",
            ) from None
        if found.format != FORMAT:
            raise ForeignFolder(
                f"{self.path} is of format {found.format}, this Posthorn knows {FORMAT}.",
                "Run the version that made it, or choose another --data.",
            )
        return found

    def note(self, installed: Installed) -> None:
        """Write installation.json, whole and to the disk."""
        _write(self._file, json.dumps(asdict(installed)))

    def note_running(self, facts: dict[str, object]) -> None:
        """Tell other commands where to find what runs."""
        _write(self.path / RUNNING, json.dumps(facts))

    def chain_port(self) -> int:
        """The embedded chain's port: that of the start before, so that a command once copied stays good."""
        file = self.path / "chain.port"
        if file.exists() and (kept := file.read_text()).isdecimal() and is_free(LOCAL, int(kept)):
            return int(kept)
        port = free_port()
        _write(file, str(port))
        return port

    def forget_interrupted(self) -> None:
        """Throw away what an interrupted first start made: nobody has worked with it."""
        for name in MADE_ANEW:
            made = self.path / name
            if made.is_dir():
                shutil.rmtree(made)
            else:
                made.unlink(missing_ok=True)


def fingerprint(deployment: Path, seed: Path) -> str:
    """Changes with what a start has to prepare or check: migrations, the contracts' code, the deployment, the keys."""
    backend = Path(__file__).parents[1]
    found = hashlib.sha256()
    for folder, pattern in (("store/migrations/versions", "*.py"), ("chain/abi", "*.json")):
        for file in sorted((backend / folder).glob(pattern)):
            found.update(file.name.encode() + file.read_bytes())
    for kept in (deployment, seed):
        with suppress(OSError):  # `prepare` says what is wrong with it
            found.update(hashlib.sha256(kept.read_bytes()).digest())
    return found.hexdigest()


def _write(file: Path, content: str) -> None:
    draft = file.with_name(file.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    draft.replace(file)
