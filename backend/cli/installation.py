"""The installation that a command works on: found through DATA while `posthorn up` runs, or by POSTHORN_*."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.cli.output import at_end
from backend.config import Settings, read_settings
from backend.errors import Unavailable

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Row

    from backend.chain.client import Node
    from backend.chain.deployment import Deployment
    from backend.keystore import Keystore
    from backend.ports import House

RUNNING = "running.json"
EMBEDDED_CHAIN = 31337


def running(data: Path) -> dict[str, Any] | None:
    """What `posthorn up` wrote about itself in this folder; None where it does not run.

    Its `pid` alone while it starts.
    """
    if not data.is_dir() or not _is_locked(data):
        return None
    try:
        found: dict[str, Any] = json.loads((data / RUNNING).read_text())
    except FileNotFoundError:
        return {}
    return found


def _is_locked(folder: Path) -> bool:
    """Whether a process holds the folder (embedded/processes.py, FolderLock)."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def settings_of(data: Path | None, **overrides: object) -> Settings:
    """Settings of the installation; one that is given wins over what a running one says of itself.

    Raises BadSettings; Unavailable where none can be found.
    """
    settings = read_settings(os.environ, data=data, **overrides)
    if settings.database_url is not None:
        return settings
    found = running(settings.data)
    if found is None or "database_url" not in found:
        state = "is only just starting" if found is not None else "does not run"
        raise Unavailable(
            f"Posthorn {state} in {settings.data}.",
            f"Name the folder of one that runs with --data (or POSTHORN_DATA), or start it: "
            f"`posthorn up --data {shlex.quote(str(settings.data))}`; of an installation elsewhere, name the "
            "database with POSTHORN_DATABASE_URL.",
        )
    return settings.model_copy(
        update={
            "database_url": found["database_url"],
            "rpc_urls": settings.rpc_urls or tuple(found["rpc_urls"]),
            "public_url": settings.public_url or found["origin"],
            "hooks_internal": settings.hooks_internal or tuple(found.get("hooks_internal", ())),
        }
    )


@dataclass(frozen=True)
class Installation:
    """Its parts, each opened at first use."""

    settings: Settings

    @cached_property
    def engine(self) -> Engine:
        from backend.store.engine import open_engine

        assert self.settings.database_url is not None
        return open_engine(self.settings.database_url)

    @cached_property
    def deployment(self) -> Deployment:
        """Raises DeploymentMissing, DeploymentUnreadable."""
        from backend.chain.deployment import read_deployment
        from backend.store.used import was_used

        return read_deployment(self.settings.deployment_file, partial(was_used, self.engine))

    @cached_property
    def node(self) -> Node:
        return self.new_node()

    def new_node(self) -> Node:
        """For a thread of its own. Raises Unavailable where none is named."""
        from backend.chain.client import Node
        from backend.store.known import read_known_blocks

        if not self.settings.rpc_urls:
            raise Unavailable(
                "No node is named.", "Name one or more with POSTHORN_RPC_URLS, comma separated."
            )
        known = partial(read_known_blocks, self.engine)
        return Node(self.settings.rpc_urls, self.deployment.chain_id, known=known)

    @cached_property
    def keystore(self) -> Keystore:
        """Raises KeysLost, OtherKeys."""
        from backend.house import check_keys, open_keys
        from backend.store.used import addresses_by_key

        found = open_keys(self.settings)
        check_keys(found, addresses_by_key(self.engine))
        return found

    @cached_property
    def house(self) -> House:
        from backend.house import build_house

        return build_house(self.settings, self.deployment, self.keystore)

    def close(self) -> None:
        """Let go of what was opened."""
        if "engine" in self.__dict__:
            self.engine.dispose()
        if "node" in self.__dict__:
            self.node.close()

    @property
    def is_embedded(self) -> bool:
        """Whether the chain is ours alone: we make its blocks, and keep what it is rebuilt from."""
        return self.deployment.chain_id == EMBEDDED_CHAIN

    def reconsider(self, db: Connection, row: Row[Any]) -> Any:
        """Judge a held submission again: what a sender asks (chain/lane.py)."""
        from backend.usecases.reconsider import reconsider

        return reconsider(db, self.house, row)

    def set_chain_clock(self, seconds: int) -> None:
        """Of the embedded chain: the time of its next block, from which its clock goes on."""
        from backend.chain.client import Node

        Node(self.settings.rpc_urls).request("anvil_setTime", seconds)


def installation(data: Path | None, **overrides: object) -> Installation:
    """The installation that a command works on. Raises BadSettings, Unavailable."""
    found = Installation(settings_of(data, **overrides))
    at_end.callback(found.close)
    return found
