"""A node that serves a made-up chain for the backfill: `python -m benchmarks.log_source BLOCKS`.

Each block has the real logs of tests/vectors/logs.json, repeated with other items, digests and numbers: ITEMS
acceptances, and HOPS hand-offs of all of them in one list. Links, places and blooms are those of a real chain,
so that the indexer checks all that it checks elsewhere; transactions and signatures are not looked at by it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from os import pread
from pathlib import Path
from tempfile import TemporaryFile
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


class Answers:
    """Every answer, written into a file beforehand: what the stand-in costs would count as the indexer's."""

    def __init__(self, blocks: int) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 -- as long as the process
        self._places: dict[tuple[str, str], tuple[int, int]] = {}
        for number in range(blocks + 1):
            header, logs = block(number)
            for key in (hex(number), *(("latest", "finalized") if number == blocks else ())):
                self._keep("eth_getBlockByNumber", key, header)
            self._keep("eth_getLogs", block_hash(number), logs)
        self._keep("eth_chainId", "", hex(CHAIN_ID))
        self._file.flush()

    def _keep(self, method: str, key: str, answer: Any) -> None:
        written = json.dumps(answer).encode()
        self._places[method, key] = self._file.tell(), len(written)
        self._file.write(written)

    def to(self, question: dict[str, Any]) -> bytes:
        """The response to one question."""
        first = next(iter(question["params"]), "")
        key = first["blockHash"] if isinstance(first, dict) else first
        at, length = self._places.get((question["method"], key), (0, 0))
        result = pread(self._file.fileno(), length, at) or b"null"
        return b'{"jsonrpc":"2.0","id":%d,"result":%b}' % (question["id"], result)


def serve(blocks: int) -> None:
    """Prints its URL, then answers until it is killed."""
    answers = Answers(blocks)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            many = isinstance(asked, list)
            body = b",".join(map(answers.to, asked if many else [asked]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body) + 2 * many))
            self.end_headers()
            self.wfile.write(b"[%b]" % body if many else body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
