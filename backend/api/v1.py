"""All routers of the API, and the problems that any of them may answer."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from backend.api.middleware import API_PREFIX
from backend.api.problems import PROBLEM_JSON, Problem
from backend.api.routers import (
    custody,
    editions,
    items,
    lists,
    machine,
    network,
    print_jobs,
    receptacles,
    relay,
    scans,
    sessions,
    stamps,
    submissions,
    trails,
)
from backend.errors import PosthornError

DESCRIPTION = """
Custodians are written `1-5` (operator, serial), editions `1-3`, stamps `1-3-000017`, items, digests and
addresses as 0x-hex, codes by name (`GET /v1/codes`), times in seconds since 1970, amounts in the currency's
minor unit.

A POST answers 202 with a digest and a state: what was asked is kept and on its way. Only the chain makes it
`settled`, and later `final`. Send an `Idempotency-Key` with each POST: the same key and body get the same
answer, however often and at once. Every error is a problem (RFC 9457) that says what to do now.
"""
FURTHER = {429: "TooMany", 413: "TooLarge"}


def problems() -> dict[int | str, dict[str, Any]]:
    """Every status of the error tree, with the names of its errors (`type` is `urn:posthorn:NAME`)."""
    names: dict[int, list[str]] = {status: [name] for status, name in FURTHER.items()}
    for kind in _tree(PosthornError):
        names.setdefault(kind.status, []).append(kind.__name__)
    return {
        status: {
            "model": Problem,
            "content": {PROBLEM_JSON: {}},
            "description": ", ".join(sorted(set(kinds))),
        }
        for status, kinds in sorted(names.items())
    }


def _tree(root: type[PosthornError]) -> list[type[PosthornError]]:
    """The errors of backend/errors.py; other rooms' errors are kinds of these."""
    return [
        one
        for kind in root.__subclasses__()
        if kind.__module__ == PosthornError.__module__
        for one in (kind, *_tree(kind))
    ]


# Routes are tried one after the other: what is asked most stands first.
ROOMS = (
    stamps.router,
    lists.router,
    trails.router,
    items.router,
    custody.router,
    receptacles.router,
    submissions.router,
    machine.v1,
    editions.router,
    print_jobs.router,
    network.router,
    sessions.router,
    relay.router,
)


def add_routers(app: FastAPI) -> None:
    """API v1 and the addresses on paper."""
    for room in ROOMS:
        app.include_router(room, prefix=API_PREFIX, responses=problems())
    app.include_router(machine.router)
    app.include_router(scans.router, responses=problems())
