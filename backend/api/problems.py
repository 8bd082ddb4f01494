"""Errors as problem+json (RFC 9457): one form for all, with what to do next, never a stack trace."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from backend.api import people
from backend.api.limits import TooMany
from backend.domain import ids
from backend.errors import PosthornError, RefusedByRule
from stamps.errors import SheetDiffers, StampsError

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_SECONDS = 5
MARK_AS_JSON = "Send it with the header Content-Type: application/json."
CHECK_REQUEST = "Compare the request with /v1/openapi.json."
NUMBERS = {
    "custodian": ids.custodian_text,
    "holder": ids.custodian_text,
    "giver": ids.custodian_text,
    "stamp": ids.stamp_text,
    "before": ids.stamp_text,
    "edition": ids.edition_text,
}


class Problem(BaseModel):
    """What went wrong: `type` names it for programs, `what_now` says what to do next."""

    type: str = Field(examples=["urn:posthorn:NotHolder"])
    title: str
    status: int
    detail: str
    what_now: str
    values: dict[str, Any]
    rule: str | None = Field(None, description="the rule of docs/custody.md that forbids it")


def add_handlers(app: FastAPI) -> None:
    """One handler for each kind of error that can leave an endpoint."""
    app.add_exception_handler(PosthornError, _of_posthorn)
    app.add_exception_handler(StampsError, _of_stamps)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)


def problem_of(error: PosthornError) -> Problem:
    """An error in its public form."""
    return Problem(
        type=f"urn:posthorn:{error.name}",
        title=error.title,
        status=error.status,
        detail=error.detail,
        what_now=error.what_now,
        values={name: _shown(name, value) for name, value in error.facts.items()},
        rule=error.rule or None if isinstance(error, RefusedByRule) else None,
    )


def told(error: PosthornError) -> dict[str, Any]:
    """The problem with one of several, within an answer."""
    return problem_of(error).model_dump(exclude_none=True)


def _shown(name: str, value: Any) -> Any:
    """Values in the form of the API: numbers of custodians and stamps as text, bytes as 0x-hex."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if name in NUMBERS and isinstance(value, int) and value:
        return NUMBERS[name](value)
    return value


def problem_response(problem: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    """The problem as an answer, with its status."""
    content = problem.model_dump(mode="json", exclude_none=True)
    return JSONResponse(content, problem.status, headers, media_type=PROBLEM_JSON)


def _of_posthorn(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PosthornError)
    return refusal(error)


def refusal(error: PosthornError) -> JSONResponse:
    """An error of ours as an answer, with the headers that go with it."""
    headers = {}
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return problem_response(problem_of(error), headers)


def _of_stamps(_: Request, error: Exception) -> JSONResponse:
    """What cannot be read or printed: the asker's to put right, but for a sheet that reads back wrong."""
    status = HTTPStatus.INTERNAL_SERVER_ERROR if isinstance(error, SheetDiffers) else 422
    text = str(error)
    return _plain(int(status), type(error).__name__, text[:1].upper() + text[1:], "")


def _of_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    if _has_wrong_token(request):
        return refusal(people.not_signed_in())
    if _is_unmarked(request, error):
        return _plain(400, "BadRequest", "The body is not marked as JSON.", MARK_AS_JSON)
    faults = [_fault(found) for found in error.errors()]
    unreadable = any(found["type"] == "json_invalid" for found in error.errors())
    name, status = ("BadRequest", 400) if unreadable else ("Unprocessable", 422)
    detail = " ".join(f"{fault['where']}: {fault['what']}." for fault in faults[:5])
    return _plain(status, name, detail, CHECK_REQUEST, {"faults": faults})


def _has_wrong_token(request: Request) -> bool:
    """Who brings one learns of that first, not of the body."""
    given = people.credentials(request)
    if not given.token:
        return False
    with request.app.state.service.begin() as db:
        return people.find_actor(db, replace(given, custodian=None)) is None


def _is_unmarked(request: Request, error: RequestValidationError) -> bool:
    """Without Content-Type a body is read as text, which no body here is."""
    is_whole = any(found["loc"] == ("body",) for found in error.errors())
    return is_whole and "json" not in request.headers.get("content-type", "")


def _fault(found: dict[str, Any]) -> dict[str, str]:
    """Where and what; never the value itself, which may be a secret."""
    where = ".".join(str(part) for part in found["loc"] if part != "body") or "body"
    return {"where": where, "what": str(found["msg"]).removeprefix("Value error, ").rstrip(".")}


def _of_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    name = NAMES.get(error.status_code, "BadRequest")
    what_now = "The API is described in /v1/openapi.json." if error.status_code == 404 else ""
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        what_now = f"Here one may: {(error.headers or {}).get('Allow', 'GET')}. {CHECK_REQUEST}"
    answer = _plain(error.status_code, name, f"{error.detail.rstrip('.')}.", what_now)
    answer.headers.update(error.headers or {})
    return answer


def of_bug() -> JSONResponse:
    """What nobody foresaw: the reader learns nothing of how it is built here."""
    what_now = "Try again; if it stays so, tell the operator the time and what you did."
    return _plain(500, "Unexpected", "Something went wrong here; it was written down.", what_now)


def _plain(
    status: int, name: str, detail: str, what_now: str, values: dict[str, Any] | None = None
) -> JSONResponse:
    return problem_response(
        Problem(
            type=f"urn:posthorn:{name}",
            title=TITLES.get(status, HTTPStatus(status).phrase),
            status=status,
            detail=detail,
            what_now=what_now,
            values=values or {},
        )
    )


NAMES = {401: "NotSignedIn", 404: "NotFound", 405: "MethodNotAllowed", 413: "TooLarge"}
TITLES = {
    400: "This request cannot be read",
    404: "Not found",
    405: "Not possible here",
    413: "Too large",
    422: "A value is wrong",
    500: "Something went wrong",
}
