"""`make chaos KILLS=100 SEED=1`: real processes killed under load; ends with one line, and with 1 where it is broken.

Clients ask, processes, database and node are killed, blocks are reorganised; then all is left in peace until nothing
is under way. What the clients were told is held against the chain, and the tables against a fresh index.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Event

from clients import CUSTODIANS, Client
from databases import rows
from faults import FAULTS
from history import Asked, Findings, check, read_chain
from indexing import CHAIN
from installation import Installation
from sqlalchemy import Engine, text
from told import still_to_be_told

from backend.chain.client import Node
from backend.embedded.processes import wait_until
from backend.indexer.follow import Indexer
from backend.store import people
from backend.store.engine import begin, open_engine
from backend.store.migrate import migrate
from backend.store.submissions import OPEN
from tests.integration.conftest import database_url, execute

CLIENTS = 4
FAULT_RATE = 0.01
MOST_BETWEEN, LONGEST_BETWEEN_SECONDS = 20, 5.0
PEACE_SECONDS = 240.0


class Chaos:
    """An installation, clients that work on it, and a seed that draws what befalls it."""

    def __init__(self, installation: Installation, random: Random) -> None:
        self.installation = installation
        self.random = random
        self.stop = Event()
        tokens = clerks(installation)
        self.clients = [
            Client(number, installation.url, tokens, Random(random.random()), self.stop)
            for number in range(1, CLIENTS + 1)
        ]

    # --- under fire ---------------------------------------------------------------------------------
    def rage(self, kills: int) -> None:
        """Until so many processes have been killed. The clients go on working all the time."""
        here = self.installation
        for proxy in here.proxies:
            proxy.draw(dict.fromkeys(FAULTS, FAULT_RATE), Random(self.random.random()))
        for client in self.clients:
            client.start()
        while here.kills < kills:
            self._await_work(self.random.randint(0, MOST_BETWEEN))
            self._befall()()

    def _await_work(self, answers: int) -> None:
        """Until the clients have had so many more answers, or for some seconds: a machine may be slow."""
        wanted = self._answers() + answers

        def has_come() -> bool:
            self.installation.look_after()
            time.sleep(0.02)
            return self._answers() >= wanted

        wait_until(has_come, LONGEST_BETWEEN_SECONDS)

    def _answers(self) -> int:
        return sum(client.answers for client in self.clients)

    def _befall(self) -> Callable[[], None]:
        here = self.installation
        happenings = {
            here.kill_worker: 20,
            here.reorganise: 8,
            here.finalize: 6,
            here.kill_node: 3,
            here.kill_database: 2,
            here.wipe_pool: 2,
            here.cut_connections: 2,
        }
        (happening,) = self.random.choices(list(happenings), list(happenings.values()))
        return happening

    # --- in peace -----------------------------------------------------------------------------------
    def calm_down(self) -> list[str]:
        """The clients finish, nothing more befalls; what is still under way when patience ends."""
        self.stop.set()
        for proxy in self.installation.proxies:
            proxy.draw({})
        for client in self.clients:
            while client.is_alive():
                self.installation.look_after()
                client.join(0.1)
        for then in (self.installation.finalize, lambda: None):  # web hooks are told of all of it
            if not wait_until(self._is_quiet, PEACE_SECONDS):
                return [f"still under way: {left}" for left in self._left()]
            then()
        return []

    def _is_quiet(self) -> bool:
        """Nothing is under way, and the newest block is indexed."""
        here = self.installation
        here.look_after()
        time.sleep(0.2)
        with begin(here.engine) as db:
            indexed = db.execute(text("SELECT indexed_hash FROM chain_state")).scalar_one()
        with closing(Node([here.anvil.url])) as node:
            return not self._left() and node.head().hash == indexed

    def _left(self) -> list[str]:
        query = text("SELECT sequence, kind, state FROM submission WHERE state = ANY(:open)")
        with begin(self.installation.engine) as db:
            submissions = [str(row) for row in db.execute(query, {"open": list(OPEN)})]
            return submissions + still_to_be_told(db)

    # --- the reckoning ------------------------------------------------------------------------------
    @property
    def history(self) -> list[Asked]:
        return [asked for client in self.clients for asked in client.history]

    def findings(self) -> Findings:
        ledger = self.installation.deployment.addresses["CustodyLedger"]
        return check(self.history, read_chain(self.installation.anvil.url, ledger))

    def tables_that_differ(self) -> list[str]:
        """From those of a fresh index."""
        here = self.installation
        with fresh_database(here) as engine, closing(Node([here.anvil.url])) as node:
            indexer = Indexer(engine, node, here.deployment, keep_raw_transactions=True)
            while indexer.step():
                pass
            ours, fresh = rows(here.engine, CHAIN), rows(engine, CHAIN)
        names = [name for name in ours if ours[name] != fresh[name]]
        return [f"table {name} is not that of a fresh index" for name in names]

    def ends(self) -> list[str]:
        """What the submissions came to, for who has to find out why."""
        query = text("SELECT state, refusal->>'name', count(*) FROM submission GROUP BY 1, 2")
        with begin(self.installation.engine) as db:
            return [str(row) for row in db.execute(query)]

    def complaints(self) -> list[str]:
        """Of clients who were told what they should not have been, and of workers that broke down."""
        found = [words for client in self.clients for words in client.failures]
        for log in sorted(self.installation.folder.glob("*.log")):
            ends = re.findall(r"Traceback.*?\n(?=\S)(.*)", log.read_text())
            found += [f"{log.name}: {words}" for words in ends]
        return found


def clerks(installation: Installation) -> dict[int, str]:
    """A token for each custodian."""
    later = datetime.now(UTC) + timedelta(days=1)
    with begin(installation.engine) as db:
        workers = installation.stage.workers
        return {one: people.new_credential(db, "token", workers[one], later) for one in CUSTODIANS}


@contextmanager
def fresh_database(installation: Installation) -> Iterator[Engine]:
    execute(installation.postgres.url, "CREATE DATABASE fresh")
    engine = open_engine(database_url(installation.postgres.url, "fresh"))
    migrate(engine)
    yield engine
    engine.dispose()


def play(kills: int, seed: int) -> tuple[str, list[str]]:
    """The one line, and what is broken."""
    random = Random(seed)
    with tempfile.TemporaryDirectory(prefix="posthorn-") as folder:
        Path(folder).chmod(0o711)  # PostgreSQL's own user must get in
        with closing(Installation(Path(folder), random)) as installation:
            installation.start()
            chaos = Chaos(installation, random)
            try:
                chaos.rage(kills)
                broken = chaos.calm_down()
            finally:
                chaos.stop.set()
            findings = chaos.findings()
            broken += [*findings.broken, *chaos.tables_that_differ(), *chaos.complaints()]
            broken += installation.told.broken(installation.engine)
            broken += chaos.ends() if broken else []
    figures = {
        "kills": installation.kills,
        "acknowledged": findings.acknowledged,
        "lost": len(findings.lost),
        "doubled": len(findings.doubled),
        "reorgs": installation.reorganisations,
        "told": len(installation.told.receiver.taken),
        "told_again": installation.told.repeats,
    }
    return " ".join(f"{name}={figure}" for name, figure in figures.items()), broken


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that database and node end, too
    line, broken = play(wanted.kills, wanted.seed)
    for words in broken:
        print(words, file=sys.stderr)
    print(line)
    return bool(broken)
