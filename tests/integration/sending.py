"""A network of posts, a database, a sender and an indexer, stepped by hand: for the tests of the sender."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from coincurve import PrivateKey
from posts import COUNTER, ROOT, Posts, key
from sqlalchemy import Connection, Engine, Row, select

from backend.chain.client import Node
from backend.chain.lane import GWEI, Pace, Reconsider
from backend.chain.sender import Sender
from backend.chain.views import Views
from backend.domain.keccak import keccak256
from backend.domain.typed_data import Issue, Receipt, Release, Signed, Void
from backend.domain.wire import to_wire
from backend.embedded.processes import wait_until
from backend.indexer.follow import Indexer
from backend.keystore import address_of, sign_compact
from backend.store import submissions
from backend.store.engine import begin
from backend.store.submissions import NewSubmission
from backend.store.tables import submission, transaction

SUBMITTER, OTHER, ADMIN = "submitter/1", "submitter/2", "admin/1"
# At once, and a block for each broadcast: tests do not wait.
EAGER = Pace(mine_every_seconds=0.0, retry_seconds=0.0, held_seconds=0.0)
SETTLE_SECONDS = 20.0
WORDS = [f"item {n}" for n in range(8)]
SEND = "eth_sendRawTransaction"


class Ring:
    """A signer: keys that follow from their names. The administrator's is the one that founded the posts."""

    def address(self, name: str) -> bytes:
        return address_of(self._key(name))

    def sign(self, name: str, digest: bytes) -> bytes:
        return sign_compact(self._key(name), digest)

    def _key(self, name: str) -> PrivateKey:
        return key("sender" if name == ADMIN else name)


def never(db: Connection, row: Row[Any]) -> Any:
    raise AssertionError(f"{row.kind} is held")


@dataclass
class World:
    """`steps()` lets the sender and the indexer do what is due; nothing runs in the background."""

    posts: Posts
    engine: Engine
    url: str
    reconsider: Reconsider = never
    pace: Pace = EAGER
    signer: Ring = field(default_factory=Ring)
    sender: Sender = field(init=False)
    indexer: Indexer = field(init=False)
    nodes: list[Node] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.views = Views(self.posts.node, self.posts.deployment)
        self.restart()
        self.indexer = Indexer(self.engine, self.node(self.posts.url), self.posts.deployment)

    def restart(self, node: Node | None = None, pace: Pace | None = None) -> None:
        """Another sender process, with no memory of the one before."""
        if hasattr(self, "sender"):
            self.sender.close()
        self.pace = pace or self.pace
        self.sender = self.new_sender(node)

    def new_sender(self, node: Node | None = None) -> Sender:
        deployment, node = self.posts.deployment, node or self.node(self.url)
        return Sender(self.engine, node, self.signer, deployment, self.reconsider, self.pace)

    def node(self, *urls: str, **other: Any) -> Node:
        self.nodes.append(Node(urls, **other))
        return self.nodes[-1]

    def close(self) -> None:
        self.sender.close()
        for node in self.nodes:
            node.close()
        self.posts.close()

    # --- submitting ---------------------------------------------------------------------------------
    def submit(self, kind: str, payload: dict[str, Any], digest: bytes, **other: Any) -> bytes:
        new = NewSubmission(digest=digest, kind=kind, payload=payload, lane=SUBMITTER)
        with begin(self.engine) as db:
            assert submissions.enqueue(db, [replace(new, **other)])
        return digest

    def accept(self, word: str, stamps: tuple[int, ...] = (), **other: Any) -> bytes:
        """Submit the acceptance of a word's item; returns its digest."""
        record = self.posts.acceptance(word, stamps=stamps)
        payload = self.posts.signed("acceptance", record, COUNTER)
        items = (self.posts.item(word),)
        return self.submit("acceptance", payload, self.posts.digest(record), items=items, **other)

    def hand_off(self, release: Release, receipt: Receipt | None = None, **other: Any) -> bytes:
        receipt = receipt or self.posts.receipt(release)
        payload = self.posts.hand_off_payload(release, receipt)
        items = tuple(line.item for line in release.lines)
        return self.submit("hand_off", payload, self.posts.digest(receipt), items=items, **other)

    def put(self, kind: str, record: Issue | Void) -> bytes:
        return self.submit(kind, to_wire(record), self.posts.digest(record))

    def alone(self, kind: str, record: Signed, payload: dict[str, Any], item: bytes) -> bytes:
        return self.submit(kind, payload, self.posts.digest(record), items=(item,))

    def act(self, kind: str, lane: str, payload: dict[str, Any]) -> bytes:
        digest = keccak256(json.dumps([kind, payload], sort_keys=True).encode())
        return self.submit(kind, payload, digest, lane=lane)

    # --- letting it happen --------------------------------------------------------------------------
    def index(self) -> None:
        while self.indexer.step():
            pass

    def steps(self, until: Callable[[], bool]) -> None:
        """Sender and indexer in turn until it is so."""

        def done() -> bool:
            self.sender.step()
            self.index()
            return until()

        assert wait_until(done, SETTLE_SECONDS), self.states()

    def settle(self, *digests: bytes) -> None:
        """Until these submissions are settled."""
        self.steps(lambda: all(self.row(digest).state == "settled" for digest in digests))

    def resolve(self, *digests: bytes) -> None:
        """Until nothing more will happen to these submissions."""
        over = ("settled", "rejected", "expired", "withdrawn")
        self.steps(lambda: all(self.row(digest).state in over for digest in digests))

    def charge(self) -> None:
        """From now on the chain charges, and the lane has something to pay with."""
        balance = "0x" + self.signer.address(SUBMITTER).hex(), hex(10**21)
        self.posts.rpc.call("anvil_setBalance", *balance)
        self.posts.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
        self.posts.mine()

    # --- looking ------------------------------------------------------------------------------------
    def row(self, digest: bytes) -> Row[Any]:
        with begin(self.engine) as db:
            found = submissions.find(db, digest)
        assert found is not None
        return found

    def digests(self) -> list[bytes]:
        """Of all submissions, in their sequence."""
        query = select(submission.c.digest).order_by(submission.c.sequence)
        with begin(self.engine) as db:
            return list(db.scalars(query))

    def states(self) -> list[str]:
        """All submissions and transactions, for the message of a failed test."""
        rows = [self.row(digest) for digest in self.digests()]
        return [f"{row.sequence}: {row.kind} {row.state} {row.refusal}" for row in rows] + [
            f"nonce {row.nonce} {row.state}" for row in self.transactions()
        ]

    def transactions(self) -> list[Row[Any]]:
        """What was ever signed, by nonce."""
        query = select(transaction).order_by(transaction.c.nonce, transaction.c.created_at)
        with begin(self.engine) as db:
            return list(db.execute(query).all())

    def records(self, word: str) -> int:
        """How many records the chain has of a word's item."""
        return self.views.item_of(self.posts.item(word)).records

    def nonce(self, lane: str = SUBMITTER) -> int:
        """How many transactions the chain has of a lane."""
        return self.posts.node.nonce(self.signer.address(lane))


def kill_at(world: World, instant: str) -> None:
    """Run a sender in a process of its own until it kills itself at the instant."""
    deployment = world.posts.deployment
    facts = {
        "instant": instant,
        "impatient": instant.startswith("dearer"),
        "node": world.url,
        "database": world.engine.url.render_as_string(hide_password=False),
        "chain_id": deployment.chain_id,
        "addresses": {name: one.hex() for name, one in deployment.addresses.items()},
    }
    run = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("killed_sender.py"))],
        input=json.dumps(facts).encode(),
        capture_output=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert run.returncode == -signal.SIGKILL, run.stderr.decode()
