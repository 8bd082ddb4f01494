"""What every endpoint gets: the installation it serves, and who calls. One transaction for a request.

A POST goes through `Caller.once`: who asks, the Idempotency-Key, the work and the stored answer share one
transaction, committed before the answer leaves (B3).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import Depends, Request, Response
from pydantic import BaseModel
from sqlalchemy import Connection, Engine

from backend.api import people
from backend.api.limits import Limits, network_of
from backend.api.people import Credentials
from backend.errors import BadRequest, Collided, NotAllowed, RefusedByRule, Unavailable
from backend.failpoints import reach
from backend.ports import Actor, House
from backend.proof.bundle import Opening
from backend.queries import showcase
from backend.queries.refusals import tell_in_names
from backend.store import idempotency
from backend.store.engine import begin, reading
from backend.store.room import Room

T = TypeVar("T")
Work = Callable[[Connection, Actor], T]
LONGEST_KEY = 200
# How often a request is done again whose transaction the database ended for another one.
COLLISIONS = 2
# Collectors have no account: their submissions are kept without a person, their keys under number 0.
NOBODY = Actor(person=None, role="anybody")


class Prove(Protocol):
    """Makes the proof bundle of an item; `names` of custodians go in for those that are in its trail.

    `receptacles` are those that it lay in, as far as they are known. Raises NotFound, Unavailable.
    """

    def __call__(
        self,
        item: bytes,
        opening: Opening | None,
        names: Mapping[int, str],
        receptacles: Sequence[bytes],
    ) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Service:
    """One installation as the edges see it; `request.app.state.service`."""

    engine: Engine
    house: House
    limits: Limits
    ask_node: Callable[..., Any]
    prove: Prove
    contracts: frozenset[bytes]
    room: Room

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction: committed when the block ends. Raises Unavailable.

        A refusal leaves it in the reader's names.
        """
        try:
            with begin(self.engine) as db:
                yield db
        except RefusedByRule as error:
            with suppress(Unavailable), begin(self.engine) as db:
                tell_in_names(db, [error])
            raise

    def write(self, work: Callable[[Connection], T]) -> T:
        """Work that changes something, in a transaction: done again where the database ended that for another.

        Raises Unavailable, and what the work raises.
        """
        for _ in range(COLLISIONS):
            with suppress(Collided):
                return self._write(work)
        return self._write(work)

    def _write(self, work: Callable[[Connection], T]) -> T:
        with self.begin() as db:
            return work(db)


@dataclass(frozen=True, slots=True)
class Caller:
    """One request: what it came with, and how to work for it. `asked` and `content` only where it bears a key."""

    service: Service
    credentials: Credentials
    address: str
    key: str | None
    asked: str
    content: bytes

    @property
    def house(self) -> House:
        return self.service.house

    def read(self, work: Callable[[Connection], T]) -> T:
        """Work that anybody may ask for, and that writes one row at most."""
        with begin(reading(self.service.engine)) as db:
            return work(db)

    def look(self, work: Callable[[Connection], T], rule: str = "verify") -> T:
        """Work that strangers may ask for so often in a minute, people and programs of ours at will. Raises TooMany."""
        self.count_stranger(rule)
        with begin(reading(self.service.engine)) as db:
            self.count_unknown(partial(people.find_actor, db), rule)
            return work(db)

    def count_stranger(self, rule: str = "verify") -> None:
        """One more question of an address that does not say who asks. Raises TooMany."""
        if self._is_stranger:
            self._count(rule)

    def count_unknown(
        self, find: Callable[[Credentials], Actor | None], rule: str = "verify"
    ) -> None:
        """The same for who says it, but is not known. Raises TooMany, and what find_actor raises."""
        if not self._is_stranger and find(self.credentials) is None:
            self._count(rule)

    @property
    def _is_stranger(self) -> bool:
        return not (self.credentials.token or self.credentials.session)

    def _count(self, rule: str) -> None:
        self.service.limits.count(rule, network_of(self.address))

    def signed_in(self, work: Work[T], *roles: str) -> T:
        """Work for people who have signed in (with one of the roles). Raises NotSignedIn, NotAllowed."""
        with self.service.begin() as db:
            return work(db, self._actor(db, roles))

    def is_signed_in(self) -> bool:
        """Whether the caller is a person of ours. Raises BadRequest, NotAllowed for a wrong custodian."""
        if self._is_stranger:
            return False
        return self.read(lambda db: people.find_actor(db, self.credentials)) is not None

    def once(
        self,
        work: Work[BaseModel],
        *roles: str,
        status: int = 202,
        hide: str = "",
        makes_room: bool = False,
    ) -> Response:
        """Work that changes something, done once for each Idempotency-Key; its answer is kept with it.

        Anybody is a role too. `hide` is a secret of the request (a PIN) that must not go into the kept
        hash of it. `makes_room`: it shortens the queue, and is done where nothing more is taken. Raises NotSignedIn,
        NotAllowed, KeyReused, NoRoom, and what the work raises; then nothing is kept.
        """
        if not makes_room:
            self.service.room.check()
        reach("asked, nothing written")
        answered = self.service.write(lambda db: self._once(db, work, roles, status, hide))
        reach("promised, not answered")
        return answered

    def _once(
        self, db: Connection, work: Work[BaseModel], roles: tuple[str, ...], status: int, hide: str
    ) -> Response:
        who = NOBODY if NOBODY.role in roles else self._actor(db, roles)
        if self.key is None:
            return json_answer(work(db, who).model_dump_json(), status)
        earlier = idempotency.remembered(db, who.person or 0, self.key, self._fingerprint(hide))
        if earlier is not None:
            return json_answer(json.dumps(earlier[1]), earlier[0], {"Idempotency-Replayed": "true"})
        kept = work(db, who).model_dump(mode="json")
        idempotency.remember(db, who.person or 0, self.key, status, kept)
        return json_answer(json.dumps(kept), status)

    def _fingerprint(self, hide: str) -> bytes:
        shown = self.content.replace(hide.encode(), b"") if hide else self.content
        at = self.credentials.custodian or ""
        return hashlib.sha256(f"{self.asked}\n{at}\n".encode() + shown).digest()

    def _actor(self, db: Connection, roles: tuple[str, ...]) -> Actor:
        who = people.actor(db, self.credentials)
        if roles and who.role not in roles:
            raise NotAllowed(
                f"Only {' or '.join(roles)} may do this; you are {who.role}.",
                "Ask one of them, or send the token of one.",
            )
        return who


@cache
def is_demonstration(engine: Engine) -> bool:
    """Asked once a process: the first start makes the demonstration, or none. Raises Unavailable."""
    with begin(engine) as db:
        return showcase.item(db) is not None


async def caller(request: Request) -> Caller:
    """Reads what FastAPI has read already; no database here, this runs in the event loop."""
    key = request.headers.get("idempotency-key")
    if key is not None and not (
        0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()
    ):
        raise BadRequest(f"An Idempotency-Key has 1 to {LONGEST_KEY} printable characters.")
    return Caller(
        service=request.app.state.service,
        credentials=people.credentials(request),
        address=request.client.host if request.client else "",
        key=key,
        asked=f"{request.method} {request.url.path}?{request.url.query}" if key else "",
        content=await request.body() if key else b"",
    )


Call = Annotated[Caller, Depends(caller)]


def answer(model: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """The model as JSON, without FastAPI's second look at it."""
    return json_answer(model.model_dump_json(), status, headers)


def json_answer(content: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(content, status, headers, media_type="application/json")


def gives(media_type: str, what: str) -> dict[int | str, dict[str, Any]]:
    """How OpenAPI names an answer that is a file."""
    return {200: {"content": {media_type: {}}, "description": what}}
