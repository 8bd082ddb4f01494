"""N1, G1: every function that changes state, tried by everybody. A function without a row fails the build."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from brownie.exceptions import VirtualMachineError

from backend.domain.ids import custodian_number, edition_number
from tests.contracts.world import DAY, FOR_EVER, ZERO_ADDRESS, Key, World

ROLES = ("governor", "arlberg", "saentis", "arlberg_sender", "saentis_sender", "stranger")
GOVERNOR, ADMIN, SENDERS = {"governor"}, {"arlberg"}, {"arlberg", "arlberg_sender"}
NOBODY: set[str] = set()
REFUSALS = (
    "NotGovernor",
    "NotAdmin",
    "NotSubmitter",
    "NotOfferedGovernor",
    "NotOfferedAdmin",
    "NotLedger",
)

# What is signed by a key inside: anyone may submit it (G1).
PUBLIC = {
    f"{call}{batch}"
    for call in (
        "accept",
        "handOff",
        "pack",
        "close",
        "open",
        "deliver",
        "end",
        "takeUp",
        "recall",
        "report",
        "cancel",
        "claim",
        "showOriginal",
    )
    for batch in ("", "Batch")
}
# Evidence that anyone may bring; once for a pair (C10).
EVIDENCE = {"proveEquivocation"}
# The sender is asked whom it stands in for, after the signatures (C9; test_forced.py).
STAND_INS = {"forceHandOff"}
# What every ERC-721 token has; a sealed twin's owner is the contract, which calls none of these (test_twins.py).
TOKENS = {"approve", "setApprovalForAll", "transferFrom", "safeTransferFrom"}
# In a batch the sender is asked for each range, and refused for each.
BATCHES = {"issueBatch", "voidBatch"}


def right(name: str) -> tuple[Any, ...]:
    return Key(name).address, 1, 1, 0, FOR_EVER


Call = tuple[set[str], Callable[[World], tuple[Any, ...]]]
NETWORK: dict[str, Call] = {
    "offerGovernor": (GOVERNOR, lambda w: (w.stranger,)),
    "acceptGovernor": (NOBODY, lambda w: ()),
    "admitOperator": (GOVERNOR, lambda w: (9, w.stranger, "Nordpost")),
    "suspendOperator": (GOVERNOR, lambda w: (1,)),
    "reinstateOperator": (GOVERNOR, lambda w: (1,)),
    "offerAdmin": (ADMIN, lambda w: (1, w.stranger)),
    "acceptAdmin": (NOBODY, lambda w: (1,)),
    "addSubmitter": (ADMIN, lambda w: (1, w.stranger)),
    "removeSubmitter": (ADMIN, lambda w: (1, w.arlberg_sender)),
    "addStampSigner": (ADMIN, lambda w: (1, Key("new signer").address)),
    "revokeStampSigner": (ADMIN, lambda w: (1, Key("stamp signer").address)),
    "enrol": (ADMIN, lambda w: (custodian_number(1, 50), 1, b"AT6020010000", right("new"))),
    "grantRight": (ADMIN, lambda w: (w.counter.number, right("new"))),
    "compromise": (ADMIN, lambda w: (w.counter.number, w.counter.key.address)),
    "suspendCustodian": (ADMIN, lambda w: (w.counter.number,)),
    "reinstateCustodian": (ADMIN, lambda w: (w.counter.number,)),
}
STAMPS: dict[str, Call] = {
    "createEdition": (
        SENDERS,
        lambda w: (edition_number(1, 2), w.stamps.edition(edition_number(1, 1))),
    ),
    "withdrawEdition": (SENDERS, lambda w: (edition_number(1, 1), w.now() + 91 * DAY)),
    "issue": (SENDERS, lambda w: ((edition_number(1, 1), 1, 3, w.counter.number),)),
    "voidRange": (SENDERS, lambda w: ((edition_number(1, 1), 1, 3, 1),)),
    "closeClaims": (SENDERS, lambda w: (edition_number(1, 1), 1, 3, 1)),
    "replaceClaimRoot": (SENDERS, lambda w: (edition_number(1, 5), 1, 3, b"root".ljust(32))),
    "frank": (NOBODY, lambda w: (bytes(32), w.counter.number, w.now(), [])),
}


def changing(contract: Any) -> set[str]:
    """The functions of a contract that may change its state."""
    return {
        entry["name"]
        for entry in contract.abi
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }


def test_every_function_has_a_row(world: World) -> None:
    """Whoever adds a function says who may call it."""
    assert changing(world.network) == set(NETWORK)
    assert (
        changing(world.ledger) | changing(world.stamps)
        == set(STAMPS) | PUBLIC | EVIDENCE | STAND_INS | TOKENS | BATCHES
    )


@pytest.fixture(scope="module", autouse=True)
def prepared(world: World) -> None:
    """What the calls below name: an edition, and a stamp signer."""
    world.edition(1)
    closed = world.edition(5).number, 1, 3, 1
    world.stamps.closeClaims(*closed, {"from": world.arlberg_sender})
    world.wait(30 * DAY)
    world.network.addStampSigner(1, Key("stamp signer").address, {"from": world.arlberg})


def may_call(function: Any, arguments: tuple[Any, ...], sender: Any) -> bool:
    try:
        function.call(*arguments, {"from": sender})
    except VirtualMachineError as refused:
        if str(refused.revert_msg).split(":")[0] not in REFUSALS:
            raise
        return False
    return True


@pytest.mark.parametrize(
    ("contract", "name"), [("network", n) for n in NETWORK] + [("stamps", n) for n in STAMPS]
)
def test_only_the_documented_roles_may_call(world: World, contract: str, name: str) -> None:
    """N1: the matrix of docs/custody.md."""
    allowed, arguments = (NETWORK | STAMPS)[name]
    function, given = getattr(getattr(world, contract), name), arguments(world)
    assert {role for role in ROLES if may_call(function, given, getattr(world, role))} == allowed


def test_no_one_is_nobody(world: World) -> None:
    """N1: zero addresses are refused wherever one would gain a role by default."""
    for call in (
        lambda: world.network.admitOperator(9, ZERO_ADDRESS, "Nordpost", {"from": world.governor}),
        lambda: world.network.addStampSigner(1, ZERO_ADDRESS, {"from": world.arlberg}),
    ):
        with pytest.raises(VirtualMachineError, match="ZeroAddress"):
            call()
