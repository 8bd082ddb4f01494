"""Steps of `up`, in processes of their own so that their memory is given back."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

from backend.cli.installation import Installation, installation
from backend.cli.output import say
from backend.errors import Unavailable

ROOT = Path(__file__).resolve().parents[2]
ADMIN = "admin"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class NotDeployedHere(Unavailable):
    """Brownie could not deploy the contracts; its own words are in the message."""


def prepare(data: Path | None, genesis: int | None, demonstration: bool) -> None:
    """Tables, contracts, demonstration. `genesis` is given on the first start, with an empty chain.

    Raises BadSettings (an older or foreign deployment, lost keys), Unavailable.
    """
    house = installation(data)
    _keys(house, genesis)
    _tables(house)
    _contracts(house, genesis)
    if demonstration:
        _demonstration(house)
    if genesis is not None:
        _index(house)


def _keys(house: Installation, genesis: int | None) -> None:
    """Made by who makes the tables, before them, and by nobody else. Raises KeysLost, OtherKeys.

    Later tables may be brought up to date on a machine that has no keys.
    """
    from backend.house import key_folder, make_keys
    from backend.store.used import has_no_tables

    folder = key_folder(house.settings)
    is_first = has_no_tables(house.engine)
    if is_first:
        had_none = not folder.exists()
        make_keys(house.settings)
        if had_none and genesis is None:
            say(f"New keys are in {folder}. Keep a copy elsewhere: nothing brings them back.")
    if is_first or genesis is not None or folder.exists():
        _ = house.keystore  # opened, it is compared with what the database knows


def _tables(house: Installation) -> None:
    from backend.store.migrate import migrate

    migrate(house.engine)


def _contracts(house: Installation, genesis: int | None) -> None:
    """Deployed on the first start, at the chain's first hour; else recognised. Raises BadSettings."""
    from backend.chain.client import Node
    from backend.chain.deployment import check_deployment
    from backend.store.used import was_used

    deployed = house.settings.deployment_file.exists() or was_used(house.engine)
    if genesis is not None and not deployed:
        house.set_chain_clock(genesis)
        _deploy(house)
    check_deployment(Node(house.settings.rpc_urls), house.deployment)
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
    child = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert child.stdout is not None
    last = "it said nothing"
    for line in child.stdout:
        words = COLOURS.sub("", line).strip()
        last = words or last
        if words.startswith("Waiting"):  # for Brownie's lock
            say(words)
    if child.wait() != 0 or not settings.deployment_file.exists():
        raise NotDeployedHere(f"The contracts could not be deployed: {last}", "Run `make setup`.")


def _demonstration(house: Installation) -> None:
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


def _index(house: Installation) -> None:
    """From now on the chain can be rebuilt out of the database, whatever happens to the node."""
    from backend.indexer.follow import Indexer

    indexer = Indexer(
        house.engine, house.node, house.deployment, keep_raw_transactions=house.is_embedded
    )
    while indexer.step():
        pass


def print_sign_in_link(data: Path | None) -> None:
    """A one-use link for the administrator, who is there from the first start on, to stdout."""
    from backend.cli.people import sign_in_link
    from backend.store import people
    from backend.store.engine import begin

    house = installation(data)
    with begin(house.engine) as db:
        row = people.by_name(db, ADMIN)
        person = row.id if row else people.add_person(db, ADMIN, "admin", ())
        assert person is not None
        print(sign_in_link(db, house.settings.origin, person), flush=True)
