"""What several tests do at a desk. One module, so that no two of them take the same number."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

NUMBERS = iter(range(10_000_000, 99_999_999))
WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


def fresh_number() -> str:
    """An S10 number that no test has used."""
    serial = str(next(NUMBERS))
    rest = 11 - sum(int(d) * w for d, w in zip(serial, WEIGHTS, strict=True)) % 11
    return f"RR{serial}{ {10: 0, 11: 5}.get(rest, rest) }AT".replace(" ", "")


def accept(page: Page, number: str, **fields: str) -> None:
    page.goto("/work/accept")
    page.get_by_label("Number").fill(number)
    for label, value in fields.items():
        page.locator(f"[name={label}]").fill(value)
    page.get_by_role("button", name="Accept", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text(f"{number} is accepted")


def reserve(page: Page, count: int = 1) -> None:
    """A print job of Signals; its page is open, whole."""
    page.goto("/work/sell")
    page.get_by_text("Signals").click()
    page.get_by_label("How many?").fill(str(count))
    page.get_by_role("button", name="Reserve and print").click()
    page.wait_for_url("**/work/jobs/*")


def fetch_sheet(page: Page) -> None:
    """On the page of a print job: the sheet is given out, and the page asks which stamps came out."""
    path = page.url + "/sheet"
    page.request.post(path, form={}, headers={"Sec-Fetch-Site": "same-origin"})
    expect(page.get_by_role("button", name="These came out: sell them")).to_be_visible()


def put_on_list(page: Page, *numbers: str) -> None:
    """A new list to hand over, not signed yet."""
    page.goto("/work/hand-over")
    for count, number in enumerate(numbers, 1):
        page.get_by_label("Scan or type an item").fill(number)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name=f"The list {count}")).to_be_visible()


def offer(page: Page, receiver: str, *numbers: str) -> str:
    """A list signed by the giver; the address of its page, which is open."""
    put_on_list(page, *numbers)
    page.get_by_label("Who takes it over?").select_option(receiver)
    page.get_by_role("button", name=f"Hand over {len(numbers)}").click()
    page.wait_for_url("**/work/lists/*")
    return page.url


def loaded(image: Locator) -> bytes:
    """An image of a page as a phone sees it, once it is there."""
    image.scroll_into_view_if_needed()
    expect(image).to_have_js_property("complete", True)
    expect(image).not_to_have_js_property("naturalWidth", 0)
    return image.screenshot()


def picture(page: Page, name: str) -> None:
    """For people who want to look: PICTURES=folder."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
