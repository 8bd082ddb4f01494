"""Web hooks: the administrator's page."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Form, Response

from backend.errors import PosthornError
from backend.queries import hooks as answers
from backend.queries import network
from backend.usecases import hooks
from backend.web.visit import PageRoute, Visit, Visiting, see

NOTHING = {"url": "", "operator": 0, "number": 0, "secret": "", "outcome": None}

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/hooks")
def hooks_page(visit: Visiting) -> Response:
    """All of them, and a form for one more."""
    visit.person("admin")
    return _page(visit)


def _page(visit: Visit, error: PosthornError | None = None, **said: Any) -> Response:
    """`said`: what was typed, or the number of a hook and its new secret, or what came of a test."""
    with visit.begin() as db:
        known = answers.hooks(db)
        operators = network.operators(db)
    status = error.status if error else 200
    shown = {"hooks": known, "operators": operators, "error": error}
    context = NOTHING | shown | {"once": secrets.token_hex(hooks.SALT_BYTES)} | said
    return visit.page("hooks.html", status=status, **context)


@router.post("/hooks")
def add(
    visit: Visiting,
    url: Annotated[str, Form(max_length=2_000)] = "",
    operator: Annotated[int, Form(ge=0, lt=2**16)] = 0,
    once: Annotated[str, Form(pattern="^[0-9a-f]{32}$")] = "",
) -> Response:
    """Adds one; its secret is shown once, here. The page loaded again shows it again, and adds no other."""
    visit.person("admin")
    try:
        with visit.begin() as db:
            network.operator(db, operator)
            number, secret = hooks.add_hook(
                db, visit.house, operator, url.strip(), bytes.fromhex(once)
            )
    except PosthornError as error:
        return _page(visit, error, url=url, operator=operator)
    return _page(visit, number=number, secret=secret)


@router.post("/hooks/{number}/test")
def try_hook(visit: Visiting, number: int) -> Response:
    """Sends it a message about nothing, and says what came of it."""
    visit.person("admin")
    with visit.begin() as db:
        row = hooks.known(db, number)
    return _page(visit, number=number, outcome=hooks.try_hook(visit.house, row))


@router.post("/hooks/{number}/on")
def on(visit: Visiting, number: int) -> Response:
    """Goes on telling."""
    return _switch(visit, number, True)


@router.post("/hooks/{number}/off")
def off(visit: Visiting, number: int) -> Response:
    """Tells nothing for a while."""
    return _switch(visit, number, False)


def _switch(visit: Visit, number: int, on: bool) -> Response:
    visit.person("admin")
    with visit.begin() as db:
        hooks.switch_hook(db, number, on)
    return see("/hooks")


@router.post("/hooks/{number}/remove")
def remove(visit: Visiting, number: int) -> Response:
    """Removes it, with what it was still to be told."""
    visit.person("admin")
    with visit.begin() as db:
        hooks.remove_hook(db, number)
    return see("/hooks")
