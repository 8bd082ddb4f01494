"""The demonstration on real parts, made once for all tests that only look at it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import rlp
from eth_abi.abi import encode
from eth_account import Account
from posts import CHAIN_ID, creation_code
from sqlalchemy import Engine

from backend.chain.client import Node
from backend.chain.deployment import Deployment
from backend.chain.interface import CONTRACTS
from backend.chain.lane import Pace
from backend.chain.sender import Sender
from backend.demonstration import Made, make
from backend.demonstration.loops import HandMovedLoops
from backend.demonstration.make import start_time
from backend.domain.keccak import keccak256
from backend.embedded.anvil import EmbeddedAnvil
from backend.hooks.address import Rules
from backend.hooks.call import Caller
from backend.indexer.follow import Indexer
from backend.keystore import Keystore, SealedSeeds, make_keystore, recover_address
from backend.passkeys import DeviceKeys
from backend.ports import House
from backend.usecases.reconsider import reconsider

BY_HAND = Pace(mine_every_seconds=None, rebroadcast_seconds=3_600.0, held_seconds=0.0)


@dataclass
class Installation:
    """One Posthorn, stepped by hand: `loops.settle(time)` puts on chain and indexes what is due."""

    engine: Engine
    node: Node
    url: str
    deployment: Deployment
    keystore: Keystore
    house: House
    indexer: Indexer
    loops: HandMovedLoops
    made: Made
    now: int
    folder: Path


@contextmanager
def demonstration(engine: Engine, folder: Path) -> Iterator[Installation]:
    """Contracts on a fresh embedded chain, and the whole demonstration played on them."""
    now = int(time.time())
    anvil = EmbeddedAnvil(folder / "chain", start_time(now))
    anvil.start()
    node = Node([anvil.url])
    try:
        keystore = make_keystore(folder / "keys", None)
        deployment = deploy(node, keystore.address("governor"), start_time(now))
        house = House(
            ledger=deployment.ledger,
            stamps=deployment.stamps,
            network=deployment.network,
            network_alias=0,
            signer=keystore,
            devices=DeviceKeys("http://127.0.0.1:8000"),
            claim_seeds=SealedSeeds(folder / "keys", keystore),
            hooks=Caller(keystore, Rules(frozenset(), frozenset())),
            recover=recover_address,
            records_lane="submitter/1",
            now=lambda: int(time.time()),
            origin="http://127.0.0.1:8000",
        )
        sender = Sender(
            engine, node, keystore, deployment, lambda db, row: reconsider(db, house, row), BY_HAND
        )
        indexer = Indexer(engine, node, deployment, keep_raw_transactions=True)
        loops = HandMovedLoops(node, sender, indexer)
        made = make(engine, house, loops, now, lambda *_: None)
        node.set_clock(int(time.time()))
        yield Installation(
            engine, node, anvil.url, deployment, keystore, house, indexer, loops, made, now, folder
        )
        sender.close()
    finally:
        node.close()
        anvil.stop()


def deploy(node: Node, governor: bytes, at: int) -> Deployment:
    """The three contracts in one block, by a key that costs nothing."""
    account = Account.from_key(keccak256(b"deployer"))
    sender = bytes.fromhex(account.address[2:])
    made = [keccak256(rlp.encode([sender, nonce]))[12:] for nonce in range(3)]
    network, ledger, stamps = made
    arguments = ([governor], [network, stamps], [network, ledger])
    fields = {"gas": 16_000_000, "gasPrice": 0, "value": 0, "chainId": CHAIN_ID}
    raws = []
    for nonce, (name, given) in enumerate(zip(CONTRACTS, arguments, strict=True)):
        data = creation_code()[name] + encode(["address"] * len(given), given)
        signed = account.sign_transaction(fields | {"nonce": nonce, "data": data})
        raws.append(bytes(signed.raw_transaction))
    node.set_clock(at + 60)
    node.send(raws)
    node.mine()
    return Deployment(CHAIN_ID, dict(zip(CONTRACTS, made, strict=True)), 1)
