"""Bundles of the network of `posts`: made, checked, and changed by who can compute checksums too."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from posts import Posts

from backend.proof.bundle import read_bundle
from backend.proof.check import Held, check_bundle
from backend.proof.gather import NodeLogs
from backend.proof.make import make_bundle
from backend.proof.records import Refuted
from backend.proof.sealed import Damaged, seal

Change = Callable[[dict[str, Any]], None]


def bundle_of(posts: Posts, item: bytes, **given: Any) -> bytes:
    source = NodeLogs(posts.node, posts.deployment)
    made, _ = make_bundle(source, posts.deployment, item, **given)
    return made


def check(posts: Posts, raw: bytes) -> Held:
    return check_bundle(read_bundle(raw), posts.node)


def changed(raw: bytes, change: Change) -> bytes:
    """The bundle with a change by one who can compute checksums too."""
    body: dict[str, Any] = json.loads(raw)["body"]
    change(body)
    return seal(body)


def refuted(posts: Posts, raw: bytes) -> str:
    with pytest.raises((Refuted, Damaged)) as caught:
        check(posts, raw)
    return caught.value.detail


def _log(body: dict[str, Any], number: int) -> dict[str, Any]:
    found: dict[str, Any] = body["logs"][number]
    return found


def flip_data(number: int, place: int) -> Change:
    """One hex digit of the data of a log."""

    def change(body: dict[str, Any]) -> None:
        log = _log(body, number)
        at = place if place > 0 else len(log["data"]) + place
        digit = format(int(log["data"][at], 16) ^ 1, "x")
        log["data"] = log["data"][:at] + digit + log["data"][at + 1 :]

    return change


def drop_log(number: int) -> Change:
    def change(body: dict[str, Any]) -> None:
        del body["logs"][number]
        kept = {log["block"] for log in body["logs"]}
        body["blocks"] = [mark for mark in body["blocks"] if mark["number"] in kept]

    return change


def set_(*path: str | int, to: Any) -> Change:
    def change(body: dict[str, Any]) -> None:
        place: Any = body
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to(place[path[-1]]) if callable(to) else to

    return change


def plus_one(value: int) -> int:
    return value + 1
