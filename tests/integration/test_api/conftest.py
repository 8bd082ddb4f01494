"""One network for all tests of the API: founding it takes seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from town import Town, founded_town, served

from backend.app import assemble, find_pages
from backend.store.engine import open_engine
from tests.integration.conftest import TEMPLATE, database_url, execute


@pytest.fixture(scope="session")
def town(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    execute(postgres_url, f"CREATE DATABASE api TEMPLATE {TEMPLATE}")
    engine = open_engine(database_url(postgres_url, "api"), pool_size=8)
    folder: Path = tmp_path_factory.mktemp("town")
    with founded_town(engine, folder) as built:
        yield built
    engine.dispose()
    execute(postgres_url, "DROP DATABASE api WITH (FORCE)")


@pytest.fixture(scope="module")
def pages(town: Town) -> Iterator[httpx.Client]:
    """A client of the service with its pages, whose cookies do not last."""
    with served(
        assemble(town.house, town.engine, town.node, town.deployment, find_pages())
    ) as client:
        yield client
