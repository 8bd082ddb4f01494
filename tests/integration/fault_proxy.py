"""A JSON-RPC proxy between us and a node: it does one fault when told to, or draws faults at given rates."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from threading import Lock, Thread
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from faults import Fault, Prices, faults, underpriced

BAD_GATEWAY = 502


@dataclass(frozen=True)
class Answer:
    """What goes back over HTTP."""

    body: bytes
    status: int = 200


class FaultProxy:
    """Forwards to a node. `target` may be changed while it runs: the node is switched.

    `prices`: as geth and Besu, it refuses a replacement that does not pay 10 % more of both fees.
    """

    def __init__(self, target: str, prices: bool = False) -> None:
        self.target = target
        self.url = ""
        self.asked: list[str] = []
        self.struck: list[str] = []
        self._faults = faults()
        self._told: list[Fault] = []
        self._rates: dict[str, float] = {}
        self._random = Random(0)
        self._prices = Prices() if prices else None
        self._lock = Lock()

    # --- being told ---------------------------------------------------------------------------------
    def strike(self, name: str, times: int = 1) -> None:
        """The next requests that a fault of faults.py fits meet it, each once."""
        self._told += [self._faults[name]] * times

    def lose_answer(self, method: str, times: int = 1) -> None:
        """The node is asked; the asker gets a 502."""
        self._told += [Fault("lost answer", (method,), status=BAD_GATEWAY)] * times

    def keep_back(self, method: str, times: int = 1) -> None:
        """The node is not asked; the asker gets a 502."""
        fault = Fault("kept back", (method,), forwarded=False, status=BAD_GATEWAY)
        self._told += [fault] * times

    def say(self, method: str, body: bytes, times: int = 1) -> None:
        """The node is not asked; the asker gets these bytes."""
        fault = Fault("said instead", (method,), forwarded=False, body=lambda *_: body)
        self._told += [fault] * times

    def draw(self, rates: Mapping[str, float], random: Random | None = None) -> None:
        """From now on each request meets each fault that fits it with the fault's rate; {} ends that."""
        self._rates, self._random = dict(rates), random or self._random

    # --- answering ----------------------------------------------------------------------------------
    def answer(self, question: bytes) -> Answer:
        asked = json.loads(question)
        calls = asked if isinstance(asked, list) else [asked]
        with self._lock:
            self.asked += [call["method"] for call in calls]
            fault = self._fault(calls)
        if fault is None:
            return Answer(self._forward(question))
        self.struck.append(fault.name)
        body = self._forward(question) if fault.forwarded else b""
        if fault.afterwards:
            self._forward(json.dumps(fault.afterwards).encode())
        return Answer(fault.body(asked, body, self._random), fault.status)

    def _fault(self, calls: list[dict[str, Any]]) -> Fault | None:
        told = next((fault for fault in self._told if fault.fits(calls)), None)
        if told is not None:
            self._told.remove(told)
            return told
        fitting = [(f, rate) for f, rate in self._drawn() if f.fits(calls)]
        return next((fault for fault, rate in fitting if self._random.random() < rate), None)

    def _drawn(self) -> Iterator[tuple[Fault, float]]:
        return ((self._faults[name], rate) for name, rate in self._rates.items())

    def _forward(self, question: bytes) -> bytes:
        asked = json.loads(question)
        calls = asked if isinstance(asked, list) else [asked]
        if self._prices is None:
            return self._ask(question)
        cheap = self._prices.too_cheap(calls)
        good = [call for call in calls if call not in cheap]
        answers = json.loads(self._ask(json.dumps(good).encode())) if good else []
        self._prices.note(good, answers)
        answers += [underpriced(call) for call in cheap]
        return json.dumps(answers if isinstance(asked, list) else answers[0]).encode()

    def _ask(self, question: bytes) -> bytes:
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(self.target, question, headers), timeout=30) as response:
            answer: bytes = response.read()
        return answer


@contextmanager
def fault_proxy(target: str, prices: bool = False) -> Iterator[FaultProxy]:
    """A proxy before a node, on a port of its own."""
    proxy = FaultProxy(target, prices)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                answer = proxy.answer(question)
            except (URLError, OSError):  # the node is away
                answer = Answer(b"", BAD_GATEWAY)
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """Askers are killed in the middle of a question: that is what this is for."""

    server = Server(("127.0.0.1", 0), Handler)
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
