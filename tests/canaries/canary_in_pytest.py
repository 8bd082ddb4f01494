"""Fails on purpose: were it reported as passed, no other result of this runner could be believed."""


def test_canary() -> None:
    assert 1 + 1 == 3
