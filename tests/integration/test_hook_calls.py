"""One call of a web hook against real servers (reliability.md, test 29): pinned, bounded, and nothing leaks."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from receiver import SECRET_WORDS, Receiver, receiving, slow

from backend.hooks import call
from backend.hooks.address import Rules
from backend.hooks.call import Caller
from backend.keystore import Keystore
from backend.ports import Outcome

SALT = b"salt of one hook"
KEYS = Keystore(b"hooks".ljust(32))
HERE = Rules(frozenset({"127.0.0.1", "receiver.test"}), frozenset())
STRANGERS = Rules(frozenset(), frozenset())
BODY = json.dumps({"type": "hook.test", "timestamp": "", "data": {"item": "0x", "record": 1}})


def caller(rules: Rules = HERE, **other: Any) -> Caller:
    return Caller(KEYS, rules, **other)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(caller().secret(SALT)) as found:
        yield found


def told(url: str, by: Caller | None = None) -> Outcome:
    return (by or caller()).call(url, SALT, "msg_1", BODY)


def test_a_message_arrives_signed_as_a_receiver_checks_it(receiver: Receiver) -> None:
    """The receiver is the library of Standard Webhooks; it answers with 204 only to what holds."""
    assert told(receiver.url) == Outcome("told", "")
    (came,) = receiver.came
    assert (came.id, came.path, came.body) == ("msg_1", "/told?from=post", json.loads(BODY))
    assert abs(came.time - time.time()) < 5


def test_another_secret_or_another_clock_would_be_noticed(receiver: Receiver) -> None:
    """The check above can fail: the receiver then breaks off."""
    assert told(receiver.url, caller(clock=lambda: time.time() - 900)).kind == "silent"
    assert caller().call(receiver.url, b"other", "msg_1", BODY).kind == "silent"
    assert receiver.came == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, "told"), (202, "told"), (301, "refused"), (302, "refused"), (307, "refused"), (400, "refused"),
        (404, "refused"), (500, "refused"), (429, "busy"), (503, "busy"), (502, "silent"), (504, "silent"),
        (410, "gone"),
    ],
)  # fmt: skip
def test_the_status_alone_says_what_came_of_it(receiver: Receiver, status: int, kind: str) -> None:
    """No redirect is followed: the place to which it leads is not asked."""
    with receiving(receiver.secret) as elsewhere:
        receiver.answer = lambda _: status
        receiver.headers = {"Location": elsewhere.url}
        outcome = told(receiver.url)
    assert outcome.kind == kind
    assert outcome.words == ("" if kind == "told" else f"it answered {status}")
    assert elsewhere.came == []


def test_nothing_of_an_answer_is_shown(
    receiver: Receiver, capfd: pytest.CaptureFixture[str]
) -> None:
    receiver.answer = lambda _: 500
    receiver.headers = {"X-Secret": SECRET_WORDS}
    assert told(receiver.url) == Outcome("refused", "it answered 500")
    assert SECRET_WORDS not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120), ("999999999999", 86_400), ("-5", 0), ("soon", 0), ("", 0),
        ("Mon, 99 Foo 2026 25:00:00 GMT", 0),
    ],
)  # fmt: skip
def test_a_pause_that_the_receiver_asks_for_is_bounded(
    receiver: Receiver, header: str, seconds: int
) -> None:
    receiver.answer, receiver.headers = lambda _: 429, {"Retry-After": header}
    outcome = told(receiver.url)
    assert (outcome.kind, outcome.pause_seconds) == ("busy", seconds)


@pytest.mark.parametrize(("ahead", "seconds"), [(600, 600), (-600, 0)])
def test_a_pause_may_be_asked_for_until_a_time(
    receiver: Receiver, ahead: int, seconds: int
) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    receiver.answer, receiver.headers = lambda _: 429, {"Retry-After": until}
    assert told(receiver.url).pause_seconds == pytest.approx(seconds, abs=60)


# --- what does not answer -------------------------------------------------------------------------
@contextmanager
def serving(serve: Callable[[socket.socket], object]) -> Iterator[str]:
    """Each connection is handed to `serve`."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                    with connection:
                        serve(connection)
                except OSError:
                    if server.fileno() < 0:
                        return

        threading.Thread(target=run, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        server.shutdown(socket.SHUT_RDWR)


def drip(connection: socket.socket) -> None:
    """A byte at a time, each in time, and never an end."""
    connection.recv(4096)
    for _ in range(200):
        connection.sendall(b"H")
        time.sleep(0.05)


def test_an_answer_that_comes_too_late_or_never_ends_is_cut_off(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "WHOLE_SECONDS", 0.5)
    receiver.answer = slow(1.0)
    began = time.monotonic()
    assert told(receiver.url).words.startswith("no answer in time")
    with serving(drip) as url:
        assert told(url).words.startswith("no answer in time")
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "said", [b"", b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\n"]
)
def test_what_is_no_answer_is_said_to_be_none(said: bytes) -> None:
    with serving(lambda connection: (connection.recv(4096), connection.sendall(said))) as url:
        outcome = told(url)
    assert outcome.kind == "silent"
    assert "SSH" not in outcome.words


def test_a_head_without_end_is_not_read_to_its_end() -> None:
    def endless(connection: socket.socket) -> None:
        connection.recv(4096)
        while True:
            connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 1000)

    with serving(endless) as url:
        assert told(url) == Outcome("silent", "what answered does not speak HTTP, or broke off")


def test_what_only_announces_an_answer_is_passed_over() -> None:
    said = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
    with serving(lambda connection: (connection.recv(4096), connection.sendall(said))) as url:
        assert told(url).kind == "told"


def test_nobody_there_is_said_so() -> None:
    with receiving() as gone:
        url = gone.url
    assert told(url) == Outcome("silent", "no connection")


# --- whom it leads to -----------------------------------------------------------------------------
def resolver(*answers: str) -> Callable[..., Any]:
    """A name server that says another address each time it is asked."""
    left = list(answers)
    return lambda host, port, **_: [(0, 0, 0, "", (left.pop(0), port))]


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"],
)
def test_a_name_that_leads_inside_is_refused_before_it_is_connected_to(
    receiver: Receiver, address: str
) -> None:
    """Port and path are those of somebody who would answer."""
    by = caller(STRANGERS, resolve=resolver(address))
    outcome = told(f"https://receiver.example:{receiver.port}/", by)
    assert outcome == Outcome(
        "silent", "its name leads to an address that is not of the public internet"
    )


def test_a_name_is_looked_up_once_and_that_very_address_is_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: at the second question the name would lead inside. Nobody is really connected to."""
    asked: list[str] = []

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        asked.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(call.socket, "create_connection", connect)
    by = caller(STRANGERS, resolve=resolver("8.8.8.8", "127.0.0.1"))
    assert told("https://receiver.example/", by) == Outcome("silent", "no connection")
    assert asked == ["8.8.8.8"]
    told("https://receiver.example/", by)
    assert asked == ["8.8.8.8"], "it leads inside now, and is refused"


def test_another_end_than_was_asked_is_hung_up_on(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked at again when it is connected, before anything is said."""
    here = socket.create_connection(("127.0.0.1", receiver.port))
    monkeypatch.setattr(call.socket, "create_connection", lambda *_: here)
    by = caller(STRANGERS, resolve=resolver("8.8.8.8"))
    outcome = told("https://receiver.example/", by)
    assert outcome == Outcome("silent", "another address answered than was asked")
    assert here.fileno() < 0


def test_no_proxy_of_the_environment_is_asked(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert told(receiver.url).kind == "told"


def test_an_address_that_is_no_longer_allowed_is_not_called(receiver: Receiver) -> None:
    outcome = told(receiver.url, caller(STRANGERS))
    assert (outcome.kind, receiver.came) == ("silent", [])


def test_an_own_port_is_not_called_whatever_the_host_is_named(receiver: Receiver) -> None:
    rules = Rules(HERE.internal, frozenset({("localhost", receiver.port)}))
    assert "Posthorn's own" in told(receiver.url, caller(rules)).words
    assert receiver.came == []


# --- TLS --------------------------------------------------------------------------------------------
def certificate(folder: Path, name: str) -> Path:
    """A key and a certificate for a host, in one file, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / f"{name}.pem"
    file.write_bytes(secret + made.public_bytes(pem))
    return file


def of_server(file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.mark.parametrize(
    ("asked", "trusted", "kind"),
    [
        ("receiver.test", True, "told"),
        ("other.test", True, "silent"),
        ("receiver.test", False, "silent"),
    ],
)
def test_a_certificate_has_to_hold_for_the_name_although_an_address_is_connected_to(
    tmp_path: Path, asked: str, trusted: bool, kind: str
) -> None:
    file = certificate(tmp_path, "receiver.test")
    context = ssl.create_default_context(cafile=file if trusted else None)
    rules = Rules(frozenset({asked}), frozenset())
    by = caller(rules, resolve=resolver("127.0.0.1"), context=context)
    with receiving(by.secret(SALT), context=of_server(file)) as receiver:
        outcome = told(f"https://{asked}:{receiver.port}/told", by)
    assert outcome.kind == kind
    assert len(receiver.came) == (kind == "told")


def test_one_caller_serves_several_hands_at_once(receiver: Receiver) -> None:
    by, outcomes = caller(), []
    hands = [
        threading.Thread(target=lambda: outcomes.append(told(receiver.url, by))) for _ in range(8)
    ]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    assert outcomes == [Outcome("told", "")] * 8
