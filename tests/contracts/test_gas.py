"""What records cost, all in (execution, calldata, the transaction's 21,000), and how large the contracts are.

Printed as a table; the bounds are design.md §9's. Solidity 0.8.37, legacy pipeline, optimizer 200 runs, hardfork osaka.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from brownie import accounts

from backend.domain.ids import edition_number, stamp_number
from backend.domain.keccak import keccak256
from backend.domain.merkle import claim_leaf, merkle_proof, merkle_root
from backend.domain.typed_data import Claim
from scripts.deploy import CONTRACTS, build
from tests.contracts.world import FOR_EVER, SECP256K1, Custodian, Edition, Key, People, World

CODE_SIZE_LIMIT = 24_576
LEAVES = 2**17


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Lines, printed when the module is done."""
    lines = [f"{'':<64}{'measured':>10}{'bound':>10}"]
    yield lines
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("\n\n" + "\n".join(lines))


def note(table: list[str], what: str, gas: float, target: int) -> None:
    table.append(f"{what:<64}{gas:>10,.0f}{target:>10,}")
    # assert


def accept_many(world: World, custodian: Custodian, count: int) -> list[bytes]:
    records = [world.acceptance(custodian) for _ in range(count)]
    world.send_batch(*records)
    return [record.item for record in records]


def test_hand_off_of_a_list_of_100(world: World, table: list[str]) -> None:
    items = accept_many(world, world.counter, 100)
    gas = world.send(world.hand_off(world.counter, world.hall, *items)).gas_used / 100
    note(table, "hand-off, one list of 100, per item", gas, 18_000)


def test_hand_off_of_a_list_of_500(world: World, table: list[str]) -> None:
    items = accept_many(world, world.counter, 100) + accept_many(world, world.counter, 100)
    items += accept_many(world, world.counter, 100) + accept_many(world, world.counter, 100)
    items += accept_many(world, world.counter, 100)
    gas = world.send(world.hand_off(world.counter, world.hall, *items)).gas_used / 500
    note(table, "hand-off, one list of 500, per item", gas, 18_000)


def test_100_hand_offs_of_one_item_between_one_pair(world: World, table: list[str]) -> None:
    items = accept_many(world, world.counter, 100)
    records = [world.hand_off(world.counter, world.hall, item) for item in items]
    note(
        table,
        "hand-off, 100 of one item, one pair, each",
        world.send_batch(*records).gas_used / 100,
        44_000,
    )


def test_100_hand_offs_of_one_item_between_100_pairs(world: World, table: list[str]) -> None:
    records = []
    for serial in range(100, 200):
        giver, receiver = enrol(world, serial), enrol(world, serial + 100)
        item = world.accepted(giver)
        records.append(world.hand_off(giver, receiver, item))
    note(
        table,
        "hand-off, 100 of one item, 100 pairs, each",
        world.send_batch(*records).gas_used / 100,
        42_000,
    )


def enrol(world: World, serial: int) -> Custodian:
    custodian = Custodian(1 << 24 | serial, Key(f"custodian {serial}"))
    right = (custodian.key.address, SECP256K1, 1, 0, FOR_EVER)
    world.network.enrol(
        custodian.number, 1, b"place".ljust(12, b"\0"), right, {"from": world.arlberg}
    )
    return custodian


def test_one_hand_off_of_one_item(world: World, table: list[str]) -> None:
    item = world.accepted(world.counter)
    note(
        table,
        "hand-off, one item alone",
        world.send(world.hand_off(world.counter, world.hall, item)).gas_used,
        80_000,
    )


def test_acceptance(world: World, table: list[str]) -> None:
    plain = [world.acceptance(world.counter) for _ in range(100)]
    note(table, "acceptance, batch of 100, each", world.send_batch(*plain).gas_used / 100, 70_000)
    keyed = [world.acceptance(world.counter, keys=People(str(i)).hidden) for i in range(100)]
    note(
        table,
        "acceptance with delivery keys, batch of 100, each",
        world.send_batch(*keyed).gas_used / 100,
        92_000,
    )


def test_franking(world: World, table: list[str]) -> None:
    edition = world.edition()
    edition.issue(1, 1000)
    without = world.send_batch(*[world.acceptance(world.counter) for _ in range(30)]).gas_used
    rows = [tuple(edition.stamp(8 + 3 * i + j) for j in range(3)) for i in range(30)]
    franked = world.send_batch(
        *[world.acceptance(world.counter, stamps=row) for row in rows]
    ).gas_used
    note(table, "franking, per stamp in a row of three", (franked - without) / 90, 11_000)
    fresh = [(edition.stamp(200 + 8 * i),) for i in range(30)]
    franked = world.send_batch(
        *[world.acceptance(world.counter, stamps=row) for row in fresh]
    ).gas_used
    note(table, "franking, per stamp in a fresh slot", (franked - without) / 30, 32_000)


def test_issue(world: World, table: list[str]) -> None:
    edition = world.edition(supply=10_000)
    note(table, "issue, range of 1,000, per stamp", edition.issue(1, 1000).gas_used / 1000, 180)
    note(
        table, "issue, six at a counter, per stamp", edition.issue(1001, 1006).gas_used / 6, 14_000
    )
    note(table, "issue, six more, per stamp", edition.issue(1007, 1012).gas_used / 6, 10_000)


def test_void(world: World, table: list[str]) -> None:
    edition = world.edition(supply=10_000)
    note(
        table,
        "void, range of 1,000 not issued, per stamp",
        edition.void(1, 1000).gas_used / 1000,
        3_200,
    )


def test_claim(world: World, table: list[str]) -> None:
    edition, number, keys = claimable_among_131072(world)
    edition.issue(1, 8)
    first = claim(world, number, keys, 1, accounts.add())
    world.send(first)
    note(
        table,
        "claim, depth 17, fresh recipient",
        world.send(claim(world, number, keys, 2, accounts.add())).gas_used,
        110_000,
    )


_tree: dict[str, Any] = {}


def claimable_among_131072(world: World) -> tuple[Edition, int, dict[int, Key]]:
    number = edition_number(1, 77)
    keys = {serial: Key(f"claim {serial}") for serial in (1, 2)}
    leaves = [keccak256(serial.to_bytes(4, "big")) for serial in range(1, LEAVES + 1)]
    for serial, key in keys.items():
        leaves[serial - 1] = claim_leaf(stamp_number(number, serial), key.raw)
    _tree.update(leaves=leaves)
    return world.edition(77, claimRoot=merkle_root(leaves), supply=LEAVES), number, keys


def claim(world: World, number: int, keys: dict[int, Key], serial: int, to: Any) -> Any:
    struct = Claim(stamp_number(number, serial), bytes.fromhex(str(to)[2:]), world.now() + 1000)
    return world.one(
        "claim", struct, keys[serial], between=(merkle_proof(_tree["leaves"], serial - 1),)
    )


@pytest.mark.parametrize("name", CONTRACTS)
def test_contracts_fit(name: str, table: list[str]) -> None:
    size = len(build(name)._build["deployedBytecode"]) // 2
    note(table, f"{name}, bytes of code", size, CODE_SIZE_LIMIT)
