"""The judge: the contracts' refusals, decided before anything is sent."""

from dataclasses import replace

import pytest

from backend.domain import rules
from backend.domain.explanations import EXPLANATIONS
from backend.domain.ids import FIRST_RECEPTACLE, custodian_number
from backend.domain.network import FOR_EVER, Custodian, Right, Standing
from backend.domain.refusals import (
    Names,
    Refusal,
    refusal,
    told_lines,
    told_list,
    what_now_of_list,
)
from backend.domain.typed_data import (
    Acceptance,
    Delivery,
    End,
    Finding,
    Line,
    Receipt,
    Release,
    Report,
    TakeUp,
    received_bitmap,
)
from backend.domain.verdict import StampFacts, Use

NOW = 1_700_000_000
ITEM = b"i" * 32
ANNA, BERT = 1 << 24 | 1, 1 << 24 | 2
STAMP = (1 << 16 | 1) << 32 | 5
HELD = Standing(ANNA, 3, 5, NOW - 100, None, bytes(32))
FRESH = StampFacts(NOW - 50, 7, False, NOW - 1_000, None, None, None, False)


def custodian(number: int, *rights: Right, **changes: bool) -> Custodian:
    granted = rights or (Right(b"k" * 20, 1, 2, 0, FOR_EVER),)
    return replace(Custodian(number, 1, "AT602001", False, False, granted), **changes)


def name(found: Refusal | None) -> str | None:
    return found and found.name


def release(**changes: int) -> Release:
    lines = (Line(ITEM, 3, 1),)
    return replace(Release(ANNA, BERT, NOW - 60, NOW + 600, lines), **changes)  # type: ignore[arg-type]


def judge_receipt(release_: Release, receipt: Receipt) -> str | None:
    found = rules.judge_receipt(release_, b"r" * 32, receipt, custodian(ANNA), custodian(BERT), NOW)
    return name(found)


def test_stale_offer_can_never_be_accepted() -> None:
    """C3."""
    line = Line(ITEM, 2, 1)
    assert name(rules.judge_line(line, HELD, release())) == "StaleNumber"
    assert not rules.is_ahead(HELD, 2)


def test_an_offer_for_a_number_not_reached_yet_waits() -> None:
    """B8: the predecessor is on its way."""
    assert rules.is_ahead(HELD, 4)
    assert rules.is_ahead(None, 1)


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (None, "UnknownItem"),
        (replace(HELD, ended=2, holder=0), "CustodyEnded"),
        (replace(HELD, holder=BERT), "NotHolder"),
        (replace(HELD, latest_time=NOW + 1_000), "TimeBeforeLatest"),
        (HELD, None),
    ],
)
def test_a_line_needs_its_giver_to_be_the_holder(
    standing: Standing | None, expected: str | None
) -> None:
    assert name(rules.judge_line(Line(ITEM, 3, 1), standing, release())) == expected


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (NOW - 14 * 86_400, None),
        (NOW - 14 * 86_400 - 1, "TimeTooOld"),
        (NOW + 300, None),
        (NOW + 301, "TimeAhead"),
    ],
)
def test_event_times_lie_within_fourteen_days_and_five_minutes(
    time: int, expected: str | None
) -> None:
    """C5, to the second."""
    assert name(rules.judge_time(time, NOW)) == expected


def test_a_clock_fifteen_minutes_behind_the_items_latest_is_the_limit() -> None:
    """C5."""
    at_limit = rules.judge_known(ITEM, HELD, HELD.latest_time - 900)
    beyond = rules.judge_known(ITEM, HELD, HELD.latest_time - 901)
    assert (name(at_limit), name(beyond)) == (None, "TimeBeforeLatest")


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (None, "UnknownCustodian"),
        (custodian(ANNA, operator_suspended=True), "OperatorIsSuspended"),
        (custodian(ANNA, suspended=True), "CustodianIsSuspended"),
        (custodian(ANNA, Right(b"k" * 20, 1, 2, 0, NOW)), "NoRight"),
        (custodian(ANNA, Right(b"k" * 20, 1, 2, NOW + 1, FOR_EVER)), "NoRight"),
        (custodian(ANNA, Right(b"k" * 20, 1, 2, 0, FOR_EVER, compromised=True)), "NoRight"),
        (custodian(ANNA), None),
    ],
)
def test_signing_needs_a_right_at_the_event_time(
    who: Custodian | None, expected: str | None
) -> None:
    """N2, N3, N4."""
    assert name(rules.judge_signer(ANNA, who, NOW)) == expected


def test_old_right_uploads_late() -> None:
    """N3: a rotated key still counts for event times before the rotation."""
    old, new = Right(b"o" * 20, 1, 2, 0, NOW - 50), Right(b"n" * 20, 1, 2, NOW - 50, FOR_EVER)
    right = custodian(ANNA, old, new).right_at(NOW - 60)
    assert right is not None
    assert right.key == b"o" * 20


def test_one_bad_stamp_accepts_nothing() -> None:
    """S4: all or nothing."""
    used = replace(FRESH, use=Use(ANNA, NOW - 10, 0, ITEM, 9))
    acceptance = Acceptance(b"c" * 32, ANNA, NOW, 1, stamps=(STAMP, STAMP + 1))
    facts = {STAMP: FRESH, STAMP + 1: used}
    found = rules.judge_acceptance(ITEM, None, acceptance, custodian(ANNA), facts, NOW)
    assert found is not None
    assert (found.name, found.values["stamp"]) == ("AlreadyUsed", STAMP + 1)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (None, "NotIssued"),
        (replace(FRESH, issued_at=None), "NotIssued"),
        (replace(FRESH, issued_at=None, being_recorded=True), None),
        (replace(FRESH, void_reason=4), "VoidStamp"),
        (replace(FRESH, first_day=NOW + 1), "NotYetValid"),
        (replace(FRESH, withdrawn_from=NOW), "WithdrawnFromPostage"),
        (FRESH, None),
    ],
)
def test_a_stamp_pays_only_while_it_is_valid(
    facts: StampFacts | None, expected: str | None
) -> None:
    """S1, S4, S5."""
    assert name(rules.judge_stamp(STAMP, facts, NOW)) == expected


def test_stamps_of_another_post_do_not_frank() -> None:
    """S4: own operator's stamps only."""
    foreign = (2 << 16 | 1) << 32 | 5
    acceptance = Acceptance(b"c" * 32, ANNA, NOW, 1, stamps=(foreign,))
    assert name(rules.judge_franking(acceptance, {foreign: FRESH})) == "ForeignStamp"


def test_an_item_is_accepted_once() -> None:
    """C1."""
    found = rules.judge_acceptance(
        ITEM, HELD, Acceptance(b"c" * 32, ANNA, NOW, 1), custodian(ANNA), {}, NOW
    )
    assert name(found) == "AlreadyAccepted"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"receiver": ANNA}, "GiverIsReceiver"),
        ({"deadline": NOW - 1}, "PastDeadline"),
        ({"deadline": NOW + 15 * 86_400}, "DeadlineTooFar"),
        ({}, None),
    ],
)
def test_a_release_is_refused_for_its_parties_and_times(
    changes: dict[str, int], expected: str | None
) -> None:
    """C2, C5."""
    found = rules.judge_release(release(**changes), custodian(ANNA), custodian(BERT), NOW)
    assert name(found) == expected


def test_an_empty_list_and_a_list_of_501_are_refused() -> None:
    """C2: 1 to 500 lines."""
    for count in (0, 501):
        lines = tuple(Line(bytes([i % 256, i // 256]) * 16, 1, 1) for i in range(count))
        crowd = replace(release(), lines=lines)
        found = rules.judge_release(crowd, custodian(ANNA), custodian(BERT), NOW)
        assert name(found) == "LineCount"


@pytest.mark.parametrize(
    ("receipt", "expected"),
    [
        (Receipt(b"r" * 32, NOW, received_bitmap(1)), None),
        (Receipt(b"x" * 32, NOW, received_bitmap(1)), "OtherRelease"),
        (Receipt(b"r" * 32, NOW, (0,)), "ReceivedOutOfPlace"),
        (Receipt(b"r" * 32, NOW, (2,)), "ReceivedOutOfPlace"),
        (Receipt(b"r" * 32, NOW, (1, 0)), "ReceivedOutOfPlace"),
        (Receipt(b"r" * 32, NOW, (1,), (Finding(1, 2),)), "FindingOutOfPlace"),
        (Receipt(b"r" * 32, NOW - 60 - 901, (1,)), "ReceiptBeforeRelease"),
    ],
)
def test_a_receipt_has_to_fit_its_release(receipt: Receipt, expected: str | None) -> None:
    """C2, C5."""
    assert judge_receipt(release(), receipt) == expected


def test_default_recipient_is_nobody() -> None:
    """C4: the zero address never signs a delivery."""
    delivery = Delivery(ITEM, 3, ANNA, bytes(20), NOW, NOW + 60, 1)
    found = rules.judge_delivery(delivery, HELD, custodian(ANNA), {bytes(20)}, NOW)
    assert name(found) == "NotNamed"


def test_report_does_not_void_an_offer() -> None:
    """C3: the record number moves, the custody number stays."""
    after = rules.reported(HELD)
    assert (after.number, after.records) == (HELD.number, HELD.records + 1)


def test_a_correction_names_a_record_that_exists() -> None:
    """C8."""
    report = Report(ITEM, 1, 9, 6, ANNA, NOW)
    assert name(rules.judge_report(report, HELD, custodian(ANNA), NOW)) == "NoSuchRecord"


def test_the_holder_takes_nothing_up() -> None:
    """C11."""
    take_up = TakeUp(ITEM, ANNA, NOW, 3, 1)
    assert name(rules.judge_take_up(take_up, HELD, custodian(ANNA), NOW)) == "AlreadyHolder"


def test_custody_ends_once() -> None:
    """C4."""
    after = rules.ended(HELD, NOW, 5)
    end = End(ITEM, 4, ANNA, NOW, 5)
    assert name(rules.judge_end(end, after, custodian(ANNA), NOW)) == "CustodyEnded"


@pytest.mark.parametrize("error", sorted(EXPLANATIONS))
def test_every_explanation_can_be_shown_to_people(error: str) -> None:
    """An error never shows its raw form, nor an unfilled value."""
    fields = (
        "account operator acceptable_from custodian time kind key_holder from_ until length oldest "
        "latest deadline holder given current received released lines line corrects records "
        "block_number edition withdrawn_from earliest first last stamp first_day before "
        "count contents giver receptacle second closed_at most root"
    )
    values = dict.fromkeys(fields.split(), STAMP)
    found = refusal(error, **values)
    assert found.detail.endswith((".", "!"))
    assert "{" not in found.detail


def test_a_stamp_that_is_being_used_is_not_said_to_be_used_in_block_0() -> None:
    assert "(block 7)" in refusal("AlreadyUsed", stamp=STAMP, block_number=7).detail
    under_way = refusal("AlreadyUsed", stamp=STAMP, block_number=0)
    assert "is being used by an item that is not recorded yet" in under_way.detail
    assert under_way.rule == "S4"


def test_an_unknown_name_is_no_refusal() -> None:
    with pytest.raises(KeyError):
        refusal("SomethingElse")


def test_refusal_names_custodians_bags_and_items_as_its_reader_does() -> None:
    bag = FIRST_RECEPTACLE + 3
    found = refusal("NotHolder", item=b"i", custodian=custodian_number(1, 1), holder=bag)
    assert found.detail == "Custodian 1-1 does not hold this item; receptacle 4 does."
    names = Names(
        {custodian_number(1, 1): "Innsbruck counter (1-1)", bag: "bag B-1"}, {b"i": "RR1"}
    )
    told = "Custodian Innsbruck counter (1-1) does not hold this item; bag B-1 does."
    assert found.told(names) == told
    one = told_lines({1: found}, names)
    assert told_list(one) == f"Line 2 (RR1): {told}"
    assert what_now_of_list(one).startswith("If you hold it, take it up. Or ")
    two = told_lines({1: found, 4: found}, names)
    assert told_list(two) == f"Line 2 (RR1): {told} (2 lines of the list are refused.)"


def test_bag_is_told_by_its_label_and_not_by_the_chain_s_count() -> None:
    """C7: nobody has seen the number that the chain gave it."""
    found = refusal("NotIn", item=ITEM, receptacle=FIRST_RECEPTACLE)
    assert found.holders == {FIRST_RECEPTACLE}
    bag = Names({FIRST_RECEPTACLE: "bag B-7 (with Hall in Tirol)"})
    assert found.told(bag) == "This item does not lie in bag B-7 (with Hall in Tirol)."


@pytest.mark.parametrize("receptacle", [ITEM, "0x" + ITEM.hex()])
def test_receptacle_named_as_an_item_is_no_holder(receptacle: bytes | str) -> None:
    """The contracts name it either way; kept with a submission, its bytes are text."""
    assert refusal("IsClosed", receptacle=receptacle).holders == frozenset()
