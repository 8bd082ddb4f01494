"""A visit: one request of a person to a page. Who it is, and how a page for it is made."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from backend import passkeys
from backend.api import people
from backend.api.limits import network_of
from backend.api.service import Service, is_demonstration
from backend.errors import (
    BadRequest,
    NotAllowed,
    NotSignedIn,
    PosthornError,
    SignatureWanted,
    Unavailable,
)
from backend.ports import Actor, House
from backend.queries import devices, network
from backend.queries.asked import what_is_signed
from backend.queries.network import CustodianAnswer
from backend.web.render import html

T = TypeVar("T")
# A list of 500 lines has two for each, and some of its own.
MOST_FIELDS = 1_100


@dataclass(frozen=True, slots=True)
class Visit:
    """`who` is None for somebody who has not signed in; `custodian` is where they work now."""

    request: Request
    service: Service
    who: Actor | None
    name: str
    custodian: CustodianAnswer | None
    is_demonstration: bool

    @property
    def house(self) -> House:
        return self.service.house

    @property
    def address(self) -> str:
        """What limits count by."""
        return network_of(self.request.client.host if self.request.client else "")

    def look(self, rule: str = "verify") -> None:
        """Anybody may verify, only people of the posts may go through the numbers. Raises TooMany."""
        if self.who is None:
            self.service.limits.count(rule, self.address)

    def begin(self) -> AbstractContextManager[Connection]:
        """A transaction: committed when the block ends, before the answer is sent."""
        return self.service.begin()

    def write(self, work: Callable[[Connection], T]) -> T:
        """What a form asks to be changed, in a transaction; done again where the database ended that for another."""
        return self.service.write(work)

    def person(self, *roles: str) -> Actor:
        """Who asks, with one of the roles if any are named. Raises NotSignedIn, NotAllowed."""
        if self.who is None:
            raise NotSignedIn(
                "This page is for people who have signed in.",
                "Open the sign-in link that your administrator gave you; each works once. Whoever runs this "
                "installation makes one in a terminal: posthorn user add NAME.",
            )
        if roles and self.who.role not in roles:
            raise NotAllowed(
                f"This page is for {' and '.join(f'{role}s' for role in roles)}; "
                f"you are signed in as {self.who.role}.",
                "Ask your administrator, or sign in as somebody else.",
            )
        return self.who

    def at_desk(self, *, makes_room: bool = False) -> tuple[Actor, int]:
        """Who works, and the custodian in whose name.

        Raises NotSignedIn, NotAllowed; NoRoom for an act, unless it makes room.
        """
        who = self.person()
        if self.request.method == "POST" and not makes_room:
            self.service.room.check()
        if not who.custodians:
            raise _works_nowhere(who)
        if who.custodian is None:
            raise NotAllowed(
                "You have not chosen where you work now.", "Choose it on the work page."
            )
        return who, who.custodian

    def page(
        self,
        template: str,
        *policy: dict[str, str],
        status: int = 200,
        **context: Any,
    ) -> HTMLResponse:
        """A page for this visit."""
        host = urlsplit(self.house.origin).netloc
        return html(self.request, template, policy, status, visit=self, host=host, **context)


def _works_nowhere(who: Actor) -> NotAllowed:
    """The work page has nothing to choose for these, so it does not send them there."""
    detail = "You work at no counter, and this is done at one."
    if who.role == "admin":
        advice = "Sign in as somebody who works there: People, New link beside the name."
        return NotAllowed(detail, advice, pages=[("/people", "People")])
    if who.role == "auditor":
        return NotAllowed(
            "Auditors look at everything and record nothing.", pages=[("/audit", "Audit")]
        )
    return NotAllowed(detail, "Ask your administrator to name a place of work.", pages=[])


def visit(request: Request) -> Visit:
    """The visit; reads the database only where a session's cookie came along."""
    service: Service = request.app.state.service
    given = people.credentials(request)
    shows = _shows_demonstration(service)
    if given.session is None:
        return Visit(request, service, None, "", None, shows)
    with service.begin() as db:
        who = people.find_actor(db, given)
        if who is None:
            return Visit(request, service, None, "", None, shows)
        here = network.named(db, [who.custodian or 0]).get(who.custodian or 0)
        return Visit(request, service, who, people.name_of(db, who), here, shows)


def _shows_demonstration(service: Service) -> bool:
    try:
        return is_demonstration(service.engine)
    except Unavailable:
        return False


Visiting = Annotated[Visit, Depends(visit)]


class PageRoute(APIRoute):
    """A route whose errors are pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with errors turned into pages."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                await check_texts(request)
                return await handle(request)
            except SignatureWanted as wanted:
                return await run_in_threadpool(sign_page, request, await request.form(), wanted)
            except PosthornError as error:
                return error_page(request, error)
            except RequestValidationError as error:
                return error_page(request, bad_form(error))
            except HTTPException as error:
                if error.status_code == HTTPStatus.NOT_FOUND:
                    raise  # of the API, which has no pages
                return error_page(request, bad_request(error))

        return answer


async def check_texts(request: Request) -> None:
    """No address and no form holds a NUL, which PostgreSQL cannot keep. Raises BadRequest, HTTPException.

    A form that is read once is kept with the request: so this limit of its fields is the one that counts.
    """
    form = await request.form(max_fields=MOST_FIELDS)
    address = (*request.path_params.items(), *request.query_params.multi_items())
    for name, text in (*address, *form.multi_items()):
        if isinstance(text, str) and "\0" in text:
            raise BadRequest(
                f"{name} holds a character that cannot be kept (NUL).", "Type it anew."
            )


class TooLarge(BadRequest):
    status = 413
    title = "This is too large"


def bad_request(error: HTTPException) -> BadRequest:
    """What could not even be read: too many fields, or bytes."""
    kind = TooLarge if error.status_code == TooLarge.status else BadRequest
    what_now = "Send less at a time." if kind is TooLarge else "Send it anew."
    return kind(f"{error.detail.rstrip('.')}.", what_now)


def bad_form(error: RequestValidationError) -> BadRequest:
    """What is wrong with a form or an address, by field."""
    faults = (f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors())
    return BadRequest(f"This cannot be read: {'; '.join(faults)}.", "Go back and put it right.")


def sign_page(request: Request, form: FormData, wanted: SignatureWanted) -> Response:
    """Asks for the fingerprint; without a passkey of this custodian it says what to do instead.

    Nobody signs for another by PIN where the key is on the other's device (B9).
    """
    if "pin" in form:
        return error_page(
            request, NotAllowed(wanted.detail, "Whoever has the device takes over there.")
        )
    visiting = visit(request)
    facts = wanted.facts
    with visiting.begin() as db:
        passkey = devices.by_key(db, bytes.fromhex(facts["key"][2:]))
        words = what_is_signed(db, facts["type"], facts["record"], visiting.house.now())
    sent = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    return visiting.page(
        "work/sign.html",
        fields=[*(one for one in sent if one[0] not in wanted.fields), *wanted.fields.items()],
        words=words,
        path=request.url.path,
        time=facts["time"],
        challenge=_base64url(bytes.fromhex(facts["digest"][2:])),
        passkey=passkey,
        credential=_base64url(passkey.credential) if passkey else "",
        home=passkeys.home(visiting.house.origin),
    )


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def error_page(request: Request, error: PosthornError) -> Response:
    """An error as a page: what happened, and what now. A page of its own needs no database."""
    service: Service = request.app.state.service
    nobody = Visit(request, service, None, "", None, _shows_demonstration(service))
    return nobody.page("error.html", status=error.status, error=error)


def see(path: str) -> RedirectResponse:
    """After a form: look at this page."""
    return RedirectResponse(path, 303)
