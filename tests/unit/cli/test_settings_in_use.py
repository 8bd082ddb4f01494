"""Which settings a command takes, and whom the server believes."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI

from backend.api.problems import RETRY_AFTER_SECONDS
from backend.cli import installation
from backend.cli.workers import server_config


def test_setting_wins_over_what_a_running_installation_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {
        "database_url": "postgresql+psycopg://a@h/p",
        "rpc_urls": ["http://own:1"],
        "origin": "http://own",
        "hooks_internal": ["inner"],
    }
    monkeypatch.setattr(installation, "running", lambda _: said)
    monkeypatch.delenv("POSTHORN_RPC_URLS", raising=False)
    monkeypatch.delenv("POSTHORN_PUBLIC_URL", raising=False)
    found = installation.settings_of(tmp_path)
    assert (found.rpc_urls, found.origin) == (("http://own:1",), "http://own")
    assert found.hooks_internal == ("inner",)
    del said["hooks_internal"]  # a running one of the version before says nothing of them
    assert installation.settings_of(tmp_path).hooks_internal == ()
    monkeypatch.setenv("POSTHORN_RPC_URLS", "http://other:2")
    monkeypatch.setenv("POSTHORN_PUBLIC_URL", "https://post.example")
    found = installation.settings_of(tmp_path)
    assert (found.rpc_urls, found.origin) == (("http://other:2",), "https://post.example")


def test_forwarded_addresses_are_believed_only_from_who_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
    assert not server_config(FastAPI()).proxy_headers
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "10.0.0.7")
    config = server_config(FastAPI())
    assert (config.proxy_headers, config.forwarded_allow_ips) == (True, "10.0.0.7")


def test_a_connection_outlives_the_wait_of_who_is_told_to_come_again() -> None:
    """Closed at that very moment, the same request would meet a reset."""
    assert server_config(FastAPI()).timeout_keep_alive > RETRY_AFTER_SECONDS
