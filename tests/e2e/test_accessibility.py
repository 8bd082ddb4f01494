"""Every page: axe finds nothing, nothing is wider than a phone, nothing comes from elsewhere or runs inline."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.conftest import DESKTOP, PHONE, Installation, Opened

PUBLIC = (
    "/",
    "/verify",
    "/stamps/1-1-000017",
    "/stamps/1-1-000044",
    "/C/1-1-000017",
    "/C/1-1-000044",
    "/about",
    "/status",
    "/nowhere",
)
WORK = ("/work", "/work/sell", "/work/accept", "/work/hand-over", "/work/cancel", "/work/void")
AUDIT = ("/audit", "/audit?text=CP900001031AT", "/people", "/people/claims", "/hooks")
ROLES = {"clerk": ("clerk 1", "1-1", "1-2", "1-3"), "admin": ("admin",)}


LOOKS = pytest.mark.parametrize(
    "look",
    [
        {"viewport": PHONE, "is_mobile": True, "color_scheme": "light"},
        {"viewport": DESKTOP, "color_scheme": "dark"},
        {"viewport": DESKTOP, "color_scheme": "light"},
    ],
    ids=["phone-light", "desktop-dark", "desktop-light"],
)


def check(page: Page, path: str) -> None:
    page.goto(path)
    for tick in page.locator("[data-check]:visible [data-tick]").all():
        expect(tick).not_to_have_attribute("data-state", "asking", timeout=15_000)
    found = Axe().run(page)
    assert found.violations_count == 0, f"{path}: {found.generate_report()}"
    overflow = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow <= 0, path


@LOOKS
def test_public_pages(open_page: Opened, look: dict[str, Any]) -> None:
    page = open_page("/", **look)
    item = page.get_by_role("link", name="See its trail").get_attribute("href") or ""
    for path in (*PUBLIC, item):
        check(page, path)


@LOOKS
@pytest.mark.parametrize("role", ROLES)
def test_pages_of_the_signed_in(sign_in: Opened, role: str, look: dict[str, Any]) -> None:
    name, *places = ROLES[role]
    page = sign_in(name, role, *places, **look)
    for path in WORK if role == "clerk" else AUDIT:
        check(page, path)


def test_loads_nothing_from_elsewhere_and_runs_nothing_inline(
    open_page: Opened, posthorn: Installation
) -> None:
    page = open_page("/about")
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    for path in PUBLIC:
        answer = page.goto(path)
        assert answer is not None
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert "'unsafe-eval'" not in policy
    assert hosts == {urlsplit(posthorn.origin).netloc}


def test_keyboard_reaches_everything_on_the_front_page(open_page: Opened) -> None:
    page = open_page("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    page.keyboard.press("Enter")
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.getAttribute('href')"))
    links = {link.get_attribute("href") for link in page.locator("main a").all()}
    assert links <= reached


def test_everything_public_works_without_scripts(open_page: Opened) -> None:
    page = open_page("/", java_script_enabled=False)
    page.get_by_label("Code or number").fill("1-1-44")
    page.get_by_role("button", name="Check").click()
    expect(page.locator(".verdict .word")).to_have_text("Already used")
    expect(page.locator("noscript code").first).to_have_text("posthorn prove")
