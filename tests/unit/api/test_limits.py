"""Limits: by address, per rule, with a time to come back."""

from __future__ import annotations

import pytest

from backend.api.limits import RULES, Limits, TooMany, network_of


def exhaust(limits: Limits, rule: str, who: str) -> None:
    for _ in range(RULES[rule].amount):
        limits.count(rule, who)


def test_one_more_than_allowed_is_refused_with_a_time_to_come_back() -> None:
    limits = Limits()
    exhaust(limits, "claim", "192.0.2.7")
    with pytest.raises(TooMany) as refused:
        limits.count("claim", "192.0.2.7")
    assert 1 <= refused.value.retry_after_seconds <= 600
    assert refused.value.status == 429


def test_others_and_other_rules_are_not_counted_along() -> None:
    limits = Limits()
    exhaust(limits, "claim", "192.0.2.7")
    limits.count("claim", "192.0.2.8")
    limits.count("verify", "192.0.2.7")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
    ],
)
def test_household_counts_as_one(address: str, network: str) -> None:
    """One household has a /64 of IPv6 addresses, and one IPv4 address however it is written."""
    assert network_of(address) == network
