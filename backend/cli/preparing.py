"""A step of `up`, in a process of its own so that its memory is given back: tables, contracts, demonstration.

Prints to stderr what it does; its last word, to stdout, is JSON: the sign-in link, and what was made.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from backend.cli.installation import Installation, installation
from backend.cli.output import say
from backend.errors import Unavailable

ROOT = Path(__file__).resolve().parents[2]
ADMIN = "admin"


class NotDeployedHere(Unavailable):
    """Brownie could not deploy the contracts; its own words are in the message."""


def run(data: Path | None, genesis: int | None, demonstration: bool) -> None:
    """`genesis` is given on the first start. Raises BadSettings (an older or foreign deployment), Unavailable."""
    house = installation(data)
    _database(house)
    _contracts(house, genesis)
    made = _demonstration(house) if demonstration else None
    if genesis is not None:
        _index(house)
    print(json.dumps({"link": _link(house), "made": made}), flush=True)


def _database(house: Installation) -> None:
    from backend.store.migrate import migrate

    migrate(house.engine)
    say("✓ database")


def _contracts(house: Installation, genesis: int | None) -> None:
    """Deployed on the first start, at the chain's first hour; else recognised. Raises BadSettings."""
    from backend.chain.deployment import check_deployment

    deployed = house.settings.deployment_file.exists()
    if genesis is not None and not deployed:
        house.set_chain_clock(genesis)
        _deploy(house)
    check_deployment(house.node, house.deployment)
    say("✓ contracts")


def _deploy(house: Installation) -> None:
    """Brownie has an environment of its own (scripts/brownie.sh)."""
    settings = house.settings
    governor = "0x" + house.keystore.address("governor").hex()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("POSTHORN_")} | {
        "RPC_URL": settings.rpc_urls[0],
        "POSTHORN_GOVERNOR": governor,
        "POSTHORN_DEPLOYMENT": str(settings.deployment_file.resolve()),
    }
    command = [str(ROOT / "scripts" / "brownie.sh"), "run", "deploy", "--network", "posthorn"]
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode != 0 or not settings.deployment_file.exists():
        words = " ".join((done.stderr or done.stdout).split())[-500:]
        raise NotDeployedHere(f"The contracts could not be deployed: {words}", "Run `make setup`.")


def _demonstration(house: Installation) -> dict[str, Any]:
    from dataclasses import asdict

    from backend.chain.lane import Pace
    from backend.chain.sender import Sender
    from backend.cli.progress import counting
    from backend.demonstration import make
    from backend.demonstration.loops import HandMovedLoops
    from backend.indexer.follow import Indexer

    pace = Pace(mine_every_seconds=None, held_seconds=0.0)
    sender = Sender(
        house.engine, house.node, house.keystore, house.deployment, house.reconsider, pace
    )
    indexer = Indexer(house.engine, house.node, house.deployment, keep_raw_transactions=True)
    loops = HandMovedLoops(house.node, sender, indexer)
    now = int(time.time())
    with counting("demonstration") as tell:
        made = make(house.engine, house.house, loops, now, lambda _, done, of: tell(done, of))
    sender.close()
    house.set_chain_clock(int(time.time()))
    say(
        f"✓ demonstration: {made.items} items, {made.posts} posts, {made.authorities} customs, "
        f"{made.records} records, all checked"
    )
    return asdict(made)


def _index(house: Installation) -> None:
    """From now on the chain can be rebuilt out of the database, whatever happens to the node."""
    from backend.indexer.follow import Indexer

    indexer = Indexer(
        house.engine, house.node, house.deployment, keep_raw_transactions=house.is_embedded
    )
    while indexer.step():
        pass


def _link(house: Installation) -> str:
    """A one-use sign-in link for the administrator, who is there from the first start on."""
    from backend.cli.people import sign_in_link
    from backend.store import people
    from backend.store.engine import begin

    with begin(house.engine) as db:
        row = people.by_name(db, ADMIN)
        person = row.id if row else people.add_person(db, ADMIN, "admin", ())
        assert person is not None
        return sign_in_link(db, house.settings.origin, person)
