"""A postal network behind the real API: contracts on a real node, sender and indexer moved by hand.

The network is the demonstration's (Arlberg Post, Säntis Post, Customs Zürich), so counter 2's right has
lapsed and Round 17's first key is lost; here Gossau is suspended besides. Each test takes numbers and
stamps of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import rlp
from eth_abi.abi import encode
from eth_account import Account
from fastapi import FastAPI
from posts import CHAIN_ID, GENESIS_TIME, creation_code, forkable_anvil
from sqlalchemy import Connection, Engine
from uvicorn import Config, Server

from backend.api.service import Service
from backend.app import assemble
from backend.chain.client import Node
from backend.chain.deployment import Deployment
from backend.chain.interface import CONTRACTS
from backend.chain.lane import Pace
from backend.chain.sender import Sender
from backend.demonstration import cast, editions
from backend.demonstration.loops import HandMovedLoops
from backend.demonstration.stage import DAY, HOUR, Stage
from backend.domain.ids import custodian_text, stamp_text
from backend.domain.item_numbers import make_s10
from backend.domain.keccak import keccak256
from backend.domain.verdict import Verdict
from backend.embedded.json_rpc import JsonRpc
from backend.embedded.processes import wait_until
from backend.hooks.address import Rules
from backend.hooks.call import Caller
from backend.indexer.follow import Indexer
from backend.keystore import Keystore, SealedSeeds, recover_address
from backend.passkeys import DeviceKeys
from backend.ports import House
from backend.queries import stamps
from backend.store import people
from backend.store.engine import begin
from backend.usecases import operate
from backend.usecases.operate import EditionRequest
from backend.usecases.reconsider import reconsider
from stamps.payload import Network, make
from stamps.payload import encode as code_text

NO_MINING = Pace(mine_every_seconds=None, rebroadcast_seconds=1e9, held_seconds=0.0)
COUNTER, HALL, ZURICH = cast.COUNTER_1, cast.HALL, cast.ZURICH_OE
ARLBERG, SANTIS = cast.ARLBERG, cast.SANTIS
SIGNALS = editions.SIGNALS


@dataclass
class Town:
    """`stage` moves both loops; `as_` gives a client of somebody at a custodian."""

    stage: Stage
    engine: Engine
    node: Node
    deployment: Deployment
    app: FastAPI
    client: httpx.Client
    tokens: dict[str, str] = field(default_factory=dict)
    serials: Iterator[int] = field(default_factory=lambda: count(30_000_001))
    keys: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def house(self) -> House:
        return self.stage.house

    def settle(self) -> None:
        """Everything under way is on chain and indexed; a minute passes."""
        self.stage.settle()
        self.stage.clock += 60

    @property
    def service(self) -> Service:
        return self.app.state.service  # type: ignore[no-any-return]

    def judge(self, db: Connection, code: str) -> Verdict:
        """The verdict without a request."""
        return stamps.verify(db, self.house, code).verdict

    # --- asking -------------------------------------------------------------------------------------
    def as_(self, custodian: int) -> dict[str, str]:
        """Headers of a clerk at a custodian."""
        token = self.token(f"person {self.stage.workers[custodian]}", self.stage.workers[custodian])
        return token | {"Posthorn-Custodian": custodian_text(custodian)}

    def by(self, name: str) -> dict[str, str]:
        """Headers of somebody without a workplace: admin, auditor 1."""
        return self.token(name, self.stage.people[name])

    def token(self, name: str, person: int) -> dict[str, str]:
        if name not in self.tokens:
            with begin(self.engine) as db:
                later = datetime.now(UTC) + timedelta(days=1)
                self.tokens[name] = people.new_credential(db, "token", person, later)
        return {"Authorization": f"Bearer {self.tokens[name]}"}

    def key(self) -> dict[str, str]:
        """A fresh Idempotency-Key."""
        return {"Idempotency-Key": f"key-{next(self.keys)}"}

    def get(self, path: str, headers: dict[str, str] | None = None, status: int = 200) -> Any:
        return answered(self.client.get(path, headers=headers or {}), status)

    def post(self, path: str, body: Any, headers: dict[str, str], status: int = 202) -> Any:
        return answered(self.client.post(path, json=body, headers=headers), status)

    # --- acting -------------------------------------------------------------------------------------
    def number(self) -> str:
        """A fresh S10 number."""
        return make_s10("RR", next(self.serials), "AT")

    def accept(self, custodian: int = COUNTER, **body: Any) -> dict[str, Any]:
        """An item accepted through the API, still being recorded."""
        wanted = {"number": self.number()} | body
        accepted: dict[str, Any] = self.post("/v1/items", wanted, self.as_(custodian))
        return accepted

    def settled_item(self, custodian: int = COUNTER, **body: Any) -> str:
        """The 0x-item of one that is on chain."""
        item: str = self.accept(custodian, **body)["item"]
        self.settle()
        return item

    def hand_over(self, items: list[str], giver: int = COUNTER, receiver: int = HALL) -> str:
        """The digest of a fresh list."""
        body = {"receiver": custodian_text(receiver), "lines": [{"item": item} for item in items]}
        digest: str = self.post("/v1/releases", body, self.as_(giver), 201)["digest"]
        return digest

    def reserve(self, how_many: int) -> dict[str, Any]:
        body = {"edition": "1-1", "count": how_many}
        job: dict[str, Any] = self.post("/v1/print-jobs", body, self.as_(COUNTER), 201)
        return job

    def printed(self, how_many: int) -> dict[str, Any]:
        """A print job whose sheet was fetched: from then on it can be sold (S3)."""
        job = self.reserve(how_many)
        path = f"/v1/print-jobs/{job['job']}/sheet"
        response = self.client.post(path, json={}, headers=self.as_(COUNTER))
        assert response.status_code == 200, response.text
        return job

    def sell(self, how_many: int) -> list[int]:
        """Stamps sold and on chain."""
        job = self.printed(how_many)
        self.post(f"/v1/print-jobs/{job['job']}/confirmation", {}, self.as_(COUNTER))
        self.settle()
        first = int(job["first"].rpartition("-")[2])
        return [editions.signals(serial) for serial in range(first, first + how_many)]

    def code(self, stamp: int, key: str = "", **network: int) -> str:
        """The public code of a stamp, as on paper; by another key or for another network, if wanted."""
        signer = key or f"stamps/{stamp >> 48}"
        house = self.house
        alias = network.get("alias", house.network_alias)
        chain_id = network.get("chain_id", house.stamps.chain_id)
        meant = Network(alias, chain_id, house.stamps.contract)
        return code_text(make(stamp, meant, lambda digest: house.signer.sign(signer, digest)))


def session(town: Town, person: int, custodian: int | None = None) -> dict[str, str]:
    """Headers of somebody who has signed in at the pages."""
    with begin(town.engine) as db:
        later = datetime.now(UTC) + timedelta(hours=1)
        values = {"device": "a test", "custodian": custodian}
        secret = people.new_credential(db, "session", person, later, **values)
    return {"Cookie": f"posthorn_session={secret}"}


def answered(response: Any, status: int) -> Any:
    """The JSON of an answer with the status that was expected."""
    assert response.status_code == status, response.text
    kind = response.headers["content-type"]
    assert kind == ("application/json" if status < 400 else "application/problem+json"), kind
    return response.json()


@contextmanager
def founded_town(engine: Engine, folder: Path) -> Iterator[Town]:
    """The network, founded, with an edition on sale."""
    with forkable_anvil(folder) as url:
        node, signer = Node([url]), Keystore(b"a seed of the API's tests".ljust(32))
        deployment = deploy(url, signer.address("governor"))
        stage = Stage(engine, house_of(deployment, signer, folder), loops=None, clock=0)  # type: ignore[arg-type]
        sender = Sender(
            engine,
            node,
            signer,
            deployment,
            lambda db, row: reconsider(db, stage.house, row),
            NO_MINING,
        )
        stage.loops = HandMovedLoops(node, sender, Indexer(engine, node, deployment))
        stage.clock = GENESIS_TIME + HOUR
        found(stage)
        app = assemble(stage.house, engine, node, deployment, None)
        with served(app) as client:
            yield Town(stage, engine, node, deployment, app, client)
        sender.close()
        node.close()


@contextmanager
def served(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of the application behind a real server on a port of its own."""
    server = Server(Config(app, port=0, log_config=None))
    thread = Thread(target=server.run)
    thread.start()
    try:
        assert wait_until(lambda: server.started, 20)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


def house_of(deployment: Deployment, signer: Keystore, folder: Path) -> House:
    return House(
        ledger=deployment.ledger,
        stamps=deployment.stamps,
        network=deployment.network,
        network_alias=0,
        signer=signer,
        devices=DeviceKeys("http://127.0.0.1:8000"),
        claim_seeds=SealedSeeds(folder, signer),
        hooks=Caller(signer, Rules(frozenset({"127.0.0.1"}), frozenset())),
        recover=recover_address,
        records_lane="submitter/1",
        now=lambda: 0,
        origin="http://127.0.0.1:8000",
    )


def deploy(url: str, governor: bytes) -> Deployment:
    """The three contracts in one block, by a key of their own."""
    account, rpc = Account.from_key(keccak256(b"deployer")), JsonRpc(url)
    sender = bytes.fromhex(account.address[2:])
    made = [keccak256(rlp.encode([sender, nonce]))[12:] for nonce in range(3)]
    network, ledger, stamps = made
    arguments = ([governor], [network, stamps], [network, ledger])
    for nonce, (name, given) in enumerate(zip(CONTRACTS, arguments, strict=True)):
        code = creation_code()[name] + encode(["address"] * len(given), given)
        fields = {"nonce": nonce, "gas": 16_000_000, "gasPrice": 0, "value": 0}
        raw = account.sign_transaction(fields | {"chainId": CHAIN_ID, "data": code}).raw_transaction
        rpc.call("eth_sendRawTransaction", "0x" + bytes(raw).hex())
    rpc.call("evm_mine")
    rpc.close()
    return Deployment(CHAIN_ID, dict(zip(CONTRACTS, made, strict=True)), 1)


def found(stage: Stage) -> None:
    """The demonstration's network; Gossau suspended; Signals on sale."""
    cast.found_network(stage, lapse=stage.clock + DAY // 2)
    cast.lose_a_phone(stage)
    arguments = {"custodian": cast.GOSSAU}
    stage.do(operate.act, stage.admin, "suspend_custodian", f"admin/{SANTIS}", arguments)
    request = EditionRequest(
        SIGNALS, "Signals", 1_000, 300, "EUR", stage.clock, editions.metadata("signals")
    )
    stage.do(operate.create_edition, stage.admin, request)
    stage.settle()
    stage.clock += 60


def text(stamp: int) -> str:
    return stamp_text(stamp)


def moved(house: House, seconds: int) -> House:
    """The same installation with another clock."""
    return replace(house, now=lambda: house.now() + seconds)


def rpc_error(client: httpx.Client, method: str, *parameters: Any) -> Any:
    """The error of a relayed call; None where it was answered."""
    question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    return client.post("/v1/rpc", json=question).json().get("error")
