"""Around every request, API and pages alike: size, origin, security headers, measures. Plain ASGI."""

from __future__ import annotations

import os
import time
from traceback import format_tb
from urllib.parse import urlsplit

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.problems import Problem, of_bug, problem_response
from backend.domain.texts import is_digits

log = structlog.get_logger()
BODY_BYTES = 2_000_000
# Photographs of codes and sheets of stamps' pictures.
IMAGE_BYTES = 25_000_000
IMAGE_PATHS = ("/v1/verify/image", "/verify/image")
API_PREFIX = "/v1"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
METHODS = (*SAFE_METHODS, "POST", "PUT", "PATCH", "DELETE")
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
# Trail codes stand in addresses: no other site may learn them as a referrer. Ours may: with no-referrer, a form
# comes with `Origin: null`, and over plain http a browser says nothing else from which we could tell whose it is.
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=(), payment=()",
    "Cache-Control": "no-store",
}
# Over plain http browsers do not heed these; of the second they complain on every page.
HTTPS_HEADERS = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def _raw(headers: dict[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.lower().encode(), value.encode()) for name, value in headers.items())


_PLAIN_HTTP = _raw(SECURITY_HEADERS)
_HTTPS = _raw(SECURITY_HEADERS | HTTPS_HEADERS)


class SecurityHeaders:
    """Puts the headers on every answer that does not bear its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        ours = _HTTPS if scope["scheme"] == "https" else _PLAIN_HTTP

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                borne = message["headers"]
                own = {name.lower() for name, _ in borne}
                message["headers"] = [*borne, *(one for one in ours if one[0] not in own)]
            await send(message)

        return await self.app(scope, receive, with_headers)


class SameOrigin:
    """Refuses what a browser sends from another site's page, signing in and out included.

    Sec-Fetch-Site where the browser says it, else Origin; a program sends neither.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS or _is_ours(scope):
            return await self.app(scope, receive, send)
        refusal = Problem(
            type="urn:posthorn:OtherOrigin",
            title="Not allowed",
            status=403,
            detail="This came from another site's page.",
            what_now="Do it on Posthorn's own page.",
            values={},
        )
        return await problem_response(refusal)(scope, receive, send)


def _is_ours(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token.strip():
        return True  # without one the cookie would count
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    return origin is None or _host_of(origin) == headers.get("host")


def _host_of(origin: str) -> str | None:
    """Host and port; None for an origin that has none, which no Host is equal to."""
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None


class BodyLimit:
    """Stops reading a body beyond its limit, declared or not: 413."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        limit = IMAGE_BYTES if scope["path"] in IMAGE_PATHS else BODY_BYTES
        declared = Headers(scope=scope).get("content-length", "")
        expected, read = int(declared) if is_digits(declared, 20) else 0, 0

        async def counted() -> Message:
            nonlocal read
            message = {} if expected > limit else await receive()
            read += len(message.get("body", b""))
            if max(expected, read) > limit:
                raise HTTPException(413, f"A request here has at most {limit:,} bytes")
            return message

        return await self.app(scope, counted, send)


class Bugs:
    """Answers what nobody foresaw with a problem, and writes it down with its trace."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = False

        async def noticed(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self.app(scope, receive, noticed)
        except Exception as error:
            if scope["type"] != "http" or began:
                raise
            log.error("unexpected", route=_route(scope), trace=trace_of(error))
            await of_bug()(scope, receive, send)


def trace_of(error: BaseException) -> str:
    """Where it happened, with what led to it, and of which classes the errors are.

    Neither variables nor messages: they quote names, numbers and secrets.
    """
    before = error.__cause__ or error.__context__
    led_to = trace_of(before) if before is not None else ""
    frames = "".join(format_tb(error.__traceback__))
    return f"{led_to}{frames}{type(error).__module__}.{type(error).__qualname__}\n"


class Measures:
    """Counts and times requests by route and status, for /metrics.

    Each server tells its own, with its process as a label: whoever asks one port of several meets any of them, and
    the counts of one must not look like those of another.
    """

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self.app = app
        labels = ("method", "route", "status", "server")
        self._server = str(os.getpid())
        self.requests = Counter("posthorn_requests", "Requests", labels, registry=registry)
        self.seconds = Histogram(
            "posthorn_request_seconds",
            "Time to answer",
            ("method", "route", "server"),
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began, status = time.perf_counter(), 500

        async def noticed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            return await self.app(scope, receive, noticed)
        finally:
            route, method = _route(scope), _method(scope)
            self.requests.labels(method, route, str(status), self._server).inc()
            self.seconds.labels(method, route, self._server).observe(time.perf_counter() - began)


def _route(scope: Scope) -> str:
    """The route's pattern, never the address itself: trail codes stand in addresses.

    A route does not know what its router was included under.
    """
    if "route" not in scope:
        return "none"
    prefix = API_PREFIX if scope["path"].startswith(f"{API_PREFIX}/") else ""
    return prefix + str(scope["route"].path)


def _method(scope: Scope) -> str:
    """The method, if HTTP has it: a stranger may make up as many as it likes."""
    return scope["method"] if scope["method"] in METHODS else "other"
