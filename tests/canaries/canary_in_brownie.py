"""Fails on purpose, on Brownie's own chain."""


def test_canary(accounts, chain):
    assert chain.height == -1
