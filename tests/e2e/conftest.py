"""A real Posthorn with its demonstration, started as a newcomer starts it, and a real Chromium to look at it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

ROOT = Path(__file__).parents[2]
POSTHORN = ROOT / ".venv" / "bin" / "posthorn"
START_SECONDS = 240
STOP_SECONDS = 30
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
LINK = re.compile(r"http://\S+/in/\S+")


@dataclass(frozen=True)
class Installation:
    """A running one: where its pages are, its data folder, its node."""

    origin: str
    data: Path
    node: str

    def posthorn(self, *arguments: str) -> str:
        """Runs a command on it; what it wrote to stdout."""
        return run(*arguments, "--data", str(self.data))

    def sign_in_link(self, name: str, role: str, *custodians: str) -> str:
        """A fresh one-use link for a person."""
        at = [part for custodian in custodians for part in ("--at", custodian)]
        said = self.posthorn("user", "add", name, "--role", role, *at, "--json")
        return str(json.loads(said)["link"])


def run(*arguments: str) -> str:
    """One command of `posthorn`; what it wrote to stdout. Fails with what it wrote to stderr."""
    command = [str(POSTHORN), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def posthorn() -> Iterator[Installation]:
    """`posthorn up` with the demonstration, on a free port, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="posthorn-e2e-") as parent:
        Path(parent).chmod(0o711)  # PostgreSQL's own user must get in
        data, said = Path(parent) / "data", Path(parent) / "said"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [str(POSTHORN), "up", "--port", str(port), "--data", str(data)]
        with said.open("w") as output:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=os.environ | {"POSTHORN_HOOKS_INTERNAL": "127.0.0.1"},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            text = wait_for_link(process, said)
            node = re.search(r"chain\s+(http://\S+)", text)
            assert node
            yield Installation(f"http://127.0.0.1:{port}", data, node[1])
        finally:
            os.kill(process.pid, signal.SIGINT)
            process.wait(STOP_SECONDS)


def wait_for_link(process: subprocess.Popen[bytes], said: Path) -> str:
    """What it said until it runs. Fails with its last words where it ends, or takes too long."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        text = said.read_text()
        if LINK.search(text):
            return text
        assert process.poll() is None, text
        time.sleep(0.2)
    raise AssertionError(f"not running after {START_SECONDS} s: {said.read_text()}")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@contextmanager
def chromium(playwright: Playwright, *arguments: str) -> Iterator[Browser]:
    """The machine's own Chromium; nothing is downloaded."""
    sandbox = () if os.geteuid() else ("--no-sandbox",)
    path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    started = playwright.chromium.launch(executable_path=path, args=[*sandbox, *arguments])
    yield started
    started.close()


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with chromium(playwright) as started:
        yield started


Opened = Callable[..., Page]


@pytest.fixture
def open_page(posthorn: Installation, browser: Browser) -> Iterator[Opened]:
    """Opens pages in contexts of their own; at the end nothing may have been refused or thrown."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(path: str = "/", **options: Any) -> Page:
        context = browser.new_context(
            **({"base_url": posthorn.origin, "viewport": DESKTOP, "locale": "en-GB"} | options)
        )
        contexts.append(context)
        page = context.new_page()
        delay(page)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complain(complaints, said.type, said.text))
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints


def delay(page: Page) -> None:
    """Every answer late by SLOW_MS: a test that looks at the page before the next one has come fails each time."""
    if milliseconds := int(os.environ.get("SLOW_MS", 0)):
        network = {"latency": milliseconds, "downloadThroughput": -1, "uploadThroughput": -1}
        page.context.new_cdp_session(page).send(
            "Network.emulateNetworkConditions", network | {"offline": False}
        )


def complain(complaints: list[str], kind: str, text: str) -> None:
    """Browser errors but those of an answer's status, which tests look at themselves."""
    if kind == "error" and "the server responded with a status of" not in text:
        complaints.append(text)


@pytest.fixture(scope="session")
def sessions() -> dict[tuple[str, ...], Any]:
    """Cookies of who has signed in before: a link for each test would take most of the time."""
    return {}


@pytest.fixture
def sign_in(
    posthorn: Installation, open_page: Opened, sessions: dict[tuple[str, ...], Any]
) -> Opened:
    """The work page of somebody, at the first of the custodians, or where auditors begin."""

    def signed_in(name: str, role: str, *custodians: str, **options: Any) -> Page:
        who = (name, role, *custodians)
        if who not in sessions:
            sessions[who] = _sign_in(open_page(posthorn.sign_in_link(*who)), custodians)
        return open_page("/work", storage_state=sessions[who], **options)

    return signed_in


def _sign_in(page: Page, custodians: tuple[str, ...]) -> Any:
    page.get_by_role("button", name="Sign in").click()
    if len(custodians) > 1:
        page.locator(f"button[name=custodian][value='{custodians[0]}']").click()
    if custodians:
        expect(page.get_by_label("Scan or type: item, stamp, list")).to_be_focused()
    return page.context.storage_state()


@pytest.fixture(scope="session")
def specimens(posthorn: Installation) -> list[str]:
    """Where the codes of the specimen sheet lead, in its order."""
    with urlopen(posthorn.origin) as answer:
        return re.findall(r'href="(/S/[0-9A-Z]+)"', answer.read().decode())
