"""An installation as in production, to be ill-treated: PostgreSQL, a node, and several processes of each kind.

The node is the embedded one, but keeps its history, so that it can be reorganised; before it stand two proxies that
draw faults. What dies is started again.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from random import Random
from typing import ClassVar

import worker
from databases import cut_connections
from fault_proxy import FaultProxy, fault_proxy
from network import deploy
from told import told

from backend.chain.client import Node
from backend.chain.lane import Pace
from backend.chain.sender import Sender
from backend.cli.listening import free_port
from backend.cli.up import stored_blocks
from backend.config import Settings
from backend.demonstration import cast
from backend.demonstration.loops import HandMovedLoops
from backend.demonstration.stage import DAY, HOUR, Stage
from backend.embedded.anvil import EmbeddedAnvil
from backend.embedded.json_rpc import JsonRpc, NodeRefused
from backend.embedded.postgres import EmbeddedPostgres
from backend.embedded.processes import command_line, wait_until
from backend.house import build_house, make_keys
from backend.indexer.follow import Indexer
from backend.store.engine import open_engine
from backend.store.migrate import migrate
from backend.usecases.reconsider import reconsider

ROLES = ("serve", "send", "index", "hooks")
# Failpoints by the process that comes to them.
INSTANTS = {
    "serve": ("asked, nothing written", "promised, not answered"),
    "send": (
        "signed, not saved",
        "saved, not broadcast",
        "broadcast, not noted",
        "mined, not indexed",
    ),
    "index": (
        "read, not written",
        "written, not committed",
        "taken back, not committed",
        "taken back, not indexed",
    ),
    "hooks": ("told, not noted",),
}
NOWHERE = "http://127.0.0.1:9"
MOST_PASSES = 20
DEEPEST_REORGANISATION = 4
BLOCKS_UNTIL_FINAL = 9
GONE_SECONDS = 20.0
START_SECONDS = 120.0


class ForkableAnvil(EmbeddedAnvil):
    """The embedded chain with a past that it can be taken back to, and blocks that are not final at once."""

    settings: ClassVar[dict[str, str]] = EmbeddedAnvil.settings | {"--slots-in-an-epoch": "4"}
    switches = tuple(one for one in EmbeddedAnvil.switches if one != "--prune-history")


@dataclass
class Worker:
    """One process."""

    role: str
    process: ForkServerProcess


@dataclass
class Installation:
    """`kills` counts processes that ended by SIGKILL, `reorganisations` those that the node carried out."""

    folder: Path
    random: Random
    workers_of_each: int = 2
    kills: int = 0
    reorganisations: int = 0
    workers: list[Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stack = ExitStack()
        now = int(time.time())
        self.postgres = EmbeddedPostgres(self.folder / "postgres")
        self.anvil = ForkableAnvil(self.folder / "chain", now - HOUR)
        self.port = free_port()
        self.data = self.folder / "data"

    @property
    def url(self) -> str:
        """Where the servers answer."""
        return f"http://127.0.0.1:{self.port}"

    # --- beginning and ending -----------------------------------------------------------------------
    def start(self) -> None:
        """Found the network and start all processes; `close` ends them."""
        self.stack.callback(self._end_workers)
        self.postgres.start()
        self.stack.callback(self.postgres.stop)
        self.anvil.start()
        self.stack.callback(self.anvil.kill)
        self._found()
        self.anvil.stop()
        self.old_state = self.anvil.state.read_bytes()
        self.anvil.start(self._stored_blocks)
        # A block of today: with a reorganisation the node's clock goes back to what is left.
        with JsonRpc(self.anvil.url) as node:
            node.call("evm_mine")
            self.founded = int(node.call("eth_blockNumber"), 16)
        self.proxies: list[FaultProxy] = [
            self.stack.enter_context(fault_proxy(self.anvil.url)) for _ in range(2)
        ]
        self.told = self.stack.enter_context(told(self.engine, self.house.hooks))
        for role in ROLES * self.workers_of_each:
            self._start(role)
        assert wait_until(self._answers, START_SECONDS), "no server answers"

    def _answers(self) -> bool:
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", self.port)) == 0

    def close(self) -> None:
        self.stack.close()

    def _found(self) -> None:
        """Contracts, and the demonstration's operators, custodians and people; all of it indexed."""
        self.settings = Settings(
            data=self.data,
            database_url=self.postgres.url,
            rpc_urls=(self.anvil.url,),
            hooks_internal=("127.0.0.1",),
        )
        self.engine = open_engine(self.postgres.url)
        self.stack.callback(self.engine.dispose)
        migrate(self.engine)
        keys = make_keys(self.settings)
        node = Node([self.anvil.url])
        began = int(time.time()) - HOUR
        self.deployment = deploy(node, keys.address("governor"), began)
        self._write_deployment()
        self.house = house = build_house(self.settings, self.deployment, keys)
        self.stage = Stage(self.engine, house, loops=None, clock=began + 120)  # type: ignore[arg-type]
        pace = Pace(held_seconds=0.0)
        sender = Sender(
            self.engine,
            node,
            keys,
            self.deployment,
            lambda db, row: reconsider(db, house, row),
            pace,
        )
        indexer = Indexer(self.engine, node, self.deployment, keep_raw_transactions=True)
        self.stage.loops = HandMovedLoops(node, sender, indexer)
        cast.found_network(self.stage, lapse=began + 365 * DAY)
        sender.close()
        node.close()

    def _write_deployment(self) -> None:
        contracts = {
            name: {"address": "0x" + address.hex(), "block": self.deployment.first_block}
            for name, address in self.deployment.addresses.items()
        }
        content = {"chain_id": self.deployment.chain_id, "contracts": contracts}
        self.settings.deployment_file.write_text(json.dumps(content))

    @property
    def _stored_blocks(self) -> partial:  # type: ignore[type-arg]
        return partial(stored_blocks, self.postgres.url)

    # --- processes ----------------------------------------------------------------------------------
    def _start(self, role: str) -> None:
        """One more process of a role; every other one is armed."""
        armed = self.random.choice(INSTANTS[role]) if self.random.random() < 0.5 else ""
        passes = self.random.randint(1, MOST_PASSES)
        log = self.folder / f"{role}.log"
        process = worker.start(role, self._environment(), log, armed, passes)
        self.workers.append(Worker(role, process))

    def _environment(self) -> Mapping[str, str]:
        others = {k: v for k, v in os.environ.items() if not k.startswith("POSTHORN_")}
        return others | {
            "POSTHORN_DATA": str(self.data),
            "POSTHORN_DATABASE_URL": self.postgres.url,
            "POSTHORN_RPC_URLS": ",".join(proxy.url for proxy in self.proxies),
            "POSTHORN_PORT": str(self.port),
            "POSTHORN_HOOKS_INTERNAL": ",".join(self.settings.hooks_internal),
            "POSTHORN_LOG_LEVEL": "warning",
        }

    def look_after(self) -> None:
        """Start again what has ended; who ended at a failpoint was killed, too."""
        for one in [one for one in self.workers if one.process.exitcode is not None]:
            self.workers.remove(one)
            self.kills += one.process.exitcode == -signal.SIGKILL
            self._start(one.role)

    def _end_workers(self) -> None:
        for one in self.workers:
            one.process.terminate()
        for one in self.workers:
            one.process.join(GONE_SECONDS)
            one.process.kill()
            one.process.join()

    # --- what befalls -------------------------------------------------------------------------------
    def kill_worker(self) -> None:
        process = self.random.choice(self.workers).process
        process.kill()
        process.join()
        self.look_after()

    def kill_database(self) -> None:
        """kill -9 of the server; it recovers by itself when it is started again."""
        pid = self.postgres.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: not command_line(pid), GONE_SECONDS)
        self.kills += 1
        self.postgres.start()

    def kill_node(self) -> None:
        """kill -9 of the node, its state file lost, old or cut short: rebuilt from PostgreSQL, on another port."""
        for proxy in self.proxies:
            proxy.target = NOWHERE
        self.anvil.kill()
        self.kills += 1
        self.anvil.state.unlink(missing_ok=True)
        left = self.random.choice([0, len(self.old_state) // 2, len(self.old_state)])
        if left:
            self.anvil.state.write_bytes(self.old_state[:left])
        self.anvil.start(self._stored_blocks)
        for proxy in self.proxies:
            proxy.target = self.anvil.url

    def reorganise(self) -> None:
        """The newest blocks are replaced by empty ones, but none that was final."""
        with JsonRpc(self.anvil.url) as node, self.engine.connect() as db:
            height = int(node.call("eth_blockNumber"), 16)
            final = db.exec_driver_sql("SELECT finalized_number FROM chain_state").scalar()
            deepest = min(DEEPEST_REORGANISATION, height - max(final or 0, self.founded))
            if deepest > 0:
                try:
                    node.call("anvil_reorg", self.random.randint(1, deepest), [])
                except NodeRefused:  # it has no past before the state that it was started from
                    return
                self.reorganisations += 1

    def finalize(self) -> None:
        """Empty blocks, until what is mined now cannot be replaced."""
        with JsonRpc(self.anvil.url) as node:
            for _ in range(BLOCKS_UNTIL_FINAL):
                node.call("evm_mine")

    def wipe_pool(self) -> None:
        with JsonRpc(self.anvil.url) as node:
            node.call("anvil_dropAllTransactions")

    def cut_connections(self) -> None:
        cut_connections(self.engine)
