"""Plain http at an address in the network, as `HOST=0.0.0.0` gives it: browsers say less there than at localhost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.e2e.conftest import PHONE, Installation, chromium

HOST = "post.test"


@pytest.fixture(scope="module")
def elsewhere(playwright: Playwright) -> Iterator[Browser]:
    """A browser to which the machine is another one: no Sec-Fetch headers, no secure context."""
    with chromium(playwright, f"--host-resolver-rules=MAP {HOST} 127.0.0.1") as started:
        yield started


def test_signs_in_and_works(posthorn: Installation, elsewhere: Browser) -> None:
    link = posthorn.sign_in_link("phone clerk", "clerk", "1-1", "1-2")
    page = elsewhere.new_page(viewport=PHONE)
    page.goto(link.replace("127.0.0.1", HOST))
    page.get_by_role("button", name="Sign in").click()
    page.locator("button[name=custodian][value='1-1']").click()
    expect(page.locator(".ribbon.place")).to_contain_text("phone clerk")


def test_a_code_opens_with_its_three_ticks(
    posthorn: Installation, elsewhere: Browser, specimens: list[str]
) -> None:
    page = elsewhere.new_page(viewport=PHONE)
    page.goto(posthorn.origin.replace("127.0.0.1", HOST) + specimens[0])
    expect(page.locator(".verdict .word")).to_have_text("Valid")
    for name in ("signatures", "record", "story"):
        line = page.locator(f"[data-tick={name}]")
        expect(line).to_have_attribute("data-state", "holds", timeout=15_000)
