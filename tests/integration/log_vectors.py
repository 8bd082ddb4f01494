"""Writes tests/vectors/logs.json: logs of a real chain, one of everything, and the events they are.

    .venv/bin/python tests/integration/log_vectors.py

Block and transaction hashes change with every build of the contracts: the file numbers the transactions.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from posts import Posts, forkable_anvil
from story import tell

from backend.chain.interface import CONTRACTS
from backend.domain.keccak import keccak256
from backend.domain.trail import Entry
from backend.domain.typed_data import SigningDomain
from backend.indexer.decode import Contracts, Decoder
from backend.indexer.events import Event, RawLog

FILE = Path(__file__).resolve().parents[1] / "vectors" / "logs.json"


def record(posts: Posts) -> dict[str, Any]:
    """The file's content, from a chain on which `tell` has happened."""
    numbers = range(posts.height() + 1)
    blocks = [block for block in posts.node.blocks(numbers) if block is not None]
    of_blocks = posts.node.logs([block.hash for block in blocks], posts.contracts.addresses)
    logs = [log for logs in of_blocks for log in logs]
    transactions = list(dict.fromkeys(log.transaction_hash for log in logs))
    content = {
        "chain_id": posts.deployment.chain_id,
        "contracts": {n: "0x" + a.hex() for n, a in posts.deployment.addresses.items()},
        "block_times": {str(block.number): block.time for block in blocks},
        "logs": [
            {
                "block": log.block_number,
                "transaction": transactions.index(log.transaction_hash),
                "index": log.log_index,
                "address": "0x" + log.address.hex(),
                "topics": ["0x" + topic.hex() for topic in log.topics],
                "data": "0x" + log.data.hex(),
            }
            for log in logs
        ],
    }
    return content | {"events": [as_json(event) for event in decode(content)]}


def contracts_of(content: dict[str, Any]) -> Contracts:
    network, ledger, stamps = (bytes.fromhex(content["contracts"][n][2:]) for n in CONTRACTS)
    chain_id = content["chain_id"]
    return Contracts(
        network,
        SigningDomain("CustodyLedger", chain_id, ledger),
        SigningDomain("CryptoStamp", chain_id, stamps),
    )


def logs_of(content: dict[str, Any]) -> list[RawLog]:
    """With hashes made up of the numbers of block and transaction."""
    return [
        RawLog(
            block_hash=keccak256(b"block %d" % log["block"]),
            log_index=log["index"],
            block_number=log["block"],
            transaction_hash=keccak256(b"transaction %d" % log["transaction"]),
            address=bytes.fromhex(log["address"][2:]),
            topics=tuple(bytes.fromhex(topic[2:]) for topic in log["topics"]),
            data=bytes.fromhex(log["data"][2:]),
        )
        for log in content["logs"]
    ]


def decode(content: dict[str, Any]) -> list[Event]:
    times = {int(number): time for number, time in content["block_times"].items()}
    return Decoder(contracts_of(content)).decode(logs_of(content), times)


def as_json(event: Event) -> dict[str, Any]:
    """The event with its class's name; bytes as 0x-hex, of its place the block and the log."""
    if isinstance(event, Entry):
        values = event._asdict() | {"body": asdict(event.body)}
    else:
        values = asdict(event)
    fields = {name: _out(value) for name, value in values.items() if name != "place"}
    return {
        "event": type(event).__name__,
        "block": event.place.block,
        "index": event.place.log_index,
    } | fields


def _out(value: Any) -> Any:
    match value:
        case bytes():
            return "0x" + value.hex()
        case dict():
            return {name: _out(one) for name, one in value.items()}
        case tuple() | list():
            return [_out(one) for one in value]
        case _:
            return value


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, forkable_anvil(Path(folder)) as url:
        posts = Posts(url)
        posts.found()
        tell(posts)
        FILE.write_text(json.dumps(record(posts), indent=1) + "\n")
        posts.close()


if __name__ == "__main__":
    main()
