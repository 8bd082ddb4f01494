"""Migrations: an empty or older database becomes that of backend/store/tables.py, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from databases import NewDatabase, databases
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from backend.errors import Unavailable
from backend.store.migrate import migrate
from backend.store.tables import chain_state, metadata, stamp_use


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
