"""Real parts for every test here: a PostgreSQL of the run's own, a fresh migrated database for each test."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from fault_proxy import FaultProxy, fault_proxy
from posts import Posts, forkable_anvil
from sending import OTHER, SUBMITTER, World
from sqlalchemy import Engine, make_url

from backend.embedded.postgres import EmbeddedPostgres
from backend.store.engine import open_engine
from backend.store.migrate import migrate

TEMPLATE = "migrated"
NUMBERS = count(1)


@contextmanager
def migrated_server() -> Iterator[str]:
    """The URL of a server with a migrated database `migrated`, which nobody may keep open."""
    with tempfile.TemporaryDirectory(prefix="posthorn-") as parent:
        Path(parent).chmod(0o711)  # its own user must get in
        with EmbeddedPostgres(Path(parent) / "postgres") as server:
            execute(server.url, f"CREATE DATABASE {TEMPLATE}")
            engine = open_engine(database_url(server.url, TEMPLATE))
            migrate(engine)
            engine.dispose()
            yield server.url


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """As migrated_server, for the whole run."""
    with migrated_server() as url:
        yield url


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    """An engine on a fresh database with all tables."""
    name = f"test_{next(NUMBERS)}"
    execute(postgres_url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    engine = open_engine(database_url(postgres_url, name))
    yield engine
    engine.dispose()
    execute(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def module_engine(postgres_url: str) -> Iterator[Engine]:
    """An engine on a database that the tests of a module share."""
    name = f"module_{next(NUMBERS)}"
    execute(postgres_url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    engine = open_engine(database_url(postgres_url, name))
    yield engine
    engine.dispose()
    execute(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def world(tmp_path: Path, engine: Engine) -> Iterator[World]:
    """A founded network on an anvil of the test's own, with sender and indexer (sending.py)."""
    with forkable_anvil(tmp_path) as url:
        posts = Posts(url)
        posts.found()
        made = World(posts, engine, url)
        for lane, operator in ((SUBMITTER, 1), (OTHER, 2)):
            key = "0x" + made.signer.address(lane).hex()
            posts.call("PostalNetwork", "addSubmitter", operator, key)
        posts.mine()
        yield made
        made.close()


@pytest.fixture
def proxy(world: World) -> Iterator[FaultProxy]:
    """Between the sender and the node."""
    with fault_proxy(world.url) as proxy:
        world.url = proxy.url
        world.restart()
        yield proxy


def database_url(server_url: str, name: str) -> str:
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


def execute(url: str, statement: str) -> None:
    """One statement outside of any transaction."""
    engine = open_engine(url, pool_size=1).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        db.exec_driver_sql(statement)
    engine.dispose()
