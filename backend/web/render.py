"""From an answer to a page: templates, their words for times and numbers, and the headers of every page."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from backend.domain import codes, ids
from backend.domain.times import TOO_FAR, moment, written
from backend.queries.words import day, when
from backend.usecases.franking import money

HERE = Path(__file__).resolve().parent
STATIC = HERE / "static"
# Nothing from elsewhere, nothing inline. Pages that check against a node may ask any node.
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
ASKS_NODES = {"connect-src": "'self' http: https:"}
SCANS = {"script-src": "'self' 'wasm-unsafe-eval'", "img-src": "'self' blob:"}


def time_element(seconds: int) -> Markup:
    """`3 March 2026, 09:14 UTC` as an element that scripts complete with the reader's own time."""
    return _element(seconds, when(seconds))


def short_time(seconds: int) -> Markup:
    """`2026-03-03 09:14:20`, for tables in UTC."""
    return _element(seconds, written(seconds, "%Y-%m-%d %H:%M:%S"))


def _element(seconds: int, shown: str) -> Markup:
    """The words alone for a time that no calendar has: `datetime` would be none."""
    if moment(seconds) is None:
        return Markup(TOO_FAR)
    exact = written(seconds, "%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}">{}</time>').format(exact, shown)


def span_text(seconds: int) -> str:
    """`2 days 3 h`, `5 h 40 min`, `12 min`."""
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes = rest // 60
    if days:
        return f"{days} day{'s' if days > 1 else ''}" + (f" {hours} h" if hours else "")
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def hexed(value: bytes) -> str:
    return "0x" + value.hex()


def short_hex(value: bytes) -> str:
    """The first eight digits: enough to recognise, too little to mistake for the whole."""
    return value.hex()[:8] + "…"


def grams(weight: int) -> str:
    return f"{weight / 1_000:g} kg" if weight >= 1_000 else f"{weight} g"


@cache
def _fingerprint(name: str) -> str:
    return sha256((STATIC / name).read_bytes()).hexdigest()[:10]


def static_url(name: str) -> str:
    """A static file's address, which changes with its content."""
    return f"/static/{name}?{_fingerprint(name)}"


@cache
def environment() -> Environment:
    """The templates: everything is escaped, what is not defined is an error."""
    found = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "time": time_element,
        "short_time": short_time,
        "day": day,
        "postmark_day": lambda seconds: written(seconds, "%d.%m.%y"),
        "postmark_clock": lambda seconds: written(seconds, "%H-%M"),
        "span": span_text,
        "hex": hexed,
        "short_hex": short_hex,
        "stamp": ids.stamp_text,
        "edition": ids.edition_text,
        "custodian": ids.custodian_text,
        "grams": grams,
    }
    found.globals |= {"money": money, "codes": codes, "static_url": static_url}
    return found


def policy_text(*extra: dict[str, str]) -> str:
    """The Content-Security-Policy of a page. Later rules replace earlier ones of the same name."""
    rules = dict(POLICY)
    for more in extra:
        rules |= more
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def html(
    request: Request, template: str, policy: tuple[dict[str, str], ...], status: int, **context: Any
) -> HTMLResponse:
    """The page, with its policy; the other headers are those of every answer (api/middleware.py)."""
    text = environment().get_template(template).render(request=request, **context)
    headers = {"Content-Security-Policy": policy_text(*policy)}
    return HTMLResponse(text, status, headers)
