"""The committed code hashes, by which deployments are verified, are what the pinned compiler makes of the sources."""

from __future__ import annotations

import json
import shutil

import pytest

from scripts.code_hash import code_hash, immutable_offsets
from scripts.deploy import CONTRACTS
from tests.contracts.compiler import ROOT, compiled


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Compiled in another folder, nothing taken from a cache."""
    folder = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(ROOT / "contracts", folder / "contracts")
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    sources = {
        f"contracts/{n}.sol": (ROOT / "contracts" / f"{n}.sol").read_text() for n in CONTRACTS
    }
    found = compiled(sources, folder, "evm.deployedBytecode.object")
    return {
        name: bytes.fromhex(
            found[f"contracts/{name}.sol"][name]["evm"]["deployedBytecode"]["object"]
        )
        for name in CONTRACTS
    }


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_committed_code_hash_is_what_the_compiler_makes(
    built: dict[str, bytes], name: str
) -> None:
    """`posthorn contracts verify` compares with these; `scripts/brownie.sh run export_abi` writes them anew."""
    committed = json.loads((ROOT / "backend" / "chain" / "abi" / f"{name}.json").read_text())
    offsets = immutable_offsets(built[name])
    assert committed["immutables"] == offsets
    assert committed["codeHash"] == code_hash(built[name], offsets)
