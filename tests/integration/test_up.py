"""`posthorn up`: one command, everything kept, whatever happens to its parts (design.md §6, B5)."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from installed import (
    Up,
    copy_of_founded,
    folder,
    founded,
    posthorn,
    processes_of,
    running,
)

from backend.cli.folder import DataFolder
from backend.cli.listening import free_port
from backend.cli.up import lan_address, servers_here
from backend.embedded.json_rpc import JsonRpc
from backend.embedded.processes import wait_until
from stamps.scan import read_code

WORKERS = ("serve", "send", "index")
STOPPED_SECONDS = 15.0
PATIENCE_SECONDS = 40.0


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """One installation for all tests here, stopped between them."""
    with copy_of_founded() as data:
        yield data


def page(up: Up, path: str) -> int:
    connection = HTTPConnection("127.0.0.1", up.port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def blocks(up: Up) -> list[str]:
    """The hashes of all blocks of its chain."""
    with JsonRpc(up.rpc_url) as node:
        head = int(node.call("eth_blockNumber"), 16)
        calls = [("eth_getBlockByNumber", (hex(n), False)) for n in range(head + 1)]
        return [block["hash"] for block in node.batch(calls)]


def pids_of(up: Up, word: str) -> list[int]:
    """Our children whose command line has a word in it."""
    children = Path(f"/proc/{up.process.pid}/task/{up.process.pid}/children").read_text().split()
    lines = {int(pid): Path(f"/proc/{pid}/cmdline").read_text() for pid in children}
    return [pid for pid, line in lines.items() if f"\0{word}\0" in line]


def test_first_start_says_what_it_does_and_where_to_go() -> None:
    _, said = founded()
    ticks = [line for line in said.splitlines() if line.startswith("✓")]
    assert [tick.split()[1].strip(":") for tick in ticks] == [
        *("database", "chain", "contracts", "demonstration")
    ]
    assert "29 items, 2 posts, 1 customs, 222 records, all checked" in ticks[-1]
    assert "Ctrl-C stops, data is kept." in said
    assert "/in/" in said


def test_runs_stops_leaves_nothing_behind_and_keeps_all_data(data: Path) -> None:
    with running(data) as up:
        assert page(up, "/") == 200
        assert page(up, "/in/" + up.said.split("/in/")[1].split()[0]) == 200
        before = blocks(up), up.json("trail", "CP900001059AT")
        assert up.stop() < STOPPED_SECONDS
        assert up.process.returncode == 0
    assert processes_of(data) == []
    assert not (data / "running.json").exists()
    with running(data) as up:
        assert (blocks(up), up.json("trail", "CP900001059AT")) == before


def test_the_node_keeps_its_port_unless_another_program_has_taken_it(data: Path) -> None:
    """A `posthorn check … --rpc …` that somebody has written down stays good after the next start."""
    kept = DataFolder(data).chain_port()
    assert DataFolder(data).chain_port() == kept
    with running(data) as up:
        assert up.rpc_url == f"http://127.0.0.1:{kept}"
    with socket.socket() as other:
        other.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # the node's last connections linger
        other.bind(("127.0.0.1", kept))
        other.listen()
        assert DataFolder(data).chain_port() != kept


def test_the_welcome_names_a_command_that_works_as_it_stands(data: Path) -> None:
    with running(data) as up:
        line = next(line for line in up.said.splitlines() if line.startswith("  terminal "))
        words = shlex.split(line.removeprefix("  terminal "))
        assert words[1:] == ["status", "--data", str(data)]


def test_keeps_its_workers_running_and_lets_no_second_one_in(data: Path) -> None:
    with running(data) as up:
        second = posthorn("up", "--data", data, "--port", free_port())
        assert second.returncode == 1
        assert f"http://127.0.0.1:{up.port}" in second.stderr
        assert str(up.process.pid) in second.stderr
        for worker in WORKERS:
            many = servers_here() if worker == "serve" else 1
            assert wait_until(lambda w=worker, n=many: len(pids_of(up, w)) == n, PATIENCE_SECONDS)
            pid = pids_of(up, worker)[0]
            os.kill(pid, signal.SIGKILL)
            up.await_words(f"{worker} ended with -9 and is started again")
            assert wait_until(
                lambda w=worker, old=pid, n=many: len(set(pids_of(up, w)) - {old}) == n,
                PATIENCE_SECONDS,
            )
        assert wait_until(lambda: answers(up), PATIENCE_SECONDS)


def test_starts_as_many_servers_as_asked_and_each_takes_connections_on_the_one_port(
    data: Path,
) -> None:
    """B6: any number of servers; the kernel deals out connections, and stopping leaves none of them behind."""
    with running(data, "--servers", "3") as up:
        assert wait_until(lambda: listening(up.port) == 3, PATIENCE_SECONDS)
        assert sorted(log.name for log in (data / "log").glob("serve*")) == [
            *("serve", "serve-2", "serve-3")
        ]
        os.kill(pids_of(up, "serve")[0], signal.SIGKILL)
        up.await_words("ended with -9 and is started again")
        assert wait_until(lambda: listening(up.port) == 3, PATIENCE_SECONDS)
        assert answers(up)
        assert up.stop() < STOPPED_SECONDS
    assert processes_of(data) == []


def test_a_taken_port_is_said_before_anything_starts(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = posthorn("up", "--data", data, "--port", port)
    assert done.returncode == 2
    assert f"port {port}" in done.stderr
    assert "--port" in done.stderr
    assert processes_of(data) == []


def test_an_address_of_another_machine_is_said_to_be_one(tmp_path: Path) -> None:
    """RFC 5737: nobody has this address."""
    done = posthorn("up", "--data", tmp_path / "data", "--host", "192.0.2.1")
    assert (done.returncode, "--host; 0.0.0.0" in done.stderr) == (2, True)
    assert "other program" not in done.stderr


def test_chain_is_rebuilt_from_the_database_with_identical_hashes(data: Path) -> None:
    """The node's state file is a cache, the database is the log (design.md §6): lost, cut, stale."""
    state = data / "chain" / "state.json"
    stale = state.read_bytes()
    with running(data) as up:
        sheet = data.parent / "sheet.pdf"
        sold = up.json(
            *("stamps", "issue", "--edition", "1-1", "--count", 2, "--sheet", sheet),
            *("--at", "1-1", "--confirm", "all"),
        )
        settle(up)
        before = blocks(up)
    whole = state.read_bytes()
    for damaged in (None, whole[: len(whole) // 2], stale):
        state.unlink()
        if damaged is not None:
            state.write_bytes(damaged)
        with running(data) as up:
            assert blocks(up)[: len(before)] == before
            assert up.json("verify", f"1-1-{sold['first']:06d}")["use"] == "valid"
            assert up.run("fsck").returncode == 0


def settle(up: Up) -> None:
    def nothing_waits() -> bool:
        queue = up.json("status")["queue"]
        return not any(queue.get(state) for state in ("pending", "held", "sent"))

    assert wait_until(nothing_waits, 30)


def test_after_kill_9_the_workers_end_and_the_next_start_keeps_all(data: Path) -> None:
    """B5: database and node are adopted or begun again; no worker of the old one goes on beside the new."""
    up = Up(data)
    up.await_words("Ctrl-C stops")
    before = blocks(up)
    workers = [pid for word in WORKERS for pid in pids_of(up, word)]
    up.kill()
    with running(data, port=up.port) as again:
        gone = wait_until(
            lambda: not any(Path(f"/proc/{p}").exists() for p in workers), STOPPED_SECONDS
        )
        assert gone, "they see that their parent is gone"
        assert blocks(again)[: len(before)] == before
        assert page(again, "/") == 200
    assert processes_of(data) == []


def listening(port: int) -> int:
    """How many sockets listen on a port of this machine (0A is LISTEN)."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    sockets = [line.split()[1:4:2] for line in lines]
    return sum(at.endswith(f":{port:04X}") and state == "0A" for at, state in sockets)


def answers(up: Up) -> bool:
    try:
        return page(up, "/") == 200
    except OSError:
        return False


def test_a_deployment_of_another_chain_or_build_is_recognised(data: Path) -> None:
    file = data / "deployment.json"
    good = file.read_text()
    content = json.loads(good)
    contracts = content["contracts"]
    ledger, stamps = contracts["CustodyLedger"]["address"], contracts["CryptoStamp"]["address"]
    contracts["CustodyLedger"]["address"], contracts["CryptoStamp"]["address"] = stamps, ledger
    for content_now, words in ((content, "another build"), (content | {"chain_id": 7}, "chain 7")):
        file.write_text(json.dumps(content_now))
        done = posthorn("up", "--data", data, "--port", free_port())
        assert done.returncode == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr
        assert processes_of(data) == []
    file.write_text(good)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "data" / "postgres"
    theirs.mkdir(parents=True)
    (theirs / "note").write_text("not Posthorn's")
    done = posthorn("up", "--data", tmp_path / "data", "--port", free_port())
    assert done.returncode == 2
    assert "installation.json" in done.stderr
    assert (theirs / "note").exists()


def test_an_interrupted_first_start_begins_anew() -> None:
    """What is thrown away was nobody's yet; the keys stay. Pages of an empty installation are pages, too."""
    with folder() as parent:
        up = Up(parent / "data", "--empty")
        up.await_words("✓ chain")
        up.kill()
        with running(parent / "data", "--empty") as again:
            assert "beginning anew" in again.said
            people = again.json("user", "list")["people"]
            assert [person["name"] for person in people] == ["admin"]
            assert again.json("status")["as_of"]["block"] >= 3
            for path in ("/", "/about", "/verify", "/status", "/docs"):
                assert page(again, path) == 200, path


def test_on_all_interfaces_codes_carry_this_machines_address_in_its_network(data: Path) -> None:
    """So that they open on a phone in the same network (design.md §4)."""
    with running(data, "--host", "0.0.0.0") as up:
        origin = f"http://{lan_address()}:{up.port}"
        assert up.facts["origin"] == origin
        assert f"{origin}/in/" in up.said
        picture = data.parent / "stamp.png"
        assert up.run("stamps", "render", "1-1-000017", "--out", picture).returncode == 0
        assert read_code(picture).lower().startswith(f"{origin}/s/")
