"""A database restored from a backup, while the chain has gone on (reliability.md, test 23)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from databases import rows
from indexing import CHAIN, alarms
from posts import CENTRE, CUSTOMS
from sending import ADMIN, SUBMITTER, World
from sqlalchemy import Engine

from backend.store.engine import open_engine
from tests.integration.conftest import database_url, execute

COPY_OF = "restored"


@pytest.fixture
def restored(world: World, postgres_url: str, tmp_path: Path) -> Iterator[Restore]:
    made = Restore(world, postgres_url, tmp_path)
    yield made
    made.close()


class Restore:
    """Takes the backup of a world's database as docs/operations.md says, and puts the world onto it later."""

    def __init__(self, world: World, server_url: str, folder: Path) -> None:
        self.world, self.server_url, self.dump = world, server_url, folder / "posthorn.dump"
        self.engine: Engine | None = None

    def back_up(self) -> None:
        """While all goes on."""
        url = plain(self.world.engine.url.render_as_string(hide_password=False))
        run("pg_dump", "--format=custom", f"--file={self.dump}", url)

    def restore(self) -> None:
        self.world.sender.close()
        execute(self.server_url, f"CREATE DATABASE {COPY_OF}")
        url = plain(database_url(self.server_url, COPY_OF))
        run("pg_restore", "--exit-on-error", f"--dbname={url}", str(self.dump))
        self.engine = open_engine(database_url(self.server_url, COPY_OF))
        self.world.engine = self.engine
        self.world.restart()
        self.world.__post_init__()

    def close(self) -> None:
        self.world.sender.close()
        if self.engine is not None:
            self.engine.dispose()
        execute(self.server_url, f"DROP DATABASE IF EXISTS {COPY_OF} WITH (FORCE)")


def run(tool: str, *arguments: str) -> None:
    """The one that `make setup` puts beside `posthorn`: of the server's version."""
    subprocess.run([Path(sys.executable).with_name(tool), *arguments], check=True)


def plain(url: str) -> str:
    return url.replace("+psycopg", "", 1)


def test_an_older_database_sends_nothing_until_it_has_caught_up_and_then_nothing_twice(
    world: World, restored: Restore
) -> None:
    """Records and acts that were waiting in the backup, and had been sent since, are settled, not sent again."""
    world.settle(
        world.accept("before"), world.act("suspend_custodian", ADMIN, {"custodian": CUSTOMS})
    )
    word, act = (
        world.accept("waiting"),
        world.act("suspend_custodian", ADMIN, {"custodian": CENTRE}),
    )
    restored.back_up()
    world.settle(word, act)
    world.settle(world.act("reinstate_custodian", ADMIN, {"custodian": CENTRE}))
    world.settle(world.accept("lost with the database"))
    sent = world.nonce(), world.nonce(ADMIN)
    chain = rows(world.engine, CHAIN)
    restored.restore()
    assert [world.row(one).state for one in (word, act)] == ["pending", "pending"]
    for _ in range(5):
        world.sender.step()
    assert (world.nonce(), world.nonce(ADMIN)) == sent
    assert [world.row(one).state for one in (word, act)] == ["pending", "pending"]
    world.index()
    world.settle(word, act)
    assert (world.nonce(), world.nonce(ADMIN)) == sent
    assert [world.records(one) for one in ("waiting", "before")] == [1, 1]
    assert rows(world.engine, CHAIN) == chain
    later = world.accept("after")
    world.settle(later)
    assert world.nonce() == sent[0] + 1
    assert {alarm.split(" were not")[0] for alarm in alarms(world.engine)} == {
        f"2 transactions of {SUBMITTER} (nonces 1 to 2)",
        f"2 transactions of {ADMIN} (nonces {sent[1] - 2} to {sent[1] - 1})",
    }
    assert world.row(act).transaction_hash is not None
    world.restart()
    world.settle(world.accept("after a restart"))
    assert not any(SUBMITTER in alarm for alarm in alarms(world.engine))


def test_a_transaction_that_was_replaced_after_the_backup_is_known_by_its_nonce(
    world: World, restored: Restore
) -> None:
    """The backup has one hash of the nonce, the chain another: the act is settled, not repeated."""
    world.index()
    act = world.act("suspend_custodian", ADMIN, {"custodian": CENTRE})
    world.restart(pace=replace(world.pace, mine_every_seconds=None))
    world.sender.step()
    restored.back_up()
    with world.engine.begin() as db:
        db.exec_driver_sql("DELETE FROM transaction")
        db.exec_driver_sql("UPDATE lane SET next_nonce = next_nonce - 1")
        db.exec_driver_sql("UPDATE submission SET state = 'pending', transaction_hash = NULL")
    first = world.nonce(ADMIN)
    world.posts.rpc.call("anvil_dropAllTransactions")
    world.posts.call("PostalNetwork", "suspendCustodian", CENTRE)
    world.posts.mine()
    restored.restore()
    world.settle(act)
    assert world.nonce(ADMIN) == first + 1


def test_nothing_is_signed_while_the_pool_has_what_this_database_does_not_know(
    world: World, restored: Restore
) -> None:
    """It may do what waits here; only where it is never mined, it is taken for lost in the end."""
    world.settle(world.act("suspend_custodian", ADMIN, {"custodian": CUSTOMS}))
    act = world.act("suspend_custodian", ADMIN, {"custodian": CENTRE})
    restored.back_up()
    world.restart(pace=replace(world.pace, mine_every_seconds=None))
    world.sender.step()
    first = world.nonce(ADMIN)
    restored.restore()
    known = len(world.transactions())
    for _ in range(3):
        world.sender.step()
    assert (len(world.transactions()), world.row(act).state) == (known, "pending")
    world.posts.mine()
    world.settle(act)
    assert world.nonce(ADMIN) == first + 1


def test_what_stays_in_the_pool_for_long_does_not_keep_the_lane_from_sending(
    world: World, restored: Restore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its nonce is used: whichever of the two the chain takes, the record is there once (G2)."""
    monkeypatch.setattr("backend.chain.lane.POOL_SECONDS", 0.0)
    world.settle(world.accept("before"))
    restored.back_up()
    world.restart(pace=replace(world.pace, mine_every_seconds=None))
    lost = world.accept("lost with the database")
    world.sender.step()
    restored.restore()
    later = world.accept("after")
    world.restart(pace=replace(world.pace, mine_every_seconds=0.0))
    world.settle(later)
    assert world.records("after") == 1
    assert lost not in world.digests()
