"""The custody fold: C3, C4, C6, C11, C12."""

import pytest

from backend.domain import codes
from backend.domain.commitments import next_head
from backend.domain.trail import (
    DELIVERED_BY_KEY,
    Body,
    BrokenTrail,
    Entry,
    HandedOff,
    Place,
    TrailState,
    Why,
    fold,
)
from backend.domain.typed_data import Acceptance, Delivery, End, Recall, Report, TakeUp

ITEM = b"i" * 32
ANNA, BERT, CARL = 1 << 24 | 1, 1 << 24 | 2, 2 << 24 | 1
WET = codes.CONDITIONS.number("wet")
NEIGHBOUR = codes.MODES.number("neighbour")


def trail(*bodies: Body) -> list[Entry]:
    entries, number = [], 0
    for record, body in enumerate(bodies, start=1):
        number += not isinstance(body, Report)
        place = Place(record, b"b" * 32, 100 * record, b"t" * 32, 0)
        entries.append(Entry(ITEM, record, number, bytes([record]) * 32, 0, body, (), place))
    return entries


def accepted() -> Acceptance:
    return Acceptance(b"c" * 32, ANNA, 10, 1)


def handed(giver: int, receiver: int, time: int, found: int = codes.SOUND) -> HandedOff:
    none = bytes(32)
    return HandedOff(giver, receiver, time, time, time + 900, codes.SOUND, found, none, none)


def reported(code: str) -> Report:
    return Report(ITEM, codes.REPORTS.number(code), 0, 0, CARL, 50)


def after(*bodies: Body) -> TrailState:
    return fold(trail(*bodies))


def test_the_receiver_holds_the_item_and_answers_for_it() -> None:
    state = after(accepted(), handed(ANNA, BERT, 20))
    assert (state.holder, state.number, state.records) == (BERT, 2, 2)
    assert (state.answer.custodian, state.answer.why) == (BERT, Why.TAKEN_OVER)


def test_a_report_moves_the_record_number_only() -> None:
    """C3: two counters."""
    state = after(accepted(), reported("damaged"))
    assert (state.number, state.records) == (1, 2)
    assert state.latest_time == 10


def test_who_takes_over_under_reservation_does_not_answer() -> None:
    """C12: the last who took it over without reservation answers on."""
    state = after(accepted(), handed(ANNA, BERT, 20), handed(BERT, CARL, 30, WET))
    assert state.holder == CARL
    assert (state.answer.custodian, state.answer.why) == (BERT, Why.RESERVATION)


def test_nobody_answers_after_a_delivery_by_key() -> None:
    delivery = Delivery(ITEM, 2, BERT, b"k" * 20, 30, 40, 1)
    state = after(accepted(), handed(ANNA, BERT, 20), delivery)
    assert state.ended == DELIVERED_BY_KEY
    assert (state.answer.custodian, state.answer.why) == (0, Why.DELIVERED)


def test_a_delivery_stated_by_the_carrier_alone_falls_back_when_contested() -> None:
    """C4, C12: the addressee's «not received» against the carrier's word."""
    stated = (accepted(), handed(ANNA, BERT, 20), End(ITEM, 2, BERT, 30, NEIGHBOUR))
    assert after(*stated).answer.why is Why.STATED
    contested = after(*stated, reported("not_received"))
    assert (contested.answer.custodian, contested.answer.why) == (BERT, Why.CONTESTED)


def test_a_contest_does_not_touch_a_signed_delivery() -> None:
    delivery = Delivery(ITEM, 1, ANNA, b"k" * 20, 30, 40, 1)
    assert after(accepted(), delivery, reported("not_received")).answer.why is Why.DELIVERED


def test_a_take_up_frees_an_ended_item() -> None:
    """C11."""
    lost = End(ITEM, 1, ANNA, 20, codes.MODES.number("left_the_network"))
    state = after(accepted(), lost, TakeUp(ITEM, CARL, 60, 4, codes.SOUND))
    assert (state.holder, state.ended, state.number) == (CARL, None, 3)
    assert state.answer.custodian == CARL


def test_a_recall_keeps_the_holder_and_raises_the_custody_number() -> None:
    """C3: what was signed for the earlier number is stale."""
    state = after(accepted(), Recall(ITEM, 1, ANNA, 15))
    assert (state.holder, state.number) == (ANNA, 2)


def test_the_head_is_the_running_hash_of_digests_and_lines() -> None:
    """C6."""
    entries = trail(accepted(), handed(ANNA, BERT, 20))
    entries[1] = entries[1]._replace(line=7)
    head = next_head(next_head(bytes(32), entries[0].digest), entries[1].digest, 7)
    assert fold(entries).head == head


def test_a_gap_in_the_record_numbers_breaks_the_trail() -> None:
    entries = trail(accepted(), handed(ANNA, BERT, 20), handed(BERT, CARL, 30))
    with pytest.raises(BrokenTrail, match="record 3 where 2 was due"):
        fold([entries[0], entries[2]])


def test_a_trail_begins_with_an_acceptance() -> None:
    with pytest.raises(BrokenTrail, match="begins with an acceptance"):
        fold(trail(handed(ANNA, BERT, 20)))
