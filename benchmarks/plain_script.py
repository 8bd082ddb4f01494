"""What one would write without Posthorn: web3.py, one transaction for each hand-off, each waited for.

The same contracts on the same node, which mines when it is told to; signed with the same keys.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from eth_account.messages import encode_typed_data
from web3 import HTTPProvider, Web3

from backend.chain.deployment import read_deployment
from backend.chain.interface import ABI_FOLDER
from backend.config import read_settings
from backend.domain.ids import parse_custodian
from backend.house import open_keys

TYPES = {
    "EIP712Domain": "string name,string version,uint256 chainId,address verifyingContract",
    "Release": "uint40 giver,uint40 receiver,uint40 time,uint40 deadline,Line[] lines",
    "Line": "bytes32 item,uint32 number,uint16 condition,bytes32 evidence",
    "Receipt": "bytes32 release,uint40 time,uint256[] received,Finding[] findings",
    "Finding": "uint16 line,uint16 condition,bytes32 evidence",
}


class Script:
    """Hands accepted items on from one custodian to the other."""

    def __init__(self, data: Path, rpc_url: str, giver: str, receiver: str) -> None:
        settings = read_settings({}, data=data)
        deployment = read_deployment(settings.deployment_file)
        self._keys = open_keys(settings)
        self._web3 = Web3(HTTPProvider(rpc_url))
        abi = json.loads((ABI_FOLDER / "CustodyLedger.json").read_text())["abi"]
        address = Web3.to_checksum_address(deployment.ledger.contract)
        self._ledger = self._web3.eth.contract(address=address, abi=abi)
        self._sender = self._web3.eth.accounts[0]
        self._sides = giver, receiver
        self._domain = {
            "name": "CustodyLedger",
            "version": "1",
            "chainId": deployment.chain_id,
            "verifyingContract": address,
        }

    def per_second(self, items: list[str]) -> float:
        """Hand-offs a second of fresh items, one after the other."""
        began = time.monotonic()
        for item in items:
            self._hand_off(item)
        return len(items) / (time.monotonic() - began)

    def _hand_off(self, item: str) -> None:
        now = int(time.time())
        giver, receiver = (parse_custodian(side) for side in self._sides)
        line = {"item": item, "number": 1, "condition": 1, "evidence": bytes(32)}
        release = {"giver": giver, "receiver": receiver, "time": now, "deadline": now + 900}
        release["lines"] = [line]
        digest, given = self._signed("Release", release, self._sides[0])
        receipt = {"release": digest, "time": now, "received": [1], "findings": []}
        _, received = self._signed("Receipt", receipt, self._sides[1])
        call = self._ledger.functions.handOff((release, receipt, given, received))
        sent = call.transact({"from": self._sender, "gas": 200_000, "gasPrice": 0})
        self._web3.provider.make_request("evm_mine", [])
        if self._web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.001)["status"] != 1:
            raise RuntimeError(f"{item} was not handed off")

    def _signed(self, kind: str, record: dict[str, Any], side: str) -> tuple[bytes, bytes]:
        used = {"Release": ("Release", "Line"), "Receipt": ("Receipt", "Finding")}[kind]
        typed = encode_typed_data(
            full_message={
                "types": {name: _members(TYPES[name]) for name in (*used, "EIP712Domain")},
                "primaryType": kind,
                "domain": self._domain,
                "message": record,
            }
        )
        digest = bytes(Web3.keccak(b"\x19" + typed.version + typed.header + typed.body))
        return digest, self._keys.sign(f"custodian/{side}/1", digest)


def _members(text: str) -> list[dict[str, str]]:
    return [dict(zip(("type", "name"), word.split(" "), strict=True)) for word in text.split(",")]
