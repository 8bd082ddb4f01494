"""The pages of clerks and administrators on a phone: nothing stands outside the screen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from backend.domain.item_numbers import make_s10
from tests.e2e.conftest import PHONE, Opened
from tests.e2e.desk import accept, fetch_sheet, picture, put_on_list, reserve
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
    picture(page, f"phone-{what}".replace("/", "work-"))
    assert page.evaluate(WIDTH) <= PHONE["width"], f"{what} scrolls sideways"
    assert page.evaluate(CUT_OFF, PHONE["width"]) == [], what


def test_no_work_page_scrolls_sideways(counter: Page) -> None:
    for path in PLAIN:
        counter.goto("/work" + path)
        fits(counter, path)


def test_header_stands_on_one_line(counter: Page, admin: Page) -> None:
    for page, path in ((counter, "/work"), (admin, "/people")):
        page.goto(path)
        bottoms = page.locator(".top nav > :visible").evaluate_all(
            "all => [...new Set(all.map(e => Math.round(e.getBoundingClientRect().bottom)))]"
        )
        assert len(bottoms) == 1, path
        expect(page.locator(".foot").get_by_role("link", name="How it works")).to_be_visible()


def test_print_job_fits(counter: Page) -> None:
    reserve(counter, 3)
    fits(counter, "the print job before its sheet")
    fetch_sheet(counter)
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
    put_on_list(counter, number)
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
    page.wait_for_url("**/items/*")
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


def test_keys_that_a_phone_has_not_are_not_shown(sign_in: Opened) -> None:
    phone = sign_in(
        "clerk 1", "clerk", COUNTER, "1-2", viewport=PHONE, is_mobile=True, has_touch=True
    )
    for path in ("/work", "/work/sell", "/work/hand-over"):
        phone.goto(path)
        expect(phone.locator("kbd").first).to_be_attached()
        expect(phone.locator("kbd:visible")).to_have_count(0)
    picture(phone, "phone-hand-over")
    desktop = sign_in("clerk 1", "clerk", COUNTER, "1-2")
    expect(desktop.locator("kbd:visible").first).to_be_visible()


def test_sending_keys_are_read_whole_on_a_phone(open_page: Opened) -> None:
    phone = open_page("/status", viewport=PHONE, is_mobile=True)
    table = phone.locator("section", has=phone.get_by_role("heading", name="Sending keys"))
    expect(table.get_by_role("table")).to_be_visible()
    wider = table.locator(".scroll").evaluate("one => one.scrollWidth - one.clientWidth")
    assert wider <= 0
    picture(phone, "phone-status")
