"""A bag at the desk: made up, packed, closed with a seal, handed over with one scan, opened with exceptions (C7)."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.e2e.conftest import PHONE, Opened
from tests.e2e.desk import accept, fresh_number, picture

COUNTER, HALL = "1-1", "1-4"


def scan(page: Page, label: str, *texts: str) -> None:
    """As a wedge scanner types: one line each."""
    field = page.get_by_label(label)
    field.fill("\n".join(texts))


def new_bag(page: Page, number: str) -> None:
    page.goto("/work")
    page.keyboard.press("F9")
    page.get_by_label("Its number").fill(number)
    page.get_by_role("button", name="Make it up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("An empty bag")


def pack(page: Page, *numbers: str) -> None:
    scan(page, "Items", *numbers)
    page.keyboard.press("F9")


def sent_bag(counter: Page, *numbers: str) -> str:
    """A bag with these items, closed and offered to the hall; its number."""
    for number in numbers:
        accept(counter, number)
    bag = f"BAG-{fresh_number()[2:11]}"
    new_bag(counter, bag)
    pack(counter, *numbers)
    expect(counter.get_by_role("heading", level=1)).to_have_text(
        f"An open bag, {len(numbers)} items"
    )
    counter.get_by_label("Number of the seal").fill("AT 4711")
    counter.get_by_role("button", name="Close it with").click()
    expect(counter.get_by_role("heading", level=1)).to_contain_text("A closed bag")
    seal = counter.get_by_text("plastic seal AT 4711")
    expect(seal).to_be_visible()
    expect(counter.locator("[data-under-way]")).to_have_count(0, timeout=15_000)
    expect(seal).not_to_contain_text("being recorded")
    counter.keyboard.press("F4")
    counter.get_by_label("Who takes it over?").select_option(HALL)
    counter.keyboard.press("F9")
    expect(counter.get_by_role("heading", level=1)).to_contain_text("1 item")
    return bag


def take_over(hall: Page, bag: str) -> None:
    hall.goto("/work")
    lists = hall.locator("#take-over li")
    lists.last.get_by_role("link", name="Take over").click()
    expect(hall.locator("main")).to_contain_text(bag)
    hall.keyboard.press("F9")
    expect(hall.get_by_text("Taken over")).to_be_visible()
    hall.goto(f"/work/scan?text={bag}")
    hall.get_by_role("link", name="Contents").click()


def test_bag_is_packed_sealed_moved_and_opened_with_exceptions(sign_in: Opened) -> None:
    """Three go in, two are scanned out, the third is missing: it is with who closed the bag."""
    counter, hall = sign_in("clerk 1", "clerk", COUNTER), sign_in("sorter 1", "clerk", HALL)
    numbers = [fresh_number() for _ in range(3)]
    bag = sent_bag(counter, *numbers)
    counter.goto(f"/work/scan?text={numbers[0]}")
    expect(counter.locator(".timeline li.latest")).to_contain_text(f"Packed into bag {bag} by")
    picture(counter, "bag-item-inside")
    take_over(hall, bag)
    expect(hall.locator("main")).to_contain_text("plastic seal AT 4711")
    hall.get_by_label("The seal").select_option("whole")
    scan(hall, "Found", *numbers[:2])
    hall.get_by_label("is missing").check()
    picture(hall, "bag-opening")
    hall.keyboard.press("F9")
    expect(hall.get_by_role("heading", level=1)).to_contain_text("A bag that was opened")
    picture(hall, "bag-just-opened")
    expect(hall.get_by_text("seal found whole, and the same")).to_be_visible()
    expect(hall.get_by_text("taken up before")).to_have_count(0)
    expect(hall.locator("td .tag.good", has_text="found")).to_have_count(2, timeout=15_000)
    expect(hall.locator("td .tag.stop", has_text="missing")).to_have_count(1)
    expect(hall.locator("[data-under-way]")).to_have_count(0)
    picture(hall, "bag-opened")
    hall.goto("/work")
    expect(hall.locator("section[aria-labelledby=holds]")).not_to_contain_text(bag)
    hall.goto(f"/work/scan?text={numbers[0]}")
    way = hall.locator(".timeline")
    expect(way).to_contain_text("found in it")
    expect(way.locator(".carried")).to_contain_text("Innsbruck")
    picture(hall, "bag-item")
    hall.goto(f"/work/scan?text={numbers[2]}")
    expect(hall.locator("main")).to_contain_text(f"Missing when bag {bag} was opened")


def test_refused_packing_names_each_line_and_keeps_what_was_scanned(sign_in: Opened) -> None:
    counter = sign_in("clerk 1", "clerk", COUNTER)
    number = fresh_number()
    accept(counter, number)
    new_bag(counter, f"BAG-{fresh_number()[2:11]}")
    pack(counter, number, "RR000000005AT")
    alert = counter.get_by_role("alert")
    expect(alert).to_contain_text("Line 2")
    expect(counter.get_by_label("Items")).to_have_value(re.compile(number))
    picture(counter, "bag-refused")


def test_bags_page_fits_a_phone(sign_in: Opened) -> None:
    phone = sign_in("clerk 1", "clerk", COUNTER, viewport=PHONE)
    new_bag(phone, f"BAG-{fresh_number()[2:11]}")
    width = phone.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]
    picture(phone, "bag-phone")
