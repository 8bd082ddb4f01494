"""The administrator's page: add a person, send a link, end what a person may do (B9)."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Opened


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
    expect(clerk.locator(".ribbon")).to_contain_text("Hall in Tirol · clerk 9")
    people.get_by_role("button", name="Disable clerk 9").click()
    expect(people.get_by_role("button", name="Disable clerk 9")).to_have_count(0)
    clerk.goto("/work")
    expect(clerk.get_by_role("heading", level=1)).to_have_text("Please sign in")


def test_name_that_is_taken_is_refused_with_what_to_do(people: Page) -> None:
    people.get_by_label("Name, as pages show it").fill("auditor 1")
    people.get_by_role("button", name="Add and make a link").click()
    expect(people.get_by_role("alert")).to_contain_text("Send that person a new link instead")


def test_nobody_disables_himself(people: Page) -> None:
    expect(people.get_by_role("button", name="Disable admin")).to_have_count(0)


def test_only_administrators_see_it(sign_in: Opened) -> None:
    page = sign_in("auditor 1", "auditor")
    page.goto("/people")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not allowed")
