"""A database restored from a backup, while the chain has gone on (reliability.md, test 23)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

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
def restored(world: World, postgres_url: str) -> Iterator[Restore]:
    made = Restore(world, postgres_url)
    yield made
    made.close()


class Restore:
    """Takes the backup of a world's database as docs/operations.md says, and puts the world onto it later."""

    def __init__(self, world: World, server_url: str) -> None:
        self.world, self.server_url = world, server_url
        self.engine: Engine | None = None

    def back_up(self) -> None:
        """As `pg_dump` does, one snapshot of all rows; the embedded server's wheel has no pg_dump."""
        name = self.world.engine.url.database
        self.world.sender.close()
        self.world.engine.dispose()
        execute(self.server_url, f"CREATE DATABASE {COPY_OF} TEMPLATE {name}")
        self.world.restart()

    def restore(self) -> None:
        self.world.sender.close()
        self.engine = open_engine(database_url(self.server_url, COPY_OF))
        self.world.engine = self.engine
        self.world.restart()
        self.world.__post_init__()

    def close(self) -> None:
        self.world.sender.close()
        if self.engine is not None:
            self.engine.dispose()
        execute(self.server_url, f"DROP DATABASE IF EXISTS {COPY_OF} WITH (FORCE)")


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
