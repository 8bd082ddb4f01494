"""Errors as people and programs meet them: one tree, the HTTP status on the class (RFC 9457).

PosthornError
├── BadRequest 400          what was sent cannot be read
│   └── BadSettings         the environment names something unknown or impossible
├── NotSignedIn 401
├── NotAllowed 403
│   └── SignatureWanted     the key is on a device; the facts say what it has to sign
├── NotFound 404
├── Conflict 409            well formed, but the state of things forbids it
│   ├── RefusedByRule       a rule of the contracts (design.md §3) forbids it
│   └── KeyReused           the idempotency key came with another body
├── Unprocessable 422       a value in it is wrong
└── Unavailable 503         the node or the database is away; nothing is lost
    ├── Collided            the database ended one of two transactions that waited for each other
    └── ChainReplaced       the node's chain is not the one that was indexed
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from backend.domain.refusals import Names, Refusal, told_lines, told_list, what_now_of_list


class PosthornError(Exception):
    """What happened (`title`), the values (`facts`), and what to do next (`what_now`)."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"
    # What must be kept although the transaction is rolled back: called with a new one.
    keep: Callable[[Any], None] | None = None

    def __init__(self, detail: str, what_now: str = "", **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.what_now = what_now
        self.facts = facts

    @property
    def name(self) -> str:
        """The error's name in the API (`type` of the problem)."""
        return type(self).__name__

    def __str__(self) -> str:
        return f"{self.detail} {self.what_now}".strip()


class BadRequest(PosthornError):
    status = 400
    title = "This request cannot be read"


class BadSettings(BadRequest):
    title = "A setting is wrong"


class NotSignedIn(PosthornError):
    status = 401
    title = "Please sign in"


class NotAllowed(PosthornError):
    status = 403
    title = "Not allowed"


class SignatureWanted(NotAllowed):
    """Send the same again with the signature over `digest` and the `time` that was signed.

    `fields` go with it: what was drawn by lot for the record, and has to be the same again.
    """

    title = "A device has to sign"

    def __init__(self, detail: str, what_now: str = "", **facts: Any) -> None:
        super().__init__(detail, what_now, **facts)
        self.fields: dict[str, str] = {}


class NotFound(PosthornError):
    status = 404
    title = "Not found"


class Conflict(PosthornError):
    status = 409
    title = "Not possible now"


class RefusedByRule(Conflict):
    """A rule of the contracts forbids it; `rule` cites design.md §3, `refusal` names the contract's error.

    `refused` is what it tells: a refusal, or those of a list's lines by their index.
    """

    title = "Refused"

    def __init__(
        self, refusal: str, detail: str, what_now: str = "", rule: str = "", **facts: Any
    ) -> None:
        super().__init__(detail, what_now, **facts)
        self.refusal = refusal
        self.rule = rule
        self.refused: Mapping[int, Refusal] = {}

    @classmethod
    def of(cls, found: Refusal) -> RefusedByRule:
        """With the refusal's own words."""
        error = cls(found.name, found.detail, found.what_now, found.rule, **found.values)
        error.refused = {0: found}
        return error

    @classmethod
    def of_lines(cls, refused: Mapping[int, Refusal]) -> RefusedByRule:
        """A list that is refused whole for these lines; `lines` of the facts tells each."""
        first, lines = next(iter(refused.values())), told_lines(refused)
        what_now = what_now_of_list(lines)
        error = cls(first.name, told_list(lines), what_now, first.rule, lines=lines)
        error.refused = refused
        return error

    def tell(self, names: Names) -> None:
        """Says the same in the reader's names; what was not said of a Refusal stays as it is."""
        if not self.refused:
            return
        if isinstance(self.facts.get("lines"), list):
            self.facts["lines"] = told_lines(self.refused, names)
            self.detail = told_list(self.facts["lines"])
        else:
            self.detail = self.refused[0].told(names)

    @property
    def name(self) -> str:
        return self.refusal


class KeyReused(Conflict):
    title = "This Idempotency-Key was used for another request"


class Unprocessable(PosthornError):
    status = 422
    title = "A value is wrong"


class Unavailable(PosthornError):
    status = 503
    title = "Not available for a moment"


class Collided(Unavailable):
    """Two transactions waited for each other's rows, and the database ended this one: done again, it may pass."""


class ChainReplaced(Unavailable):
    """The node serves another chain, or a fork below what was final. Nothing was written."""

    title = "The node's chain is not the one that was indexed"
