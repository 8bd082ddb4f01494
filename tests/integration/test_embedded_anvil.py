"""The embedded chain: PostgreSQL's blocks are the log, anvil's state file a cache of them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from eth_account import Account

from backend.embedded.anvil import (
    BLOCK_GAS_LIMIT,
    CHAIN_ID,
    Block,
    ChainDiffers,
    EmbeddedAnvil,
    PortTaken,
)
from backend.embedded.json_rpc import JsonRpc, NodeAway, NodeRefused
from backend.embedded.processes import FolderInUse, command_line, wait_until

GENESIS_TIME = 1_700_000_000
TRANSACTION_GAS_CAP = 1 << 24
SENDERS = [Account.from_key(bytes([0] * 31 + [n])) for n in (1, 2, 3)]
# init code that stores the block's time and logs it: sstore(0, timestamp), log0(timestamp), stop
TIMEKEEPER = "0x426000554260005260206000a000"


class Chain:
    """Mines blocks on a node and keeps them as PostgreSQL would."""

    def __init__(self, node: EmbeddedAnvil) -> None:
        self.node = node
        self.blocks: list[Block] = []
        self._nonces = [0] * len(SENDERS)

    def call(self, method: str, *params: Any) -> Any:
        with JsonRpc(self.node.url) as rpc:
            return rpc.call(method, *params)

    def sign(self, sender: int, **fields: Any) -> bytes:
        transaction = {"gas": 100_000, "gasPrice": 0, "value": 0, "chainId": CHAIN_ID, **fields}
        transaction["nonce"] = self._nonces[sender]
        self._nonces[sender] += 1
        return bytes(SENDERS[sender].sign_transaction(transaction).raw_transaction)

    def mine(self, timestamp: int, transactions: Iterable[bytes]) -> Block:
        kept = tuple(transactions)
        self.call("anvil_setTime", timestamp)  # these blocks lie in the past
        self.call("evm_setNextBlockTimestamp", timestamp)
        for transaction in kept:
            self.call("eth_sendRawTransaction", "0x" + transaction.hex())
        self.call("evm_mine")
        mined = self.call("eth_getBlockByNumber", "latest", False)
        assert len(mined["transactions"]) == len(kept)
        number, found = int(mined["number"], 16), bytes.fromhex(mined["hash"][2:])
        block = Block(number, timestamp, kept, found)
        self.blocks.append(block)
        return block

    def mine_some(self, count: int) -> None:
        """Blocks of transfers and contract calls by senders in turn, some of the same second."""
        for number in range(count):
            turn = [(number + offset) % len(SENDERS) for offset in range(5)]
            last = self.blocks[-1].timestamp if self.blocks else GENESIS_TIME
            transactions = [self.sign(sender, to="0x" + "44" * 20) for sender in turn]
            transactions.append(self.sign(turn[0], data=TIMEKEEPER))
            self.mine(last + number % 3, transactions)

    def read(self, first: int) -> Iterable[Block]:
        return [block for block in self.blocks if block.number >= first]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[EmbeddedAnvil]:
    anvil = EmbeddedAnvil(tmp_path / "chain", GENESIS_TIME)
    anvil.start()
    yield anvil
    anvil.kill()


@pytest.fixture
def chain(node: EmbeddedAnvil) -> Chain:
    made = Chain(node)
    made.mine_some(20)
    return made


def hashes(node: EmbeddedAnvil) -> list[bytes]:
    """Of all blocks but genesis."""
    with JsonRpc(node.url) as rpc:
        height = int(rpc.call("eth_blockNumber"), 16)
        calls = [("eth_getBlockByNumber", [hex(n), False]) for n in range(1, height + 1)]
        return [bytes.fromhex(block["hash"][2:]) for block in rpc.batch(calls)]


def kill(node: EmbeddedAnvil) -> None:
    """kill -9, and wait until the process is gone."""
    pid = node.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not command_line(pid), timeout_seconds=10)


def test_rebuilds_identical_blocks_after_kill_9(node: EmbeddedAnvil, chain: Chain) -> None:
    """B5. Nothing is left of the node's own files, and yet every block has the hash it had."""
    kill(node)
    assert not node.state.exists()
    node.start(chain.read)
    assert hashes(node) == [block.hash for block in chain.blocks]


def test_rebuilds_on_top_of_an_older_state(node: EmbeddedAnvil, chain: Chain) -> None:
    node.stop()
    node.start(chain.read)
    chain.mine_some(5)
    kill(node)
    node.start(chain.read)
    assert hashes(node) == [block.hash for block in chain.blocks]
    assert len(chain.blocks) == 25


def test_who_asks_meets_it_started_again_with_all_blocks_or_not_at_all(
    node: EmbeddedAnvil, chain: Chain
) -> None:
    """A sender that met it half way would mine blocks of its own into those that are being mined again."""
    url, met = node.url, set[int | None]()

    def read(first: int) -> Iterator[Block]:
        for block in chain.read(first):
            met.add(height(url))
            yield block

    kill(node)
    node.start_again(read, int(url.rpartition(":")[2]))
    assert met == {None, 20}
    assert node.url == url
    assert hashes(node) == [block.hash for block in chain.blocks]


def height(url: str) -> int | None:
    """None where nobody answers."""
    try:
        with JsonRpc(url) as rpc:
            return int(rpc.call("eth_blockNumber"), 16)
    except NodeAway:
        return None


def test_stop_keeps_blocks_logs_receipts_and_nonces(node: EmbeddedAnvil, chain: Chain) -> None:
    """Blocks that PostgreSQL has not read yet are not lost by an orderly stop."""
    receipts = [("eth_getBlockReceipts", [hex(n)]) for n in range(21)]
    with JsonRpc(node.url) as rpc:
        before = rpc.batch(receipts)
        assert all(len(block[-1]["logs"]) == 1 for block in before[1:])
        nonces = [rpc.call("eth_getTransactionCount", one.address, "latest") for one in SENDERS]
    node.stop()
    node.start()
    with JsonRpc(node.url) as rpc:
        assert rpc.batch(receipts) == before
        assert [
            rpc.call("eth_getTransactionCount", one.address, "latest") for one in SENDERS
        ] == nonces


@pytest.mark.parametrize("damage", ["", "{", '{"blocks": [}'], ids=["empty", "cut", "garbled"])
def test_damaged_state_file_is_only_a_lost_cache(
    node: EmbeddedAnvil, chain: Chain, damage: str
) -> None:
    node.stop()
    node.state.write_text(damage)
    node.start(chain.read)
    assert hashes(node) == [block.hash for block in chain.blocks]


def test_state_of_another_chain_is_thrown_away(
    node: EmbeddedAnvil, chain: Chain, tmp_path: Path
) -> None:
    """As when a backup of the database and a younger state file come together."""
    with EmbeddedAnvil(tmp_path / "other", GENESIS_TIME) as other:
        Chain(other).mine(GENESIS_TIME + 5, [])
    node.stop()
    other.state.replace(node.state)
    node.start(chain.read)
    assert hashes(node) == [block.hash for block in chain.blocks]


def test_rebuilds_what_its_unlocked_account_sent(node: EmbeddedAnvil) -> None:
    """As Brownie deploys: mined at once by the node, signed by it, read back from it."""
    chain = Chain(node)
    sender = chain.call("eth_accounts")[0]
    chain.call("evm_setAutomine", True)
    for number in range(1, 4):
        sent = {"from": sender, "data": TIMEKEEPER, "gasPrice": "0x0", "gas": hex(100_000)}
        chain.call("eth_sendTransaction", sent)
        # It answers before it has mined.
        assert wait_until(lambda n=number: chain.call("eth_blockNumber") == hex(n), 10)
    for number in range(1, 4):
        mined = chain.call("eth_getBlockByNumber", hex(number), False)
        raw = chain.call("eth_getRawTransactionByHash", mined["transactions"][0])
        found = bytes.fromhex(mined["hash"][2:])
        signed = (bytes.fromhex(raw[2:]),)
        chain.blocks.append(Block(number, int(mined["timestamp"], 16), signed, found))
    kill(node)
    node.start(chain.read)
    assert hashes(node) == [block.hash for block in chain.blocks]


def test_says_which_block_differs(node: EmbeddedAnvil, chain: Chain) -> None:
    kill(node)
    chain.blocks[6] = replace(chain.blocks[6], timestamp=chain.blocks[6].timestamp + 1)
    with pytest.raises(ChainDiffers, match="Block 7 has the hash"):
        node.start(chain.read)
    assert node.pid is None


def test_clock_is_the_time_of_day_after_a_start(node: EmbeddedAnvil, chain: Chain) -> None:
    """C5 compares event times with blocks; a loaded anvil would go on from its genesis time."""
    node.stop()
    node.start(chain.read)
    chain.call("evm_mine")
    block = chain.call("eth_getBlockByNumber", "latest", False)
    assert abs(int(block["timestamp"], 16) - time.time()) < 30


def test_nothing_is_mined_unasked(node: EmbeddedAnvil, chain: Chain) -> None:
    transaction = chain.sign(0, to="0x" + "44" * 20)
    chain.call("eth_sendRawTransaction", "0x" + transaction.hex())
    assert int(chain.call("eth_blockNumber"), 16) == 20
    assert chain.call("txpool_status") == {"pending": "0x1", "queued": "0x0"}


def test_price_is_zero_and_the_gas_cap_holds(node: EmbeddedAnvil, chain: Chain) -> None:
    """Nobody here has a balance; EIP-7825 caps a transaction as it will be on other chains."""
    burn = [chain.sign(0, data="0x5b600056", gas=TRANSACTION_GAS_CAP) for _ in range(29)]
    block = chain.mine(GENESIS_TIME + 100, burn)
    mined = chain.call("eth_getBlockByNumber", hex(block.number), False)
    assert int(mined["gasUsed"], 16) == 29 * TRANSACTION_GAS_CAP > BLOCK_GAS_LIMIT * 0.9
    chain.mine(GENESIS_TIME + 101, [])
    after = chain.call("eth_getBlockByNumber", "latest", False)
    assert int(after["baseFeePerGas"], 16) == 0
    too_much = chain.sign(0, to="0x" + "44" * 20, gas=TRANSACTION_GAS_CAP + 1)
    with pytest.raises(NodeRefused, match="intrinsic gas too high"):
        chain.call("eth_sendRawTransaction", "0x" + too_much.hex())


def test_newest_block_is_final(chain: Chain) -> None:
    for tag in ("safe", "finalized"):
        block = chain.call("eth_getBlockByNumber", tag, False)
        assert int(block["number"], 16) == 20


def test_replays_more_than_one_request_can_hold(node: EmbeddedAnvil, chain: Chain) -> None:
    """anvil refuses bodies over 2 MB; 60 transactions of 40 kB are 4.8 MB in hexadecimal."""
    big = "0x" + "00" * 40_000
    chain.mine(
        GENESIS_TIME + 100,
        [chain.sign(n % 3, to="0x" + "44" * 20, data=big, gas=1_000_000) for n in range(60)],
    )
    kill(node)
    node.start(chain.read)
    assert hashes(node) == [block.hash for block in chain.blocks]


def test_two_folders_are_two_chains(node: EmbeddedAnvil, chain: Chain, tmp_path: Path) -> None:
    with EmbeddedAnvil(tmp_path / "other", GENESIS_TIME) as other:
        assert other.url != node.url
        assert hashes(other) == []
    assert len(hashes(node)) == 20


def test_one_parent_at_a_time(node: EmbeddedAnvil) -> None:
    with pytest.raises(FolderInUse):
        EmbeddedAnvil(node.folder, GENESIS_TIME).start()
    assert hashes(node) == []


def test_node_of_a_killed_parent_is_stopped_and_its_blocks_kept(tmp_path: Path) -> None:
    folder = tmp_path / "chain"
    child = os.fork()
    if child == 0:
        try:
            orphan = EmbeddedAnvil(folder, GENESIS_TIME)
            orphan.start()
            Chain(orphan).mine(GENESIS_TIME + 1, [])
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    left_over = EmbeddedAnvil(folder, GENESIS_TIME).pid
    assert left_over is not None
    with EmbeddedAnvil(folder, GENESIS_TIME) as heir:
        assert not command_line(left_over)
        assert len(hashes(heir)) == 1


def test_says_that_a_port_is_taken_and_keeps_the_state(node: EmbeddedAnvil, tmp_path: Path) -> None:
    other = EmbeddedAnvil(tmp_path / "other", GENESIS_TIME)
    other.start()
    other.stop()
    taken = int(node.url.rpartition(":")[2])
    with pytest.raises(PortTaken, match=str(taken)):
        other.start(port=taken)
    assert other.state.exists()


def test_web_pages_cannot_call_it(node: EmbeddedAnvil) -> None:
    """Its cheat codes change balances and storage; without CORS a browser keeps pages away."""
    body = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}'
    headers = {"Content-Type": "application/json", "Origin": "https://page.example"}
    with urlopen(Request(node.url, body, headers), timeout=10) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] is None
