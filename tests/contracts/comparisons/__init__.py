"""What a user would build instead: compiled as Posthorn's contracts are, never deployed by it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from brownie import Contract, web3

from tests.contracts.compiler import ROOT, compiled

HERE = Path(__file__).parent


@cache
def _all() -> dict[str, Any]:
    """Every contract beside this file."""
    sources = {file.name: file.read_text() for file in sorted(HERE.glob("*.sol"))}
    found = compiled(sources, ROOT, "abi", "evm.bytecode.object")
    return {Path(name).stem: found[name][Path(name).stem] for name in sources}


def deployed(name: str, sender: Any) -> Any:
    """A comparison contract on the chain."""
    made = _all()[name]
    sent = sender.transfer(data="0x" + made["evm"]["bytecode"]["object"], required_confs=0).txid
    receipt = web3.eth.wait_for_transaction_receipt(sent)
    return Contract.from_abi(name, receipt["contractAddress"], made["abi"])
