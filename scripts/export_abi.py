"""Write the contracts' ABIs to backend/chain/abi, or with --check tell whether they differ.

    scripts/brownie.sh run export_abi          write
    scripts/brownie.sh run export_abi check    compare, exit 1 on a difference

Each file holds the ABI in a fixed order, the code hash and the places of immutables (scripts/code_hash.py), so
that code on a chain can be compared with this build.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from brownie import project

from scripts.code_hash import code_hash, immutable_offsets

CONTRACTS = ("PostalNetwork", "CustodyLedger", "CryptoStamp")
FOLDER = Path(__file__).resolve().parent.parent / "backend" / "chain" / "abi"


def exported(name: str) -> str:
    """The file's text for a contract of the loaded project."""
    container = project.get_loaded_projects()[0][name]
    built = bytes.fromhex(container._build["deployedBytecode"])
    offsets = immutable_offsets(built)
    content = {
        "contract": name,
        "abi": sorted(container.abi, key=_order),
        "codeHash": code_hash(built, offsets),
        "immutables": offsets,
    }
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def _order(entry: dict[str, Any]) -> tuple[str, str, str]:
    return entry["type"], entry.get("name", ""), json.dumps(entry, sort_keys=True)


def drifted() -> list[str]:
    """The contracts whose file is missing or is not what the sources give."""
    return [name for name in CONTRACTS if _on_disk(name) != exported(name)]


def _on_disk(name: str) -> str:
    file = FOLDER / f"{name}.json"
    return file.read_text() if file.exists() else ""


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in CONTRACTS:
        (FOLDER / f"{name}.json").write_text(exported(name))
        print(f"wrote {name}.json")


def check() -> None:
    if names := drifted():
        raise SystemExit(
            f"the ABI of {', '.join(names)} is not what the sources give: "
            "scripts/brownie.sh run export_abi, and commit backend/chain/abi"
        )
    print("the ABIs are those of the sources")
