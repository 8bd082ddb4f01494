"""Posts on a chain, a database, and a receiver of web hooks: stepped by hand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from indexing import catch_up, indexer_of
from posts import ROOT, Posts
from receiver import Receiver, receiving
from sqlalchemy import Engine

from backend.api.answers.hooks import about_record
from backend.hooks.address import Rules
from backend.hooks.call import Caller
from backend.hooks.tell import Teller
from backend.keystore import Keystore
from backend.queries.hooks import HookAnswer, HooksAnswer, hooks, summary
from backend.store import hooks as rows
from backend.store.engine import begin

SEED = b"hooks".ljust(32)
HERE = Rules(frozenset({"127.0.0.1"}), frozenset())
FINAL_BLOCKS = 8  # of this anvil, below its head
FOR_A_WHILE = threading.Event()


def teller(engine: Engine, **other: Any) -> Teller:
    return Teller(engine, Caller(Keystore(SEED), HERE, **other), about_record)


@dataclass
class Telling:
    """`tell` lets a worker do what is due; time passes when it is told to."""

    posts: Posts
    engine: Engine
    teller: Teller = field(init=False)

    def __post_init__(self) -> None:
        self.teller = teller(self.engine)
        catch_up(indexer_of(self.posts, self.engine))

    @contextmanager
    def hook(self, operator: int = 1) -> Iterator[tuple[int, Receiver]]:
        """A new hook of an operator, and its receiver."""
        with receiving() as receiver:
            with begin(self.engine) as db:
                row = rows.add(db, operator, receiver.url, os.urandom(16))
            assert row is not None
            receiver.secret = Caller(Keystore(SEED), HERE).secret(row.salt)
            yield row.id, receiver

    def index(self) -> None:
        catch_up(indexer_of(self.posts, self.engine))

    def finalize(self) -> None:
        """What was sent is mined, indexed, and can no longer be replaced."""
        for _ in range(FINAL_BLOCKS + 1):
            self.posts.mine()
        self.index()

    def tell(self) -> None:
        """All that is due."""
        while self.teller.step(FOR_A_WHILE):
            pass

    def pass_time(self, seconds: float) -> None:
        with begin(self.engine) as db:
            for table in ("hook", "hook_message"):
                db.exec_driver_sql(
                    f"UPDATE {table} SET due_at = due_at - make_interval(secs => {seconds})"
                )

    def seconds_until(self, table: str = "hook") -> float:
        """When the hook, or the first message that was tried, is due again."""
        since = "max" if table == "hook_message" else "min"
        with begin(self.engine) as db:
            found = db.exec_driver_sql(
                f"SELECT extract(epoch FROM {since}(due_at) - now())::float FROM {table}"
            )
            return float(found.scalar_one())

    def state(self) -> HookAnswer:
        """Of the only hook."""
        with begin(self.engine) as db:
            (found,) = hooks(db)
        return found

    def summary(self) -> HooksAnswer:
        with begin(self.engine) as db:
            return summary(db)


def kill_at_the_instant(engine: Engine) -> None:
    """Run a worker in a process of its own until it has told something and not noted it, and is killed there."""
    run = subprocess.run(
        [sys.executable, str(Path(__file__))],
        input=json.dumps(engine.url.render_as_string(hide_password=False)).encode(),
        capture_output=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{Path(__file__).parent}"},
        timeout=60,
    )
    assert run.returncode == -signal.SIGKILL, run.stderr.decode()


def main() -> None:
    from backend import failpoints
    from backend.store.engine import open_engine

    failpoints.arm("told, not noted", passes=2)
    told = teller(open_engine(json.load(sys.stdin)))
    while told.step(FOR_A_WHILE):
        pass


if __name__ == "__main__":
    main()
