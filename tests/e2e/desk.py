"""What several tests do at a desk. One module, so that no two of them take the same number."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Page, expect

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


def picture(page: Page, name: str) -> None:
    """For people who want to look: PICTURES=folder."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
