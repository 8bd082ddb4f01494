"""A sender that is killed (SIGKILL) at an instant; a process of its own, with its facts on stdin."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

from sending import EAGER, Ring, never

from backend import failpoints
from backend.chain.client import Node
from backend.chain.deployment import Deployment
from backend.chain.sender import Sender
from backend.store.engine import open_engine


def main(facts: dict[str, Any]) -> None:
    addresses = {name: bytes.fromhex(one) for name, one in facts["addresses"].items()}
    deployment = Deployment(facts["chain_id"], addresses, 0)
    node, pace = Node([facts["node"]]), EAGER
    if facts["impatient"]:
        pace = replace(EAGER, mine_every_seconds=None, rebroadcast_seconds=0.0, stuck_seconds=0.0)
    sender = Sender(open_engine(facts["database"]), node, Ring(), deployment, never, pace)
    failpoints.arm(facts["instant"])
    while True:
        sender.step()


if __name__ == "__main__":
    main(json.load(sys.stdin))
