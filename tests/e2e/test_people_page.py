"""The administrator's page: add a person, send a link, end what a person may do (B9)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from backend.embedded.processes import wait_until
from tests.e2e.conftest import Installation, Opened
from tests.e2e.desk import picture


@pytest.fixture
def people(sign_in: Opened) -> Page:
    page = sign_in("admin", "admin")
    page.goto("/people")
    return page


def test_added_person_signs_in_works_and_is_disabled_at_once(
    people: Page, open_page: Opened
) -> None:
    people.get_by_label("Name, as pages show it").fill("clerk 9")
    people.get_by_label("Hall in Tirol").check()
    people.get_by_role("button", name="Add and make a link").click()
    link = people.locator(".note.good .code").inner_text()
    clerk = open_page(link)
    clerk.get_by_role("button", name="Sign in").click()
    expect(clerk.locator(".ribbon.place")).to_contain_text("Hall in Tirol · clerk 9")
    people.get_by_role("button", name="Disable clerk 9").click()
    expect(people.get_by_role("button", name="Disable clerk 9")).to_have_count(0)
    clerk.goto("/work")
    expect(clerk.get_by_role("heading", level=1)).to_have_text("Please sign in")


def test_name_that_is_taken_is_refused_with_what_to_do(people: Page) -> None:
    people.get_by_label("Name, as pages show it").fill("auditor 1")
    people.get_by_role("button", name="Add and make a link").click()
    expect(people.get_by_role("alert")).to_contain_text("Send that person a new link instead")


def test_clerk_without_a_place_is_refused_and_what_was_typed_is_said_why(people: Page) -> None:
    people.get_by_label("Name, as pages show it").fill("clerk nowhere")
    people.get_by_role("button", name="Add and make a link").click()
    expect(people.get_by_role("alert")).to_contain_text("A clerk works at one custodian at least")


def test_administrator_is_told_how_to_come_to_a_counter(sign_in: Opened) -> None:
    """The first sign-in link is an administrator's, and administrators work at no counter."""
    page = sign_in("admin", "admin")
    expect(page.locator("main")).to_contain_text("New link")
    page.get_by_role("main").get_by_role("link", name="People").click()
    expect(page.get_by_role("button", name="New link for clerk 1")).to_be_visible()
    page.goto("/work/sell")
    expect(page.locator("main")).to_contain_text("You work at no counter")
    expect(page.get_by_role("main").get_by_role("link", name="Work page")).to_have_count(0)
    expect(page.get_by_role("main").get_by_role("link", name="People")).to_be_visible()


def test_auditor_begins_at_the_audit_page(posthorn: Installation, open_page: Opened) -> None:
    page = open_page(posthorn.sign_in_link("auditor 1", "auditor"))
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/audit$"))


def test_nobody_disables_himself(people: Page) -> None:
    expect(people.get_by_role("button", name="Disable admin")).to_have_count(0)


def test_only_administrators_see_it(sign_in: Opened) -> None:
    page = sign_in("auditor 1", "auditor")
    page.goto("/people")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not allowed")


def test_administrator_stands_in_for_a_counter_whose_right_has_lapsed(sign_in: Opened) -> None:
    """C9: counter 2 of the demonstration may not sign any more; one that can is left alone."""
    admin = sign_in("an admin", "admin")
    admin.goto("/people")
    admin.get_by_role("link", name="Stand in for").click()
    admin.get_by_label("Who cannot sign?").select_option("1-2")
    admin.get_by_role("button", name="Show what it holds").click()
    expect(admin.get_by_text("holds 0")).to_be_visible()
    admin.get_by_label("Who cannot sign?").select_option("2-9")
    admin.get_by_role("button", name="Show what it holds").click()
    admin.get_by_label("Who takes it over?").select_option("2-10")
    admin.get_by_label("it is suspended").check()
    admin.get_by_role("button", name="Make the list").click()
    expect(admin.get_by_role("alert")).to_contain_text("can sign for itself")


def test_claims_of_a_range_are_closed_once_and_listed(people: Page) -> None:
    """S10: a range that touches a closed one is refused; the serials are far from any that is sold here."""
    people.get_by_role("link", name="Close claims whose codes have leaked").click()
    close_claims(people, 901, 950)
    expect(people.get_by_role("status")).to_contain_text("It is being recorded")
    assert wait_until(
        lambda: "serials 901 to 950" in people.request.get("/people/claims").text(), 20
    )
    close_claims(people, 950, 960)
    expect(people.get_by_role("alert")).to_contain_text("901")
    expect(people.get_by_label("Last serial")).to_have_value("960")
    closed = people.get_by_role("region", name="Closed so far")
    expect(closed).to_contain_text("serials 901 to 950")
    expect(closed).to_contain_text("new claim keys from")
    picture(people, "close-claims")


def close_claims(page: Page, first: int, last: int) -> None:
    page.get_by_label("Edition").select_option("1-1")
    page.get_by_label("First serial").fill(str(first))
    page.get_by_label("Last serial").fill(str(last))
    page.get_by_label("may have been seen by others").check()
    page.get_by_role("button", name="Close these claims").click()
