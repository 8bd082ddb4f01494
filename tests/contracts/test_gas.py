"""What records cost, all in (execution, calldata, the transaction's 21,000), and how large the contracts are.

Held against gas.json, so that no change of cost goes unseen: `make gas` prints the table, `make gas ACCEPT=1` takes new
figures. Keys and times are the same in every run, so figures are; only passkeys sign otherwise each time.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from brownie import accounts, web3
from web3 import HTTPProvider, Web3

from backend.domain.ids import custodian_number, edition_number, stamp_number
from backend.domain.keccak import keccak256
from backend.domain.merkle import claim_leaf, merkle_proof, merkle_root
from backend.domain.typed_data import Claim
from scripts.deploy import CONTRACTS, build
from tests.contracts.comparisons import deployed
from tests.contracts.gas_table import Figures, table
from tests.contracts.p256 import Passkey
from tests.contracts.world import FOR_EVER, SECP256K1, Custodian, Key, People, Record, World

CODE_SIZE_LIMIT = 24_576  # EIP-170
LEAVES = 2**17
FIRST_BLOCK = 2_000_000_000  # so that no figure depends on the clock


@pytest.fixture(scope="module")
def world(module_isolation: None) -> Iterator[World]:
    """A world in which every run signs the same times: each block is a second after the one before."""
    web3.provider.make_request("evm_setNextBlockTimestamp", [FIRST_BLOCK])
    web3.provider.make_request("anvil_setBlockTimestampInterval", [1])
    yield World()
    web3.provider.make_request("anvil_removeBlockTimestampInterval", [])


@pytest.fixture(scope="module")
def figures(request: pytest.FixtureRequest) -> Iterator[Figures]:
    """Printed when the module is done."""
    figures = Figures()
    yield figures
    figures.close()
    seen = {key: figures.known[key] | {"measured": gas} for key, gas in figures.seen.items()}
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("\n\n" + table(seen))


def accept_many(world: World, custodian: Custodian, count: int) -> list[bytes]:
    records = [world.acceptance(custodian) for _ in range(count)]
    world.send_batch(*records)
    return [record.item for record in records]


def enrol(world: World, serial: int) -> Custodian:
    custodian = Custodian(custodian_number(1, serial), Key(f"custodian {serial}"))
    right = (custodian.key.address, SECP256K1, 1, 0, FOR_EVER)
    world.network.enrol(custodian.number, 1, b"AT6020010000", right, {"from": world.arlberg})
    return custodian


@contextmanager
def without_precompile() -> Iterator[HTTPProvider]:
    """A copy of this chain whose hardfork, prague, has no P-256 precompile (EIP-7951)."""
    words = "--port 0 --accounts 20 --block-base-fee-per-gas 0 --hardfork prague --fork-url"
    command = ["anvil", *words.split(), web3.provider.endpoint_uri]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as node:
        assert node.stdout is not None
        try:
            found = (re.search(r"Listening on (\S+)", line) for line in node.stdout)
            address = next(match[1] for match in found if match)
            yield HTTPProvider(f"http://{address}")
        finally:
            node.terminate()


def gas_without_precompile(world: World, *records: Record) -> int:
    """What a batch of hand-offs takes there."""
    data = world.ledger.handOffBatch.encode_input([record.argument for record in records])
    call = {"from": str(world.relay), "to": world.ledger.address, "data": data, "gas": hex(2**25)}
    with without_precompile() as node:
        node.make_request("evm_setNextBlockTimestamp", [world.now() + 1])
        sent = node.make_request("eth_sendTransaction", [call])["result"]
        receipt = Web3(node).eth.wait_for_transaction_receipt(sent)
    assert len(receipt["logs"]) == 2 * len(records)
    return int(receipt["gasUsed"])


def test_hand_off_of_a_list(world: World, figures: Figures) -> None:
    """C2: one release, one receipt, 100 items."""
    items = accept_many(world, world.counter, 100)
    gas = world.send(world.hand_off(world.counter, world.hall, *items)).gas_used / 100
    figures.note("hand_off_list_100", gas)


def test_100_hand_offs_between_one_pair(world: World, figures: Figures) -> None:
    """C2: of one item each, in one transaction."""
    items = accept_many(world, world.counter, 100)
    records = [world.hand_off(world.counter, world.hall, item) for item in items]
    gas = world.send_batch(*records).gas_used / 100
    figures.note("hand_off_single_100_same_pair", gas)


def test_100_hand_offs_between_100_pairs(world: World, figures: Figures) -> None:
    """C2: of one item each, in one transaction, every right read anew."""
    records = []
    for serial in range(100, 200):
        giver, receiver = enrol(world, serial), enrol(world, serial + 100)
        records.append(world.hand_off(giver, receiver, world.accepted(giver)))
    gas = world.send_batch(*records).gas_used / 100
    figures.note("hand_off_single_100", gas)


def test_one_hand_off_alone(world: World, figures: Figures) -> None:
    """C2: one item, one transaction."""
    item = world.accepted(world.counter)
    gas = world.send(world.hand_off(world.counter, world.hall, item)).gas_used
    figures.note("hand_off_single", gas)


def test_receptacle(world: World, figures: Figures) -> None:
    """C7: a bag of 200: packed, handed over alone and in a batch, opened; what the next move of an item pays more."""
    items = accept_many(world, world.counter, 200)
    bag = world.accepted(world.counter)
    gas = world.send(world.packing(world.counter, bag, *items)).gas_used / 200
    figures.note("pack_200", gas)
    world.send(world.closing(world.counter, bag, *items))
    gas = world.send(world.hand_off(world.counter, world.hall, bag)).gas_used / 200
    figures.note("hop_receptacle_200", gas)
    bags = [bag, *(world.sealed(world.hall, world.accepted(world.hall)) for _ in range(99))]
    hops = [world.hand_off(world.hall, world.van, each) for each in bags]
    gas = world.send_batch(*hops).gas_used / 100 / 200
    figures.note("hop_receptacle_200_batch", gas)
    gas = world.send(world.opening(world.van, bag, 200)).gas_used / 200
    figures.note("open_200", gas)
    moved = world.send(world.hand_off(world.van, world.hall, *items[:100])).gas_used / 100
    again = world.send(world.hand_off(world.hall, world.van, *items[:100])).gas_used / 100
    figures.note("first_move_after_stay", moved - again)


def test_hand_off_by_passkey(world: World, figures: Figures) -> None:
    """N3: 100 hand-offs of one item each, given by a passkey; the node has the P-256 precompile."""
    phone = Passkey("phone")
    right = (phone.address, 3, 1, 0, FOR_EVER)
    world.network.grantRight(world.van.number, right, {"from": world.arlberg})
    van = Custodian(world.van.number, phone)  # type: ignore[arg-type]
    items = accept_many(world, van, 50)
    records = [world.hand_off(van, world.hall, item) for item in items]
    without = gas_without_precompile(world, *records) / 50
    figures.note("hand_off_passkey_without_precompile", without, hardfork="prague")
    gas = world.send_batch(*records).gas_used / 50
    figures.note("hand_off_passkey", gas)


def test_acceptance(world: World, figures: Figures) -> None:
    """C1: batches of 100."""
    plain = [world.acceptance(world.counter) for _ in range(100)]
    gas = world.send_batch(*plain).gas_used / 100
    figures.note("acceptance", gas)
    keyed = [world.acceptance(world.counter, keys=People(str(i)).hidden) for i in range(100)]
    gas = world.send_batch(*keyed).gas_used / 100
    figures.note("acceptance_with_keys", gas)


def test_franking(world: World, figures: Figures) -> None:
    """S4: what a stamp adds to an acceptance."""
    edition = world.edition()
    edition.issue(1, 1000)

    def used(rows: list[tuple[int, ...]]) -> int:
        records = [world.acceptance(world.counter, stamps=row) for row in rows]
        return int(world.send_batch(*records).gas_used)

    without = used([()] * 30)
    rows = [tuple(edition.stamp(8 + 3 * i + j) for j in range(3)) for i in range(30)]
    figures.note("frank_in_acceptance", (used(rows) - without) / 90)
    fresh = [(edition.stamp(200 + 8 * i),) for i in range(30)]
    figures.note("frank_in_fresh_slot", (used(fresh) - without) / 30)


def test_issue_and_void(world: World, figures: Figures) -> None:
    """S3, S5: ranges."""
    edition = world.edition(supply=10_000)
    figures.note("issue_1000", edition.issue(1, 1000).gas_used / 1000)
    gas = edition.issue(1001, 1006).gas_used / 6
    figures.note("issue_6", gas)
    gas = edition.void(2001, 3000).gas_used / 1000
    figures.note("void_1000", gas)


def test_claim(world: World, figures: Figures) -> None:
    """S6: from an edition of 131,072 stamps, to a collector who has none."""
    number = edition_number(1, 77)
    keys = {serial: Key(f"claim {serial}") for serial in (1, 2)}
    leaves = [keccak256(serial.to_bytes(4, "big")) for serial in range(1, LEAVES + 1)]
    for serial, key in keys.items():
        leaves[serial - 1] = claim_leaf(stamp_number(number, serial), key.raw)
    world.edition(77, claimRoot=merkle_root(leaves), supply=LEAVES).issue(1, 8)

    def claim(serial: int) -> Record:
        to = Key(f"collector {serial}").raw
        struct = Claim(stamp_number(number, serial), to, world.now() + 1000)
        return world.one("claim", struct, keys[serial], between=(merkle_proof(leaves, serial - 1),))

    world.send(claim(1))
    figures.note("claim", world.send(claim(2)).gas_used)


def test_what_would_be_built_instead(world: World, figures: Figures) -> None:
    """The same things the usual way, in the same run: none of these holds two signatures or a condition."""
    giver, receiver = accounts[5], accounts[6]
    tokens = deployed("TokenPerHop", giver)
    for item in (keccak256(b"1"), keccak256(b"2"), keccak256(b"3")):
        tokens.mint(receiver if item == keccak256(b"3") else giver, item, {"from": giver})
    moved = tokens.transferFrom(giver, receiver, keccak256(b"1"), {"from": giver})
    figures.note("else_token_per_hop", moved.gas_used)
    hops = deployed("StructPerHop", giver)
    texts = (
        "Delivery centre 6020 Innsbruck",
        "Handed over to the courier",
        "Parcel in good order, wet",
    )
    hops.add("RR473124829AT", *texts, {"from": giver})
    gas = hops.add("RR473124829AT", *texts, {"from": giver}).gas_used
    figures.note("else_struct_per_hop", gas)
    offers = deployed("OfferAndAccept", giver)
    offers.begin(keccak256(b"1"), {"from": giver})
    offered = offers.offer(keccak256(b"1"), receiver, {"from": giver})
    taken = offers.accept(keccak256(b"1"), {"from": receiver})
    figures.note("else_offer_and_accept", offered.gas_used + taken.gas_used)
    mint = deployed("BatchMint", giver).mint(giver, 1000, {"from": giver})
    figures.note("else_batch_mint_1000", mint.gas_used / 1000)


@pytest.mark.parametrize("name", CONTRACTS)
def test_contracts_fit(name: str, figures: Figures) -> None:
    """EIP-170."""
    size = len(build(name)._build["deployedBytecode"]) // 2
    figures.note(f"size_{name}", size)
    assert size <= CODE_SIZE_LIMIT
