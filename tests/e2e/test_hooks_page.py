"""The administrator's page of web hooks, and a receiver that is told of what a counter accepts."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect
from receiver import receiving

from backend.embedded.processes import wait_until
from tests.e2e.conftest import PHONE, Installation, Opened
from tests.e2e.desk import accept, fresh_number, picture


@pytest.fixture
def hooks(sign_in: Opened) -> Page:
    page = sign_in("admin", "admin")
    page.goto("/people")
    page.get_by_role("link", name="Web hooks").click()
    return page


def add(page: Page, url: str) -> None:
    page.get_by_label("Whose records").select_option("1")
    page.get_by_label("Address of the other system").fill(url)
    page.get_by_role("button", name="Add and show its secret").click()


def test_receiver_is_told_of_what_a_counter_accepts(
    hooks: Page, sign_in: Opened, posthorn: Installation
) -> None:
    """From the page to the receiver, through chain, indexer and worker; then off, on and gone."""
    with receiving() as receiver:
        add(hooks, receiver.url)
        receiver.secret = hooks.locator(".note.good .code").inner_text()
        picture(hooks, "hook-added")
        hooks.get_by_role("button", name="Test web hook").click()
        expect(hooks.get_by_role("status")).to_contain_text("took the test message")
        receiver.taken.clear()
        number = fresh_number()
        accept(sign_in("clerk 1", "clerk", "1-1", "1-2", "1-3"), number)
        assert wait_until(lambda: len(receiver.taken) > 0, 20)
        came = receiver.taken[0].body
        assert (came["type"], came["data"]["number"]) == ("record.acceptance", number)
        trail = hooks.request.get(posthorn.origin + came["data"]["trail"]).json()
        assert trail["trail"][0]["digest"] == came["data"]["digest"]
        hooks.goto("/hooks")
        expect(hooks.locator("main")).to_contain_text("told last")
    hooks.get_by_role("button", name="Test web hook").click()
    expect(hooks.get_by_role("status")).to_contain_text("no connection")
    hooks.get_by_role("button", name="Switch off").click()
    expect(hooks.get_by_text("off", exact=True)).to_be_visible()
    (known,) = json.loads(posthorn.posthorn("hook", "list", "--json"))["hooks"]
    assert known["state"] == "off"
    hooks.get_by_role("button", name="Switch on").click()
    hooks.get_by_role("button", name="Switch off").click()
    hooks.get_by_role("button", name="Remove").click()
    expect(hooks.get_by_role("heading", name="Who is told")).to_have_count(0)
    assert json.loads(posthorn.posthorn("hook", "list", "--json"))["hooks"] == []


def test_inner_address_is_refused_with_the_rule(hooks: Page) -> None:
    add(hooks, "https://10.0.0.1/told")
    expect(hooks.get_by_role("alert")).to_contain_text("a host's name, and no number")
    expect(hooks.get_by_label("Address of the other system")).to_have_value("https://10.0.0.1/told")


def test_page_fits_a_phone(sign_in: Opened, posthorn: Installation) -> None:
    url = "https://systems.post.example/integrations/custody/records?of=alpstein&token=0123456789abcdef0123456789"
    made = json.loads(posthorn.posthorn("hook", "add", url, "--operator", "1", "--json"))
    page = sign_in("admin", "admin", viewport=PHONE, is_mobile=True)
    page.goto("/hooks")
    expect(page.get_by_text(url)).to_be_visible()
    width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(width) <= 0
    picture(page, "hooks-phone")
    page.set_viewport_size({"width": 1280, "height": 800})
    picture(page, "hooks-desktop")
    posthorn.posthorn("hook", "remove", str(made["hook"]))
