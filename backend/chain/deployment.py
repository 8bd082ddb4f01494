"""Where the contracts are: deployments/<chain id>.json as scripts/deploy.py writes it, checked on the node."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.chain.client import Node
from backend.chain.interface import CONTRACTS, interface
from backend.domain.keccak import keccak256
from backend.domain.typed_data import SigningDomain
from backend.errors import BadSettings

DEPLOY = "Deploy the contracts (scripts/deploy.py), or name another file with POSTHORN_DEPLOYMENT."
RESTORE = (
    "Restore it from the backup: it never changes, and all records are in the contracts that it names. "
    "Or name another file with POSTHORN_DEPLOYMENT."
)
OTHER_NODE = (
    "Contracts stay where they were deployed: name a node of their chain with POSTHORN_RPC_URLS, or the right file "
    "with POSTHORN_DEPLOYMENT."
)
WORD = 32
# Which contract names which other, and by what function.
LINKS = (
    ("CustodyLedger", "network", "PostalNetwork"),
    ("CustodyLedger", "stamps", "CryptoStamp"),
    ("CryptoStamp", "network", "PostalNetwork"),
    ("CryptoStamp", "ledger", "CustodyLedger"),
)


class DeploymentMissing(BadSettings):
    """There is no such file."""


class DeploymentUnreadable(BadSettings):
    """The file is not what scripts/deploy.py writes."""


class OtherChain(BadSettings):
    """The file speaks of another chain than the node's."""


class NotDeployed(BadSettings):
    """The node's chain has no contract where the file says."""


class OtherBuild(BadSettings):
    """An older (or newer) deployment: other code than this version of Posthorn was made for."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """Addresses are 20 bytes; logs of the contracts begin at `first_block`."""

    chain_id: int
    addresses: Mapping[str, bytes]
    first_block: int

    @property
    def network(self) -> bytes:
        return self.addresses["PostalNetwork"]

    @property
    def ledger(self) -> SigningDomain:
        return SigningDomain("CustodyLedger", self.chain_id, self.addresses["CustodyLedger"])

    @property
    def stamps(self) -> SigningDomain:
        return SigningDomain("CryptoStamp", self.chain_id, self.addresses["CryptoStamp"])


def _always() -> bool:
    return True


def read_deployment(file: Path, was_deployed: Callable[[], bool] = _always) -> Deployment:
    """Where the contracts are. `was_deployed` is asked where there is no file: to deploy again would leave all records.

    Raises DeploymentMissing, DeploymentUnreadable.
    """
    try:
        return _parsed(json.loads(file.read_text()))
    except FileNotFoundError:
        what_now = RESTORE if was_deployed() else DEPLOY
        raise DeploymentMissing(f"There is no deployment file {file}.", what_now) from None
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
    except json.JSONDecodeError:
        what = "is damaged: it is no JSON"
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        what = "is damaged: it does not say where the contracts are"
    raise DeploymentUnreadable(f"The deployment file {file} {what}.", RESTORE)


def _parsed(content: Mapping[str, Any]) -> Deployment:
    contracts = {name: content["contracts"][name] for name in CONTRACTS}
    addresses = {name: bytes.fromhex(found["address"][2:]) for name, found in contracts.items()}
    if any(len(address) != 20 for address in addresses.values()):
        raise ValueError("an address is not 20 bytes")
    first_block = min(int(found["block"]) for found in contracts.values())
    return Deployment(int(content["chain_id"]), addresses, first_block)


def check_deployment(node: Node, deployment: Deployment) -> None:
    """Raises OtherChain, NotDeployed, OtherBuild; NodeAway where the node does not answer."""
    check_chain(node, deployment)
    for name, address in deployment.addresses.items():
        code = node.code(address)
        if not code:
            raise NotDeployed(f"There is no {name} at 0x{address.hex()} on this chain.", OTHER_NODE)
        if not is_this_build(name, code):
            raise OtherBuild(
                f"The {name} at 0x{address.hex()} is of another build than this Posthorn.",
                "It is an older deployment: run the Posthorn that made it, or start with new data.",
            )


def check_chain(node: Node, deployment: Deployment) -> None:
    """Raises OtherChain; NodeAway where the node does not answer."""
    chain_id = node.chain_id()
    if chain_id != deployment.chain_id:
        raise OtherChain(
            f"The deployment is on chain {deployment.chain_id}, the node serves chain {chain_id}.",
            "Name the right node with POSTHORN_RPC_URLS, or another deployment.",
        )


def differences(node: Node, deployment: Deployment) -> dict[str, str]:
    """What is not as this version's sources build it, by contract; an empty text where all is.

    Immutables are no part of the code that is compared, so it is asked whom the contracts name. Raises OtherChain,
    NodeAway.
    """
    check_chain(node, deployment)
    codes = {name: node.code(address) for name, address in deployment.addresses.items()}
    found = {name: _difference(name, code) for name, code in codes.items()}
    for name, link, named in LINKS:
        if not found[name]:
            found[name] = _other_link(node, deployment, name, link, named)
    return found


def _difference(name: str, code: bytes) -> str:
    if not code:
        return "there is no code"
    return "" if is_this_build(name, code) else "the code is of another build, or another contract"


def _other_link(node: Node, deployment: Deployment, name: str, link: str, named: str) -> str:
    function = interface(name).functions[link]
    answer = node.call(deployment.addresses[name], function.calldata())
    expected = deployment.addresses[named]
    if answer == expected.rjust(WORD, b"\0"):
        return ""
    return f"its {link} is 0x{answer[-20:].hex()} and not the {named} 0x{expected.hex()}"


def is_this_build(name: str, code: bytes) -> bool:
    """Whether a contract's code on the chain is what this version's sources build."""
    return code_hash(code, interface(name).immutables) == interface(name).code_hash


def code_hash(code: bytes, immutables: tuple[int, ...]) -> bytes:
    """keccak256 of code without solc's trailer and with immutables set to zero (scripts/code_hash.py)."""
    trailer_bytes = int.from_bytes(code[-2:], "big") + 2
    bare = bytearray(code[:-trailer_bytes] if trailer_bytes <= len(code) else code)
    for offset in immutables:
        bare[offset : offset + WORD] = bytes(WORD)
    return keccak256(bytes(bare))
