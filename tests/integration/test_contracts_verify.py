"""`posthorn contracts verify`: yes or no for each contract of a deployment; 0 all yes, 1 a no, 2 nothing compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from installed import command
from posts import CHAIN_ID, Posts, forkable_anvil

ELSEWHERE = b"\x11" * 20


@pytest.fixture(scope="module")
def posts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Posts]:
    with forkable_anvil(tmp_path_factory.mktemp("anvil")) as url:
        network = Posts(url)
        network.found()
        yield network
        network.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "deployment.json"


def write(file: Path, addresses: Mapping[str, bytes], chain_id: int = CHAIN_ID) -> None:
    contracts = {name: {"address": "0x" + at.hex(), "block": 1} for name, at in addresses.items()}
    file.write_text(json.dumps({"chain_id": chain_id, "contracts": contracts}))


def verified(posts: Posts, file: Path, **addresses: bytes) -> tuple[int, dict[str, Any]]:
    """Exit code and answer for the deployment with some addresses changed."""
    write(file, {**posts.deployment.addresses, **addresses})
    words = ("contracts", "verify", "--rpc", posts.url, "--deployment", file, "--json")
    done = command(*words)
    return done.returncode, json.loads(done.stdout)["contracts"]


def test_what_the_sources_build_is_confirmed(posts: Posts, file: Path) -> None:
    code, found = verified(posts, file)
    assert code == 0
    assert [entry["is_this_build"] for entry in found.values()] == [True, True, True]


def test_another_contract_at_an_address_is_told(posts: Posts, file: Path) -> None:
    code, found = verified(posts, file, CustodyLedger=posts.deployment.addresses["CryptoStamp"])
    assert code == 1
    assert not found["CustodyLedger"]["is_this_build"]
    assert "another build" in found["CustodyLedger"]["difference"]
    assert found["PostalNetwork"]["is_this_build"]


def test_no_code_at_an_address_is_told(posts: Posts, file: Path) -> None:
    code, found = verified(posts, file, CryptoStamp=ELSEWHERE)
    assert (code, found["CryptoStamp"]["difference"]) == (1, "there is no code")


def test_the_right_code_with_other_links_is_told(posts: Posts, file: Path) -> None:
    """Immutables are no part of the compared code: a ledger that trusts another network has it too."""
    other = bytes.fromhex("22" * 20)
    network = posts.deployment.addresses["PostalNetwork"]
    code = posts.node.code(network)
    posts.node.request("anvil_setCode", "0x" + other.hex(), "0x" + code.hex())
    status, found = verified(posts, file, PostalNetwork=other)
    assert status == 1
    assert found["PostalNetwork"]["is_this_build"]
    for name in ("CustodyLedger", "CryptoStamp"):
        assert f"its network is 0x{network.hex()}" in found[name]["difference"]


def test_where_nothing_can_be_compared_it_ends_with_2(posts: Posts, file: Path) -> None:
    """No node, another chain, no file, no address of a node."""
    write(file, posts.deployment.addresses, chain_id=5)
    for rpc, where, words in (
        (posts.url, file, "chain 5, the node serves chain 31337"),
        ("http://127.0.0.1:1", file, "No node answers"),
        (posts.url, file.with_name("none.json"), "Name another file with --deployment."),
        ("node", file, "no address of a node"),
    ):
        done = command("contracts", "verify", "--rpc", rpc, "--deployment", where)
        assert done.returncode == 2
        assert words in done.stderr
