"""A whole Posthorn, as `posthorn up` runs it: founded once for all tests, copied for each that needs it."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from backend.cli.app import run
from backend.cli.listening import free_port
from backend.embedded.processes import wait_until

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-c", "from backend.cli import main; main()"]
FIRST_START_SECONDS = 300.0
START_SECONDS = 120.0
STOP_SECONDS = 30.0


def posthorn(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env=clean_environment() | environment,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )


def command(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end in this very process, which spares it the imports."""
    words = ["posthorn", *map(str, arguments)]
    said, complained = StringIO(), StringIO()
    with (
        pytest.MonkeyPatch.context() as process,
        redirect_stdout(said),
        redirect_stderr(complained),
    ):
        for name in set(os.environ) - set(clean_environment()):
            process.delenv(name)
        for name, value in environment.items():
            process.setenv(name, value)
        process.setattr(sys, "argv", words)
        process.setattr(sys, "excepthook", sys.excepthook)
        try:
            run()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    return subprocess.CompletedProcess(words, code, said.getvalue(), complained.getvalue())


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("POSTHORN_")}


class Up:
    """A running `posthorn up`."""

    def __init__(self, data: Path, *arguments: str, port: int | None = None) -> None:
        self.data = data
        self.port = port or free_port()
        self._said = data.parent / f"{data.name}.said"
        words = ["up", "--data", str(data), "--port", str(self.port), *arguments]
        with self._said.open("w") as said:
            self.process = subprocess.Popen(
                [*COMMAND, *words],
                env=clean_environment(),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self._said.read_text()

    @property
    def facts(self) -> dict[str, Any]:
        """What it says of itself to other commands."""
        found: dict[str, Any] = json.loads((self.data / "running.json").read_text())
        return found

    @property
    def rpc_url(self) -> str:
        return str(self.facts["rpc_urls"][0])

    def await_words(self, words: str, seconds: float = START_SECONDS) -> None:
        wait_until(lambda: words in self.said or self.process.poll() is not None, seconds)
        assert words in self.said, self.said

    def stop(self) -> float:
        """Ctrl-C; returns after how many seconds it was gone."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(STOP_SECONDS)
        return time.monotonic() - began

    def kill(self) -> None:
        """As a power cut would, but for the processes that it had started."""
        self.process.kill()
        self.process.wait()

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """A command on this installation."""
        return command(*arguments, "--data", self.data)

    def json(self, *arguments: object) -> dict[str, Any]:
        """The result of a command that must end well."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        result: dict[str, Any] = json.loads(done.stdout)
        return result


@contextmanager
def running(data: Path, *arguments: str, port: int | None = None) -> Iterator[Up]:
    """Up until the block ends, ready for commands."""
    up = Up(data, *arguments, port=port)
    try:
        up.await_words("Ctrl-C stops")
        yield up
    finally:
        if up.process.poll() is None:
            up.stop()


def processes_of(data: Path) -> list[str]:
    """Command lines of processes that work on a folder."""
    shown = subprocess.run(
        ["ps", "-ww", "-eo", "args="], capture_output=True, text=True, check=True
    )
    found = [line for line in shown.stdout.splitlines() if str(data) in line]
    return [line for line in found if not line.startswith("ps ")]


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL's own user may enter, too; pytest's own may not be entered by others."""
    with tempfile.TemporaryDirectory(prefix="posthorn-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@cache
def founded() -> tuple[Path, str]:
    """A stopped installation with the demonstration, made once in a run, and what its first start said."""
    parent = Path(tempfile.mkdtemp(prefix="posthorn-"))
    parent.chmod(0o711)
    atexit.register(shutil.rmtree, parent, ignore_errors=True)
    up = Up(parent / "data")
    try:
        up.await_words("Ctrl-C stops", FIRST_START_SECONDS)
    finally:
        up.stop()
    return parent / "data", up.said


@contextmanager
def copy_of_founded() -> Iterator[Path]:
    """A copy of it, owners included."""
    source, _ = founded()
    with folder() as parent:
        subprocess.run(["cp", "-a", str(source), str(parent / "data")], check=True)
        yield parent / "data"
