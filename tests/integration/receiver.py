"""A receiver of web hooks over real HTTP: it checks each message as the documentation says, and answers as told."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

SECRET_WORDS = "body of the answer, which nobody may see"


@dataclass(frozen=True, slots=True)
class Received:
    """One message; `id` is that of the header."""

    id: str
    time: int
    body: dict[str, Any]
    path: str

    @property
    def key(self) -> tuple[str, int]:
        return self.body["data"]["item"], self.body["data"]["record"]


@dataclass
class Receiver:
    """`answer` says what a message is answered: a status, or what is done to the request instead."""

    port: int = 0
    secret: str = ""
    host: str = "127.0.0.1"
    scheme: str = "http"
    answer: Callable[[Received], int] = lambda _: 204
    headers: dict[str, str] = field(default_factory=dict)
    # All that came, whatever was answered; and what was answered with 2xx.
    came: list[Received] = field(default_factory=list)
    taken: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}/told?from=post"


def handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            body = Webhook(receiver.secret).verify(raw, dict(self.headers))
            sent_at = int(self.headers["webhook-timestamp"])
            received = Received(self.headers["webhook-id"], sent_at, body, self.path)
            receiver.came.append(received)
            status = receiver.answer(received)
            if status < 300:
                receiver.taken.append(received)
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(SECRET_WORDS.encode())

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


class Quiet(ThreadingHTTPServer):
    """Whoever hangs up in the middle is part of the tests."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@contextmanager
def receiving(
    secret: str = "", host: str = "127.0.0.1", context: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    """A receiver that listens until the block ends; with TLS where there is a context."""
    receiver = Receiver(secret=secret, host=host, scheme="https" if context else "http")
    server = Quiet((host, 0), handler(receiver))
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    receiver.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def slow(seconds: float) -> Callable[[Received], int]:
    """An answer that comes too late."""

    def answer(_: Received) -> int:
        time.sleep(seconds)
        return 204

    return answer
