"""scripts/deploy.py, read_back.py, export_abi.py: what is deployed is asked of the chain."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from brownie import accounts, chain, web3

from scripts import export_abi
from scripts.code_hash import without_trailer
from scripts.deploy import (
    CONTRACTS,
    Deployment,
    ForeignDeployment,
    Parameters,
    build,
    build_code_hash,
    created_address,
    deploy,
    find,
    own_mining,
    recognised,
    write,
)
from scripts.read_back import differences
from tests.contracts.world import World

INVALID = 0xFE
PUSH0, PUSH32 = 0x5F, 0x7F


@pytest.fixture
def fresh() -> Deployment:
    """Deployed by an account that had sent another transaction before."""
    accounts[15].transfer(accounts[16], 1)
    return deploy(Parameters(str(accounts[14])), accounts[15])


def test_the_contracts_name_each_other_and_the_governor(fresh: Deployment, world: World) -> None:
    """Circular immutables: the stamps' address was computed before they were there."""
    network, ledger, stamps = (fresh.contracts[name] for name in CONTRACTS)
    assert network.arguments == [str(accounts[14])]
    assert ledger.arguments == [network.address, stamps.address]
    assert stamps.arguments == [network.address, ledger.address]
    assert world.ledger.stamps() == world.stamps.address
    assert world.stamps.ledger() == world.ledger.address
    assert world.network.governor() == world.governor


def test_a_second_run_finds_the_first(fresh: Deployment) -> None:
    """Without a file, from the chain alone: addresses, blocks, transactions and arguments are the same."""
    sent = accounts[15].nonce
    assert deploy(Parameters(str(accounts[14])), accounts[15]) == fresh
    assert find(str(accounts[15])) == fresh
    assert accounts[15].nonce == sent


def test_a_run_that_was_killed_half_way_is_begun_anew() -> None:
    """A network without its ledger is nobody's: the next run deploys all three, further on."""
    accounts[13].deploy(build("PostalNetwork"), accounts[14])
    assert find(str(accounts[13])) is None
    deployment = deploy(Parameters(str(accounts[14])), accounts[13])
    assert deployment.contracts["PostalNetwork"].address == created_address(str(accounts[13]), 1)


def test_what_was_written_is_recognised(fresh: Deployment, tmp_path: Path) -> None:
    """The file holds all that the service needs, and comes back as it was."""
    file = tmp_path / "folder" / "31337.json"
    assert recognised(file) is None
    write(fresh, file)
    assert recognised(file) == fresh
    assert (
        json.loads(file.read_text())["contracts"]["CustodyLedger"]["block"]
        == fresh.contracts["CustodyLedger"].block
    )
    assert differences(fresh) == []


def test_a_file_of_another_chain_is_refused(fresh: Deployment, tmp_path: Path) -> None:
    """By its number, and by contracts that are not there."""
    file = tmp_path / "deployment.json"
    write(replace(fresh, chain_id=1), file)
    with pytest.raises(ForeignDeployment, match="is of chain 1, the node is on chain 31337"):
        recognised(file)
    nowhere = replace(fresh.contracts["CryptoStamp"], address="0x" + 40 * "1")
    write(replace(fresh, contracts=fresh.contracts | {"CryptoStamp": nowhere}), file)
    with pytest.raises(ForeignDeployment, match="this chain does not have"):
        recognised(file)
    named = Deployment.from_json(file.read_text())
    assert differences(named) == ["CryptoStamp: no code at 0x" + 40 * "1"]


def test_an_older_deployment_is_left_alone(fresh: Deployment, tmp_path: Path) -> None:
    """Code of another build at the named address: said, not overwritten."""
    older = fresh.contracts["CustodyLedger"].address
    code = bytearray(web3.eth.get_code(older))
    code[200] ^= 1
    web3.provider.make_request("anvil_setCode", [older, "0x" + code.hex()])
    file = tmp_path / "deployment.json"
    write(fresh, file)
    with pytest.raises(ForeignDeployment, match="another build of Posthorn"):
        recognised(file)
    assert differences(fresh) == [f"CustodyLedger: the code at {older} is not that of this build"]


def test_the_code_hash_is_that_of_the_build(fresh: Deployment) -> None:
    """On the chain with its immutables, in the build without: the same hash, a different one for each contract."""
    hashes = {name: fresh.contracts[name].code_hash for name in CONTRACTS}
    assert hashes == {name: build_code_hash(name) for name in CONTRACTS}
    assert len(set(hashes.values())) == 3


def transfer_and_fail() -> None:
    accounts[12].transfer(accounts[11], 1)
    raise ConnectionError


def test_an_anvil_that_waits_mines_for_the_deployment_only() -> None:
    """Automining is as it was before, also after an error."""
    for automining in (False, True):
        web3.provider.make_request("evm_setAutomine", [automining])
        with pytest.raises(ConnectionError), own_mining():
            transfer_and_fail()
        assert web3.provider.make_request("anvil_getAutomine", [])["result"] is automining
    assert chain.id == 31337


def test_the_exported_abis_are_those_of_the_sources() -> None:
    """backend/chain/abi has not drifted; `scripts/brownie.sh run export_abi` writes it anew."""
    assert export_abi.drifted() == []


def test_drift_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing file, and a changed one."""
    monkeypatch.setattr(export_abi, "FOLDER", tmp_path)
    assert export_abi.drifted() == list(CONTRACTS)
    export_abi.main()
    assert export_abi.drifted() == []
    (tmp_path / "CryptoStamp.json").write_text("{}")
    with pytest.raises(SystemExit, match="CryptoStamp"):
        export_abi.check()


def opcodes(code: bytes) -> set[int]:
    """The operations of a contract's code: what a PUSH pushes is none, nor are constants behind the last INVALID."""
    found, at = set(), 0
    while at < len(code) and code[at] != INVALID:
        found.add(code[at])
        at += 1 + max(0, code[at] - PUSH0) if code[at] <= PUSH32 else 1
    return found


@pytest.mark.parametrize("name", CONTRACTS)
def test_no_contract_can_be_changed_or_destroyed(name: str) -> None:
    """Invariant 26: no DELEGATECALL, CALLCODE or SELFDESTRUCT, and no CREATE or CREATE2."""
    built = bytes.fromhex(build(name)._build["deployedBytecode"])
    assert not opcodes(without_trailer(built)) & {0xF0, 0xF2, 0xF4, 0xF5, 0xFF}
