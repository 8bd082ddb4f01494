"""The verify page: words for every specimen, and three ticks that the browser finds out for itself."""

from __future__ import annotations

import io
import re
from pathlib import Path
from urllib.parse import urldefrag

import pytest
from PIL import Image
from playwright.sync_api import Page, Playwright, expect

from tests.e2e.conftest import PHONE, Installation, Opened, chromium
from tests.e2e.desk import loaded

SPECIMENS = {
    1: ("Valid", "Issued by Arlberg Post"),
    2: ("Already used", "Innsbruck 1, counter 1"),
    3: ("Already used", "Hall in Tirol"),
    4: ("Already used", "to order"),
    5: ("Not sold", "has not been sold by Arlberg Post"),
    6: ("Out of use", "spoilt, before it was sold"),
    7: ("Not yet valid", "Valid from"),
    8: ("Signature does not match", "signature does not match"),
    9: ("Unknown signer", "signer is unknown"),
}


def tick(page: Page, name: str, state: str, text: str | re.Pattern[str] = "") -> None:
    line = page.locator(f"[data-tick={name}]")
    expect(line).to_have_attribute("data-state", state, timeout=15_000)
    if text:
        expect(line).to_contain_text(text)


@pytest.mark.parametrize("position", SPECIMENS)
def test_each_specimen_says_what_the_sheet_promises_and_accuses_nobody(
    open_page: Opened, specimens: list[str], position: int
) -> None:
    """design.md §4: never «genuine» over a copy, never «forged» or «fake» at a person."""
    word, headline = SPECIMENS[position]
    page = open_page(specimens[position - 1])
    expect(page.locator(".verdict .word")).to_have_text(word)
    expect(page.get_by_role("heading", level=1)).to_contain_text(headline)
    expect(page.get_by_role("heading", name="What now?")).to_be_visible()
    text = page.locator("main").inner_text().lower()
    assert not re.search(r"genuine|forge|fake|counterfeit|fraud", text)


def test_copied_stamp_shows_use_and_sighting(open_page: Opened, specimens: list[str]) -> None:
    page = open_page(specimens[2])
    expect(page.get_by_text(re.compile(r"Seen again: .*40 minutes later"))).to_be_visible()


@pytest.mark.parametrize("position", [1, 2, 3, 4, 5, 6, 7])
def test_browser_finds_all_three_ticks_for_the_posts_own_codes(
    open_page: Opened, specimens: list[str], position: int
) -> None:
    page = open_page(specimens[position - 1])
    for name in ("signatures", "record", "story"):
        tick(page, name, "holds")
    expect(page.locator("[data-where]")).to_contain_text("at block")


@pytest.mark.parametrize("position", [8, 9])
def test_browser_finds_that_a_strangers_code_was_not_signed(
    open_page: Opened, specimens: list[str], position: int
) -> None:
    page = open_page(specimens[position - 1])
    tick(page, "signatures", "differs", "No stamp signer that the chain knows")
    tick(page, "story", "silent")


def test_what_is_no_node_leaves_every_tick_grey(open_page: Opened) -> None:
    """No answer says nothing against the stamp."""
    page = open_page("/stamps/1-1-000017")
    tick(page, "record", "holds")
    page.get_by_text("Ask another node").click()
    page.get_by_label("Address of a node").fill("/status")
    page.get_by_role("button", name="Check again").click()
    for name in ("signatures", "record", "story"):
        tick(page, name, "silent", "No answer")


def test_picture_is_read_in_the_browser(open_page: Opened, tmp_path: Path) -> None:
    page = open_page("/", device_scale_factor=2)
    picture = tmp_path / "code.png"
    picture.write_bytes(loaded(page.locator(".specimens img").first))
    page.goto("/verify")
    page.locator("input[type=file]").first.set_input_files(picture)
    expect(page.locator(".verdict .word")).to_have_text("Valid", timeout=15_000)


def test_camera_reads_a_code(
    open_page: Opened, playwright: Playwright, posthorn: Installation, tmp_path: Path
) -> None:
    """A camera that shows the first specimen; the reader comes from this site and runs under its policy."""
    code = Image.open(io.BytesIO(first_specimen(open_page))).convert("RGB")
    film = Image.new("RGB", (640, 480), "white")
    film.paste(code.resize((360, 360), Image.Resampling.NEAREST), (140, 60))
    film.save(tmp_path / "camera.mjpeg", "JPEG", quality=95)
    camera = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={tmp_path / 'camera.mjpeg'}",
    ]
    with chromium(playwright, *camera) as browser:
        page = browser.new_page()
        page.goto(posthorn.origin + "/verify")
        page.get_by_role("button", name="Use the camera").click()
        expect(page.locator(".verdict .word")).to_have_text("Valid", timeout=20_000)


def first_specimen(open_page: Opened) -> bytes:
    return loaded(open_page("/", device_scale_factor=3).locator(".specimens img").first)


def test_picture_is_read_by_the_server_without_scripts(open_page: Opened, tmp_path: Path) -> None:
    page = open_page("/", device_scale_factor=2, java_script_enabled=False)
    picture = tmp_path / "code.png"
    picture.write_bytes(loaded(page.locator(".specimens img").first))
    page.goto("/verify")
    page.get_by_label("A picture of the code").set_input_files(picture)
    page.get_by_role("button", name="Read the picture").click()
    expect(page.locator(".verdict .word")).to_have_text("Valid")


def test_picture_without_a_code_says_what_to_do(open_page: Opened, tmp_path: Path) -> None:
    page = open_page("/about", java_script_enabled=False)
    picture = tmp_path / "nothing.png"
    page.locator("h1").screenshot(path=picture)
    page.goto("/verify")
    page.get_by_label("A picture of the code").set_input_files(picture)
    page.get_by_role("button", name="Read the picture").click()
    expect(page.get_by_role("alert")).to_contain_text("No code can be read")


def test_concealed_code_is_not_sent_and_not_to_be_shown(open_page: Opened) -> None:
    page = open_page("/")
    sent: list[str] = []
    page.on(
        "request", lambda asked: sent.append(urldefrag(asked.url).url + (asked.post_data or ""))
    )
    page.goto("/C/1-1-000017#SECRETSECRET")
    expect(page.locator(".note:visible").first).to_contain_text("This is the concealed code.")
    expect(page.locator(".verdict .word")).to_have_text("Valid")
    assert sent
    assert not any("SECRET" in what for what in sent)


def test_unreadable_code_is_no_error(open_page: Opened) -> None:
    page = open_page("/S/ABC")
    expect(page.locator(".verdict .word")).to_have_text("Cannot be read")


def test_says_host_and_never_asks_for_money(open_page: Opened, posthorn: Installation) -> None:
    page = open_page("/stamps/1-1-000017", viewport=PHONE, is_mobile=True)
    expect(page.locator(".host")).to_have_text(posthorn.origin.removeprefix("http://"))
    expect(page.locator("aside")).to_contain_text("We never ask for money or passwords here")


def test_verdict_comes_first_and_the_picture_second_on_a_phone(open_page: Opened) -> None:
    page = open_page("/stamps/1-1-000044", viewport=PHONE, is_mobile=True)
    places = [
        page.locator(selector).bounding_box() for selector in (".verdict", ".stamp", "[data-check]")
    ]
    tops = [place["y"] for place in places if place]
    assert len(tops) == 3
    assert tops == sorted(tops)
