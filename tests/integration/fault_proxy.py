"""A JSON-RPC proxy that loses answers, keeps questions to itself, or says what it is told to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen


@dataclass(frozen=True)
class Fault:
    """What happens to the next request that asks for a method. `instead` None: a 502."""

    method: str
    forwarded: bool
    instead: bytes | None = None


class FaultProxy:
    """Forwards to a node; each fault strikes once."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.url = ""
        self.asked: list[str] = []
        self._faults: list[Fault] = []

    def lose_answer(self, method: str, times: int = 1) -> None:
        """The node is asked; the asker gets a 502."""
        self._faults += [Fault(method, forwarded=True)] * times

    def keep_back(self, method: str, times: int = 1) -> None:
        """The node is not asked; the asker gets a 502."""
        self._faults += [Fault(method, forwarded=False)] * times

    def say(self, method: str, body: bytes, times: int = 1) -> None:
        """The node is not asked; the asker gets these bytes."""
        self._faults += [Fault(method, forwarded=False, instead=body)] * times

    def answer(self, question: bytes) -> bytes | None:
        """The body to send back; None: a 502."""
        asked = json.loads(question)
        methods = [one["method"] for one in (asked if isinstance(asked, list) else [asked])]
        self.asked += methods
        fault = next((fault for fault in self._faults if fault.method in methods), None)
        if fault is None:
            return self._forward(question)
        self._faults.remove(fault)
        if fault.forwarded:
            self._forward(question)
        return fault.instead

    def _forward(self, question: bytes) -> bytes:
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(self.target, question, headers)) as response:
            answer: bytes = response.read()
        return answer


@contextmanager
def fault_proxy(target: str) -> Iterator[FaultProxy]:
    """A proxy before a node, on a port of its own."""
    proxy = FaultProxy(target)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer = proxy.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(502 if answer is None else 200)
            self.send_header("Content-Length", str(len(answer or b"")))
            self.end_headers()
            self.wfile.write(answer or b"")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
