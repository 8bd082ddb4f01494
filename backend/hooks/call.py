"""One call of a web hook: signed, bounded, and of the answer only the status is looked at (docs/hooks.md)."""

from __future__ import annotations

import re
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from http.client import HTTPConnection
from ipaddress import ip_address

from standardwebhooks import Webhook

from backend.errors import Unprocessable
from backend.hooks.address import IP, Forbidden, Resolve, Rules, Target, addresses
from backend.ports import Outcome, Signer

CONNECT_SECONDS = 5.0
WHOLE_SECONDS = 15.0
LARGEST_HEAD = 8_192
LONGEST_WAIT_SECONDS = 86_400
STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})[ \r]")
RETRY_AFTER = re.compile(rb"\r\nretry-after:[ \t]*([^\r\n]*)", re.IGNORECASE)
# The first that fits: each is an OSError but the one of a name that cannot be asked for.
TROUBLE: dict[type[Exception], str] = {
    ssl.SSLError: "its certificate does not hold, or it does not speak TLS",
    TimeoutError: f"no answer in time ({CONNECT_SECONDS:.0f} s to connect, {WHOLE_SECONDS:.0f} s in all)",
    socket.gaierror: "its host's name leads nowhere",
    UnicodeError: "its host's name leads nowhere",
    OSError: "no connection",
}
BUSY, GONE = (429, 503), 410
# Of a gateway before a receiver that is away.
SILENT = (502, 504)


class NotHttp(Exception):
    """What came back is no answer to a request."""

    def __init__(self) -> None:
        super().__init__("what answered does not speak HTTP, or broke off")


class Caller:
    """Hooks (ports.py): secrets that follow from the keystore, calls by the rules.

    `resolve`, `context` and `clock` are the system's; tests have their own.
    """

    def __init__(
        self,
        signer: Signer,
        rules: Rules,
        *,
        resolve: Resolve = socket.getaddrinfo,
        context: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._signer, self._rules, self._resolve, self._clock = signer, rules, resolve, clock
        self._given_context = context

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return self._given_context or ssl.create_default_context()

    def check(self, url: str) -> None:
        """Whether a hook may have this address. Raises Unprocessable."""
        self._rules.read(url)

    def secret(self, salt: bytes) -> str:
        """As the receiver keeps it: whsec_, then base64 of 32 bytes."""
        return "whsec_" + b64encode(self._signer.secret(f"hook/{salt.hex()}")).decode()

    def call(self, url: str, salt: bytes, message: str, body: str) -> Outcome:
        """What came of it. Whatever goes wrong is told in words of ours: nothing of what answered is shown."""
        try:
            target = self._rules.read(url)
            head = self._post(target, self._headers(target, salt, message, body), body)
            return self._outcome(head)
        except Unprocessable as error:  # allowed once, and no longer
            return Outcome("silent", error.detail)
        except (Forbidden, NotHttp) as error:
            return Outcome("silent", str(error))
        except (OSError, UnicodeError) as error:
            return Outcome(
                "silent", next(w for kind, w in TROUBLE.items() if isinstance(error, kind))
            )

    def _headers(self, target: Target, salt: bytes, message: str, body: str) -> dict[str, str]:
        now = datetime.fromtimestamp(self._clock(), UTC)
        return {
            "Host": target.authority,
            "Content-Type": "application/json",
            "User-Agent": "Posthorn",
            "Connection": "close",
            "webhook-id": message,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(self.secret(salt)).sign(message, now, body),
        }

    def _outcome(self, head: bytes) -> Outcome:
        status = _status(head)
        words = f"it answered {status}"
        if 200 <= status < 300:
            return Outcome("told", "")
        if status == GONE:
            return Outcome("gone", words)
        if status in BUSY:
            return Outcome("busy", words, self._retry_after(head))
        return Outcome("silent" if status in SILENT else "refused", words)

    def _retry_after(self, head: bytes) -> float:
        """Seconds, by either form of the header; 0 without one that can be read."""
        found = RETRY_AFTER.search(head)
        text = found[1].decode("ascii", "replace").strip() if found else ""
        seconds = 0.0
        if text.isascii() and text.isdigit():
            seconds = float(text[:9])
        elif text:
            with suppress(ValueError, TypeError, OverflowError):
                seconds = parsedate_to_datetime(text).timestamp() - self._clock()
        return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)

    def _post(self, target: Target, headers: dict[str, str], body: str) -> bytes:
        """The head of the answer; no redirect is followed and no proxy asked. Raises OSError, Forbidden, NotHttp."""
        end = time.monotonic() + WHOLE_SECONDS
        with self._connect(target, end) as sock:
            request = HTTPConnection(target.host, target.port)
            request.sock = sock
            sock.settimeout(_left(end))
            request.request("POST", target.path, body.encode(), headers)
            return _read_head(sock, end)

    def _connect(self, target: Target, end: float) -> socket.socket:
        plain = self._first_that_answers(target, end)
        if not target.is_https:
            return plain
        try:
            plain.settimeout(_left(end))
            return self._context.wrap_socket(plain, server_hostname=target.host)
        except BaseException:
            plain.close()
            raise

    def _first_that_answers(self, target: Target, end: float) -> socket.socket:
        trouble: OSError = socket.gaierror()
        for address in addresses(target, self._resolve):
            try:
                seconds = min(CONNECT_SECONDS, _left(end))
                sock = socket.create_connection((str(address), target.port), seconds)
            except OSError as error:
                trouble = error
                continue
            check_peer(sock, address)
            return sock
        raise trouble


def check_peer(sock: socket.socket, address: IP) -> None:
    """The other end is the address that was looked at. Raises Forbidden."""
    if ip_address(sock.getpeername()[0].partition("%")[0]) != address:
        sock.close()
        raise Forbidden("another address answered than was asked")


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _read_head(sock: socket.socket, end: float) -> bytes:
    """Status and headers of the answer, past those that only announce it (1xx). The body is left unread."""
    read = b""
    while True:
        head, rest, _ = read.partition(b"\r\n\r\n")
        if rest and not 100 <= _status(head) < 200:
            return head
        if rest:
            read = read[len(head) + len(rest) :]
            continue
        if len(read) > LARGEST_HEAD:
            raise NotHttp
        sock.settimeout(_left(end))
        part = sock.recv(4_096)
        if not part:
            raise NotHttp
        read += part


def _status(head: bytes) -> int:
    found = STATUS.match(head + b"\r")
    if found is None:
        raise NotHttp
    return int(found[1])
