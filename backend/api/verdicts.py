"""The question that is asked most, the verdict on a scanned code, past FastAPI: its own work is most of the cost.

Only a plain `GET /v1/verify?code=…` is answered here. Any other form of it, and its description, are the route's
(routers/stamps.py): the same caller, limit, verdict and problems. tests/integration/test_api ask both ways.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, partial

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api import people
from backend.api.answers import stamps as answers
from backend.api.middleware import API_PREFIX
from backend.api.problems import refusal
from backend.api.routers import stamps as rooms
from backend.api.service import Caller, answer, caller
from backend.api.together import Together
from backend.errors import PosthornError
from backend.queries import stamps
from backend.store.engine import begin, reading

# A payload or a typed number as it stands, without anything that would have to be decoded.
PLAIN = re.compile(rb"code=([0-9A-Za-z-]{1,300})")
MOST_AT_ONCE = 16
Asked = tuple[Caller, str]


class Verdicts:
    """Answers plain questions for a verdict; all else goes on."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._route = _route()
        self._path = API_PREFIX + self._route.path
        self._verdict: Together[Asked, Response] = Together(_verdicts, MOST_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            try:
                return await self.app(scope, receive, send)
            finally:
                self._verdict.close()
        plain = self._plain(scope)
        if plain is None:
            return await self.app(scope, receive, send)
        scope["route"] = self._route  # as FastAPI would have found it, for the measures
        try:
            call = await caller(Request(scope, receive))
            call.count_stranger()
            response = await self._verdict((call, plain[1].decode()))
        except PosthornError as error:
            response = refusal(error)
        return await response(scope, receive, send)

    def _plain(self, scope: Scope) -> re.Match[bytes] | None:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != self._path:
            return None
        if any(name == b"idempotency-key" for name, _ in scope["headers"]):
            return None  # its body is read and may be refused
        return PLAIN.fullmatch(scope["query_string"])


def _route() -> APIRoute:
    known = (one for one in rooms.router.routes if isinstance(one, APIRoute))
    return next(one for one in known if one.endpoint is rooms.verify)


def _verdicts(asked: Sequence[Asked]) -> list[Response | Exception]:
    """The answer to each, or why it is refused."""
    service = asked[0][0].service
    with begin(reading(service.engine)) as db:
        find = cache(partial(people.find_actor, db))
        refused = [_refused(partial(call.count_unknown, find)) for call, _ in asked]
        texts = [text for (_, text), why in zip(asked, refused, strict=True) if why is None]
        found = iter(stamps.verify_all(db, service.house, texts))
    return [why or answer(answers.Stamp.of(next(found))) for why in refused]


def _refused(admit: Callable[[], None]) -> PosthornError | None:
    try:
        admit()
    except PosthornError as error:
        return error
    return None
