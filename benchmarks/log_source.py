"""A node that serves a made-up chain for the backfill: `python -m benchmarks.log_source BLOCKS`.

Each block has the real logs of tests/vectors/logs.json, repeated with other items, digests and numbers: ITEMS
acceptances, and HOPS hand-offs of all of them in one list. Links, places and blooms are those of a real chain,
so that the indexer checks all that it checks elsewhere; transactions and signatures are not looked at by it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from backend.domain.keccak import keccak256
from backend.domain.typed_data import SigningDomain
from backend.indexer.abi import EventReader
from backend.indexer.decode import committed_abi
from backend.indexer.events import RawLog
from backend.indexer.verify import bloom_of

VECTORS = Path(__file__).resolve().parents[1] / "tests" / "vectors" / "logs.json"
CHAIN_ID, GENESIS_TIME, BLOCK_SECONDS = 31337, 1_760_000_000, 2
ITEMS, HOPS = 100, 4
EVENTS_IN_A_BLOCK = ITEMS + HOPS * (ITEMS + 1)
ACCEPTED, LINE, HANDED_OFF = 0, 1, 2
CONTRACTS: dict[str, str] = json.loads(VECTORS.read_text())["contracts"]


class Deployed:
    """The contracts that logged (indexer.node.Deployment)."""

    chain_id = CHAIN_ID
    first_block = 1
    network = bytes.fromhex(CONTRACTS["PostalNetwork"][2:])
    ledger = SigningDomain("CustodyLedger", CHAIN_ID, bytes.fromhex(CONTRACTS["CustodyLedger"][2:]))
    stamps = SigningDomain("CryptoStamp", CHAIN_ID, bytes.fromhex(CONTRACTS["CryptoStamp"][2:]))


def _templates() -> list[dict[str, Any]]:
    """A real acceptance without stamps, a real line, and a hand-off."""
    events = [entry for entry in committed_abi("CustodyLedger") if entry["type"] == "event"]
    topics = {entry["name"]: "0x" + EventReader(entry).topic.hex() for entry in events}
    content = json.loads(VECTORS.read_text())
    franked = {
        (e["block"], e["index"]) for e in content["events"] if e.get("body", {}).get("stamps")
    }
    logs = [log for log in content["logs"] if (log["block"], log["index"]) not in franked]
    names = ("Accepted", "ItemHandedOff", "HandedOff")
    return [next(log for log in logs if log["topics"][0] == topics[name]) for name in names]


TEMPLATES = _templates()


def block_hash(number: int) -> str:
    return _hex(b"block %d" % number)


def _hex(what: bytes) -> str:
    return "0x" + keccak256(what).hex()


@lru_cache(maxsize=256)
def block(number: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Header and logs as JSON-RPC has them."""
    transactions = [_hex(b"transaction %d %d" % (number, n)) for n in range(1 + HOPS)]
    logs = [] if number == 0 else list(_logs(number, transactions))
    bloom = bloom_of(map(_raw, logs))
    header = {
        "number": hex(number),
        "hash": block_hash(number),
        "parentHash": block_hash(number - 1),
        "timestamp": hex(GENESIS_TIME + number * BLOCK_SECONDS),
        "baseFeePerGas": "0x0",
        "logsBloom": "0x" + bloom.hex(),
        "transactions": transactions if logs else [],
    }
    return header, logs


def _logs(number: int, transactions: list[str]) -> Iterator[dict[str, Any]]:
    items = [_hex(b"item %d %d" % (number, n)) for n in range(ITEMS)]
    index = 0
    for item in items:
        digest = _hex(b"acceptance " + item.encode())
        topics = [TEMPLATES[ACCEPTED]["topics"][0], item, digest, TEMPLATES[ACCEPTED]["topics"][3]]
        yield _log(number, transactions[0], index, topics, TEMPLATES[ACCEPTED]["data"])
        index += 1
    for hop in range(1, HOPS + 1):
        digest = _hex(b"hand-off %d %d" % (number, hop))
        rest = TEMPLATES[LINE]["data"][2 + 3 * 64 :]
        for line, item in enumerate(items):
            data = f"0x{line:064x}{hop + 1:064x}{hop + 1:064x}{rest}"
            topics = [TEMPLATES[LINE]["topics"][0], item, digest]
            yield _log(number, transactions[hop], index, topics, data)
            index += 1
        whole = TEMPLATES[HANDED_OFF]
        topics = [whole["topics"][0], digest, *whole["topics"][2:]]
        yield _log(number, transactions[hop], index, topics, whole["data"])
        index += 1


def _log(number: int, transaction: str, index: int, topics: list[str], data: str) -> dict[str, Any]:
    return {
        "address": CONTRACTS["CustodyLedger"],
        "topics": topics,
        "data": data,
        "blockHash": block_hash(number),
        "blockNumber": hex(number),
        "transactionHash": transaction,
        "transactionIndex": "0x0",
        "logIndex": hex(index),
        "removed": False,
    }


def _raw(log: dict[str, Any]) -> RawLog:
    address, *topics = (bytes.fromhex(value[2:]) for value in (log["address"], *log["topics"]))
    return RawLog(b"", 0, 0, b"", address, tuple(topics), b"")


def serve(blocks: int) -> None:
    """Prints its URL, then answers until it is killed."""
    numbers = {block_hash(number): number for number in range(blocks + 1)}

    def result(question: dict[str, Any]) -> Any:
        method, params = question["method"], question["params"]
        if method == "eth_chainId":
            return hex(CHAIN_ID)
        if method == "eth_getLogs":
            return block(numbers[params[0]["blockHash"]])[1]
        number = int(params[0], 16) if params[0].startswith("0x") else blocks
        return block(number)[0] if number <= blocks else None

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answers = [
                {"jsonrpc": "2.0", "id": one["id"], "result": result(one)}
                for one in (asked if isinstance(asked, list) else [asked])
            ]
            body = json.dumps(answers if isinstance(asked, list) else answers[0]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
