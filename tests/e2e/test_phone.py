"""The pages of clerks and administrators on a phone: nothing stands outside the screen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from backend.domain.item_numbers import make_s10
from tests.e2e.conftest import PHONE, Opened
from tests.e2e.desk import accept
from tests.e2e.test_work_page import COUNTER, HALL, ROUND_17

PLAIN = ("", "/sell", "/accept", "/hand-over", "/cancel", "/void", "/scan?text=1-1-000021")
# Not innerWidth: a phone's browser zooms out until what stands outside fits, and then that is larger.
WIDTH = "() => document.documentElement.scrollWidth"
CUT_OFF = """width => [...document.querySelectorAll('main input, main select, main button, main .number')]
    .filter(e => e.checkVisibility() && e.getBoundingClientRect().right > width)
    .map(e => e.outerHTML.slice(0, 90))"""


@pytest.fixture
def counter(sign_in: Opened) -> Page:
    return sign_in("clerk 1", "clerk", COUNTER, "1-2", "1-3", viewport=PHONE, is_mobile=True)


@pytest.fixture
def hall(sign_in: Opened) -> Page:
    return sign_in("clerk 2", "clerk", ROUND_17, HALL, "1-6", viewport=PHONE, is_mobile=True)


@pytest.fixture
def admin(sign_in: Opened) -> Page:
    return sign_in("somebody who looks after it", "admin", viewport=PHONE, is_mobile=True)


def fits(page: Page, what: str) -> None:
    """Neither scrolls the page sideways, nor is anything to type in or to press cut off in a box of it."""
    assert page.evaluate(WIDTH) <= PHONE["width"], f"{what} scrolls sideways"
    assert page.evaluate(CUT_OFF, PHONE["width"]) == [], what


def test_no_work_page_scrolls_sideways(counter: Page) -> None:
    for path in PLAIN:
        counter.goto("/work" + path)
        fits(counter, path)


def test_print_job_fits(counter: Page) -> None:
    counter.goto("/work/sell")
    counter.get_by_text("Signals").click()
    counter.get_by_label("How many?").fill("3")
    counter.get_by_role("button", name="Reserve and print").click()
    labels = counter.locator(".labels label")
    expect(labels).to_have_count(3)
    fits(counter, "the print job")
    for label in labels.all():
        picture, serial = label.locator("img"), label.locator(".number")
        over = picture.evaluate(
            """(picture, serial) => {
                const a = picture.getBoundingClientRect(), b = serial.getBoundingClientRect();
                return a.right > b.left && b.right > a.left && a.bottom > b.top && b.bottom > a.top;
            }""",
            serial.element_handle(),
        )
        assert not over, "the picture lies over the serial"
    counter.get_by_role("button", name="These came out: sell them").click()
    expect(counter.get_by_role("heading", name="Receipt")).to_be_visible()
    fits(counter, "the receipt")


def test_list_fits_while_it_is_made_and_on_both_sides(counter: Page, hall: Page) -> None:
    number = make_s10("CX", 55_500_001, "AT")
    accept(counter, number)
    fits(counter, "what was accepted")
    counter.goto("/work/hand-over")
    counter.get_by_label("Scan or type an item").fill(number)
    counter.keyboard.press("Enter")
    expect(counter.get_by_role("heading", name="The list 1")).to_be_visible()
    fits(counter, "a list of one line")
    counter.get_by_label("Who takes it over?").select_option(ROUND_17)
    counter.get_by_role("button", name="Hand over 1").click()
    expect(counter.locator(".note")).to_contain_text("Waiting for")
    fits(counter, "the giver's list")
    hall.goto(counter.url)
    fits(hall, "the receiver's list")
    hall.get_by_role("button", name="Take over").click()
    expect(hall.get_by_role("status")).to_contain_text("Taken over")
    fits(hall, "the list taken over")
    hall.goto(f"/work/scan?text={number}")
    fits(hall, "the item")


def test_no_page_of_an_administrator_scrolls_sideways(admin: Page) -> None:
    for path in ("/work", "/people", "/audit", "/about", "/docs", "/status", "/verify", "/"):
        admin.goto(path)
        fits(admin, path)


def test_item_page_is_a_short_way_whose_records_unfold(open_page: Opened) -> None:
    """Nine records were ten thousand pixels; on a desk all of it is shown."""
    page = open_page("/", viewport=PHONE, is_mobile=True)
    page.get_by_role("link", name="See its trail").click()
    records = page.locator("ol.records > li")
    assert page.evaluate("document.documentElement.scrollHeight") < 5_000
    expect(records.first.get_by_text("Transaction")).not_to_be_visible()
    records.first.locator("details.more summary").click()
    expect(records.first.get_by_text("Transaction")).to_be_visible()
    page.goto(page.url + "#record-3")
    expect(records.nth(2).get_by_text("Transaction")).to_be_visible()
    fits(page, "the item's page")
    desk = open_page(page.url.partition("#")[0])
    for facts in desk.locator("ol.records > li").get_by_text("Transaction").all():
        expect(facts).to_be_visible()


def test_figures_of_the_front_page_stand_in_even_rows(open_page: Opened) -> None:
    page = open_page("/", viewport=PHONE, is_mobile=True)
    tops = [div.bounding_box() for div in page.locator(".journey > div").all()]
    rows = [box["y"] for box in tops if box]
    assert sorted(rows.count(y) for y in set(rows)) == [2, 2]


def test_people_say_on_a_phone_what_each_line_is(admin: Page) -> None:
    """The heads of the columns are gone there."""
    admin.goto("/people")
    labels = admin.locator(".cards tbody tr").first.locator("td[data-label]")
    assert [label.get_attribute("data-label") for label in labels.all()] == [
        "Role",
        "Works at",
        "PIN",
    ]
