"""What the pages show and offer, read as HTML: for states that a browser's tests do not reach."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from sqlalchemy import select, update
from town import ARLBERG, COUNTER, HALL, Town, session

from backend.domain.ids import stamp_text
from backend.queries import releases
from backend.queries.releases import Taken
from backend.store.engine import begin
from backend.store.tables import operator, signing_right, submission

WET = 2


@pytest.fixture
def suspended(town: Town) -> Iterator[None]:
    """Arlberg Post is suspended from the network."""
    mark(town, block=1)
    yield
    mark(town, block=None)


def mark(town: Town, block: int | None) -> None:
    with begin(town.engine) as db:
        its = operator.c.number == ARLBERG
        db.execute(update(operator).where(its).values(suspended_block=block))


def page(town: Town, pages: httpx.Client, path: str, custodian: int = HALL) -> str:
    """A page as a clerk at the custodian sees it."""
    answer = pages.get(path, headers=session(town, town.stage.workers[custodian], custodian))
    assert answer.status_code == 200, answer.text[:500]
    return answer.text


def taken_over(town: Town) -> tuple[str, str]:
    """The digests of a list with a reservation and of its receipt, which is being recorded."""
    digest = town.hand_over([town.settled_item()])
    body = {"release": digest, "findings": [{"line": 0, "condition": "wet"}]}
    return digest, town.post("/v1/receipts", body, town.as_(HALL))["digest"]


def found_on(town: Town, digest: str) -> Taken | None:
    with begin(town.engine) as db:
        found = releases.one(db, bytes.fromhex(digest[2:]), town.house.now())
        return releases.taken(found, releases.receipt_of(db, found))


def test_what_was_found_is_being_recorded_until_the_chain_has_it(
    town: Town, pages: httpx.Client
) -> None:
    """B2: nothing is shown as recorded that is not."""
    digest, _ = taken_over(town)
    assert found_on(town, digest) == Taken({0: WET}, recorded=False)
    assert "Found (being recorded)" in page(town, pages, f"/work/lists/{digest}")
    town.settle()
    assert found_on(town, digest) == Taken({0: WET}, recorded=True)
    text = page(town, pages, f"/work/lists/{digest}")
    assert ">Found</th>" in text
    assert "Found (being recorded)" not in text


@pytest.mark.parametrize("state", ["rejected", "withdrawn", "expired"])
def test_receipt_that_will_never_be_recorded_found_nothing(
    town: Town, pages: httpx.Client, state: str
) -> None:
    digest, receipt = taken_over(town)
    with begin(town.engine) as db:
        its = submission.c.digest == bytes.fromhex(receipt[2:])
        assert db.execute(update(submission).where(its).values(state=state)).rowcount == 1
    assert found_on(town, digest) is None
    text = page(town, pages, f"/work/lists/{digest}")
    assert "under reservation" not in text
    assert ">Found" not in text


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (
            "rejected",
            "The take-over was refused.</strong> Custodian Hall in Tirol (1-4) is suspended",
        ),
        ("withdrawn", "The take-over was withdrawn."),
        ("expired", "The take-over came too late.</strong> Its deadline passed"),
    ],
)
@pytest.mark.parametrize("part", ["", "/part"])
def test_list_says_what_became_of_a_receipt_that_came_to_nothing(
    town: Town, pages: httpx.Client, state: str, said: str, part: str
) -> None:
    """B2: taken over and never recorded; each side reads what to do next."""
    digest, receipt = taken_over(town)
    path = f"/work/lists/{digest}{part}"
    assert "It is being recorded." in page(town, pages, path)
    values = {"custodian": HALL}
    refusal = {"name": "CustodianIsSuspended", "detail": "", "what_now": "Ask.", "values": values}
    with begin(town.engine) as db:
        its = submission.c.digest == bytes.fromhex(receipt[2:])
        changes = {"state": state, "refusal": refusal if state == "rejected" else None}
        db.execute(update(submission).where(its).values(**changes))
    text = page(town, pages, path)
    assert said in text
    assert "being recorded" not in text
    assert ("Ask. To take" in text) == (state == "rejected")
    assert "ask Innsbruck 1, counter 1 for a new list" in text
    assert "To hand the items over, make a new list." in page(town, pages, path, COUNTER)


def test_list_that_was_taken_over_says_when_it_is_recorded(town: Town, pages: httpx.Client) -> None:
    digest, _ = taken_over(town)
    town.settle()
    assert "It is recorded." in page(town, pages, f"/work/lists/{digest}/part")


@pytest.mark.usefixtures("suspended")
def test_desk_of_a_suspended_operator_offers_nothing(town: Town, pages: httpx.Client) -> None:
    """N4: its stamps are refused too; they bear no signature of the custodian, but its post sends them."""
    text = page(town, pages, "/work", COUNTER)
    assert "Arlberg Post is suspended from the network." in text
    assert "Sell stamps" not in text
    assert "Accept an item" not in text
    refused = town.post("/v1/items", {"number": town.number()}, town.as_(COUNTER), 409)
    assert refused["type"] == "urn:posthorn:OperatorIsSuspended"
    assert "Ask the network’s governor" in text
    assert "administrator" not in text


def test_nothing_is_sold_or_taken_out_of_use_by_a_suspended_post(town: Town) -> None:
    """N4: the chain would refuse it. A job that was printed waits until the post may act again."""
    job = town.printed(2)
    confirmation = f"/v1/print-jobs/{job['job']}/confirmation"
    order = {"edition": "1-1", "count": 1}
    void = {"edition": "1-1", "first": 900, "last": 900, "reason": "stolen"}
    asked = (("/v1/print-jobs", order), (confirmation, {}), ("/v1/voids", void))
    mark(town, block=1)
    try:
        for path, body in asked:
            refused = town.post(path, body, town.as_(COUNTER), 409)
            assert refused["type"] == "urn:posthorn:OperatorIsSuspended"
            assert refused["what_now"] == "Ask the network's governor."
    finally:
        mark(town, block=None)
    town.post(confirmation, {}, town.as_(COUNTER))


@pytest.mark.parametrize("custodian", [HALL, COUNTER])
def test_list_is_not_offered_to_a_receiver_that_cannot_sign(
    town: Town, pages: httpx.Client, custodian: int
) -> None:
    """N3: its right lapsed after the list was made. Neither its own page nor the giver's offers to sign."""
    path = f"/work/lists/{town.hand_over([town.settled_item()])}"
    offered = page(town, pages, path, custodian)
    assert 'name="received"' in offered
    assert "Take over what is ticked" in offered
    with right_lapsed(town, HALL):
        text = page(town, pages, path, custodian)
    assert "The right of Hall in Tirol to sign lapsed on" in text
    assert 'name="received"' not in text
    assert "Take over" not in text
    assert "Waiting for" not in text
    assert ("Withdraw the list" in text) == (custodian == COUNTER)


@pytest.mark.parametrize("custodian", [HALL, COUNTER])
def test_list_whose_giver_lost_its_key_is_not_offered(
    town: Town, pages: httpx.Client, custodian: int
) -> None:
    """N3: what the key signed is not recorded any more, whenever it was signed."""
    path = f"/work/lists/{town.hand_over([town.settled_item()])}"
    with key_lost(town, COUNTER):
        text = page(town, pages, path, custodian)
        refused = town.post("/v1/receipts", {"release": path[-66:]}, town.as_(HALL), 409)
    assert refused["type"] == "urn:posthorn:NoRight"
    assert "The key of Innsbruck 1, counter 1 was reported lost" in text
    assert 'name="received"' not in text
    assert ("Withdraw the list" in text) == (custodian == COUNTER)


def test_list_stands_when_its_givers_right_has_lapsed_since(
    town: Town, pages: httpx.Client
) -> None:
    """C2: it is judged by the time at which it was released."""
    path = f"/work/lists/{town.hand_over([town.settled_item()])}"
    town.stage.clock += 2
    with right_lapsed(town, COUNTER):
        text = page(town, pages, path, HALL)
        assert "Take over what is ticked" in text
        town.post("/v1/receipts", {"release": path[-66:]}, town.as_(HALL))


@contextmanager
def key_lost(town: Town, custodian: int) -> Iterator[None]:
    its = signing_right.c.custodian == custodian
    with begin(town.engine) as db:
        db.execute(update(signing_right).where(its).values(compromised_block=1))
    yield
    with begin(town.engine) as db:
        db.execute(update(signing_right).where(its).values(compromised_block=None))


@contextmanager
def right_lapsed(town: Town, custodian: int) -> Iterator[None]:
    its = signing_right.c.custodian == custodian
    with begin(town.engine) as db:
        (until,) = db.execute(select(signing_right.c.until_time).where(its)).scalars()
        db.execute(update(signing_right).where(its).values(until_time=town.house.now() - 1))
    yield
    with begin(town.engine) as db:
        db.execute(update(signing_right).where(its).values(until_time=until))


def test_administrator_reads_what_was_typed_after_a_refusal(
    town: Town, pages: httpx.Client
) -> None:
    """Name, role and places stay in the form, and the button stands behind them."""
    admin = session(town, town.stage.people["admin"])
    form = {"name": "Clerk without a desk", "role": "clerk"}
    text = pages.post("/people", data=form, headers=admin).text
    assert 'value="Clerk without a desk"' in text
    assert text.index('name="custodian"') < text.index("Add and make a link")
    at_none = {"name": "boss 2", "role": "auditor", "custodian": "1-4"}
    text = pages.post("/people", data=at_none, headers=admin).text
    assert "<option selected>auditor</option>" in text
    assert 'value="1-4" checked' in text


def test_auditor_is_told_that_auditors_record_nothing(town: Town, pages: httpx.Client) -> None:
    """Never to choose a place of work, which it cannot have."""
    refused = town.post("/v1/items", {"number": town.number()}, town.by("auditor 1"), 403)
    assert refused["detail"] == "Auditors look at everything and record nothing."
    headers = session(town, town.stage.people["auditor 1"])
    text = pages.get("/work/hand-over", headers=headers).text
    assert "Auditors look at everything and record nothing." in text


def test_auditor_is_led_from_a_stamp_that_no_item_names_to_the_stamp(
    town: Town, pages: httpx.Client
) -> None:
    stamp = stamp_text(town.sell(1)[0])
    headers = session(town, town.stage.people["auditor 1"])
    text = pages.get(f"/audit?text={stamp}", headers=headers).text
    assert f'<a href="/stamps/{stamp}">Its own page</a>' in text


def test_concealed_code_that_is_spent_is_not_called_a_secret(
    town: Town, pages: httpx.Client
) -> None:
    stamp = stamp_text(town.sell(1)[0])
    assert "Show it to nobody" in pages.get(f"/C/{stamp}").text
    serial = int(stamp[-6:])
    void = {"edition": "1-1", "first": serial, "last": serial, "reason": "stolen"}
    town.settle()
    town.post("/v1/voids", void, town.as_(COUNTER))
    town.settle()
    text = pages.get(f"/C/{stamp}").text
    assert "Nothing can be claimed or shown with it now" in text
    assert "Show it to nobody" not in text


def test_salt_that_hides_nothing_is_refused(town: Town) -> None:
    """C1."""
    keys = {"recipient": "0x" + "ab" * 20, "salt": "0x" + "00" * 32}
    body = {"number": town.number(), "keys": keys}
    refused = town.post("/v1/items", body, town.as_(COUNTER), 422)
    assert "hides no delivery key" in refused["detail"]
