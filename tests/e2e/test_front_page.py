"""The front page: what it is, a live example counted from the trail, codes to try."""

from __future__ import annotations

import io
import re

import zxingcpp
from PIL import Image
from playwright.sync_api import expect

from tests.e2e.conftest import PHONE, Opened
from tests.e2e.desk import loaded, picture


def test_tells_the_model_journey_from_its_trail(open_page: Opened) -> None:
    page = open_page("/")
    expect(page.locator(".lead")).to_have_text(
        "RR900001014AT crossed from Innsbruck to St. Gallen in 2 days 3 h: 8 hand-offs, 17 signatures."
    )
    page.get_by_role("link", name="See its trail").click()
    expect(page.locator("ol.records > li")).to_have_count(9)


def test_shows_nine_specimens_each_a_link_to_what_it_says(open_page: Opened) -> None:
    page = open_page("/")
    specimens = page.locator(".specimens a")
    expect(specimens).to_have_count(9)
    for index in range(9):
        assert re.fullmatch(r"/S/[0-9A-Z]+", specimens.nth(index).get_attribute("href") or "")


def test_every_specimens_picture_is_its_own_code(open_page: Opened) -> None:
    """What a phone reads off the screen is what the link says."""
    page = open_page("/", device_scale_factor=2)
    for specimen in page.locator(".specimens li").all():
        image = Image.open(io.BytesIO(loaded(specimen.locator("img"))))
        # Of other kinds a decoder finds now and then one in the artwork that is none.
        found = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode)
        link = specimen.locator("a").get_attribute("href") or ""
        assert [code.text for code in found] == [page.url.rstrip("/").upper() + link]


def test_shows_the_stamp_large(open_page: Opened) -> None:
    picture = open_page("/").locator(".hero .stamp img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 0
    box = picture.bounding_box()
    assert box is not None
    assert box["width"] > 300


def test_typed_number_leads_to_the_verdict(open_page: Opened) -> None:
    page = open_page("/")
    page.get_by_label("Code or number").fill("1-1-17")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/stamps/1-1-000017$"))
    expect(page.locator(".verdict .word")).to_have_text("Valid")


def test_every_page_says_that_this_is_a_demonstration(open_page: Opened) -> None:
    for path in ("/", "/verify", "/stamps/1-1-000017", "/about", "/status", "/nothing-here"):
        expect(open_page(path).locator(".ribbon")).to_contain_text("have no value")


def test_typed_number_of_a_parcel_is_known_for_what_it_is(open_page: Opened) -> None:
    page = open_page("/")
    page.get_by_label("Code or number").fill("RR900001014AT")
    page.keyboard.press("Enter")
    note = page.locator(".note")
    expect(note).to_contain_text(
        "This is a parcel’s number. Its trail opens with the code on its label"
    )
    expect(page.get_by_label("Code or number")).to_have_value("RR900001014AT")
    for words in ("125", "Cannot be read", "Nothing could be read", "looks at the piece"):
        expect(page.locator("main")).not_to_contain_text(words)
    picture(page, "verify-parcel")


def test_mistyped_number_of_a_parcel_says_which_digit(open_page: Opened) -> None:
    page = open_page("/verify")
    page.get_by_label("Code or number").fill("RR900001015AT")
    page.keyboard.press("Enter")
    note = page.locator(".note")
    expect(note).to_contain_text("RR900001015AT: check digit 5 does not fit (expected 4).")
    expect(note).to_contain_text("Scan again or type the number anew.")
    expect(page.locator("main")).not_to_contain_text("125")


def test_fits_a_phone(open_page: Opened) -> None:
    page = open_page("/", viewport=PHONE, is_mobile=True, has_touch=True)
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0


def test_unknown_address_says_what_now(open_page: Opened) -> None:
    page = open_page("/no-such-page")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
    expect(page.get_by_text("Begin at the front page")).to_be_visible()
