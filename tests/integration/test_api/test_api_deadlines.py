"""Until when a list may be taken over, and for how much longer its record is good (C5, decision 20)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from test_api_custody import receive, signed_digest
from town import COUNTER, HALL, Town, session

from backend.demonstration.stage import DAY, HOUR
from backend.keystore import address_of, key_from, sign_compact
from stamps import base32

MINUTE = 60
ADDRESSEE = key_from(b"\x01" * 32)
KEYS = {"recipient": "0x" + address_of(ADDRESSEE).hex(), "salt": "0x" + "07" * 32}


def offered(town: Town, status: int = 201, **times: int) -> Any:
    """A list of one item by the counter for the hall, as the API answers it."""
    body = {"receiver": "1-4", "lines": [{"item": town.settled_item()}]}
    return town.post("/v1/releases", body | times, town.as_(COUNTER), status)


def test_list_is_open_for_minutes_and_recorded_for_days(town: Town) -> None:
    said = offered(town)
    assert said["open_until"] - said["time"] == 15 * MINUTE
    assert said["deadline"] - said["open_until"] == 3 * DAY


def test_deadline_alone_is_also_until_when_the_list_is_open(town: Town) -> None:
    deadline = town.stage.clock + DAY
    said = offered(town, deadline=deadline)
    assert (said["open_until"], said["deadline"]) == (deadline, deadline)


def test_no_list_is_recorded_later_than_the_chain_allows(town: Town) -> None:
    """C5: at most 14 days after the event."""
    latest = town.stage.clock + 14 * DAY
    said = offered(town, open_until=latest - DAY)
    assert said["deadline"] == said["time"] + 14 * DAY
    refused = offered(town, 409, open_until=latest + DAY)
    assert refused["type"] == "urn:posthorn:DeadlineTooFar"


def test_list_open_for_longer_than_it_is_recorded_is_refused(town: Town) -> None:
    now = town.stage.clock
    refused = offered(town, 422, open_until=now + DAY, deadline=now + DAY - 1)
    assert ", after its deadline 20" in refused["detail"]


@pytest.mark.parametrize("until", [0, -1])
def test_list_that_was_open_before_it_was_made_is_refused(town: Town, until: int) -> None:
    now = town.stage.clock
    refused = offered(town, 409, open_until=until and now + until)
    assert refused["type"] == "urn:posthorn:ListLapsed"
    assert refused["what_now"] == "Name a time to come."


def again(town: Town, said: Any, status: int, **times: int) -> Any:
    """The very list, sent once more."""
    lines = [{"item": line["item"]} for line in said["lines"]]
    body = {"receiver": "1-4", "lines": lines, "time": said["time"], "deadline": said["deadline"]}
    body |= {"open_until": said["open_until"]} | times
    return town.post("/v1/releases", body, town.as_(COUNTER), status)


def test_very_list_sent_again_is_the_same_list_while_it_stands_open(town: Town) -> None:
    said = offered(town)
    assert again(town, said, 201)["digest"] == said["digest"]
    refused = again(town, said, 409, open_until=said["open_until"] + MINUTE)
    assert "This very list is there, and open until" in refused["detail"]


def test_very_list_that_was_taken_back_or_over_is_not_said_to_be_made(town: Town) -> None:
    """C3: nobody could take it over; the giver would wait for nothing."""
    withdrawn, received = offered(town), offered(town)
    town.post(f"/v1/releases/{withdrawn['digest']}/withdrawal", {}, town.as_(COUNTER), 200)
    receive(town, received["digest"])
    assert "taken back before" in again(town, withdrawn, 409)["detail"]
    assert again(town, received, 409)["type"].startswith("urn:posthorn:")


def test_list_that_stands_twice_in_a_request_counts_once(town: Town) -> None:
    one = {"receiver": "1-4", "lines": [{"item": town.settled_item()}], "time": town.stage.clock}
    said = town.post("/v1/releases/bulk", {"lists": [one, one]}, town.as_(COUNTER), 201)
    assert (said["handed_over"], said["refused"]) == (1, 1)
    assert "stands before this one" in said["lines"][1]["problem"]["detail"]


@pytest.mark.parametrize(("late", "status"), [(0, 202), (1, 409)])
def test_list_is_open_to_the_second(town: Town, late: int, status: int) -> None:
    said = offered(town)
    town.stage.clock = said["open_until"] + late
    answer = receive(town, said["digest"], status=status)
    assert ("state" in answer) == (status == 202)


def test_take_over_in_time_is_recorded_when_the_chain_was_away_for_hours(town: Town) -> None:
    """B1: what was acknowledged is not lost to a queue, an outage or a slow node."""
    digest = offered(town)["digest"]
    town.stage.clock += 14 * MINUTE
    receipt = receive(town, digest)["digest"]
    town.stage.clock += 3 * HOUR
    town.settle()
    answer = town.get(f"/v1/submissions/{receipt}", town.as_(HALL))
    assert answer["state"] in ("settled", "safe", "final")


def test_delivery_signed_longer_ago_than_a_visit_lasts_is_not_confirmed(
    town: Town, pages: httpx.Client
) -> None:
    """C4: the record would be good for days; who signed must still be at the door."""
    item = town.settled_item(keys=KEYS)
    said = town.get(f"/v1/items/{item}/delivery", town.as_(COUNTER))["delivery"]
    assert said["deadline"] - said["time"] == 15 * MINUTE + 3 * DAY
    form = {"signed": shown_code(town, said)}
    clerk = session(town, town.stage.workers[COUNTER], COUNTER)
    town.stage.clock = said["time"] + 15 * MINUTE + 1
    refused = pages.post(f"/work/items/{item}/delivery", data=form, headers=clerk)
    assert refused.status_code == 422
    assert "signed more than 15 minutes ago" in refused.text
    town.stage.clock -= 1
    assert pages.post(f"/work/items/{item}/delivery", data=form, headers=clerk).status_code == 303


def shown_code(town: Town, said: dict[str, Any]) -> str:
    """What the addressee's phone shows: number, giver, time, deadline and signature."""
    numbers = ((said["number"], 4), (said["giver"], 5), (said["time"], 5), (said["deadline"], 5))
    head = b"".join(number.to_bytes(size, "big") for number, size in numbers)
    return base32.encode(head + sign_compact(ADDRESSEE, signed_digest(town, said)))
