"""The installation's house out of its settings: contracts, keys, clock, address on paper."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import urlsplit

from backend.chain.deployment import Deployment
from backend.config import Settings
from backend.hooks.address import Rules
from backend.hooks.call import Caller
from backend.keystore import Keystore, SealedSeeds, open_keystore, recover_address
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
        claim_seeds=SealedSeeds(_key_folder(settings), keystore),
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
    """Raises Unavailable where the keystore cannot be opened."""
    return open_keystore(_key_folder(settings), settings.keystore_passphrase)


def _key_folder(settings: Settings) -> Path:
    return settings.data / "keys"
