"""Editions, print jobs and verdicts as answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from sqlalchemy import Connection

from backend.api.answers.network import Custodian
from backend.api.answers.promises import Answer
from backend.api.fields import CustodianOut, EditionOut, HexOut, StampOut, VoidReasonOut
from backend.domain import codes
from backend.queries.editions import EditionAnswer
from backend.queries.stamps import StampAnswer
from backend.queries.status import as_of
from backend.queries.work import PrintJobAnswer


class Counts(Answer):
    """Stamps on chain."""

    issued: int
    used: int
    void: int
    claimed: int


class Edition(Answer):
    """One edition; amounts in the currency's minor unit."""

    edition: EditionOut
    operator: int
    operator_name: str
    title: str
    metadata: dict[str, Any]
    quantity: int
    face_value: int
    currency: str
    service: int
    first_day: int
    withdrawn_from: int | None
    stock: int
    created_block: int
    counts: Counts | None


class Editions(Answer):
    """All editions, or those of one operator."""

    rows: tuple[Edition, ...]
    as_of_block: int | None

    @classmethod
    def of(cls, db: Connection, found: Iterable[EditionAnswer]) -> Self:
        rows = tuple(Edition.model_validate(one) for one in found)
        return cls(rows=rows, as_of_block=as_of(db).block)


class Reserved(Answer):
    """Serials taken from stock for a print job; `total` is what the customer is asked for."""

    job: int
    first: StampOut
    last: StampOut
    total: int
    currency: str


class PrintJob(Answer):
    """A print job: reserved, printed, confirmed."""

    job: int
    edition: EditionOut
    title: str
    first: int
    last: int
    state: str
    spoilt: tuple[int, ...]
    layout: str
    start_label: int
    total: int
    currency: str
    custodian: CustodianOut
    person: str | None
    created_at: int
    confirmed_at: int | None


class PrintJobs(Answer):
    """Those that nobody has finished."""

    rows: tuple[PrintJob, ...]

    @classmethod
    def of(cls, found: Iterable[PrintJobAnswer]) -> Self:
        return cls(rows=tuple(PrintJob.model_validate(one) for one in found))


class Use(Answer):
    """The one use of a stamp. `kind` is `franking` within an acceptance, else a kind of cancellation."""

    kind: str
    time: int
    block: int
    item: HexOut | None
    at: Custodian


class Sighting(Answer):
    """A used stamp was presented again."""

    at: Custodian
    time: int


class Stamp(Answer):
    """The verdict: four axes, in programs' words and in people's, and the evidence behind them."""

    stamp: StampOut | None
    code: str
    use: str
    twin: str
    notice: str
    good_postage: bool
    use_under_way: bool
    tone: str
    headline: str
    evidence: tuple[str, ...]
    what_now: str
    appeal: str
    notes: tuple[str, ...]
    issuer: str
    edition: Edition | None
    sold_at: int | None
    sold_block: int | None
    used: Use | None
    void_reason: VoidReasonOut | None
    void_at: int | None
    claims_closed_at: int | None
    sightings: tuple[Sighting, ...]
    originals_shown: tuple[int, ...]
    twin_owner: HexOut | None
    twin_claimed_at: int | None
    scans: int
    as_of_block: int | None
    as_of_time: int | None

    @classmethod
    def of(cls, found: StampAnswer) -> Self:
        verdict, words, facts = found.verdict, found.words, found.verdict.facts
        return cls(
            stamp=found.stamp,
            code=verdict.code.value,
            use=verdict.use.value,
            twin=verdict.twin.value,
            notice=verdict.notice.value,
            good_postage=found.good_postage,
            use_under_way=found.use_under_way,
            tone=words.tone,
            headline=words.headline,
            evidence=words.evidence,
            what_now=words.what_now,
            appeal=words.appeal,
            notes=found.notes,
            issuer=found.issuer,
            edition=Edition.model_validate(found.edition) if found.edition else None,
            sold_at=facts.issued_at if facts else None,
            sold_block=facts.issued_block if facts else None,
            used=_use(found),
            void_reason=facts.void_reason if facts else None,
            void_at=found.void_at,
            claims_closed_at=facts.claims_closed_at if facts else None,
            sightings=tuple(
                Sighting(at=Custodian.model_validate(s.custodian), time=s.time)
                for s in found.sightings
            ),
            originals_shown=facts.original_shown if facts else (),
            twin_owner=found.owner,
            twin_claimed_at=found.claimed_at,
            scans=found.scans,
            as_of_block=found.as_of.block,
            as_of_time=found.as_of.time,
        )


def _use(found: StampAnswer) -> Use | None:
    use = found.verdict.facts.use if found.verdict.facts else None
    if use is None or found.use_at is None:
        return None
    return Use(
        kind=codes.CANCEL_KINDS.name(use.kind) if use.kind else "franking",
        time=use.time,
        block=use.block,
        item=found.trail_item,
        at=Custodian.model_validate(found.use_at),
    )


class ClaimProof(Answer):
    """The claim key's address and its Merkle proof, leaf to root. Neither is a secret."""

    stamp: StampOut
    claim_key: HexOut
    proof: tuple[HexOut, ...]
