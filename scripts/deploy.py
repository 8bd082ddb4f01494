"""Deploy the three contracts, or find them where they are.

    RPC_URL=… POSTHORN_GOVERNOR=0x… scripts/brownie.sh run deploy --network posthorn

Environment: POSTHORN_GOVERNOR, the address that admits operators; POSTHORN_DEPLOYMENT, the file to write instead of
deployments/<chain id>.json; POSTHORN_DEPLOYER, an encrypted key file, where the node has no unlocked account.

Safe to run again, also after being killed half way: what is deployed is asked of the chain. The file only says where
to look first; else the sender's own first contracts are looked through. Contracts of another build are left alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import rlp
from brownie import accounts, chain, project, web3
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from scripts.code_hash import code_hash, immutable_offsets

CONTRACTS = ("PostalNetwork", "CustodyLedger", "CryptoStamp")
# How many of the sender's first contracts are looked at where no file names the deployment.
NONCES_LOOKED_AT = 64


@dataclass(frozen=True)
class Parameters:
    """What a network is founded with."""

    governor: str


@dataclass(frozen=True)
class Contract:
    """A contract on the chain. `transaction` and `block` are those of its creation."""

    address: str
    transaction: str
    block: int
    arguments: list[str]
    code_hash: str


@dataclass(frozen=True)
class Deployment:
    """What deployments/<chain id>.json holds. Logs begin at the first contract's block."""

    chain_id: int
    contracts: dict[str, Contract]

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"

    @staticmethod
    def from_json(text: str) -> Deployment:
        """Raises ValueError or KeyError for anything but what to_json wrote."""
        content = json.loads(text)
        contracts = {name: Contract(**content["contracts"][name]) for name in CONTRACTS}
        return Deployment(content["chain_id"], contracts)


class ForeignDeployment(Exception):
    """The file names contracts of this chain that are not those of this build."""


def deploy(params: Parameters, sender: Any) -> Deployment:
    """The three contracts, deployed by `sender` in three transactions in a row, or found as deployed by it before."""
    if found := find(sender.address):
        return found
    # Ledger and stamps name each other: the stamps' address follows from the nonce that it will have.
    nonce = web3.eth.get_transaction_count(sender.address)
    stamps_address = created_address(sender.address, nonce + 2)
    ledger_address = created_address(sender.address, nonce + 1)
    network = _create("PostalNetwork", sender, params.governor)
    ledger = _create("CustodyLedger", sender, network.address, stamps_address)
    stamps = _create("CryptoStamp", sender, network.address, ledger_address)
    if (ledger.address, stamps.address) != (ledger_address, stamps_address):
        raise RuntimeError(f"{sender.address} sent other transactions meanwhile: run this again")
    return Deployment(chain.id, dict(zip(CONTRACTS, (network, ledger, stamps), strict=True)))


def _create(name: str, sender: Any, *arguments: str) -> Contract:
    # Not sender.deploy: Brownie takes a creation for dropped that anvil counts before it can be asked for.
    data = build(name).deploy.encode_input(*arguments)
    transaction = sender.transfer(data=data, required_confs=0).txid
    receipt = web3.eth.wait_for_transaction_receipt(transaction)
    if receipt["status"] != 1:
        raise RuntimeError(f"the creation of {name} in {transaction} was reverted")
    return Contract(
        address=receipt["contractAddress"],
        transaction=transaction,
        block=receipt["blockNumber"],
        arguments=list(arguments),
        code_hash=chain_code_hash(name, receipt["contractAddress"]),
    )


def created_address(sender: str, nonce: int) -> str:
    """The address of the contract that `sender` creates with `nonce` (Ethereum yellow paper, section 7)."""
    return to_checksum_address(keccak(rlp.encode([bytes.fromhex(sender[2:]), nonce]))[12:])


def build(name: str) -> Any:
    """A contract of the loaded project."""
    return project.get_loaded_projects()[0][name]


def build_code_hash(name: str) -> str:
    """The code hash that this build gives a contract."""
    built = bytes.fromhex(build(name)._build["deployedBytecode"])
    return code_hash(built, immutable_offsets(built))


def chain_code_hash(name: str, address: str) -> str:
    """The code hash of what is at an address, read as if it were the contract `name`; an empty text for no code."""
    code = bytes(web3.eth.get_code(address))
    built = bytes.fromhex(build(name)._build["deployedBytecode"])
    return code_hash(code, immutable_offsets(built)) if code else ""


def find(sender: str) -> Deployment | None:
    """The contracts of this build that `sender` deployed in a row with its first transactions, or None."""
    sent = web3.eth.get_transaction_count(sender)
    for nonce in range(min(sent - 2, NONCES_LOOKED_AT)):
        addresses = [created_address(sender, nonce + i) for i in range(len(CONTRACTS))]
        if is_this_build(addresses) and names_each_other(*addresses):
            created = creations(addresses)
            return Deployment(chain.id, dict(zip(CONTRACTS, created, strict=True)))
    return None


def is_this_build(addresses: list[str]) -> bool:
    pairs = zip(CONTRACTS, addresses, strict=True)
    return all(chain_code_hash(name, at) == build_code_hash(name) for name, at in pairs)


def names_each_other(network: str, ledger: str, stamps: str) -> bool:
    its_ledger = build("CustodyLedger").at(ledger)
    its_stamps = build("CryptoStamp").at(stamps)
    named = (its_ledger.network(), its_ledger.stamps(), its_stamps.network(), its_stamps.ledger())
    return named == (network, stamps, network, ledger)


def creations(addresses: list[str]) -> list[Contract]:
    """The contracts' creations, looked for from the block of the network's first log on."""
    first = web3.eth.get_logs({"address": addresses[0], "fromBlock": 0, "toBlock": "latest"})[0]
    found: dict[str, Contract] = {}
    number = first["blockNumber"]
    while len(found) < len(addresses):
        for transaction in web3.eth.get_block(number, full_transactions=True)["transactions"]:
            if transaction["to"] is None:
                at = created_address(transaction["from"], transaction["nonce"])
                if at in addresses:
                    found[at] = _creation(CONTRACTS[addresses.index(at)], at, transaction)
        number += 1
    return [found[address] for address in addresses]


def _creation(name: str, address: str, transaction: Any) -> Contract:
    """All constructor arguments are addresses, one word each, at the end of what was sent."""
    inputs = next(entry["inputs"] for entry in build(name).abi if entry["type"] == "constructor")
    tail = bytes(transaction["input"])[-32 * len(inputs) :]
    words = [tail[i : i + 32] for i in range(0, len(tail), 32)]
    return Contract(
        address=address,
        transaction="0x" + bytes(transaction["hash"]).hex(),
        block=transaction["blockNumber"],
        arguments=[to_checksum_address(word[12:]) for word in words],
        code_hash=chain_code_hash(name, address),
    )


def recognised(file: Path) -> Deployment | None:
    """What the file names, if the chain has it; None without a file. Raises ForeignDeployment."""
    if not file.exists():
        return None
    deployment = Deployment.from_json(file.read_text())
    if deployment.chain_id != chain.id:
        raise ForeignDeployment(
            f"{file} is of chain {deployment.chain_id}, the node is on chain {chain.id}"
        )
    addresses = [deployment.contracts[name].address for name in CONTRACTS]
    if not all(web3.eth.get_code(address) for address in addresses):
        raise ForeignDeployment(
            f"{file} names contracts that this chain does not have. It is another chain, or one that was begun anew: "
            "start with the data that belongs to it, or move the file away to found a new network"
        )
    if not is_this_build(addresses):
        raise ForeignDeployment(
            f"the contracts in {file} are of another build of Posthorn, older or foreign. They stay as they are: "
            "run the version that deployed them, or start with new data"
        )
    return deployment


@contextmanager
def own_mining() -> Iterator[None]:
    """On an anvil that waits for its owner to mine: mines by itself meanwhile."""
    answer = web3.provider.make_request("anvil_getAutomine", [])
    if answer.get("result") is not False:
        yield
        return
    web3.provider.make_request("evm_setAutomine", [True])
    try:
        yield
    finally:
        web3.provider.make_request("evm_setAutomine", [False])


def deployment_file() -> Path:
    """POSTHORN_DEPLOYMENT, or deployments/<chain id>.json of the repository."""
    root = Path(__file__).resolve().parent.parent
    named = os.environ.get("POSTHORN_DEPLOYMENT")
    return Path(named) if named else root / "deployments" / f"{chain.id}.json"


def deployer() -> Any:
    """POSTHORN_DEPLOYER's key, whose password is asked for, or the node's first unlocked account."""
    if file := os.environ.get("POSTHORN_DEPLOYER"):
        return accounts.load(file)
    if not accounts:
        raise SystemExit(
            "the node has no unlocked account: set POSTHORN_DEPLOYER to an encrypted key file"
        )
    return accounts[0]


def parameters() -> Parameters:
    governor = os.environ.get("POSTHORN_GOVERNOR", "")
    if not web3.is_address(governor):
        raise SystemExit(f"POSTHORN_GOVERNOR must be the governor's address, not {governor!r}")
    return Parameters(to_checksum_address(governor))


def write(deployment: Deployment, file: Path) -> None:
    """Whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(file.name + ".new")
    draft.write_text(deployment.to_json())
    draft.replace(file)


def main() -> None:
    file = deployment_file()
    try:
        deployment = recognised(file)
    except ForeignDeployment as found:
        raise SystemExit(str(found)) from None
    if deployment is None:
        with own_mining():
            deployment = deploy(parameters(), deployer())
        write(deployment, file)
    for name, contract in deployment.contracts.items():
        print(f"{name} {contract.address} block {contract.block}")
