"""The question asked most goes past FastAPI (api/verdicts.py): both ways give the same answer, whatever it is."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from test_api_edge import served
from town import COUNTER, HALL, Town

from backend.api.answers import stamps as answers
from backend.api.limits import RULES
from backend.api.together import Together
from backend.app import assemble
from backend.errors import NotFound, Unavailable
from backend.store.engine import open_engine

# The route takes it: an address with anything more is no plain question.
AROUND = "&"
OF_EACH_ANSWER = ("date",)


def both_ways(
    client: httpx.Client, code: str, headers: dict[str, str] | None = None
) -> tuple[Any, Any]:
    return tuple(
        _told(client.get(f"/v1/verify?code={code}{more}", headers=headers)) for more in ("", AROUND)
    )  # type: ignore[return-value]


def _told(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], str]:
    headers = [pair for pair in answer.headers.multi_items() if pair[0] not in OF_EACH_ANSWER]
    return answer.status_code, headers, answer.text


@pytest.fixture(scope="module")
def codes(town: Town) -> dict[str, str]:
    """A code or number of each kind."""
    fresh, used, void = town.sell(3)
    town.post(
        "/v1/items",
        {"number": town.number(), "franking": {"stamps": [town.code(used)]}},
        town.as_(COUNTER),
    )
    body = {
        "edition": "1-1",
        "first": void & 0xFFFFFFFF,
        "last": void & 0xFFFFFFFF,
        "reason": "spoilt",
    }
    town.post("/v1/voids", body, town.by("admin"))
    town.settle()
    good = town.code(fresh)
    return {
        "valid": good,
        "in small letters": good.lower(),
        "used": town.code(used),
        "void": town.code(void),
        "of another signer": town.code(fresh, key="stamps/9"),
        "of another network": town.code(fresh, alias=7),
        "of another chain": town.code(fresh, chain_id=5),
        "changed": good[:-1] + ("0" if good[-1] != "0" else "1"),
        "cut short": good[:40],
        "a number": "1-1-000001",
        "a number of none": "1-77-000001",
        "a number of no operator": "9-9-000009",
        "an item's number": "RR473124829AT",
        "nonsense": "hello",
        "the longest": "0" * 300,
        "too long": "0" * 301,
    }


def test_the_two_ways_are_two(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison below would be worth nothing otherwise."""
    monkeypatch.setattr("backend.api.routers.stamps._verdict", _stumble)
    plain, around = both_ways(town.client, "1-1-000001", town.as_(COUNTER))
    assert (plain[0], around[0]) == (200, 500)


def _stumble(*_: object) -> None:
    raise RuntimeError


def test_every_code_gets_the_same_answer_both_ways(town: Town, codes: dict[str, str]) -> None:
    seen = set()
    for kind, code in codes.items():
        plain, around = both_ways(town.client, code, town.as_(HALL))
        assert plain == around, kind
        seen.add(plain[0])
    assert seen == {200, 422}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Authorization": "Bearer nobody's"}, 200),
        ({"Authorization": "Basic xyz"}, 200),
        ({"Cookie": "posthorn_session=over"}, 200),
        ({"Idempotency-Key": "good"}, 200),
        ({"Idempotency-Key": "k" * 201}, 400),
        ({"Posthorn-Custodian": "1-1"}, 200),
    ],
)
def test_what_is_sent_along_counts_the_same_both_ways(
    town: Town, codes: dict[str, str], headers: dict[str, str], status: int
) -> None:
    plain, around = both_ways(town.client, codes["used"], headers)
    assert plain == around
    assert plain[0] == status


def test_a_body_that_is_too_large_is_refused_both_ways(town: Town) -> None:
    told = [
        _told(
            town.client.request(
                "GET",
                f"/v1/verify?code=1-1-000001{more}",
                headers={"Idempotency-Key": "x"},
                content=bytes(3_000_000),
            )
        )
        for more in ("", AROUND)
    ]
    assert told[0] == told[1]
    assert told[0][0] == 413


def test_a_stamp_that_cannot_be_told_of_is_no_other_stamps_fault(
    town: Town, codes: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are asked together with it."""
    answered = answers.Stamp.of
    monkeypatch.setattr(
        answers.Stamp, "of", lambda found: _stumble() if found.edition is None else answered(found)
    )

    def status(code: str) -> int:
        return town.client.get(f"/v1/verify?code={code}", headers=town.as_(COUNTER)).status_code

    asked = [codes["a number of none"], *16 * [codes["used"]]]
    with ThreadPoolExecutor(len(asked)) as pool:
        assert list(pool.map(status, asked)) == [500, *16 * [200]]


@pytest.mark.parametrize(("custodian", "status"), [("9-9", 403), ("nowhere", 400)])
def test_a_workplace_that_is_not_ones_own_is_refused_both_ways(
    town: Town, codes: dict[str, str], custodian: str, status: int
) -> None:
    headers = town.as_(HALL) | {"Posthorn-Custodian": custodian}
    plain, around = both_ways(town.client, codes["used"], headers)
    assert plain == around
    assert plain[0] == status


def test_strangers_have_one_limit_whichever_way_they_ask(town: Town) -> None:
    app = assemble(town.house, town.engine, town.node, town.deployment, None)
    with served(app) as client:
        for _ in range(RULES["verify"].amount // 2):
            assert [one[0] for one in both_ways(client, "1-1-000001")] == [200, 200]
        plain, around = both_ways(client, "1-1-000001")
        assert (plain[0], around[0]) == (429, 429)
        assert client.get("/v1/verify?code=1-1-000001", headers=town.as_(HALL)).status_code == 200
        unknown = {"Authorization": "Bearer nobody's"}
        assert [one[0] for one in both_ways(client, "1-1-000001", unknown)] == [429, 429]
        assert "retry-after" in client.get("/v1/verify?code=1-1-000001").headers


def test_a_database_that_is_away_is_told_the_same_both_ways(town: Town) -> None:
    dead: Engine = open_engine("postgresql+psycopg://nobody@127.0.0.1:1/none", pool_size=1)
    with served(assemble(town.house, dead, town.node, town.deployment, None)) as client:
        plain, around = both_ways(client, "1-1-000001", town.as_(HALL))
    assert plain == around
    assert plain[0] == 503


def test_both_ways_are_measured_as_one_route(town: Town) -> None:
    app: FastAPI = assemble(town.house, town.engine, town.node, town.deployment, None)
    with served(app) as client:
        both_ways(client, "1-1-000001", town.as_(HALL))
        measured = client.get("/metrics").text
    labels = f'method="GET",route="/v1/verify",server="{os.getpid()}",status="200"'
    assert f"posthorn_requests_total{{{labels}}} 2.0" in measured


# --- asked together --------------------------------------------------------------------------------
class Asker:
    """Keeps what it was asked, and answers once it may."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.asked: list[list[int]] = []

    def __call__(self, questions: Sequence[int]) -> list[str | Exception]:
        self.asked.append(list(questions))
        self.may_answer.wait(10)
        if 13 in questions:
            raise OSError("it went wrong")
        if 17 in questions:
            raise Unavailable("The database is away.")
        if 19 in questions:
            return []
        return [NotFound("none") if one < 0 else f"answer {one}" for one in questions]


async def ask(asker: Asker, questions: Sequence[int], most: int = 4) -> list[Any]:
    together: Together[int, str] = Together(asker, most)
    asked = [asyncio.ensure_future(together(one)) for one in questions]
    while not asker.asked:
        await asyncio.sleep(0)
    if asked and questions[-1] == 99:
        asked.pop().cancel()
    asker.may_answer.set()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    together.close()
    return answers


def test_what_comes_while_one_is_asked_is_asked_together_in_order_and_not_too_much_at_once() -> (
    None
):
    asker = Asker()
    answers = asyncio.run(ask(asker, range(1, 8)))
    assert asker.asked == [[1], [2, 3, 4, 5], [6, 7]]
    assert answers == [f"answer {one}" for one in range(1, 8)]


def test_an_error_is_told_to_whom_it_concerns_alone() -> None:
    answers = asyncio.run(ask(Asker(), [1, -2, 3]))
    assert (answers[0], answers[2]) == ("answer 1", "answer 3")
    assert isinstance(answers[1], NotFound)


@pytest.mark.parametrize(("bad", "error"), [(13, OSError), (19, ValueError)])
def test_a_question_that_goes_wrong_is_nobody_elses(bad: int, error: type[Exception]) -> None:
    answers = asyncio.run(ask(Asker(), [1, bad, 2, 3, 4, 5]))
    assert [type(one) for one in answers] == [str, error, str, str, str, str]


def test_what_is_away_is_so_for_all_that_were_asked_together_and_is_asked_once() -> None:
    asker = Asker()
    answers = asyncio.run(ask(asker, [1, 17, 2, 3, 4, 5]))
    assert [type(one) for one in answers] == [str, *4 * [Unavailable], str]
    assert asker.asked == [[1], [17, 2, 3, 4], [5]]


def test_who_has_gone_is_neither_waited_for_nor_asked_about() -> None:
    asker = Asker()
    assert asyncio.run(ask(asker, [1, 2, 99])) == ["answer 1", "answer 2"]
    assert asker.asked == [[1], [2]]


def test_when_too_many_wait_or_all_is_closed_the_next_is_sent_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("backend.api.together.MOST_WAITING", 2)
    answers = asyncio.run(ask(Asker(), [1, 2, 3, 4]))
    assert [type(one) for one in answers] == [str, str, str, Unavailable]
    closed: Together[int, str] = Together(Asker(), 4)
    closed.close()
    with pytest.raises(Unavailable):
        asyncio.run(closed(1))
