"""Migrations: an empty or older database becomes that of backend/store/tables/, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from databases import NewDatabase, databases, somebody_waits
from sqlalchemy import Connection, Engine, create_engine, inspect, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from backend.embedded.processes import wait_until
from backend.errors import Unavailable
from backend.store.migrate import _config, migrate
from backend.store.tables import block, chain_state, metadata, stamp_use
from backend.store.tally import counted, kept


@pytest.fixture
def new_database(postgres_url: str) -> Iterator[NewDatabase]:
    with databases(postgres_url) as make:
        yield make


def differences(engine: Engine) -> list[object]:
    with engine.connect() as db:
        context = MigrationContext.configure(db, opts={"compare_server_default": True})
        return list(compare_metadata(context, metadata))


def test_an_empty_database_gets_exactly_the_tables_of_the_metadata(
    new_database: NewDatabase,
) -> None:
    engine = new_database(empty=True)
    migrate(engine)
    assert differences(engine) == []


def test_a_missing_column_index_or_default_would_be_seen(new_database: NewDatabase) -> None:
    """The comparison above can fail."""
    engine = new_database()
    with engine.begin() as db:
        db.execute(text("ALTER TABLE block DROP COLUMN parent_hash"))
        db.execute(text("DROP INDEX ix_entry_digest"))
        db.execute(text("ALTER TABLE person ALTER COLUMN disabled DROP DEFAULT"))
    assert len(differences(engine)) == 3


def test_checks_and_identities_are_those_of_the_metadata(new_database: NewDatabase) -> None:
    """What alembic does not compare: check constraints, identity columns, the order of columns."""
    migrated, created = new_database(), new_database(empty=True)
    metadata.create_all(created)
    assert shape(migrated) == shape(created)


def shape(engine: Engine) -> dict[str, object]:
    inspector = inspect(engine)
    return {
        name: (
            [(c["name"], str(c["type"]), c.get("identity")) for c in inspector.get_columns(name)],
            inspector.get_check_constraints(name),
            inspector.get_pk_constraint(name),
        )
        for name in metadata.tables
    }


def test_migrating_again_changes_nothing(new_database: NewDatabase) -> None:
    engine = new_database()
    with engine.begin() as db:
        db.execute(chain_state.insert().values(indexed_number=7))
    migrate(engine)
    with engine.connect() as db:
        assert db.scalar(chain_state.select().with_only_columns(chain_state.c.indexed_number)) == 7


def test_what_is_long_is_kept_as_it_is_and_what_was_compressed_stays_readable(
    new_database: NewDatabase,
) -> None:
    """Migration 0010."""
    engine, raw = new_database(empty=True), b"\0" * 50_000
    upgrade(engine, "0009")
    with engine.begin() as db:
        db.execute(block.insert().values(number=1, hash=b"1", parent_hash=b"0", time=1))
        db.execute(block.update().values(raw_transactions=[raw]))
        assert stored_bytes(db) < 5_000
    migrate(engine)
    with engine.begin() as db:
        assert db.scalar(select(block.c.raw_transactions)) == [raw]
        db.execute(block.update().values(raw_transactions=[raw + b"1"]))
        assert stored_bytes(db) > 50_000


def upgrade(engine: Engine, revision: str) -> None:
    with engine.connect() as db:
        config = _config()
        config.attributes["connection"] = db
        command.upgrade(config, revision)


def stored_bytes(db: Connection) -> int:
    return int(db.scalar(text("SELECT pg_column_size(raw_transactions) FROM block")) or 0)


def test_many_processes_may_migrate_at_once(new_database: NewDatabase) -> None:
    """B6: they wait for one another."""
    engine = new_database(empty=True)
    failures: list[Exception] = []

    def start() -> None:
        try:
            migrate(engine)
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert differences(engine) == []


def test_a_migration_that_fails_leaves_nothing_behind(new_database: NewDatabase) -> None:
    engine = new_database(empty=True)
    with engine.begin() as db:
        db.execute(text("CREATE TABLE submission (in_the_way integer)"))
    with pytest.raises(Exception, match="already exists"):
        migrate(engine)
    assert inspect(engine).get_table_names() == ["submission"]


def test_a_database_that_is_away_is_said_to_be_away() -> None:
    engine = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    with pytest.raises(Unavailable, match="does not answer"):
        migrate(engine)


def test_there_is_one_chain_state(new_database: NewDatabase) -> None:
    with new_database().connect() as db, pytest.raises(IntegrityError, match="one_row"):
        db.execute(chain_state.insert().values(id=2))


def test_a_stamp_of_the_highest_number_comes_back(new_database: NewDatabase) -> None:
    """A uint64 has one bit more than PostgreSQL's bigint."""
    use = {"custodian": 1, "time": 2, "kind": 0, "item": b"i", "digest": b"d"}
    use |= {"block_number": 3, "transaction_hash": b"t"}
    for stamp in (1, 2**63 - 1, 2**63, 2**64 - 1):
        with new_database().begin() as db:
            db.execute(stamp_use.insert().values(stamp=stamp, **use))
            found = db.execute(stamp_use.select().where(stamp_use.c.stamp == stamp)).one()
            assert found.stamp == stamp


def test_counts_begin_with_what_is_there_and_miss_nothing_that_is_being_written(
    new_database: NewDatabase,
) -> None:
    """Revision 0012 waits for who writes what it counts; before, those rows were never counted."""
    engine = new_database(empty=True)
    use = {"custodian": 1, "time": 2, "kind": 0, "item": b"i", "digest": b"d"}
    use |= {"block_number": 3, "transaction_hash": b"t"}
    upgrade(engine, "0010")
    with engine.begin() as db:
        db.execute(stamp_use.insert().values(stamp=1, **use))
    upgrading = threading.Thread(target=migrate, args=(engine,))
    with engine.begin() as writer:
        writer.execute(stamp_use.insert().values(stamp=2, **use))
        upgrading.start()
        assert wait_until(lambda: somebody_waits(engine), 20)
    upgrading.join(20)
    with engine.begin() as db:
        assert kept(db) == counted(db)
        assert kept(db)["stamps_used"] == 2


def test_who_reads_waits_for_one_revision_and_not_for_all(new_database: NewDatabase) -> None:
    """0010 needs `block` to itself for an instant; it does not keep it while 0012 waits for a writer and counts."""
    engine = new_database(empty=True)
    upgrade(engine, "0009")
    upgrading = threading.Thread(target=migrate, args=(engine,))
    with engine.begin() as writer:
        writer.execute(text("LOCK TABLE entry IN ROW EXCLUSIVE MODE"))
        upgrading.start()
        assert wait_until(lambda: somebody_waits(engine), 20)
        with engine.begin() as db:
            db.execute(text("SET LOCAL lock_timeout = 1000"))
            assert db.execute(select(block)).all() == []
            assert db.scalar(text("SELECT version_num FROM alembic_version")) == "0010"
    upgrading.join(20)
    assert differences(engine) == []


def test_tables_that_others_use_are_said_to_be_in_use(
    new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of two that wait for each other is ended by PostgreSQL; here it is the migration."""

    def deadlock(*_: object) -> None:
        raise OperationalError("", (), psycopg.errors.DeadlockDetected())

    monkeypatch.setattr(command, "upgrade", deadlock)
    with pytest.raises(Unavailable, match="others use them") as found:
        migrate(new_database())
    assert "Stop serve, send, index and hooks" in found.value.what_now
