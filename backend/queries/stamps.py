"""What a scanned or typed stamp is told: the verdict, its evidence, its edition, and what to do now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, select

from backend.domain import ids
from backend.domain.item_numbers import BadItemNumber, parse_s10, parse_sscc
from backend.domain.verdict import (
    CodeAxis,
    SignerFacts,
    StampFacts,
    Verdict,
    judge_code,
    judge_stamp,
)
from backend.errors import Unprocessable
from backend.ports import House
from backend.queries import editions
from backend.queries.editions import EditionAnswer
from backend.queries.network import CustodianAnswer, named
from backend.queries.status import AsOf, as_of
from backend.queries.words import (
    CODE_WORDS,
    ITEM_NUMBER_WORDS,
    VerdictWords,
    use_being_recorded,
    verdict_words,
)
from backend.store import stamps as stamp_rows
from backend.store import tables
from backend.store.engine import straight
from backend.store.tables import in_eight_bytes, twin
from stamps.errors import BadCode
from stamps.number import WRITTEN, parse_number
from stamps.payload import Network, PublicCode, digest, encode, parse


@dataclass(frozen=True, slots=True)
class SightingAnswer:
    """Where and when a stamp was presented again after its use."""

    custodian: CustodianAnswer
    time: int


@dataclass(frozen=True, slots=True)
class StampAnswer:
    """`stamp` is None where the code cannot be read; `edition` None where nobody issued such a stamp.

    `payload` is the public code that was shown, None where a number was typed. `trail_item` is the item
    that the stamp paid for. `owner` and `claimed_at` are of a claimed twin. `use_under_way`: a record
    that uses the stamp is on its way. `scans` counts pages opened.
    """

    verdict: Verdict
    words: VerdictWords
    stamp: int | None
    payload: str | None
    edition: EditionAnswer | None
    issuer: str
    use_at: CustodianAnswer | None
    sightings: tuple[SightingAnswer, ...]
    void_at: int | None
    void_block: int | None
    owner: bytes | None
    claimed_at: int | None
    trail_item: bytes | None
    use_under_way: bool
    scans: int
    as_of: AsOf
    notes: tuple[str, ...]

    @property
    def good_postage(self) -> bool:
        """Whether a counter may take the stamp as payment now: not while a use is being recorded (B2)."""
        return self.verdict.good_postage and not self.use_under_way


def verify(db: Connection, house: House, text: str, count: bool = False) -> StampAnswer:
    """The answer to a public code (payload, path or URL) or a typed number.

    `count` adds one to the coarse count of scans of that day. Never raises for a bad code: the verdict
    says so.
    """
    try:
        stamp, code = _parsed(text)
    except BadCode as error:
        return _unreadable(db, text, str(error))
    if count:
        stamp_rows.count_scan(db, stamp, house.now())
    return _answer(db, house, stamp, code)


def one(db: Connection, house: House, stamp: int) -> StampAnswer:
    """The answer for a number: the code axis is `not_shown`."""
    return _answer(db, house, stamp, None)


def number_of(db: Connection, house: House, text: str) -> int:
    """The stamp that a scanned code or a typed number names, for franking and cancelling.

    Raises Unprocessable where the code cannot be read or was not issued by its post.
    """
    try:
        stamp, code = _parsed(text)
    except BadCode as error:
        if _is_item_number(text):
            raise Unprocessable(ITEM_NUMBER_WORDS[0], "Scan the stamp’s own code.") from None
        what_now = CODE_WORDS[CodeAxis.UNREADABLE][2]
        raise Unprocessable(_sentence(str(error)), what_now, code=CodeAxis.UNREADABLE) from None
    if code is None:
        return stamp
    axis = _code_axis(db, house, code)
    if axis is not CodeAxis.ISSUED_BY:
        _, headline, what_now = CODE_WORDS[axis]
        raise Unprocessable(headline, what_now, code=axis, stamp=stamp)
    return stamp


def _parsed(text: str) -> tuple[int, PublicCode | None]:
    """Stamp and code; no code where a number was typed. Raises BadCode."""
    if WRITTEN.fullmatch(text.strip()):
        return parse_number(text), None
    code = parse(text)
    return code.stamp, code


def _unreadable(db: Connection, text: str, why: str) -> StampAnswer:
    verdict = judge_stamp(CodeAxis.UNREADABLE, None, 0)
    words = verdict_words(verdict, "", None, {}, None)
    if _is_item_number(text):
        headline, what_now = ITEM_NUMBER_WORDS
        words = replace(words, headline=headline, what_now=what_now)
        return _bare(db, verdict, words, None, text, "", ())
    return _bare(db, verdict, words, None, text, "", (_sentence(why),))


def _is_item_number(text: str) -> bool:
    for parse_it in (parse_s10, parse_sscc):
        try:
            parse_it(text)
        except BadItemNumber:
            continue
        return True
    return False


def _bare(
    db: Connection,
    verdict: Verdict,
    words: VerdictWords,
    stamp: int | None,
    payload: str | None,
    issuer: str,
    notes: tuple[str, ...],
) -> StampAnswer:
    """An answer that says nothing about use or twin."""
    return StampAnswer(
        verdict=verdict,
        words=words,
        stamp=stamp,
        payload=payload,
        edition=None,
        issuer=issuer,
        use_at=None,
        sightings=(),
        void_at=None,
        void_block=None,
        owner=None,
        claimed_at=None,
        trail_item=None,
        use_under_way=False,
        scans=0,
        as_of=as_of(db),
        notes=notes,
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _answer(db: Connection, house: House, stamp: int, code: PublicCode | None) -> StampAnswer:
    payload = encode(code) if code else None
    axis = _code_axis(db, house, code) if code else CodeAxis.NOT_SHOWN
    verdict = judge_stamp(axis, stamp_rows.stamp_facts(db, stamp), house.now())
    around = _around(db, stamp)
    name = around.name or ""
    if verdict.facts is None:
        words = verdict_words(verdict, name, stamp, {}, None)
        return _bare(db, verdict, words, stamp, payload, name, _network_note(house, code))
    return _known(db, verdict, verdict.facts, stamp, payload, around)


def _known(
    db: Connection,
    verdict: Verdict,
    facts: StampFacts,
    stamp: int,
    payload: str | None,
    around: _Around,
) -> StampAnswer:
    places = [seen.custodian for seen in facts.sightings]
    names = named(db, [*places, facts.use.custodian] if facts.use else places)
    claimed = _twin(db, stamp) if facts.twin_claimed else None
    void = _void(db, stamp) if facts.void_reason is not None else None
    under_way = facts.use is None and around.use_under_way
    words = verdict_words(verdict, around.name or "", stamp, names, facts.first_day)
    return StampAnswer(
        verdict=verdict,
        words=use_being_recorded(words, around.name or "") if under_way else words,
        stamp=stamp,
        payload=payload,
        edition=editions.find(db, ids.edition_of(stamp)),
        issuer=around.name or "",
        use_at=names[facts.use.custodian] if facts.use else None,
        sightings=tuple(SightingAnswer(names[s.custodian], s.time) for s in facts.sightings),
        void_at=void.block_time if void else None,
        void_block=void.block_number if void else None,
        owner=claimed.owner if claimed else None,
        claimed_at=claimed.claimed_time if claimed else None,
        trail_item=facts.use.item if facts.use and any(facts.use.item) else None,
        use_under_way=under_way,
        scans=around.scans,
        as_of=as_of(db),
        notes=_notes(around),
    )


def _code_axis(db: Connection, house: House, code: PublicCode) -> CodeAxis:
    """The code axis. A hint of any post's signer over what that signer did not sign is a changed code."""
    network = Network(house.network_alias, house.stamps.chain_id, house.stamps.contract)
    signed_by = house.recover(digest(code.stamp, network), code.signature)
    operator = ids.operator_of_stamp(code.stamp)
    signers = _signers(db, operator, code.signer_hint)
    own = tuple(signer for number, signer in signers if number == operator)
    fits = signed_by is not None and signed_by.startswith(code.signer_hint)
    if code.network != network.alias or not fits:
        known = any(s.address.startswith(code.signer_hint) for _, s in signers)
        changed = known or any(s.address == signed_by for s in own)
        return CodeAxis.MISMATCH if changed else CodeAxis.UNKNOWN_SIGNER
    revoked = any(s.address == signed_by and s.revoked_block is not None for s in own)
    facts = stamp_rows.stamp_facts(db, code.stamp) if revoked else None
    return judge_code(signed_by, code.signer_hint, own, facts.issued_block if facts else None)


_SIGNERS = """
SELECT operator, address, revoked_block FROM stamp_signer
WHERE operator = %(operator)b OR substring(address FROM 1 FOR length(%(hint)b::bytea)) = %(hint)b
"""


def _signers(db: Connection, operator: int, hint: bytes) -> list[tuple[int, SignerFacts]]:
    """The signers of the post that the code names, and any whose address begins with the hint."""
    rows = straight(db, _SIGNERS, {"operator": operator, "hint": hint})
    return [(number, SignerFacts(address, revoked)) for number, address, revoked in rows]


@dataclass(frozen=True, slots=True)
class _Around:
    """Whose stamp it is, how often its page was opened, and whether a record that uses it is on its way."""

    name: str | None
    suspended: int | None
    scans: int
    use_under_way: bool


_AROUND = """
SELECT (SELECT name FROM operator WHERE number = %(operator)b),
    (SELECT suspended_block FROM operator WHERE number = %(operator)b),
    (SELECT coalesce(sum(scans), 0)::bigint FROM scan_count WHERE stamp = %(stamp)b),
    EXISTS (SELECT FROM promised_use JOIN submission ON submission.digest = promised_use.digest
        WHERE promised_use.stamp = %(stamp)b AND state IN ('pending', 'held', 'sent'))
"""


def _around(db: Connection, stamp: int) -> _Around:
    values = {"stamp": in_eight_bytes(stamp), "operator": ids.operator_of_stamp(stamp)}
    return _Around(*straight(db, _AROUND, values)[0])


def _twin(db: Connection, stamp: int) -> Row[Any] | None:
    return db.execute(select(twin).where(twin.c.stamp == stamp)).first()


def _void(db: Connection, stamp: int) -> Row[Any] | None:
    ranges = tables.void_range
    number, serial = ids.edition_of(stamp), ids.serial_of(stamp)
    return db.execute(
        select(ranges).where(
            ranges.c.edition == number, ranges.c.first <= serial, ranges.c.last >= serial
        )
    ).first()


def _network_note(house: House, code: PublicCode | None) -> tuple[str, ...]:
    if code is None or code.network == house.network_alias:
        return ()
    return (f"The code is for network {code.network}; this is network {house.network_alias}.",)


def _notes(around: _Around) -> tuple[str, ...]:
    if around.suspended is None:
        return ()
    return (f"{around.name} is suspended from the network since block {around.suspended}.",)
