"""What records cost, all in (execution, calldata, the transaction's 21,000), and how large the contracts are.

Printed as a table beside design.md §9's targets. Bounds are what was measured, a little rounded up, so that a change
of cost is seen. Solidity 0.8.37, via-IR, optimizer 200 runs; anvil, hardfork osaka.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from brownie import accounts

from backend.domain.ids import custodian_number, edition_number, stamp_number
from backend.domain.keccak import keccak256
from backend.domain.merkle import claim_leaf, merkle_proof, merkle_root
from backend.domain.typed_data import Claim
from scripts.deploy import CONTRACTS, build
from tests.contracts.p256 import Passkey
from tests.contracts.world import FOR_EVER, SECP256K1, Custodian, Key, People, Record, World

CODE_SIZE_LIMIT = 24_576  # EIP-170
LEAVES = 2**17


class Table:
    """Lines of what, measured, bound, target."""

    def __init__(self) -> None:
        self.lines = [f"{'':<56}{'measured':>10}{'bound':>10}{'target':>10}"]

    def note(self, what: str, gas: float, bound: int, target: int | None = None) -> None:
        """Fails where the measured figure is above the bound."""
        self.lines.append(f"{what:<56}{gas:>10,.0f}{bound:>10,}{target or '':>10}")
        assert gas <= bound, what


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    """Printed when the module is done."""
    table = Table()
    yield table
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("\n\n" + "\n".join(table.lines))


def accept_many(world: World, custodian: Custodian, count: int) -> list[bytes]:
    records = [world.acceptance(custodian) for _ in range(count)]
    world.send_batch(*records)
    return [record.item for record in records]


def enrol(world: World, serial: int) -> Custodian:
    custodian = Custodian(custodian_number(1, serial), Key(f"custodian {serial}"))
    right = (custodian.key.address, SECP256K1, 1, 0, FOR_EVER)
    world.network.enrol(custodian.number, 1, b"AT6020010000", right, {"from": world.arlberg})
    return custodian


def test_hand_off_of_a_list(world: World, table: Table) -> None:
    """C2: one release, one receipt, 100 items."""
    items = accept_many(world, world.counter, 100)
    gas = world.send(world.hand_off(world.counter, world.hall, *items)).gas_used / 100
    table.note("hand-off, one list of 100, per item", gas, 18_800, 18_000)


def test_100_hand_offs_between_one_pair(world: World, table: Table) -> None:
    """C2: of one item each, in one transaction."""
    items = accept_many(world, world.counter, 100)
    records = [world.hand_off(world.counter, world.hall, item) for item in items]
    gas = world.send_batch(*records).gas_used / 100
    table.note("hand-off, 100 of one item, one pair, each", gas, 55_900)


def test_100_hand_offs_between_100_pairs(world: World, table: Table) -> None:
    """C2: of one item each, in one transaction, every right read anew."""
    records = []
    for serial in range(100, 200):
        giver, receiver = enrol(world, serial), enrol(world, serial + 100)
        records.append(world.hand_off(giver, receiver, world.accepted(giver)))
    gas = world.send_batch(*records).gas_used / 100
    table.note("hand-off, 100 of one item, 100 pairs, each", gas, 59_800, 42_000)


def test_one_hand_off_alone(world: World, table: Table) -> None:
    """C2: one item, one transaction."""
    item = world.accepted(world.counter)
    gas = world.send(world.hand_off(world.counter, world.hall, item)).gas_used
    table.note("hand-off of one item, alone in a transaction", gas, 85_200)


def test_receptacle(world: World, table: Table) -> None:
    """C7: a bag of 200: packed, handed over alone and in a batch, opened; what the next move of an item pays more."""
    items = accept_many(world, world.counter, 200)
    bag = world.accepted(world.counter)
    gas = world.send(world.packing(world.counter, bag, *items)).gas_used / 200
    table.note("pack, 200 items, per item", gas, 7_800, 8_000)
    world.send(world.closing(world.counter, bag, *items))
    gas = world.send(world.hand_off(world.counter, world.hall, bag)).gas_used / 200
    table.note("hop of a receptacle of 200, alone, per item", gas, 430, 400)
    bags = [bag, *(world.sealed(world.hall, world.accepted(world.hall)) for _ in range(99))]
    hops = [world.hand_off(world.hall, world.van, each) for each in bags]
    gas = world.send_batch(*hops).gas_used / 100 / 200
    table.note("hop of a receptacle of 200, in a batch of 100, per item", gas, 282, 230)
    gas = world.send(world.opening(world.van, bag, 200)).gas_used / 200
    table.note("open, 200 items found, per item", gas, 450, 600)
    moved = world.send(world.hand_off(world.van, world.hall, *items[:100])).gas_used / 100
    again = world.send(world.hand_off(world.hall, world.van, *items[:100])).gas_used / 100
    table.note("first move after a stay, what an item pays more", moved - again, 4_450, 2_000)


def test_hand_off_by_passkey(world: World, table: Table) -> None:
    """N3: 100 hand-offs of one item each, given by a passkey; the node has the P-256 precompile."""
    phone = Passkey("phone")
    right = (phone.address, 3, 1, 0, FOR_EVER)
    world.network.grantRight(world.van.number, right, {"from": world.arlberg})
    van = Custodian(world.van.number, phone)  # type: ignore[arg-type]
    items = accept_many(world, van, 50)
    records = [world.hand_off(van, world.hall, item) for item in items]
    gas = world.send_batch(*records).gas_used / 50
    table.note("hand-off from a passkey, 50 of one item, each", gas, 77_200, 65_000)


def test_acceptance(world: World, table: Table) -> None:
    """C1: batches of 100."""
    plain = [world.acceptance(world.counter) for _ in range(100)]
    gas = world.send_batch(*plain).gas_used / 100
    table.note("acceptance, batch of 100, each", gas, 65_400, 70_000)
    keyed = [world.acceptance(world.counter, keys=People(str(i)).hidden) for i in range(100)]
    gas = world.send_batch(*keyed).gas_used / 100
    table.note("acceptance with delivery keys, batch of 100, each", gas, 87_900, 92_000)


def test_franking(world: World, table: Table) -> None:
    """S4: what a stamp adds to an acceptance."""
    edition = world.edition()
    edition.issue(1, 1000)

    def used(rows: list[tuple[int, ...]]) -> int:
        records = [world.acceptance(world.counter, stamps=row) for row in rows]
        return int(world.send_batch(*records).gas_used)

    without = used([()] * 30)
    rows = [tuple(edition.stamp(8 + 3 * i + j) for j in range(3)) for i in range(30)]
    table.note("franking, per stamp, three in a row", (used(rows) - without) / 90, 9_100, 11_000)
    fresh = [(edition.stamp(200 + 8 * i),) for i in range(30)]
    table.note("franking, per stamp, each in a fresh slot", (used(fresh) - without) / 30, 29_900)


def test_issue_and_void(world: World, table: Table) -> None:
    """S3, S5: ranges."""
    edition = world.edition(supply=10_000)
    table.note("issue, range of 1,000, per stamp", edition.issue(1, 1000).gas_used / 1000, 170, 180)
    gas = edition.issue(1001, 1006).gas_used / 6
    table.note("issue, six at a counter, per stamp", gas, 9_350, 10_000)
    gas = edition.void(2001, 3000).gas_used / 1000
    table.note("void, range of 1,000 not issued, per stamp", gas, 3_050)


def test_claim(world: World, table: Table) -> None:
    """S6: from an edition of 131,072 stamps, to a collector who has none."""
    number = edition_number(1, 77)
    keys = {serial: Key(f"claim {serial}") for serial in (1, 2)}
    leaves = [keccak256(serial.to_bytes(4, "big")) for serial in range(1, LEAVES + 1)]
    for serial, key in keys.items():
        leaves[serial - 1] = claim_leaf(stamp_number(number, serial), key.raw)
    world.edition(77, claimRoot=merkle_root(leaves), supply=LEAVES).issue(1, 8)

    def claim(serial: int) -> Record:
        to = bytes.fromhex(accounts.add().address[2:])
        struct = Claim(stamp_number(number, serial), to, world.now() + 1000)
        return world.one("claim", struct, keys[serial], between=(merkle_proof(leaves, serial - 1),))

    world.send(claim(1))
    table.note("claim, depth 17, fresh recipient", world.send(claim(2)).gas_used, 109_050, 100_000)


@pytest.mark.parametrize("name", CONTRACTS)
def test_contracts_fit(name: str, table: Table) -> None:
    """EIP-170."""
    size = len(build(name)._build["deployedBytecode"]) // 2
    table.note(f"{name}, bytes of code", size, CODE_SIZE_LIMIT)
