"""The pinned compiler, asked without Brownie and its cache, with the settings of brownie-config.yaml."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
VERSION = "0.8.37"


def settings() -> dict[str, Any]:
    """Those of brownie-config.yaml, as solc takes them."""
    compiler = yaml.safe_load((ROOT / "brownie-config.yaml").read_text())["compiler"]
    solc = compiler["solc"]
    assert solc["version"] == VERSION
    return {
        "evmVersion": compiler["evm_version"],
        "viaIR": solc["viaIR"],
        "optimizer": solc["optimizer"],
        "remappings": solc["remappings"],
    }


def pipeline() -> str:
    """How contracts are compiled, in words."""
    its = settings()
    way = "via-IR" if its["viaIR"] else "legacy"
    return f"solc {VERSION} {way}, {its['optimizer']['runs']} runs, {its['evmVersion']}"


def compiled(sources: dict[str, str], folder: Path, *outputs: str) -> dict[str, Any]:
    """What solc makes of texts by file name, by file and contract; imports are looked for in the folder."""
    question = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in sources.items()},
        "settings": settings() | {"outputSelection": {"*": {"*": list(outputs)}}},
    }
    done = subprocess.run(
        [ROOT / "build" / "solcx" / f"solc-v{VERSION}", "--standard-json"],
        input=json.dumps(question).encode(),
        cwd=folder,
        capture_output=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    assert answer.get("contracts"), answer.get("errors")
    found: dict[str, Any] = answer["contracts"]
    return found
