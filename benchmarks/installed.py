"""An installation as a user starts it, measured from outside."""

from __future__ import annotations

import csv
import json
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from backend.cli.up import servers_here
from backend.domain.item_numbers import make_s10
from benchmarks.processes import megabytes

ROOT = Path(__file__).resolve().parents[1]
POSTHORN = ROOT / ".venv" / "bin" / "posthorn"
START_TIMEOUT_SECONDS = 300.0
REQUESTS = 200
SAMPLES = 20
PARCELS = 2_500
COUNTER, HALL, ROUND = "1-1", "1-4", "1-5"


def help_seconds() -> float:
    """The fastest of five starts."""
    return min(_timed([POSTHORN, "--help"]) for _ in range(5))


def _timed(command: list[str | Path]) -> float:
    began = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    return time.monotonic() - began


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


class Installed:
    """`posthorn up` in a folder; started and stopped as often as wanted."""

    def __init__(self, data: Path) -> None:
        self.data = data
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._next_number = 40_000_000
        self._token = ""

    def start(self) -> float:
        """Seconds until the first page is answered."""
        began = time.monotonic()
        command = [POSTHORN, "up", "--data", self.data, "--port", str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while time.monotonic() - began < START_TIMEOUT_SECONDS:
            if self._process.poll() is not None:
                raise RuntimeError(f"posthorn up ended with {self._process.returncode}")
            try:
                if httpx.get(self.url, timeout=5).status_code == 200:
                    return time.monotonic() - began
            except httpx.TransportError:
                time.sleep(0.05)
        raise TimeoutError("no page within five minutes")

    def await_servers(self) -> None:
        """Until all servers of the port take connections: the first page comes from the first of them."""
        while _listeners(self.port) < servers_here():
            time.sleep(0.1)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(60)
            self._process = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def database_url(self) -> str:
        """As psycopg takes it."""
        return str(self._running()["database_url"]).replace("+psycopg", "")

    @property
    def rpc_url(self) -> str:
        return str(self._running()["rpc_urls"][0])

    def _running(self) -> dict[str, Any]:
        """What `posthorn up` says of itself, soon after the first page."""
        while "database_url" not in (found := json.loads((self.data / "running.json").read_text())):
            time.sleep(0.1)
        return dict(found)

    def idle_megabytes(self) -> float:
        """Proportional set size of the process and all below it, after ten idle seconds."""
        time.sleep(10)
        return sum(megabytes([self.pid]).values())

    def command(self, *arguments: str) -> str:
        command = [POSTHORN, *arguments, "--data", self.data]
        run = subprocess.run(command, check=True, capture_output=True, text=True)
        return run.stdout

    def client(self, custodian: str) -> httpx.Client:
        """Somebody with a token who works at a custodian."""
        headers = {"Authorization": f"Bearer {self.token()}", "Posthorn-Custodian": custodian}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)

    def token(self) -> str:
        """The token of somebody who works at all three custodians."""
        if not self._token:
            at = [word for number in (COUNTER, HALL, ROUND) for word in ("--at", number)]
            self.command("user", "add", "bench", *at)
            answer = json.loads(self.command("token", "create", "bench", "--json"))
            self._token = answer["token"]
        return self._token

    def numbers(self, count: int) -> int:
        """The first of `count` serials that no other item bears."""
        first, self._next_number = self._next_number, self._next_number + count
        return first

    def number(self) -> str:
        return make_s10("CP", self.numbers(1), "AT")

    def counter_milliseconds(self) -> Iterator[tuple[str, float]]:
        """The p95 of each verb of a counter, one request after the other."""
        counter, hall = self.client(COUNTER), self.client(HALL)
        items, accepting = self._timed_posts(
            counter, "/v1/items", [{"number": self.number()} for _ in range(REQUESTS)]
        )
        yield "accept", accepting
        lists = [{"receiver": HALL, "lines": [{"item": i["item"]}]} for i in items]
        releases, releasing = self._timed_posts(counter, "/v1/releases", lists)
        yield "hand over", releasing
        receipts = [{"release": r["digest"]} for r in releases]
        _, receiving = self._timed_posts(hall, "/v1/receipts", receipts)
        yield "take over", receiving
        verified = []
        for _ in range(REQUESTS):
            began = time.monotonic()
            counter.get("/v1/stamps/1-1-000017").raise_for_status()
            verified.append(1_000 * (time.monotonic() - began))
        yield "look at a stamp", percentile(verified, 0.95)

    def _timed_posts(
        self, client: httpx.Client, path: str, bodies: list[dict[str, Any]]
    ) -> tuple[list[dict[str, Any]], float]:
        answers, milliseconds = [], []
        for body in bodies:
            began = time.monotonic()
            answer = client.post(path, json=body)
            milliseconds.append(1_000 * (time.monotonic() - began))
            answer.raise_for_status()
            answers.append(answer.json())
        return answers, percentile(milliseconds, 0.95)

    def settled_seconds(self) -> tuple[float, float]:
        """From the receiver's click to «settled», p50 and p95."""
        counter, hall = self.client(COUNTER), self.client(HALL)
        times = []
        for _ in range(SAMPLES):
            item = counter.post("/v1/items", json={"number": self.number()}).json()["item"]
            body = {"receiver": HALL, "lines": [{"item": item}]}
            release = counter.post("/v1/releases", json=body).json()["digest"]
            began = time.monotonic()
            digest = hall.post("/v1/receipts", json={"release": release}).json()["digest"]
            while hall.get(f"/v1/submissions/{digest}").json()["state"] not in ("settled", "final"):
                time.sleep(0.02)
            times.append(time.monotonic() - began)
        return percentile(times, 0.5), percentile(times, 0.95)

    def import_rate(self) -> float:
        """Records a second, from the command's start until all of them are settled."""
        file = self.data.parent / "parcels.csv"
        with file.open("w", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(("item", "event", "facility", "time", "next_facility", "received"))
            writer.writerows(self._scans())
        began = time.monotonic()
        self.command("import", str(file))
        status = self.client(COUNTER)
        while sum(status.get("/v1/status").json()["queue"].values()):
            time.sleep(0.1)
        return 2 * PARCELS / (time.monotonic() - began)

    def _scans(self) -> Iterator[tuple[str, ...]]:
        now = int(time.time())
        for index in range(PARCELS):
            number, accepted = self.number(), now - 7_200 + index
            handed = accepted + 60
            yield number, "acceptance", COUNTER, _iso(accepted), "", ""
            yield number, "hand_off", COUNTER, _iso(handed), HALL, _iso(handed + 30)


def alone(measure: Callable[[Installed], Iterator[tuple[str, str, str]]]) -> None:
    """Print what is measured of an installation that is made for it and thrown away."""
    with tempfile.TemporaryDirectory(prefix="posthorn-bench-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        posthorn = Installed(Path(folder) / "data")
        posthorn.start()
        posthorn.await_servers()
        try:
            for what, figure, target in measure(posthorn):
                print(f"{what:58} {figure:>14}  {target}", flush=True)
        finally:
            posthorn.stop()


def _listeners(port: int) -> int:
    """How many sockets listen on the port of this machine (0A is LISTEN)."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    sockets = [line.split()[1:4:2] for line in lines]
    return sum(at.endswith(f":{port:04X}") and state == "0A" for at, state in sockets)


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
