"""A sender that kills itself (SIGKILL) at a named instant; a process of its own, with its facts on stdin."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from sending import EAGER, Ring, never

from backend.chain.answers import Sent
from backend.chain.client import Node
from backend.chain.deployment import Deployment
from backend.chain.sender import Sender
from backend.store.engine import open_engine

INSTANTS = {
    "before saving": "K3: signed, the database's transaction is not committed",
    "before broadcast": "K4: saved, the node has nothing",
    "after broadcast": "K5: the node has it, the answer is not read",
    "before mining": "K5: all is written down, no block yet",
    "after mining": "K9: in a block, which nobody has indexed",
}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DeadlySigner(Ring):
    def sign(self, name: str, digest: bytes) -> bytes:
        super().sign(name, digest)
        die()
        raise AssertionError


class DeadlyNode(Node):
    """Dies at its instant instead of going on."""

    instant = ""

    def send(self, raws: Sequence[bytes]) -> list[Sent]:
        if self.instant == "before broadcast":
            die()
        answers = super().send(raws)
        if self.instant == "after broadcast":
            die()
        return answers

    def mine(self) -> None:
        if self.instant == "before mining":
            die()
        super().mine()
        if self.instant == "after mining":
            die()


def main(facts: dict[str, Any]) -> None:
    node = DeadlyNode([facts["node"]])
    node.instant = facts["instant"]
    signer = DeadlySigner() if facts["instant"] == "before saving" else Ring()
    addresses = {name: bytes.fromhex(one) for name, one in facts["addresses"].items()}
    deployment = Deployment(facts["chain_id"], addresses, 0)
    sender = Sender(open_engine(facts["database"]), node, signer, deployment, never, EAGER)
    while True:
        sender.step()


if __name__ == "__main__":
    main(json.load(sys.stdin))
