"""The page of a concealed code: from the paper to the chain, and the secret in no request."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request as AskFor
from urllib.request import urlopen

import pypdfium2  # type: ignore[import-untyped]
import pytest
from playwright.sync_api import Page, Request, expect

from stamps.scan import codes_in
from tests.e2e.conftest import Installation, Opened
from tests.e2e.desk import picture

COLLECTOR = "0x" + "c0ffee" * 6 + "c0ff"
RECORDED_MS = 60_000


@pytest.fixture(scope="module")
def concealed(posthorn: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Addresses of concealed codes of stamps just sold, as a phone reads them from the paper."""
    sheet = tmp_path_factory.mktemp("sheet") / "sheet.pdf"
    wanted = ("--edition", "1-1", "--count", "6", "--sheet", str(sheet), "--confirm", "all")
    posthorn.posthorn("stamps", "issue", *wanted)
    return iter([code for code in codes_of(sheet) if "#" in code])


def codes_of(sheet: Path) -> list[str]:
    with pypdfium2.PdfDocument(sheet) as document:
        pages = [page.render(scale=300 / 72, grayscale=True).to_pil() for page in document]
    return [code for page in pages for code in codes_in(page)]


def path_of(code: str) -> str:
    parts = urlsplit(code)
    return f"{parts.path}#{parts.fragment}"


def stamp_of(code: str) -> str:
    return urlsplit(code).path.rpartition("/")[2]


def cancel(posthorn: Installation, stamp: str) -> None:
    """Used to order at a counter, and no longer only on its way."""
    token = posthorn.posthorn("token", "create", "clerk 1").strip()
    headers = {
        "Authorization": f"Bearer {token}",
        "Posthorn-Custodian": "1-1",
        "Content-Type": "application/json",
    }
    body = json.dumps({"stamps": [stamp], "kind": "to_order"}).encode()
    with urlopen(AskFor(f"{posthorn.origin}/v1/cancellations", body, headers)) as answer:
        assert answer.status == 202


class Wire:
    """Everything that a page sends: addresses, headers, bodies."""

    def __init__(self, page: Page) -> None:
        self.sent: list[str] = []
        page.context.on("request", self._note)

    def _note(self, asked: Request) -> None:
        # Chromium's own view of an address keeps its fragment, which no request carries.
        address = urlsplit(asked.url)._replace(fragment="").geturl()
        self.sent.append(
            " ".join((address, json.dumps(asked.all_headers()), asked.post_data or ""))
        )

    def must_not_hold(self, secret: str) -> None:
        assert any("/v1/" in what for what in self.sent)
        letters = [re.sub(r"[^0-9A-Z]", "", what.upper()) for what in self.sent]
        assert not any(secret[:8] in what or secret[-8:] in what for what in letters)


def opened(open_page: Opened, code: str) -> tuple[Page, Wire]:
    """The page as the phone's camera opens it, with all that it sends."""
    page = open_page("/about")
    wire = Wire(page)
    page.goto(path_of(code))
    return page, wire


def claim(page: Page, to: str = COLLECTOR) -> None:
    page.get_by_label("Your wallet’s address").fill(to)
    page.get_by_role("button", name="Claim the twin").click()


def says(page: Page, words: str) -> None:
    expect(page.locator("[data-says]")).to_contain_text(words, timeout=RECORDED_MS)


def test_twin_is_claimed_with_the_paper_alone_and_the_secret_in_no_request(
    open_page: Opened, concealed: Iterator[str]
) -> None:
    """S6: nobody signs in, no wallet signs; the address is the collector's."""
    code = next(concealed)
    secret = urlsplit(code).fragment
    page, wire = opened(open_page, code)
    expect(page.get_by_label("The concealed code")).to_have_value(secret)
    assert "#" not in page.url
    claim(page)
    says(page, "The twin is claimed")
    wire.must_not_hold(secret)
    page.reload()
    expect(page.locator("main")).to_contain_text("Its twin was claimed")
    expect(page.locator("[data-claim]")).to_have_count(0)


def test_code_can_be_typed_and_a_misread_one_is_not_sent(
    open_page: Opened, concealed: Iterator[str]
) -> None:
    code = next(concealed)
    page = open_page(f"/stamps/{stamp_of(code)}")
    page.get_by_role("link", name="I have its concealed code").click()
    note = page.locator(".note:visible").first
    expect(note).to_contain_text("Type the concealed code below")
    expect(page.get_by_text("This is the concealed code.")).to_be_hidden()
    picture(page, "claim-without-code")
    wire, secret = Wire(page), urlsplit(code).fragment
    field = page.get_by_label("The concealed code")
    field.fill(secret[:-1] + ("0" if secret[-1] != "0" else "1"))
    claim(page)
    says(page, "not what was printed")
    field.fill("-".join(re.findall("....", secret.lower())))
    claim(page, "0x" + "Ab" * 20)
    says(page, "not an address of a wallet")
    assert not any("/v1/claims" in what for what in wire.sent)
    claim(page)
    says(page, "The twin is claimed")
    wire.must_not_hold(secret)


def test_code_of_another_stamp_sends_nothing(open_page: Opened, concealed: Iterator[str]) -> None:
    """S1: a code opens its own stamp."""
    own, other = next(concealed), next(concealed)
    page, wire = opened(open_page, f"{own.partition('#')[0]}#{urlsplit(other).fragment}")
    claim(page)
    says(page, f"This code is not the one of stamp {stamp_of(own)}. Nothing was sent.")
    assert not any("/v1/claims" in what for what in wire.sent)
    wire.must_not_hold(urlsplit(other).fragment)


def test_collector_is_told_what_the_claim_of_a_used_stamp_links_before_anything_is_sent(
    posthorn: Installation, open_page: Opened, concealed: Iterator[str]
) -> None:
    """design.md §8, S9: also where it was used after the page was opened. The original claims nothing."""
    code = next(concealed)
    page, wire = opened(open_page, code)
    expect(page.locator("[data-links]")).to_be_hidden()
    cancel(posthorn, stamp_of(code))
    claim(page)
    says(page, "Nothing was sent")
    expect(page.locator("[data-links]")).to_contain_text("every facility that had that item")
    assert not any("/v1/claims" in what for what in wire.sent)

    page, wire = opened(open_page, code)
    page.get_by_role("button", name="Show that mine is the original").click()
    says(page, "the original is in your hand")
    page.goto("/about")
    page.goto(path_of(code))
    expect(page.locator("main")).to_contain_text("Its twin is sealed")
    page.get_by_label("I know that, and claim it").check()
    claim(page)
    says(page, "The twin is claimed")
    wire.must_not_hold(urlsplit(code).fragment)


def test_without_scripts_no_code_can_be_typed_that_would_be_sent(
    open_page: Opened, concealed: Iterator[str]
) -> None:
    page = open_page(path_of(next(concealed)), java_script_enabled=False)
    expect(page.locator("[data-claim]")).to_be_hidden()
    assert page.locator("[data-claim] [name]").count() == 0
