"""The verdict on a stamp: four axes and evidence (design.md §4), the same words in API, page and CLI.

A signature shows who issued a code, never that the paper is the only one that bears it: so the words are
about the code, the use, the twin and notices, and none of them accuses a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from backend.domain import codes

STOLEN = codes.VOID_REASONS.number("stolen")


class CodeAxis(StrEnum):
    """What the signature on the public code shows."""

    ISSUED_BY = "issued_by"
    MISMATCH = "signature_does_not_match"
    UNKNOWN_SIGNER = "unknown_signer"
    SIGNER_REVOKED = "signer_revoked"
    UNREADABLE = "unreadable"
    NOT_SHOWN = "not_shown"


class UseAxis(StrEnum):
    """Where the stamp stands as postage."""

    NOT_SOLD = "not_sold"
    BEING_RECORDED = "being_recorded"
    NOT_YET_VALID = "not_yet_valid"
    VALID = "valid"
    USED = "used"
    VOID = "void"
    WITHDRAWN = "withdrawn_from_postage"
    UNKNOWN = "unknown"


class TwinAxis(StrEnum):
    """The token: sealed is owned by the contract (S3)."""

    NONE = "none"
    SEALED = "sealed"
    CLAIMED = "claimed"


class Notice(StrEnum):
    """Something a person should look at; never a verdict."""

    NONE = "none"
    SEEN_ELSEWHERE = "seen_in_places_that_one_stamp_cannot_be_in"
    ORIGINAL_SHOWN = "original_shown"


@dataclass(frozen=True, slots=True)
class Use:
    """The one use of a stamp: `kind` is a cancel kind, 0 for a franking within an acceptance."""

    custodian: int
    time: int
    kind: int
    item: bytes
    block: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """A stamp presented at a custodian, after its use (a cancellation that was refused)."""

    custodian: int
    time: int


@dataclass(frozen=True, slots=True)
class StampFacts:
    """What the read model knows of one stamp. Times in seconds, None where it did not happen.

    `claims_closed_at` is None again once new claim keys count (S10).
    """

    issued_at: int | None
    issued_block: int | None
    being_recorded: bool
    first_day: int
    withdrawn_from: int | None
    use: Use | None
    void_reason: int | None
    twin_claimed: bool
    claims_closed_at: int | None = None
    sightings: tuple[Sighting, ...] = ()
    original_shown: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SignerFacts:
    """A stamp signer of the operator that the code names: its address and the block that revoked it."""

    address: bytes
    revoked_block: int | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Four axes; `facts` is the evidence behind them (None for a stamp that nobody knows)."""

    code: CodeAxis
    use: UseAxis
    twin: TwinAxis
    notice: Notice
    facts: StampFacts | None

    @property
    def good_postage(self) -> bool:
        """Whether a counter may take the stamp as payment now."""
        return self.use is UseAxis.VALID and self.code in (CodeAxis.ISSUED_BY, CodeAxis.NOT_SHOWN)


def judge_code(
    recovered: bytes | None,
    hint: bytes,
    signers: tuple[SignerFacts, ...],
    issued_block: int | None,
) -> CodeAxis:
    """The code axis from the address that the signature gives (None: no address at all).

    A hint that fits a known signer over another signature is a changed code; a hint that fits none is a
    signer that we do not know. S8: a revoked signer's code is good when its serial was issued before.
    """
    signer = next((s for s in signers if s.address == recovered), None)
    if signer is None:
        hinted = any(s.address.startswith(hint) for s in signers)
        return CodeAxis.MISMATCH if hinted else CodeAxis.UNKNOWN_SIGNER
    if signer.revoked_block is None:
        return CodeAxis.ISSUED_BY
    older = issued_block is not None and issued_block < signer.revoked_block
    return CodeAxis.ISSUED_BY if older else CodeAxis.SIGNER_REVOKED


def judge_use(facts: StampFacts | None, now: int) -> UseAxis:
    """The use axis at a time (seconds)."""
    if facts is None:
        return UseAxis.UNKNOWN
    if facts.void_reason is not None:
        return UseAxis.NOT_SOLD if _was_stolen_unsold(facts) else UseAxis.VOID
    if facts.use is not None:
        return UseAxis.USED
    if facts.issued_at is None:
        return UseAxis.BEING_RECORDED if facts.being_recorded else UseAxis.NOT_SOLD
    if facts.withdrawn_from is not None and now >= facts.withdrawn_from:
        return UseAxis.WITHDRAWN
    return UseAxis.VALID if now >= facts.first_day else UseAxis.NOT_YET_VALID


def _was_stolen_unsold(facts: StampFacts) -> bool:
    """J19: who is offered such a stamp has to hear that the post never sold it."""
    return facts.issued_at is None and facts.void_reason == STOLEN


def judge_stamp(code: CodeAxis, facts: StampFacts | None, now: int) -> Verdict:
    """The whole verdict. A code that nobody signed for us says nothing about use or twin (fail closed)."""
    if facts is None or code not in (CodeAxis.ISSUED_BY, CodeAxis.NOT_SHOWN):
        return Verdict(code, UseAxis.UNKNOWN, TwinAxis.NONE, Notice.NONE, None)
    if facts.issued_at is None:
        twin = TwinAxis.NONE
    else:
        twin = TwinAxis.CLAIMED if facts.twin_claimed else TwinAxis.SEALED
    return Verdict(code, judge_use(facts, now), twin, _notice(facts), facts)


def _notice(facts: StampFacts) -> Notice:
    if facts.original_shown:
        return Notice.ORIGINAL_SHOWN
    return Notice.SEEN_ELSEWHERE if facts.sightings else Notice.NONE
