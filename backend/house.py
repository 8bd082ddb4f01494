"""The installation's house out of its settings: contracts, keys, clock, address on paper."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from backend.chain.client import Node
from backend.chain.deployment import Deployment
from backend.chain.interface import interface
from backend.config import Settings
from backend.hooks.address import Rules
from backend.hooks.call import Caller
from backend.key_files import KEYS, RESTORE, OtherKeys
from backend.keystore import Keystore, SealedSeeds, make_keystore, open_keystore, recover_address
from backend.passkeys import DeviceKeys
from backend.ports import House
from backend.store.engine import addresses

RECORDS_LANE = "submitter/1"
PORTS = {"http": 80, "https": 443}


def build_house(settings: Settings, deployment: Deployment, keystore: Keystore) -> House:
    """What the use cases stand in."""
    return House(
        ledger=deployment.ledger,
        stamps=deployment.stamps,
        network=deployment.network,
        network_alias=settings.network_alias,
        signer=keystore,
        devices=DeviceKeys(settings.origin),
        claim_seeds=SealedSeeds(key_folder(settings), keystore),
        hooks=Caller(keystore, hook_rules(settings)),
        recover=recover_address,
        records_lane=RECORDS_LANE,
        now=lambda: int(time.time()),
        origin=settings.origin,
    )


def hook_rules(settings: Settings) -> Rules:
    """No web hook leads to what we listen on or talk to."""
    parts = map(urlsplit, (settings.origin, *settings.rpc_urls))
    own = {(one.hostname or "", one.port or PORTS[one.scheme]) for one in parts}
    own |= set(addresses(settings.database_url or ""))
    own.add((settings.host, settings.port))
    return Rules(frozenset(settings.hooks_internal), frozenset(own))


def open_keys(settings: Settings) -> Keystore:
    """Raises KeysLost where there is none, Unavailable where it cannot be opened."""
    return open_keystore(key_folder(settings), settings.keystore_passphrase)


def make_keys(settings: Settings) -> Keystore:
    """Those of a new installation, where an interrupted start has not made them. Raises KeysLost, Unavailable."""
    return make_keystore(key_folder(settings), settings.keystore_passphrase)


def check_keys(keystore: Keystore, known: Mapping[str, Sequence[bytes]]) -> None:
    """`known`: addresses by key (store/used.py). Raises OtherKeys where others of the same names have sent."""
    for name, theirs in known.items():
        if keystore.address(name) not in theirs:
            raise _other_keys(name, keystore.address(name), theirs[-1])


def check_governor(keystore: Keystore, node: Node, deployment: Deployment) -> None:
    """Of a chain of our own, with which nobody has worked yet. Raises OtherKeys, NodeAway."""
    calldata = interface("PostalNetwork").functions["governor"].calldata()
    theirs = node.call(deployment.network, calldata)[-20:]
    if keystore.address("governor") != theirs:
        raise _other_keys("governor", keystore.address("governor"), theirs)


def _other_keys(name: str, ours: bytes, theirs: bytes) -> OtherKeys:
    return OtherKeys(
        f"The keys are not those of this installation: {name} is 0x{ours.hex()}, it has been 0x{theirs.hex()}.",
        RESTORE,
    )


def key_folder(settings: Settings) -> Path:
    """Where the installation's keys lie."""
    return settings.data / KEYS
