"""Web hooks as administrators handle them, and as status and measures tell of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from receiver import Receiver, receiving
from town import COUNTER, Town, session

from backend.queries.hooks import HookAnswer, hooks
from backend.store import hooks as rows
from backend.store.engine import begin

OPERATOR = COUNTER >> 24


@pytest.fixture
def admin(town: Town) -> dict[str, str]:
    return session(town, town.stage.people["admin"]) | {"Accept": "text/html"}


@pytest.fixture
def receiver(town: Town) -> Iterator[Receiver]:
    with receiving() as found:
        yield found
    with begin(town.engine) as db:
        for hook in hooks(db):
            rows.remove(db, hook.number)


def known(town: Town) -> tuple[HookAnswer, ...]:
    with begin(town.engine) as db:
        return hooks(db)


def add(
    pages: httpx.Client, admin: dict[str, str], url: str, operator: int = OPERATOR
) -> httpx.Response:
    return pages.post("/hooks", data={"url": url, "operator": str(operator)}, headers=admin)


def do(pages: httpx.Client, admin: dict[str, str], number: int, what: str) -> httpx.Response:
    return pages.post(f"/hooks/{number}/{what}", headers=admin)


def test_secret_of_a_new_hook_is_shown_once_and_is_what_its_receiver_checks_with(
    town: Town, pages: httpx.Client, admin: dict[str, str], receiver: Receiver
) -> None:
    shown = add(pages, admin, receiver.url).text
    found = re.search(r"whsec_[A-Za-z0-9+/=]+", shown.replace("&#43;", "+"))
    assert found
    receiver.secret = found[0]
    (hook,) = known(town)
    assert "whsec_" not in pages.get("/hooks", headers=admin).text
    assert "took the test message" in do(pages, admin, hook.number, "test").text
    (came,) = receiver.taken
    assert (came.body["type"], came.body["data"]) == ("hook.test", {"hook": hook.number})


def test_form_that_is_sent_again_adds_no_other_hook(
    town: Town, pages: httpx.Client, admin: dict[str, str], receiver: Receiver
) -> None:
    """The page of the secret, loaded again: a second hook would tell everything twice under other ids."""
    once = re.findall(r'name="once" value="(\w+)"', pages.get("/hooks", headers=admin).text)[0]
    form = {"url": receiver.url, "operator": str(OPERATOR), "once": once}
    shown = [pages.post("/hooks", data=form, headers=admin).text for _ in range(2)]
    secrets = [re.findall(r"whsec_[^<]+", text) for text in shown]
    assert secrets[0] == secrets[1] != []
    assert len(known(town)) == 1
    other = pages.post("/hooks", data=form | {"url": receiver.url + "?2"}, headers=admin)
    assert other.status_code == 409
    assert "Open the page anew" in other.text
    assert len(known(town)) == 1


def test_what_came_of_a_test_is_told_without_the_answer(
    town: Town, pages: httpx.Client, admin: dict[str, str], receiver: Receiver
) -> None:
    add(pages, admin, receiver.url)
    (hook,) = known(town)
    with begin(town.engine) as db:
        row = rows.find(db, hook.number)
    assert row is not None
    receiver.secret = town.house.hooks.secret(row.salt)
    receiver.answer = lambda _: 500
    shown = do(pages, admin, hook.number, "test").text
    assert "it answered 500" in shown
    assert "nobody may see" not in shown


def test_switched_off_on_and_removed(
    town: Town, pages: httpx.Client, admin: dict[str, str], receiver: Receiver
) -> None:
    add(pages, admin, receiver.url)
    (hook,) = known(town)
    for what, state in (("off", "off"), ("on", "on")):
        do(pages, admin, hook.number, what)
        assert [one.state for one in known(town)] == [state]
    do(pages, admin, hook.number, "remove")
    assert known(town) == ()
    for what in ("off", "on", "remove", "test"):
        assert do(pages, admin, hook.number, what).status_code == 404


def test_an_address_that_is_not_allowed_is_refused_with_the_rule_and_stays_in_the_form(
    town: Town, pages: httpx.Client, admin: dict[str, str], receiver: Receiver
) -> None:
    url = "https://169.254.169.254/latest/meta-data/"
    answer = add(pages, admin, url)
    assert answer.status_code == 422
    assert "a host&#39;s name, and no number" in answer.text
    assert f'value="{url}"' in answer.text
    assert add(pages, admin, "https://receiver.example/", 999).status_code == 404
    assert known(town) == ()


def test_only_administrators_handle_them(town: Town, pages: httpx.Client) -> None:
    clerk = session(town, town.stage.workers[COUNTER], COUNTER) | {"Accept": "text/html"}
    assert pages.get("/hooks", headers=clerk).status_code == 403
    assert add(pages, clerk, "https://receiver.example/").status_code == 403
    for what in ("off", "on", "remove", "test"):
        assert do(pages, clerk, 1, what).status_code == 403
    assert known(town) == ()


def test_status_and_measures_tell_of_them(
    town: Town, pages: httpx.Client, admin: dict[str, str], receiver: Receiver
) -> None:
    add(pages, admin, receiver.url)
    (hook,) = known(town)
    with begin(town.engine) as db:
        rows.disable(db, hook.number, hook.operator, "it answered 410")
    status = pages.get("/v1/status").json()
    assert status["hooks"] == {
        "on": 0, "failing": 0, "disabled": 1, "waiting": 0, "oldest_waiting_seconds": None,
    }  # fmt: skip
    assert any(f"posthorn hook on {hook.number}" in alarm for alarm in status["alarms"])
    measures = pages.get("/metrics").text
    assert 'posthorn_hooks{state="disabled"} 1.0' in measures
    assert "posthorn_hooks_waiting 0.0" in measures
    assert "Web hooks" in pages.get("/status").text
