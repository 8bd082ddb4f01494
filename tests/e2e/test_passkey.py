"""A courier's device signs by fingerprint: registered, granted, and a list taken over with one gesture (N3).

Chromium's virtual authenticator is real enough: it makes keys, asks for its user, and signs as a phone does.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.e2e.conftest import Installation, Opened
from tests.e2e.desk import accept, fresh_number, picture, put_on_list

COUNTER, ROUND = "1-1", "1-77"
NEW_ROUND = {"custodian": ROUND, "kind": "courier", "place": "AT606077", "name": "Round 77"}
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Phone:
    """The courier's browser at localhost, with a fingerprint reader."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._devtools: CDPSession = page.context.new_cdp_session(page)
        self._devtools.send("WebAuthn.enable")
        made: Any = self._devtools.send(
            "WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR}
        )
        self._authenticator = made["authenticatorId"]

    def trusts_its_user(self, verified: bool) -> None:
        asked = {"authenticatorId": self._authenticator, "isUserVerified": verified}
        self._devtools.send("WebAuthn.setUserVerified", asked)


@pytest.fixture(scope="module")
def local(posthorn: Installation) -> str:
    """Passkeys need a name: the same pages at localhost."""
    return posthorn.origin.replace("127.0.0.1", "localhost")


@pytest.fixture
def new_round(sign_in: Opened) -> None:
    """A custodian of its own: other tests use the demonstration's."""
    admin = sign_in("an admin", "admin")
    if admin.request.get(f"/v1/custodians/{ROUND}").ok:
        return
    enrolled = admin.request.post("/v1/custodians", data=NEW_ROUND)
    assert enrolled.ok, enrolled.text()
    expect(admin.locator("body")).to_be_visible()
    for _ in range(100):
        if admin.request.get(f"/v1/custodians/{ROUND}").ok:
            return
    raise AssertionError("never enrolled")


@pytest.fixture
def phone(posthorn: Installation, open_page: Opened, local: str, new_round: None) -> Phone:
    link = posthorn.sign_in_link("courier", "clerk", ROUND)
    page = open_page(link.replace("127.0.0.1", "localhost"), base_url=local)
    page.get_by_role("button", name="Sign in").click()
    return Phone(page)


def register_and_grant(phone: Phone, sign_in: Opened) -> None:
    phone.page.goto("/work/device")
    phone.page.get_by_role("button", name="Register it").click()
    expect(phone.page.get_by_text("waits for an administrator")).to_be_visible()
    admin = sign_in("an admin", "admin")
    admin.goto("/people")
    picture(admin, "devices-wait")
    admin.get_by_role("button", name="Grant").last.click()
    expect(phone.page.locator("body")).to_be_visible()
    for _ in range(100):
        phone.page.goto("/work/device")
        if phone.page.locator(".tag.good", has_text="signs").count():
            return
    raise AssertionError("the right never came on chain")


def offered_list(counter: Page, *numbers: str) -> None:
    for number in numbers:
        accept(counter, number)
    put_on_list(counter, *numbers)
    counter.get_by_label("Who takes it over?").select_option(ROUND)
    counter.keyboard.press("F9")
    expect(counter.get_by_role("heading", level=1)).to_contain_text(f"{len(numbers)} items")


def test_round_is_taken_over_with_one_fingerprint(phone: Phone, sign_in: Opened) -> None:
    """Register, grant, take over three items, deliver one: each act one gesture, none without its user."""
    register_and_grant(phone, sign_in)
    counter = sign_in("clerk 1", "clerk", COUNTER)
    numbers = [fresh_number() for _ in range(3)]
    offered_list(counter, *numbers)
    page = phone.page
    page.goto("/work")
    page.get_by_role("link", name="Take over").last.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("3 items")
    page.keyboard.press("F9")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign with this device")
    expect(page.get_by_text("Take over 3 items from Innsbruck 1, counter 1.")).to_be_visible()
    picture(page, "sign")
    phone.trusts_its_user(False)
    page.keyboard.press("F9")
    expect(page.locator("[data-says]")).to_contain_text("did not sign")
    phone.trusts_its_user(True)
    page.keyboard.press("F9")
    expect(page.get_by_text("Taken over")).to_be_visible()
    page.goto(f"/work/scan?text={numbers[0]}")
    expect(page.locator(".timeline .latest")).to_contain_text("Round 77", timeout=15_000)
    page.reload()  # what may be done was written when the page was, perhaps before the receipt was recorded
    page.get_by_label("in the letter-box").check()
    page.get_by_role("button", name="State this").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign with this device")
    page.keyboard.press("F9")
    expect(page.locator(".timeline")).to_contain_text("In the letter-box", timeout=15_000)


def test_at_an_address_without_a_name_the_page_says_where_to_go(
    posthorn: Installation, open_page: Opened, local: str
) -> None:
    page = open_page(posthorn.sign_in_link("courier 2", "clerk", COUNTER))
    page.get_by_role("button", name="Sign in").click()
    page.goto("/work/device")
    expect(page.locator("[data-elsewhere]")).to_contain_text(local)
    expect(page.get_by_role("button", name="Register it")).to_be_hidden()


def test_device_accepts_an_item_with_a_fingerprint(phone: Phone, sign_in: Opened) -> None:
    """What an acceptance draws by lot comes back with the signature: the label is that of the record."""
    register_and_grant(phone, sign_in)
    page, number = phone.page, fresh_number()
    page.goto("/work/accept")
    page.get_by_label("Number").fill(number)
    page.get_by_role("button", name="Accept", exact=True).click()
    expect(page.get_by_text("Accept an item.")).to_be_visible()
    page.keyboard.press("F9")
    expect(page.get_by_role("status")).to_contain_text(f"{number} is accepted")
    page.goto(f"/work/scan?text={number}")
    expect(page.locator(".timeline .latest")).to_contain_text("Round 77", timeout=15_000)
