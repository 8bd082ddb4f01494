"""What the report form offers by the custodian's kind: own codes first, all others but customs' behind them."""

from __future__ import annotations

import pytest

from backend.domain.codes import KINDS, REASONS, REPORTS
from backend.web.observing import ONLY_WHERE_NAMED, offered


@pytest.mark.parametrize("kind", KINDS.names())
def test_every_code_is_offered_once_to_every_kind(kind: str) -> None:
    found = offered(kind)
    reports = [code.name for code in (*found.reports.own, *found.reports.others)]
    assert len(reports) == len(set(reports))
    assert set(REPORTS.names()) - set(reports) <= ONLY_WHERE_NAMED
    reasons = [code.name for code in (*found.reasons.own, *found.reasons.others)]
    assert sorted(reasons) == sorted(REASONS.names())
    assert reasons[0] == "none"


def test_customs_decides_and_nobody_else_is_offered_its_decisions() -> None:
    for kind in KINDS.names():
        found = offered(kind).reports
        names = {code.name for code in (*found.own, *found.others)}
        assert ("released" in names) == (kind == "customs")
