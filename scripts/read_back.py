"""Print what is deployed, and whether its code is that of this build.

    RPC_URL=… scripts/brownie.sh run read_back --network posthorn

Reads the file that scripts/deploy.py wrote; everything else is asked of the chain. Exit 1 on a difference.
"""

from __future__ import annotations

from scripts.deploy import (
    CONTRACTS,
    Deployment,
    build,
    build_code_hash,
    chain_code_hash,
    deployment_file,
    names_each_other,
)


def differences(deployment: Deployment) -> list[str]:
    """What on the chain is not as this build and the file say; empty when all is."""
    found = []
    for name in CONTRACTS:
        address = deployment.contracts[name].address
        on_chain = chain_code_hash(name, address)
        if not on_chain:
            found.append(f"{name}: no code at {address}")
        elif on_chain != build_code_hash(name):
            found.append(f"{name}: the code at {address} is not that of this build")
    if not found and not names_each_other(*(deployment.contracts[n].address for n in CONTRACTS)):
        found.append("the contracts do not name each other")
    return found


def main() -> None:
    file = deployment_file()
    if not file.exists():
        raise SystemExit(f"there is no {file}: deploy first")
    deployment = Deployment.from_json(file.read_text())
    for name, contract in deployment.contracts.items():
        print(f"{name} {contract.address} block {contract.block} code {contract.code_hash}")
    if found := differences(deployment):
        raise SystemExit("\n".join(found))
    network = build("PostalNetwork").at(deployment.contracts["PostalNetwork"].address)
    print(f"governor {network.governor()}")
    print("code and links are those of this build")
