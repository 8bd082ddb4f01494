"""What the commands are made of, as far as it needs no installation."""

from __future__ import annotations

import json
import signal
import sys
from functools import partial
from pathlib import Path

import pytest

from backend.cli.folder import (
    FORMAT,
    AlreadyRunning,
    DataFolder,
    FolderNotWritable,
    ForeignFolder,
    Installed,
    fingerprint,
)
from backend.cli.output import Exit, SeveralItems, copyable, exit_code, say, say_unexpected, show
from backend.cli.stamps import serials_in
from backend.cli.supervisor import Child, Embedded, Supervisor
from backend.embedded.processes import wait_until
from backend.errors import BadRequest, Conflict, NotFound, PosthornError, Unavailable, Unprocessable

PATIENCE_SECONDS = 20.0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFound("x"), Exit.NO),
        (Conflict("x"), Exit.NO),
        (Unprocessable("x"), Exit.NO),
        (BadRequest("x"), Exit.COULD_NOT),
        (Unavailable("x"), Exit.COULD_NOT),
        (SeveralItems("x"), Exit.WHICH),
    ],
)
def test_errors_end_a_command_with_their_exit_code(error: PosthornError, code: Exit) -> None:
    assert exit_code(error) is code


def test_what_nobody_foresaw_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POSTHORN_LOG_LEVEL", raising=False)
    say_unexpected(ValueError, ValueError("seven"), None)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "ValueError: seven" in said


def test_serials_are_written_as_people_do() -> None:
    assert serials_in("17, 19-21") == {17, 19, 20, 21}
    for wrong in ("", "a", "3-", "-3", "1-99999999"):
        with pytest.raises(BadRequest):
            serials_in(wrong)


def test_a_folder_is_for_one_at_a_time(tmp_path: Path) -> None:
    first = DataFolder(tmp_path)
    first.acquire()
    first.note_running({"origin": "http://127.0.0.1:8000", "pid": 7})
    with pytest.raises(AlreadyRunning, match=r"http://127.0.0.1:8000, process 7"):
        DataFolder(tmp_path).acquire()
    first.release()
    DataFolder(tmp_path).acquire()


@pytest.mark.parametrize(
    "content",
    ["no JSON", "{}", json.dumps({"format": 2, "genesis_time": 1, "demonstration": True})],
)
def test_an_installation_of_another_version_is_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / "installation.json").write_text(content)
    with pytest.raises(ForeignFolder):
        DataFolder(tmp_path).acquire()


def test_a_folder_that_cannot_be_written_is_said_to_be_so() -> None:
    """/sys takes no files, whoever asks."""
    with pytest.raises(
        FolderNotWritable, match=r"/sys cannot be written \(.+\)\. Name another one"
    ):
        DataFolder(Path("/sys")).acquire()


def test_what_is_noted_is_known_again(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    assert folder.installed() is None
    noted = Installed(FORMAT, 1_760_000_000, True, "abc")
    folder.note(noted)
    assert folder.installed() == noted


def test_another_deployment_and_other_keys_ask_for_another_look(tmp_path: Path) -> None:
    files = tmp_path / "deployment.json", tmp_path / "seed.json"
    seen = {fingerprint(*files)}
    for file in files:
        file.write_text("{}")
        seen.add(fingerprint(*files))
        file.write_text("[]")
        seen.add(fingerprint(*files))
    assert len(seen) == 5
    assert fingerprint(*files) == fingerprint(*files)


def child(folder: Path, name: str, code: str) -> Child:
    return Child(name, [sys.executable, "-c", code], {}, folder / name)


def test_supervised_processes_are_started_again_and_end_together(tmp_path: Path) -> None:
    said: list[str] = []
    steady = child(tmp_path, "steady", "import sys; sys.stdin.read()")
    restless = child(tmp_path, "restless", "import sys; sys.exit('I cannot')")
    supervisor = Supervisor([steady, restless], said.append)
    supervisor.start("steady")
    assert restless.process is None
    supervisor.start("restless")
    assert wait_until(lambda: supervisor.look() or len(said) == 2, PATIENCE_SECONDS)
    assert said[0].startswith("restless ended with 1 and is started again in 2 s: I cannot")
    assert "in 4 s" in said[1]
    assert steady.process is not None
    running = steady.process
    supervisor.stop()
    assert running.returncode == -signal.SIGTERM


class Server:
    """One that does not start at the first two tries."""

    def __init__(self) -> None:
        self.runs, self.tries = True, 0

    def start(self) -> None:
        self.tries += 1
        if self.tries < 3:
            raise Unavailable(f"Try {self.tries} fails.")
        self.runs = True


def test_a_server_that_ends_is_started_again_and_says_why_where_it_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pause grows, and what needs it is not started before it."""
    clock = 100.0
    monkeypatch.setattr("backend.cli.supervisor.time.monotonic", lambda: clock)
    said: list[str] = []
    first, second = Server(), Server()
    supervisor = Supervisor([], said.append)
    for name, server in (("database", first), ("chain", second)):
        runs = partial(getattr, server, "runs")
        supervisor.keep(Embedded(name, runs, server.start, tmp_path / name))
    supervisor.look()
    assert said == []
    first.runs = second.runs = False
    for _ in range(8):
        clock += 1
        supervisor.look()
    assert said == [
        f"database ended and is started again in 2 s: it said nothing (all of it: {tmp_path / 'database'})",
        "database could not be started and is tried again in 4 s: Try 1 fails.",
        "database could not be started and is tried again in 8 s: Try 2 fails.",
    ]
    clock += 8
    supervisor.look()
    assert (said[3], first.runs) == ("database runs again", True)
    assert said[4].startswith("chain ended and is started again in 2 s")
    first.runs = False
    clock += 61
    supervisor.look()
    assert said[5].startswith("database ended and is started again in 1 s")


def test_a_process_that_will_not_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.cli.supervisor.STOP_SECONDS", 0.5)
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(99)"
    stubborn = child(tmp_path, "stubborn", code)
    supervisor = Supervisor([stubborn], print)
    supervisor.start("stubborn")
    assert wait_until(lambda: (tmp_path / "stubborn").read_text() == "1\n", PATIENCE_SECONDS)
    running = stubborn.process
    assert running is not None
    supervisor.stop()
    assert running.returncode == -signal.SIGKILL


def test_unforeseen_error_of_a_command_is_one_sentence_and_an_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """typer puts its own hook for uncaught errors in the place of ours."""
    from backend.cli import app as program

    def break_down() -> None:
        raise RuntimeError("first line\nsecond line")

    monkeypatch.delenv("POSTHORN_LOG_LEVEL", raising=False)
    monkeypatch.setattr(program, "app", break_down)
    with pytest.raises(SystemExit) as end:
        program.run()
    assert end.value.code == Exit.COULD_NOT
    said = capsys.readouterr().err
    assert "RuntimeError: first line second line" in said
    assert said.count("\n") == 1


def test_what_is_said_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\x1b[2Jb\nc\x9bd\u202ee\ud800f")
    assert capsys.readouterr().err == "a�[2Jb\nc�d�e�f\n"
    show({"name": "\x1b\x9b\U000e0001é"}, "", as_json=True)
    assert capsys.readouterr().out == '{"name": "\\u001b\\u009b\\udb40\\udc01é"}\n'


@pytest.mark.parametrize(
    ("given", "named", "copied"),
    [
        ((), "trail X", "trail X"),
        (("--data", "/some/a folder"), "trail X", "trail X --data '/some/a folder'"),
        (("--data=/some/folder",), "trail X", "trail X --data /some/folder"),
        (("--data", "var"), "trail X", "trail X"),
        (("--data", "/some/folder"), "s10", "s10"),
        (("--data", "/some/folder"), "up --data NEW", "up --data NEW"),
    ],
)
def test_commands_in_sentences_become_what_was_called(
    monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], named: str, copied: str
) -> None:
    monkeypatch.setattr(sys, "argv", [".venv/bin/posthorn", "status", *given])
    said = copyable(f"Type `posthorn {named}` or posthorn.")
    assert said == f"Type `.venv/bin/posthorn {copied}` or posthorn."
