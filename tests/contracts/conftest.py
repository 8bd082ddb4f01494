"""Fixtures of the contract tests: a world per module, every test in its own copy of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from brownie import web3
from brownie.network.transaction import TransactionReceipt

from tests.contracts.world import World


def pytest_collection_finish() -> None:
    """All of the project is in memory now: other runs of Brownie need not wait for the tests' end."""
    os.close(int(os.environ["BROWNIE_LOCK"]))


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """anvil counts a transaction before it can be asked for, which Brownie takes for a dropped one: wait for it."""

    def patient(method: Callable[..., None]) -> Callable[..., None]:
        def wait_first(receipt: Any, *arguments: Any, **named: Any) -> None:
            web3.eth.wait_for_transaction_receipt(receipt.txid, poll_latency=0.01)
            method(receipt, *arguments, **named)

        return wait_first

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionReceipt, "wait", patient(TransactionReceipt.wait))
        patch.setattr(
            TransactionReceipt,
            "_await_confirmation",
            patient(TransactionReceipt._await_confirmation),
        )
        yield


@pytest.fixture(scope="module")
def world(module_isolation: None) -> World:
    """The contracts with two posts and a customs authority on them."""
    return World()


@pytest.fixture(autouse=True)
def isolation(world: World, fn_isolation: None) -> None:
    """What a test does, no other sees."""
