"""What a scanned or typed stamp is told: the verdict, its evidence, its edition, and what to do now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from backend.domain.item_numbers import BadItemNumber, has_standard_form, parse_item_number
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
from backend.queries.status import AS_OF, AsOf, as_of
from backend.queries.words import (
    CODE_WORDS,
    ITEM_NUMBER_WORDS,
    VerdictWords,
    misread_words,
    use_being_recorded,
    verdict_words,
)
from backend.store import stamps as stamp_rows
from backend.store.engine import straight
from backend.store.tables import in_eight_bytes
from stamps.errors import BadCode
from stamps.number import WRITTEN, parse_number
from stamps.payload import HINT_BYTES, Network, PublicCode, digest, encode, parse


@dataclass(frozen=True, slots=True)
class SightingAnswer:
    """Where and when a stamp was presented again after its use."""

    custodian: CustodianAnswer
    time: int


@dataclass(frozen=True, slots=True)
class StampAnswer:
    """`stamp` is None where the code cannot be read; `edition` None where nobody issued such a stamp.

    `shown` is the public code, or what could not be read as one; None where a number was typed. `trail_item`
    is the item that the stamp paid for. `owner` and `claimed_at` are of a claimed twin. `use_under_way`: a record
    that uses the stamp is on its way. `scans` counts pages opened.
    """

    verdict: Verdict
    words: VerdictWords
    stamp: int | None
    shown: PublicCode | str | None
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
    def payload(self) -> str | None:
        """What was shown, a public code in its one spelling."""
        return encode(self.shown) if isinstance(self.shown, PublicCode) else self.shown

    @property
    def good_postage(self) -> bool:
        """Whether a counter may take the stamp as payment now: not while a use is being recorded (B2)."""
        return self.verdict.good_postage and not self.use_under_way


def verify(db: Connection, house: House, text: str, count: bool = False) -> StampAnswer:
    """The answer to a public code (payload, path or URL) or a typed number.

    `count` adds one to the coarse count of scans of that day. Never raises for a bad code: the verdict
    says so.
    """
    shown = _read(text)
    if count and shown.stamp is not None:
        stamp_rows.count_scan(db, shown.stamp, house.now())
    return _answers(db, house, (shown,))[0]


def verify_all(db: Connection, house: House, texts: Iterable[str]) -> tuple[StampAnswer, ...]:
    """The answers to several, in their order: no more statements than one takes."""
    return _answers(db, house, tuple(map(_read, texts)))


def one(db: Connection, house: House, stamp: int) -> StampAnswer:
    """The answer for a number: the code axis is `not_shown`."""
    return _answers(db, house, (_Shown("", stamp),))[0]


def number_of(db: Connection, house: House, text: str) -> int:
    """The stamp that a scanned code or a typed number names, for franking and cancelling.

    Raises Unprocessable where the code cannot be read or was not issued by its post.
    """
    shown = _read(text)
    if shown.stamp is None:
        if about := about_item_number(text):
            raise Unprocessable(about[0], "Scan the stamp’s own code.")
        what_now = CODE_WORDS[CodeAxis.UNREADABLE][2]
        raise Unprocessable(_sentence(shown.fault), what_now, code=CodeAxis.UNREADABLE)
    if shown.code is None:
        return shown.stamp
    axis = _code_axis(house, shown.code, _around(db, (shown,))[0])
    if axis is not CodeAxis.ISSUED_BY:
        _, headline, what_now = CODE_WORDS[axis]
        raise Unprocessable(headline, what_now, code=axis, stamp=shown.stamp)
    return shown.stamp


@dataclass(frozen=True, slots=True)
class _Shown:
    """What was scanned or typed. `code` is None for a number, `stamp` too for what cannot be read (`fault`)."""

    text: str
    stamp: int | None = None
    code: PublicCode | None = None
    fault: str = ""


def _read(text: str) -> _Shown:
    try:
        if WRITTEN.fullmatch(text.strip()):
            return _Shown(text, parse_number(text))
        code = parse(text)
    except BadCode as error:
        return _Shown(text, fault=str(error))
    return _Shown(text, code.stamp, code)


def _unreadable(text: str, why: str, now: AsOf) -> StampAnswer:
    verdict = judge_stamp(CodeAxis.UNREADABLE, None, 0)
    words = verdict_words(verdict, "", None, {}, None)
    if about := about_item_number(text):
        words = replace(words, headline=about[0], what_now=about[1], appeal="")
        return _bare(verdict, words, None, text, "", now, ())
    return _bare(verdict, words, None, text, "", now, (_sentence(why),))


def about_item_number(text: str) -> tuple[str, str] | None:
    """What to say, and what to do, where an item's number was given for a stamp's; None for other texts."""
    if not has_standard_form(text):
        return None
    try:
        parse_item_number(text)
    except BadItemNumber as error:
        return misread_words(error)
    return ITEM_NUMBER_WORDS


def _bare(
    verdict: Verdict,
    words: VerdictWords,
    stamp: int | None,
    shown: PublicCode | str | None,
    issuer: str,
    now: AsOf,
    notes: tuple[str, ...],
) -> StampAnswer:
    """An answer that says nothing about use or twin."""
    return StampAnswer(
        verdict=verdict,
        words=words,
        stamp=stamp,
        shown=shown,
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
        as_of=now,
        notes=notes,
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _answers(db: Connection, house: House, shown: Sequence[_Shown]) -> tuple[StampAnswer, ...]:
    around = _around(db, [one for one in shown if one.stamp is not None])
    facts = [one.facts for one in around if one.facts]
    places = {seen.custodian for known in facts for seen in known.sightings}
    names = named(db, places | {known.use.custodian for known in facts if known.use})
    now = around[0].now if around else as_of(db)
    following = iter(around)
    return tuple(
        _unreadable(one.text, one.fault, now)
        if one.stamp is None
        else _answer(house, one.stamp, one.code, next(following), names)
        for one in shown
    )


def _answer(
    house: House,
    stamp: int,
    code: PublicCode | None,
    around: _Around,
    names: dict[int, CustodianAnswer],
) -> StampAnswer:
    axis = _code_axis(house, code, around) if code else CodeAxis.NOT_SHOWN
    verdict = judge_stamp(axis, around.facts, house.now())
    name, now = around.name, around.now
    if verdict.facts is None:
        words = verdict_words(verdict, name, stamp, {}, None)
        return _bare(verdict, words, stamp, code, name, now, _network_note(house, code))
    return _known(verdict, verdict.facts, stamp, code, around, names)


def _known(
    verdict: Verdict,
    facts: StampFacts,
    stamp: int,
    code: PublicCode | None,
    around: _Around,
    names: dict[int, CustodianAnswer],
) -> StampAnswer:
    issuer = around.name
    under_way = facts.use is None and around.use_under_way
    words = verdict_words(verdict, issuer, stamp, names, facts.first_day)
    return StampAnswer(
        verdict=verdict,
        words=use_being_recorded(words, issuer) if under_way else words,
        stamp=stamp,
        shown=code,
        edition=around.edition,
        issuer=issuer,
        use_at=names[facts.use.custodian] if facts.use else None,
        sightings=tuple(SightingAnswer(names[s.custodian], s.time) for s in facts.sightings),
        void_at=around.void_at,
        void_block=around.void_block,
        owner=around.owner,
        claimed_at=around.claimed_at,
        trail_item=facts.use.item if facts.use and any(facts.use.item) else None,
        use_under_way=under_way,
        scans=around.scans,
        as_of=around.now,
        notes=_notes(around),
    )


def _code_axis(house: House, code: PublicCode, around: _Around) -> CodeAxis:
    """The code axis. A hint of any post's signer over what that signer did not sign is a changed code."""
    network = Network(house.network_alias, house.stamps.chain_id, house.stamps.contract)
    signed_by = house.recover(digest(code.stamp, network), code.signature)
    fits = signed_by is not None and signed_by.startswith(code.signer_hint)
    if code.network != network.alias or not fits:
        changed = around.hint_is_known or any(s.address == signed_by for s in around.signers)
        return CodeAxis.MISMATCH if changed else CodeAxis.UNKNOWN_SIGNER
    issued_block = around.facts.issued_block if around.facts else None
    return judge_code(signed_by, code.signer_hint, around.signers, issued_block)


@dataclass(frozen=True, slots=True)
class _Around:
    """All that one statement, and so one moment, says of a stamp that was shown.

    `facts` and `edition` are None where there is no such stamp, `name` is empty where there is no such post. `signers`
    are the post's; `hint_is_known`: whether the code's hint begins the address of any post's signer.
    """

    now: AsOf
    facts: StampFacts | None
    edition: EditionAnswer | None
    name: str
    suspended: int | None
    signers: tuple[SignerFacts, ...]
    hint_is_known: bool
    scans: int
    use_under_way: bool
    owner: bytes | None
    claimed_at: int | None
    void_at: int | None
    void_block: int | None


_AROUND = f"""
SELECT asked.stamp, operator.name, operator.suspended_block,
    ARRAY(SELECT address FROM stamp_signer WHERE operator = operator.number ORDER BY address),
    ARRAY(SELECT revoked_block FROM stamp_signer WHERE operator = operator.number ORDER BY address),
    EXISTS (SELECT FROM stamp_signer WHERE substring(address FROM 1 FOR {HINT_BYTES}) = asked.hint),
    (SELECT coalesce(sum(scans), 0)::bigint FROM scan_count WHERE scan_count.stamp = asked.stamp),
    EXISTS (SELECT FROM promised_use JOIN submission ON submission.digest = promised_use.digest
        WHERE promised_use.stamp = asked.stamp AND state IN ('pending', 'held', 'sent')),
    twin.owner, twin.claimed_time, void.block_time, void.block_number,
    indexed_number, indexed_time, finalized_number, safe_number,
    {stamp_rows.FACTS}, {editions.COLUMNS}
FROM {
    stamp_rows.FACTS_FROM.format(
        stamps="unnest((SELECT %b::bigint[]), (SELECT %b::bytea[])) WITH ORDINALITY AS shown(stamp, hint, nth)"
    )
}
LEFT JOIN operator ON operator.number = asked.stamp >> 48 & 65535
LEFT JOIN edition_terms ON edition_terms.edition = edition.edition
LEFT JOIN twin ON twin.stamp = asked.stamp
LEFT JOIN ({AS_OF}) AS indexed ON true
ORDER BY nth
"""


def _around(db: Connection, shown: Sequence[_Shown]) -> list[_Around]:
    """Of each that names a stamp, in their order."""
    if not shown:
        return []
    stamps = [in_eight_bytes(one.stamp or 0) for one in shown]
    hints = [one.code.signer_hint if one.code else b"" for one in shown]
    known: dict[int, EditionAnswer] = {}
    return [_read_around(row, known) for row in straight(db, _AROUND, (stamps, hints))]


def _read_around(row: tuple[Any, ...], known: dict[int, EditionAnswer]) -> _Around:
    """`known` are the editions that were read before: many stamps are of one."""
    _, name, suspended, addresses, revoked = row[:5]
    end = 16 + stamp_rows.FACTS_WIDTH
    facts = stamp_rows.read_facts(row[16:end])
    edition = row[end:]
    if facts and edition[0] not in known:
        known[edition[0]] = editions.read_edition(edition)
    return _Around(
        AsOf(*row[12:16]),
        facts,
        known[edition[0]] if facts else None,
        name or "",
        suspended,
        tuple(map(SignerFacts, addresses, revoked)),
        *row[5:12],
    )


def _network_note(house: House, code: PublicCode | None) -> tuple[str, ...]:
    if code is None or code.network == house.network_alias:
        return ()
    return (f"The code is for network {code.network}; this is network {house.network_alias}.",)


def _notes(around: _Around) -> tuple[str, ...]:
    if around.suspended is None:
        return ()
    return (f"{around.name} is suspended from the network since block {around.suspended}.",)
