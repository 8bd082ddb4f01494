"""A server that dies between reading a request and answering it: the same key asks again (B3, K1, K2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from town import COUNTER, Town

from backend import failpoints


class Died(Exception):
    """In the place of SIGKILL: the connection is of no more use, the answer is lost."""


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoints.disarm()


def die() -> None:
    raise Died


@pytest.mark.parametrize(
    ("instant", "kept"), [("asked, nothing written", False), ("promised, not answered", True)]
)
def test_asking_again_with_the_same_key_makes_one_submission(
    town: Town, instant: str, kept: bool
) -> None:
    """Before the commit nothing is there; after it the answer is the one that was lost."""
    body = {"number": town.number()}
    headers = town.as_(COUNTER) | town.key()

    def ask() -> httpx.Response:
        return town.client.post("/v1/items", json=body, headers=headers)

    def there() -> list[Any]:
        found = town.get(f"/v1/items?number={body['number']}", town.as_(COUNTER))
        rows: list[Any] = found["rows"]
        return rows

    failpoints.arm(instant, end=die)
    assert ask().status_code == 500
    failpoints.disarm()
    assert len(there()) == kept
    first, second = ask(), ask()
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    assert first.headers.get("Idempotency-Replayed") == ("true" if kept else None)
    assert len(there()) == 1
