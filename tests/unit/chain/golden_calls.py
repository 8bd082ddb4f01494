"""Writes golden_calls.json: calldata as Brownie's own encoder makes it, from arguments written by hand.

    .venv-contracts/bin/python tests/unit/chain/golden_calls.py

`payload` is what a submission keeps, `arguments` the same by position, `calldata` what Brownie says.
"""

from __future__ import annotations

import json
from pathlib import Path

from brownie.convert.normalize import format_input
from brownie.convert.utils import build_function_selector, get_type_strings
from eth_abi import encode

HERE = Path(__file__).parent
ABI = HERE.parents[2] / "backend" / "chain" / "abi"


def calldata(contract: str, function: str, arguments: list) -> str:
    entries = json.loads((ABI / f"{contract}.json").read_text())["abi"]
    (abi,) = [e for e in entries if e["type"] == "function" and e["name"] == function]
    types = get_type_strings(abi["inputs"])
    return build_function_selector(abi) + encode(types, format_input(abi, arguments)).hex()


def main() -> None:
    file = HERE / "golden_calls.json"
    vectors = json.loads(file.read_text())
    for vector in vectors:
        for call in vector["calls"].values():
            call["calldata"] = calldata(vector["contract"], call["function"], call["arguments"])
    file.write_text(json.dumps(vectors, indent=1) + "\n")


if __name__ == "__main__":
    main()
