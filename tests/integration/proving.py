"""Bundles of the network of `posts`: made, checked, and changed by who can compute checksums too."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from posts import COUNTER, Posts, forkable_anvil
from story import tell

from backend.proof.bundle import read_bundle
from backend.proof.check import Held, check_bundle
from backend.proof.gather import NodeLogs, contracts_of, topic
from backend.proof.make import make_bundle
from backend.proof.reading import read_story
from backend.proof.records import Refuted
from backend.proof.sealed import Damaged, seal
from backend.proof.story import Story

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


@contextmanager
def told(folder: Path) -> Iterator[Posts]:
    """A network in which everything has happened once, and a tray that stays open."""
    with forkable_anvil(folder) as url:
        posts = Posts(url)
        posts.found()
        tell(posts)
        tray, card = posts.accept("open tray"), posts.accept("in an open tray")
        posts.mine()
        posts.pack(tray, 1, COUNTER, card)
        posts.mine()
        yield posts
        posts.node.close()
        posts.rpc.close()


def read_alone(raw: bytes) -> Story:
    """What a bundle says, without any node. Raises Refuted."""
    bundle = read_bundle(raw)
    times = {mark.number: mark.time for mark in bundle.blocks}
    return read_story(contracts_of(bundle.deployment), bundle.logs, times, bundle.item)


def refuted_alone(posts: Posts, raw: bytes) -> str:
    """Refuted by its own records, so that no node that lies with it could help."""
    refuted(posts, raw)
    with pytest.raises(Refuted) as caught:
        read_alone(raw)
    return caught.value.detail


def first_of(body: dict[str, Any], event: str, item: bytes = b"") -> int:
    """The place of the first log of an event (of an item) in a bundle."""
    wanted = ["0x" + topic(event).hex(), "0x" + item.hex()] if item else ["0x" + topic(event).hex()]
    return next(i for i, log in enumerate(body["logs"]) if log["topics"][: len(wanted)] == wanted)


def drop_first(posts: Posts, event: str, word: str = "") -> Change:
    def change(body: dict[str, Any]) -> None:
        drop_log(first_of(body, event, posts.item(word) if word else b""))(body)

    return change


def replaced(event: str, was: bytes, becomes: bytes) -> Change:
    """A word in the data of an event's first log."""

    def change(body: dict[str, Any]) -> None:
        log = body["logs"][first_of(body, event)]
        assert was.hex() in log["data"]
        log["data"] = log["data"].replace(was.hex(), becomes.hex())

    return change


def flipped(number: int, place: int) -> Change:
    def change(body: dict[str, Any]) -> None:
        log = body["logs"][number]
        digit = format(int(log["data"][place], 16) ^ 1, "x")
        log["data"] = log["data"][:place] + digit + log["data"][place + 1 :]

    return change
