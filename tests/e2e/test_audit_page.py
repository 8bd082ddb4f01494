"""The audit page: one search, filters in the address, every record with its proof; and a post that lies."""

from __future__ import annotations

import csv
import io
import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Installation, Opened, run


@pytest.fixture
def auditor(sign_in: Opened) -> Page:
    page = sign_in("auditor 1", "auditor")
    page.goto("/audit")
    return page


def search(page: Page, text: str) -> None:
    page.locator("#text").fill(text)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("text="))


def total(page: Page) -> int:
    return int(re.sub(r"\D", "", page.get_by_role("heading", level=2).first.inner_text()))


def test_finds_a_record_by_number_block_digest_and_custodian(auditor: Page) -> None:
    everything = total(auditor)
    assert everything > 150
    search(auditor, "CP900001031AT")
    assert 0 < total(auditor) < 20
    block = auditor.locator("table.records a[href*='text=']").first
    block.click()
    expect(auditor).to_have_url(re.compile(r"text=\d+$"))
    assert 0 < total(auditor) < everything
    auditor.goto("/audit?text=1-4")
    expect(auditor.locator("table.records tbody tr").first).to_contain_text("Hall in Tirol")


def test_filters_stand_in_the_address_and_a_link_opens_the_same_view(
    auditor: Page, sign_in: Opened
) -> None:
    auditor.get_by_label("To look at").select_option("reservation")
    auditor.get_by_role("button", name="Search").click()
    expect(auditor).to_have_url(re.compile("exception=reservation"))
    shown = auditor.locator("table.records tbody").inner_text()
    colleague = sign_in("auditor 2", "auditor")
    colleague.goto(auditor.url)
    assert colleague.locator("table.records tbody").inner_text() == shown


def test_pages_do_not_overlap_and_leave_nothing_out(auditor: Page) -> None:
    everything = total(auditor)
    seen: list[str] = []
    while True:
        links = auditor.locator("table.records tbody tr td:nth-child(2) a").all()
        seen += [link.get_attribute("href") or "" for link in links]
        following = auditor.get_by_role("link", name="The next ones")
        if not following.count():
            break
        with auditor.expect_navigation():
            following.click()
    assert len(seen) == len(set(seen)) == everything


def test_wrong_search_says_what_can_be_searched(auditor: Page) -> None:
    search(auditor, "RR900001015AT")
    expect(auditor.get_by_role("alert")).to_contain_text("check digit")


def test_custodian_s_name_finds_its_records_and_a_span_turned_round_is_refused(
    auditor: Page,
) -> None:
    search(auditor, "round 17")
    assert total(auditor) > 0
    expect(auditor.locator("table.records tbody tr").first).to_contain_text("Round 17")
    auditor.goto("/audit?since=2026-05-02&until=2026-05-01")
    expect(auditor.get_by_role("alert")).to_contain_text(
        "From (2 May 2026, 00:00 UTC) is later than To (1 May 2026, 23:59 UTC)."
    )
    expect(auditor.get_by_role("heading", name="0 records")).to_have_count(0)


def test_number_of_two_items_asks_which_one(auditor: Page) -> None:
    search(auditor, "RR900001014AT")
    expect(auditor.get_by_text("2 items bear RR900001014AT")).to_be_visible()


def test_item_page_shows_given_and_found_side_by_side(auditor: Page) -> None:
    """J15: the money screen; and C12, who answers for it now."""
    auditor.goto("/audit?text=CP900001031AT")
    auditor.locator("table.records tbody a.number").first.click()
    expect(auditor.locator(".lead")).to_contain_text("Answers for it now: Innsbruck exchange")
    differing = auditor.locator("dd.differs")
    expect(differing).to_have_text(["sound", "wet and crushed"])
    expect(auditor.locator("ol.records")).to_contain_text("held the key")
    for tick in ("signatures", "record", "story"):
        expect(auditor.locator(f"[data-tick={tick}]")).to_have_attribute(
            "data-state", "holds", timeout=15_000
        )


def test_late_record_is_flagged(auditor: Page) -> None:
    auditor.goto("/audit?exception=late")
    expect(auditor.locator("table.records tbody")).to_contain_text("RR900001120AT")
    expect(auditor.locator("table.records tbody")).to_contain_text("later")


def test_proof_is_downloaded_and_holds_without_the_server(
    auditor: Page, posthorn: Installation
) -> None:
    """Checked by the command line against the node alone."""
    auditor.goto("/audit?text=CP900001028AT")
    auditor.locator("table.records tbody a.number").first.click()
    with auditor.expect_download() as download:
        auditor.get_by_role("link", name="Download the proof").click()
    run("check", str(download.value.path()), "--rpc", posthorn.node)


def test_csv_has_every_record_and_no_formula(auditor: Page) -> None:
    everything = total(auditor)
    answer = auditor.request.get("/audit/records.csv")
    rows = list(csv.reader(io.StringIO(answer.text())))
    assert len(rows) == everything + 1
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_clerk_has_no_audit_page(sign_in: Opened) -> None:
    page = sign_in("clerk 4", "clerk", "3-8")
    page.goto("/audit")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not allowed")


def test_stranger_sees_facilities_and_times_but_no_number(open_page: Opened) -> None:
    page = open_page("/")
    page.get_by_role("link", name="See its trail").click()
    expect(page.locator("main")).not_to_contain_text("RR900001014AT")
    expect(page.locator("ol.records")).to_contain_text("Hall in Tirol")


def test_suppose_the_post_lied(open_page: Opened, posthorn: Installation) -> None:
    """The third tick turns: the server says one time, the chain another; and back."""
    posthorn.posthorn("demo", "lie")
    try:
        page = open_page("/")
        page.get_by_role("link", name="See its trail").click()
        story = page.locator("[data-tick=story]")
        expect(story).to_have_attribute("data-state", "differs", timeout=15_000)
        expect(story).to_contain_text(
            re.compile(r"Record \d: the server says .*\d\d:\d\d.*, the chain says .*\d\d:\d\d")
        )
        expect(page.locator("[data-tick=record]")).to_have_attribute("data-state", "holds")
    finally:
        posthorn.posthorn("demo", "truth")
    page.reload()
    expect(story).to_have_attribute("data-state", "holds", timeout=15_000)
