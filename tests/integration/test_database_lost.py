"""An installation whose database is gone, and the way back: `posthorn database` (docs/operations.md)."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from installed import (
    COMMAND,
    ROOT,
    STOP_SECONDS,
    clean_environment,
    copy_of_founded,
    posthorn,
    processes_of,
    running,
)

from backend.cli.listening import free_port


@pytest.fixture
def data() -> Iterator[Path]:
    with copy_of_founded() as data:
        yield data


def test_a_lost_database_is_restored_and_nothing_else_is_begun(data: Path, tmp_path: Path) -> None:
    """B5: `up` makes no second network beside the old keys; pg_restore finds a server to restore into."""
    saved = tmp_path / "saved"
    shutil.move(data / "postgres", saved)
    refused = posthorn("up", "--data", data, "--port", free_port())
    assert refused.returncode == 2
    assert "its database is empty. Restore a backup into it" in refused.stderr
    assert processes_of(data) == []
    with subprocess.Popen(
        [*COMMAND, "database", "--data", str(data)],
        env=clean_environment(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as alone:
        assert alone.stdout is not None
        url = alone.stdout.readline().strip()
        with psycopg.connect(url) as db:
            assert db.execute("SELECT to_regclass('block')").fetchone() == (None,)
        second = posthorn("database", "--data", data)
        assert (second.returncode, "runs in" in second.stderr) == (1, True)
        alone.send_signal(signal.SIGTERM)
        assert alone.wait(STOP_SECONDS) == 0
    assert processes_of(data) == []
    shutil.rmtree(data / "postgres")
    shutil.move(saved, data / "postgres")
    with running(data) as up:
        assert up.json("fsck")["differences"] == []


def test_a_database_that_is_away_is_said_to_be_away(data: Path) -> None:
    away = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"
    done = posthorn("up", "--data", data, "--port", free_port(), POSTHORN_DATABASE_URL=away)
    assert done.returncode == 2
    assert "The database does not answer" in done.stderr


def test_a_database_of_ones_own_has_none_beside_it(data: Path) -> None:
    own = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"
    done = posthorn("database", "--data", data, POSTHORN_DATABASE_URL=own)
    assert done.returncode == 2
    assert "Restore into that one." in done.stderr


def test_a_folder_of_no_installation_gets_no_database(tmp_path: Path) -> None:
    done = posthorn("database", "--data", tmp_path / "nothing")
    assert done.returncode == 2
    assert "no installation.json. Restore it, keys/ and deployment.json first." in done.stderr
    assert not (tmp_path / "nothing").exists()
