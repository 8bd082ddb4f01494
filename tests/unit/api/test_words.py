"""The words of verdicts and trails: design.md §4 and C12, and nobody accused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.domain import codes
from backend.domain.network import FOR_EVER, Custodian, Right
from backend.domain.trail import Answer, Entry, HandedOff, Place, TrailState, Why
from backend.domain.typed_data import Closing, End, Report, TakeUp
from backend.domain.verdict import CodeAxis, Sighting, StampFacts, Use, judge_stamp
from backend.errors import BadRequest
from backend.queries.network import CustodianAnswer
from backend.queries.paging import decode_cursor, encode_cursor
from backend.queries.status import AsOf
from backend.queries.submissions import about
from backend.queries.trails import flags
from backend.queries.words import (
    answerable,
    entry_text,
    span,
    use_being_recorded,
    verdict_words,
    when,
    where_it_is,
    why_no_signature,
    why_not_to_be_taken_over,
)

HALL, ZURICH = 1 << 24 | 4, 2 << 24 | 7
NAMES = {
    HALL: CustodianAnswer(HALL, 1, "Arlberg Post", 3, "AT606090", "Hall in Tirol", "Hall", False),
    ZURICH: CustodianAnswer(ZURICH, 2, "Säntis Post", 4, "CHZRHX", "Zürich", "Zürich", False),
}
STAMP = 1 << 48 | 1 << 32 | 44
THIRD_OF_MARCH = 1_772_528_640  # 2026-03-03 09:04 UTC
NEW = StampFacts(1_000, 1, False, 0, None, None, None, False)
USED = replace(NEW, use=Use(HALL, THIRD_OF_MARCH, 1, bytes(32), 9))


def words(facts: StampFacts | None, code: CodeAxis = CodeAxis.ISSUED_BY, first_day: int = 0) -> str:
    verdict = judge_stamp(code, facts, THIRD_OF_MARCH)
    said = verdict_words(verdict, "Arlberg Post", STAMP, NAMES, first_day)
    return " ".join((said.headline, *said.evidence, said.what_now, said.appeal))


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (NEW, "Issued by Arlberg Post. Valid: it has not been used."),
        (replace(NEW, issued_at=None), "This stamp has not been sold by Arlberg Post."),
        (
            replace(NEW, issued_at=None, being_recorded=True),
            "Issued by Arlberg Post. Its sale is being recorded.",
        ),
        (
            replace(NEW, first_day=THIRD_OF_MARCH + 86_400),
            "Issued by Arlberg Post. Valid from 4 March 2026.",
        ),
        (replace(NEW, void_reason=1), "Issued by Arlberg Post. Out of use: spoilt."),
        (
            replace(NEW, withdrawn_from=THIRD_OF_MARCH),
            "Issued by Arlberg Post. Withdrawn from postage on 3 March 2026.",
        ),
        (
            USED,
            "Issued by Arlberg Post. Already used: Hall in Tirol, 3 March 2026, 09:04 UTC, in the mail stream.",
        ),
        (
            replace(NEW, twin_claimed=True),
            "Its twin was claimed; it no longer goes with the paper.",
        ),
    ],
)
def test_verdict_says_it_in_one_sentence(facts: StampFacts, said: str) -> None:
    assert said in words(facts, first_day=facts.first_day)


def test_copy_of_a_used_stamp_shows_where_both_were_seen() -> None:
    """J34: evidence instead of a verdict on a person, and the original can be shown."""
    seen = replace(USED, sightings=(Sighting(ZURICH, THIRD_OF_MARCH + 2_400),))
    assert "Seen again: Zürich, 3 March 2026, 09:44 UTC, 40 minutes later." in words(seen)
    shown = replace(seen, original_shown=(THIRD_OF_MARCH + 86_400,))
    assert "The original was shown on 4 March 2026, 09:04 UTC." in words(shown)


@pytest.mark.parametrize("code", list(CodeAxis))
@pytest.mark.parametrize("facts", [NEW, USED, replace(NEW, void_reason=4), None])
def test_no_verdict_accuses_and_each_says_what_now_and_how_to_appeal(
    code: CodeAxis, facts: StampFacts | None
) -> None:
    said = words(facts, code).lower()
    for word in ("fake", "forged", "forgery", "counterfeit", "genuine", "fraud", "wallet", "hash"):
        assert word not in said
    verdict = verdict_words(judge_stamp(code, facts, 0), "Arlberg Post", STAMP, NAMES, 0)
    assert verdict.what_now
    assert "Arlberg Post" in verdict.appeal


def test_use_under_way_is_neither_valid_nor_used() -> None:
    """B2."""
    verdict = verdict_words(
        judge_stamp(CodeAxis.ISSUED_BY, NEW, 0), "Arlberg Post", STAMP, NAMES, 0
    )
    said = use_being_recorded(verdict, "Arlberg Post")
    assert (said.tone, said.headline) == (
        "wait",
        "Issued by Arlberg Post. Its use is being recorded.",
    )


def state(why: Why, custodian: int = HALL, ended: int | None = None) -> TrailState:
    holder = 0 if ended is not None else HALL
    answer = Answer(custodian, 2, why)
    return TrailState(bytes(32), holder, 2, 2, 0, bytes(32), ended, bytes(32), answer, HALL)


@pytest.mark.parametrize(
    ("why", "custodian", "ended", "said"),
    [
        (
            Why.ACCEPTED,
            HALL,
            None,
            "Answers for it now: Hall in Tirol (Arlberg Post), who accepted it on",
        ),
        (Why.TAKEN_OVER, HALL, None, "who took it over without reservation on"),
        (Why.TAKEN_UP, HALL, None, "who took it up on"),
        (Why.RESERVATION, HALL, None, "because the next one took it only under reservation"),
        (Why.CONTESTED, HALL, 4, "because the addressee states that it was not received"),
        (Why.DELIVERED, 0, 0, "Nobody answers for it now: its addressee signed for it"),
        (Why.STATED, 0, 5, "stated by the carrier alone"),
        (Why.LEFT, 0, 20, "it left the network"),
        (Why.DISPOSED, 0, 30, "its custody ended"),
    ],
)
def test_who_answers_is_one_sentence(
    why: Why, custodian: int, ended: int | None, said: str
) -> None:
    """C12, for every reason that there is."""
    assert said in answerable(state(why, custodian, ended), THIRD_OF_MARCH, NAMES)


def test_where_it_is_comes_first() -> None:
    assert where_it_is(state(Why.ACCEPTED), THIRD_OF_MARCH, NAMES) == (
        "With Hall in Tirol (AT606090) since 3 March 2026, 09:04 UTC."
    )
    assert "signed with the delivery key" in where_it_is(state(Why.DELIVERED, 0, 0), 0, NAMES)
    assert where_it_is(state(Why.STATED, 0, 5), 0, NAMES).startswith("In the letter-box, ")
    assert where_it_is(None, 0, NAMES) == "Accepted; this is being recorded."


def entry(body: HandedOff | TakeUp | End | Report, block_time: int) -> Entry:
    place = Place(9, bytes(32), block_time, bytes(32), 0)
    return Entry(bytes(32), 2, 2, bytes(32), 0, body, (), place)


def test_flags_are_what_a_reader_should_see() -> None:
    """C5, C8, C11."""
    hand_off = HandedOff(HALL, ZURICH, 1_000, 900, 2_000, 1, 11, bytes(32), bytes(32))
    assert flags(entry(hand_off, 5_000), 1_000) == ("late", "clock_behind", "reservation")
    sound = replace(hand_off, found=1, received_at=1_100)
    assert flags(entry(sound, 1_200), 1_000) == ()
    take_up = TakeUp(bytes(32), HALL, 1_000, 1, codes.SOUND)
    assert flags(entry(take_up, 1_000), 1_000) == ("take_up",)
    end = End(bytes(32), 2, HALL, 1_000, codes.MODES.number("neighbour"))
    assert flags(entry(end, 1_000), 0) == ("stated_alone",)
    left = replace(end, mode=codes.MODES.number("left_the_network"))
    assert flags(entry(left, 1_000), 0) == ()
    report = Report(bytes(32), 1, 9, 1, HALL, 1_000)
    assert flags(entry(report, 1_000), 0) == ("corrects",)


def test_entry_is_one_phrase() -> None:
    report = Report(bytes(32), 3, 6, 0, HALL, 0)
    assert entry_text(report, NAMES) == "Held (inspection by customs), reported by Hall in Tirol"
    by_addressee = replace(report, reporter=0, reason=0, code=13)
    assert entry_text(by_addressee, NAMES) == (
        "Addressee states: not received, reported by the addressee"
    )
    take_up = TakeUp(bytes(32), ZURICH, 0, 3, 1)
    assert entry_text(take_up, NAMES) == "Taken up by Zürich alone: found"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "less than a minute"), (2_400, "40 minutes"), (3_600, "1 hour"), (260_000, "3 days")],
)
def test_span_is_coarse(seconds: int, text: str) -> None:
    assert span(seconds) == text


def test_time_is_written_for_people() -> None:
    assert when(THIRD_OF_MARCH) == "3 March 2026, 09:04 UTC"


def test_status_of_a_block_follows_finality() -> None:
    """B2: three states at exact heights."""
    now = AsOf(block=10, time=0, finalized=7)
    assert [now.status(b) for b in (None, 7, 8, 10)] == ["pending", "final", "settled", "settled"]
    assert AsOf(10, 0, None).status(1) == "settled"


def test_cursor_comes_back_and_nothing_else_is_taken_for_one() -> None:
    cursor = encode_cursor(17, 3, b"ab")
    assert decode_cursor(cursor, int, int, bytes) == [17, 3, b"ab"]
    others = (encode_cursor(17), encode_cursor(True, 3, b"ab"), encode_cursor(1 << 63, 3, b"ab"))
    for text in ("", "%", "\xe4", cursor[:-4], *others, "bnVsbA", encode_cursor(-1, 3, b"ab")):
        with pytest.raises(BadRequest):
            decode_cursor(text, int, int, bytes)


def test_one_item_is_not_called_items() -> None:
    closing = Closing(bytes(32), 1, HALL, THIRD_OF_MARCH, 1, bytes(32))
    assert entry_text(closing, NAMES) == "Closed and sealed by Hall in Tirol, with 1 item"
    about_it = about("closing", {"closing": {"count": 1}}, "BAG-1", {})
    assert about_it == "closing of BAG-1 with 1 item"


def test_reason_that_says_the_same_as_the_report_is_not_said_twice() -> None:
    refused, by_addressee = (
        codes.REPORTS.number("refused"),
        codes.REASONS.number("refused_by_addressee"),
    )
    report = Report(bytes(32), refused, by_addressee, 0, HALL, THIRD_OF_MARCH)
    assert entry_text(report, NAMES) == "Refused by the addressee, reported by Hall in Tirol"
    other = replace(report, reason=codes.REASONS.number("duty_unpaid"))
    assert entry_text(other, NAMES).startswith("Refused by the addressee (duty unpaid)")


NOW = THIRD_OF_MARCH
GOOD = Right(b"k" * 20, 1, 2, 0, FOR_EVER)
LAPSED = replace(GOOD, until_time=NOW)
LATER = replace(GOOD, from_time=NOW + 60)
LOST = replace(GOOD, compromised=True)


@pytest.mark.parametrize(
    ("suspended", "operator_suspended", "rights", "said"),
    [
        (False, False, (GOOD,), None),
        (False, False, (LOST, GOOD), None),
        (False, True, (GOOD,), "Arlberg Post is suspended from the network."),
        (True, False, (GOOD,), "Hall in Tirol is suspended."),
        (False, False, (), "Hall in Tirol has not been given the right to sign."),
        (False, False, (GOOD, LOST), None),
        (False, False, (LAPSED, LOST), "The key of Hall in Tirol was reported lost."),
        (
            False,
            False,
            (LAPSED,),
            "The right of Hall in Tirol to sign lapsed on 3 March 2026, 09:04 UTC.",
        ),
        (
            False,
            False,
            (LAPSED, LATER),
            "Hall in Tirol has the right to sign from 3 March 2026, 09:05 UTC on.",
        ),
    ],
)
def test_why_a_custodian_cannot_sign_is_what_the_judge_would_refuse(
    suspended: bool, operator_suspended: bool, rights: tuple[Right, ...], said: str | None
) -> None:
    """N2-N4: the desk and the command line say beforehand what a record would be refused for."""
    who = Custodian(HALL, 3, "AT606090", suspended, operator_suspended, rights)
    found = why_no_signature(who, NAMES[HALL], NOW)
    assert (found and found.why) == said
    assert found is None or found.by_network == operator_suspended


def test_who_lifts_a_suspension_is_named() -> None:
    """N4: a custodian's is its administrator's, an operator's the governor's alone."""
    own, network = (
        why_no_signature(Custodian(HALL, 3, "", own, not own, (GOOD,)), NAMES[HALL], NOW)
        for own in (True, False)
    )
    assert own is not None
    assert network is not None
    assert own.what_now == "Ask the administrator of Arlberg Post."
    assert network.what_now == "Ask the network’s governor: nobody else can lift it."


@pytest.mark.parametrize(
    ("rights", "suspended", "by_stand_in", "said"),
    [
        ((GOOD,), False, False, None),
        ((LAPSED,), False, False, None),
        (
            (LOST, LATER),
            False,
            False,
            "The key of Hall in Tirol was reported lost: what it signed does not count any more.",
        ),
        ((GOOD,), True, False, "Hall in Tirol is suspended."),
        ((GOOD,), True, True, None),
        ((GOOD,), False, True, "Hall in Tirol can sign for itself again."),
    ],
)
def test_why_a_list_cannot_be_taken_over_is_what_the_judge_would_refuse(
    rights: tuple[Right, ...], suspended: bool, by_stand_in: bool, said: str | None
) -> None:
    """C2, C9: the giver is judged at the time of its release, but suspended it is now."""
    giver = Custodian(HALL, 3, "", suspended, False, rights)
    found = why_not_to_be_taken_over(giver, NAMES[HALL], NOW - 60, by_stand_in, NOW)
    assert (found and found.why) == said
