"""docs/api.md lists every operation that there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi import FastAPI

from backend.api.limits import RULES
from backend.api.v1 import add_routers

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "api.md").read_text()


def test_page_lists_every_operation() -> None:
    app = FastAPI()
    add_routers(app)
    described = {
        f"{method.upper()} {path}"
        for path, methods in app.openapi()["paths"].items()
        for method in methods
    }
    listed = re.findall(r"^\| `((?:GET|POST) /[^`]*)` \|", PAGE, re.MULTILINE)
    assert sorted(listed) == sorted(described)


def test_page_names_the_limits_that_hold() -> None:
    limits = PAGE.partition("## Limits")[2]
    for rule, words in {
        "verify": "verify 240",
        "claim": "claim 20",
        "sign_in": "sign in 20",
    }.items():
        assert words in limits
        assert RULES[rule].amount == int(words.split()[-1])
