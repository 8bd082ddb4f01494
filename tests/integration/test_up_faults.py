"""`posthorn up` where a part of it dies, or a part of its folder is missing or damaged (B5)."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from installed import Up, copy_of_founded, posthorn, processes_of, running

from backend.cli.listening import free_port
from backend.domain.item_numbers import make_s10
from backend.embedded.anvil import EmbeddedAnvil
from backend.embedded.json_rpc import JsonRpc
from backend.embedded.postgres import EmbeddedPostgres
from backend.embedded.processes import wait_until
from backend.keystore import make_keystore
from tests.integration.conftest import database_url, execute

PATIENCE_SECONDS = 60.0
COUNTER = "1-1"
SERIALS = iter(range(50_000_000, 50_001_000))


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """One installation for all tests here, stopped between them, and put right again by each."""
    with copy_of_founded() as data:
        yield data


@pytest.fixture
def up(data: Path) -> Iterator[Up]:
    with running(data) as up:
        yield up


@pytest.fixture
def counter(up: Up) -> Iterator[Counter]:
    counter = Counter(up)
    yield counter
    counter.close()


class Counter:
    """A clerk's program at the API."""

    def __init__(self, up: Up) -> None:
        name = f"clerk {up.port}"
        assert up.run("user", "add", name, "--at", COUNTER).returncode == 0
        token = up.json("token", "create", name)["token"]
        headers = {"Authorization": f"Bearer {token}", "Posthorn-Custodian": COUNTER}
        url = f"http://127.0.0.1:{up.port}"
        self._http = httpx.Client(base_url=url, headers=headers, timeout=30)

    def accept(self) -> str | None:
        """The digest of what was promised; None where nothing was."""
        number = make_s10("CP", next(SERIALS), "AT")
        answer = self._http.post("/v1/items", json={"number": number})
        assert answer.status_code in (202, 503), answer.text
        return str(answer.json()["digest"]) if answer.status_code == 202 else None

    def accept_at_once(self) -> str:
        digest = self.accept()
        assert digest is not None
        return digest

    def all_settled(self, digests: list[str]) -> bool:
        answers = [self._http.get(f"/v1/submissions/{digest}") for digest in digests]
        return all(a.status_code == 200 and a.json()["state"] in DONE for a in answers)

    def get(self, path: str) -> httpx.Response:
        return self._http.get(path)

    def close(self) -> None:
        self._http.close()


DONE = ("settled", "final")


def chain_pid(data: Path) -> int | None:
    return EmbeddedAnvil(data / "chain", 0).pid


def database_pid(data: Path) -> int | None:
    return EmbeddedPostgres(data / "postgres").pid


def kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def blocks(up: Up) -> list[str]:
    """The hashes of all blocks of its chain."""
    with JsonRpc(up.rpc_url) as node:
        head = int(node.call("eth_blockNumber"), 16)
        calls = [("eth_getBlockByNumber", (hex(n), False)) for n in range(head + 1)]
        return [block["hash"] for block in node.batch(calls)]


@pytest.mark.parametrize(
    ("name", "pid"), [("chain", chain_pid), ("database", database_pid)], ids=["chain", "database"]
)
def test_a_part_that_is_killed_is_started_again_and_what_was_promised_is_settled(
    up: Up, counter: Counter, name: str, pid: Callable[[Path], int | None]
) -> None:
    """Twice: the first time it has run for less than a minute. Before, while it is away, and after."""
    settled = [counter.accept_at_once()]
    assert wait_until(lambda: counter.all_settled(settled), PATIENCE_SECONDS)
    before = blocks(up)
    for time_ in (1, 2):
        promised = [counter.accept_at_once() for _ in range(3)]
        kill(pid(up.data))
        await_many(up, f"{name} ended and is started again in ", time_)
        promised += filter(None, [counter.accept()])
        await_many(up, f"{name} runs again", time_)
        promised.append(counter.accept_at_once())
        assert wait_until(lambda p=promised: counter.all_settled(p), PATIENCE_SECONDS), up.said
    assert blocks(up)[: len(before)] == before
    assert up.json("fsck")["differences"] == []


def await_many(up: Up, words: str, times: int) -> None:
    assert wait_until(lambda: up.said.count(words) >= times, PATIENCE_SECONDS), up.said


def test_a_chain_that_cannot_be_started_is_said_to_be_away_until_it_can(
    up: Up, counter: Counter
) -> None:
    """Its port is taken: the terminal, the status and the measures say so; what is promised is settled later."""
    port = int(up.rpc_url.rpartition(":")[2])
    assert wait_until(lambda: up.json("status")["alarms"] == [], PATIENCE_SECONDS)
    kill(chain_pid(up.data))
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        assert wait_until(lambda: can_bind(other, port), PATIENCE_SECONDS)
        promised = [counter.accept_at_once()]
        other.listen()
        await_many(up, "chain could not be started and is tried again in ", 2)
        assert f"Another program listens on port {port}." in up.said
        assert wait_until(lambda: any(map(is_away, alarms(up))), PATIENCE_SECONDS)
        assert [bool(node["trouble"]) for node in status(up)["nodes"]] == [True]
        assert wait_until(lambda: node_up(counter) == "0.0", PATIENCE_SECONDS)
        promised.append(counter.accept_at_once())
    up.await_words("chain runs again", PATIENCE_SECONDS)
    assert wait_until(lambda: counter.all_settled(promised), PATIENCE_SECONDS), up.said
    assert wait_until(lambda: alarms(up) == [], PATIENCE_SECONDS)
    assert node_up(counter) == "1.0"


def can_bind(taken: socket.socket, port: int) -> bool:
    """A killed process has its port for a moment yet."""
    try:
        taken.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


def status(up: Up) -> dict[str, Any]:
    """With alarms it ends with 1."""
    found: dict[str, Any] = httpx.get(f"http://127.0.0.1:{up.port}/v1/status").json()
    return found


def alarms(up: Up) -> list[str]:
    return list(status(up)["alarms"])


def is_away(alarm: str) -> bool:
    return alarm.startswith("No node answers")


def node_up(counter: Counter) -> str:
    lines = counter.get("/metrics").text.splitlines()
    return next(line for line in lines if line.startswith("posthorn_node_up{")).split()[-1]


# --- a folder of which something is missing ---------------------------------------------------------
def refused(data: Path) -> str:
    """What `up` says that does not start; it leaves nothing behind."""
    done = posthorn("up", "--data", data, "--port", free_port())
    assert done.returncode == 2, done.stderr
    assert "Posthorn runs." not in done.stdout
    assert "should not have" not in done.stderr
    assert processes_of(data) == []
    return done.stderr


def test_lost_keys_are_not_replaced_by_new_ones(data: Path) -> None:
    """With new ones nothing could be signed for any custodian that is there."""
    shutil.move(data / "keys", data / "away")
    said = refused(data)
    assert "The keys of this installation are missing" in said
    assert "Nothing was changed: restore keys/ from the backup" in said
    assert "✓" not in said
    assert not (data / "keys").exists()
    shutil.move(data / "away", data / "keys")


def test_no_process_makes_keys_beside_a_database_that_was_used(up: Up, tmp_path: Path) -> None:
    """A second machine, whose folder has none. Tables can be brought up to date from there."""
    issue = ("stamps", "issue", "--edition", "1-1", "--count", "1", "--at", COUNTER)
    sheet = ("--sheet", str(tmp_path / "sheet.pdf"), "--confirm", "all")
    for command in (("serve",), ("send",), (*issue, *sheet), ("prepare",)):
        done = posthorn(
            *command,
            POSTHORN_DATA=str(tmp_path),
            POSTHORN_PORT=str(free_port()),
            POSTHORN_DATABASE_URL=str(up.facts["database_url"]),
            POSTHORN_RPC_URLS=up.rpc_url,
            POSTHORN_DEPLOYMENT=str(up.data / "deployment.json"),
        )
        is_refused = "The keys of this installation are missing" in done.stderr
        expected = (0, False) if command == ("prepare",) else (2, True)
        assert (done.returncode, is_refused) == expected, done.stderr
        assert list(tmp_path.iterdir()) == []


def test_who_prepares_an_empty_database_makes_the_keys_and_nobody_after(
    postgres_url: str, tmp_path: Path
) -> None:
    """In production; and where nothing was ever deployed, one is told to deploy."""
    execute(postgres_url, "CREATE DATABASE production")
    url = database_url(postgres_url, "production")
    first, second = tmp_path / "first", tmp_path / "second"
    words = f"New keys are in {first / 'keys'}. Keep a copy elsewhere"
    seeds = set()
    for data, makes in ((first, True), (second, False), (first, False)):
        known = {"POSTHORN_DATABASE_URL": url, "POSTHORN_RPC_URLS": "http://127.0.0.1:1"}
        done = posthorn("prepare", "--data", data, **known)
        assert (done.returncode, words in done.stderr) == (2, makes)
        assert "Deploy the contracts (scripts/deploy.py)" in done.stderr
        seeds.add((first / "keys" / "seed.json").read_bytes())
    assert (len(seeds), second.exists()) == (1, False)
    execute(postgres_url, "DROP DATABASE production WITH (FORCE)")


def test_a_lost_passphrase_is_not_replaced(data: Path) -> None:
    words = (data / "keys" / "passphrase").read_text()
    (data / "keys" / "passphrase").unlink()
    assert "The passphrase of the keys is missing" in refused(data)
    assert not (data / "keys" / "passphrase").exists()
    (data / "keys" / "passphrase").write_text(words)


def test_keys_of_another_installation_are_refused(data: Path) -> None:
    shutil.move(data / "keys", data / "away")
    make_keystore(data / "keys", None)
    said = refused(data)
    assert "The keys are not those of this installation: " in said
    assert "restore keys/ from the backup" in said
    shutil.rmtree(data / "keys")
    shutil.move(data / "away", data / "keys")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "There is no deployment file"),
        ("{}", "is damaged: it does not say where the contracts are"),
    ],
)
def test_a_lost_or_damaged_deployment_is_to_be_restored_not_deployed_anew(
    data: Path, content: str | None, words: str
) -> None:
    file = data / "deployment.json"
    good = file.read_text()
    file.unlink()
    if content is not None:
        file.write_text(content)
    said = refused(data)
    assert words in said
    assert "Restore it from the backup: it never changes" in said
    assert "scripts/deploy.py" not in said
    file.write_text(good)


def test_a_folder_that_takes_no_files_is_said_to_take_none() -> None:
    """/sys takes none, whoever asks."""
    said = posthorn("up", "--data", "/sys", "--port", free_port())
    assert (said.returncode, "The folder /sys cannot be written (" in said.stderr) == (2, True)
