"""The verdict's four axes (design.md §4), S8, S9."""

from dataclasses import replace

import pytest

from backend.domain.verdict import (
    CodeAxis,
    Notice,
    Sighting,
    SignerFacts,
    StampFacts,
    TwinAxis,
    Use,
    UseAxis,
    judge_code,
    judge_stamp,
    judge_use,
)

NOW = 1_700_000_000
KEY = bytes.fromhex("ab" * 20)
SOLD = StampFacts(NOW - 50, 70, False, NOW - 1_000, None, None, None, False)
USED = replace(SOLD, use=Use(16777220, NOW - 10, 1, bytes(32), 80))


@pytest.mark.parametrize(
    ("facts", "use"),
    [
        (None, UseAxis.UNKNOWN),
        (replace(SOLD, issued_at=None), UseAxis.NOT_SOLD),
        (replace(SOLD, issued_at=None, being_recorded=True), UseAxis.BEING_RECORDED),
        (replace(SOLD, issued_at=None, void_reason=4), UseAxis.NOT_SOLD),
        (replace(SOLD, issued_at=None, void_reason=1), UseAxis.VOID),
        (SOLD, UseAxis.VALID),
        (replace(SOLD, first_day=NOW + 1), UseAxis.NOT_YET_VALID),
        (replace(SOLD, withdrawn_from=NOW), UseAxis.WITHDRAWN),
        (USED, UseAxis.USED),
        (replace(SOLD, void_reason=1), UseAxis.VOID),
    ],
)
def test_use_axis(facts: StampFacts | None, use: UseAxis) -> None:
    assert judge_use(facts, NOW) is use


@pytest.mark.parametrize(
    ("recovered", "hint", "revoked", "issued_block", "axis"),
    [
        (KEY, KEY[:3], None, 70, CodeAxis.ISSUED_BY),
        (b"x" * 20, KEY[:3], None, 70, CodeAxis.MISMATCH),
        (None, KEY[:3], None, 70, CodeAxis.MISMATCH),
        (b"x" * 20, b"xxx", None, 70, CodeAxis.UNKNOWN_SIGNER),
        (KEY, KEY[:3], 71, 70, CodeAxis.ISSUED_BY),
        (KEY, KEY[:3], 70, 70, CodeAxis.SIGNER_REVOKED),
        (KEY, KEY[:3], 60, None, CodeAxis.SIGNER_REVOKED),
    ],
)
def test_code_axis(
    recovered: bytes | None,
    hint: bytes,
    revoked: int | None,
    issued_block: int | None,
    axis: CodeAxis,
) -> None:
    """S8: a revoked signer's code is good when its serial was issued before."""
    assert judge_code(recovered, hint, (SignerFacts(KEY, revoked),), issued_block) is axis


def test_a_code_that_nobody_signed_says_nothing_about_the_stamp() -> None:
    """Fail closed: a stranger's code must not borrow the genuine stamp's «valid»."""
    found = judge_stamp(CodeAxis.UNKNOWN_SIGNER, SOLD, NOW)
    assert (found.use, found.twin, found.facts) == (UseAxis.UNKNOWN, TwinAxis.NONE, None)
    assert not found.good_postage


def test_the_twin_axis_never_touches_the_use() -> None:
    assert (
        judge_stamp(CodeAxis.ISSUED_BY, replace(USED, twin_claimed=True), NOW).twin
        is TwinAxis.CLAIMED
    )
    assert judge_stamp(CodeAxis.ISSUED_BY, USED, NOW).twin is TwinAxis.SEALED
    assert judge_stamp(CodeAxis.ISSUED_BY, replace(SOLD, issued_at=None), NOW).twin is TwinAxis.NONE


def test_notices_are_no_verdict() -> None:
    """S9: the original shown outweighs a sighting; the use stays what it is."""
    seen = replace(USED, sightings=(Sighting(16777217, NOW),))
    assert judge_stamp(CodeAxis.ISSUED_BY, seen, NOW).notice is Notice.SEEN_ELSEWHERE
    shown = judge_stamp(CodeAxis.ISSUED_BY, replace(seen, original_shown=(NOW,)), NOW)
    assert (shown.notice, shown.use) == (Notice.ORIGINAL_SHOWN, UseAxis.USED)
