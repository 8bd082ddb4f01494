"""A small postal network on a real anvil: contracts compiled from source, records signed with real keys.

One key sends everything: it is governor, admin and submitter at once. The chain's time goes up by ten
seconds from block to block, and event times are those of the block that is being made.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import rlp
from coincurve import PrivateKey
from devices import Device
from eth_abi.abi import encode
from eth_account import Account

from backend.chain.client import Node
from backend.chain.deployment import Deployment
from backend.chain.interface import CONTRACTS, interface
from backend.domain.commitments import item_id, next_contents
from backend.domain.ids import custodian_number, edition_number, stamp_number
from backend.domain.keccak import keccak256
from backend.domain.merkle import claim_leaf, merkle_proof, merkle_root
from backend.domain.typed_data import (
    ZERO32,
    Acceptance,
    Cancel,
    Claim,
    Closing,
    Delivery,
    DeliveryKeys,
    End,
    Finding,
    ForcedRelease,
    Line,
    Opening,
    Original,
    Packing,
    Recall,
    Receipt,
    Release,
    Report,
    Signed,
    SigningDomain,
    TakeUp,
    received_bitmap,
)
from backend.domain.wire import to_wire
from backend.embedded.json_rpc import JsonRpc
from backend.embedded.processes import wait_until
from backend.indexer.decode import Contracts
from backend.keystore import address_of, sign_compact

ROOT = Path(__file__).resolve().parents[2]
CHAIN_ID = 31337
GENESIS_TIME = 1_760_000_000
BLOCK_SECONDS = 10
DAY_SECONDS = 86_400
FOR_EVER = 2**40 - 1
SECP256K1, DEVICE = 1, 1
GAS = 16_000_000
# Of one call in the code of Posts.together.
STEP_BYTES = 45

COUNTER, CENTRE, CUSTOMS = custodian_number(1, 1), custodian_number(1, 2), custodian_number(2, 1)
EDITION = edition_number(1, 1)
SUPPLY = 20


@cache
def creation_code() -> dict[str, bytes]:
    """The contracts' creation code, compiled as brownie-config.yaml says: half a minute, then kept in build/."""
    question = json.dumps(compiler_question()).encode()
    kept = ROOT / "build" / "creation-code" / f"{keccak256(question + all_sources()).hex()}.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        draft = kept.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(compiled(question)))
        draft.replace(kept)
    return {name: bytes.fromhex(code) for name, code in json.loads(kept.read_text()).items()}


def compiler_question() -> dict[str, Any]:
    paths = [f"contracts/{name}.sol" for name in CONTRACTS]
    return {
        "language": "Solidity",
        "sources": {path: {"content": (ROOT / path).read_text()} for path in paths},
        "settings": {
            "evmVersion": "cancun",
            "viaIR": True,
            "optimizer": {"enabled": True, "runs": 1000},
            "remappings": ["@openzeppelin=node_modules/@openzeppelin"],
            "outputSelection": {"*": {"*": ["evm.bytecode.object"]}},
        },
    }


def all_sources() -> bytes:
    """All that the three contracts are made of: a change of any file is another question."""
    files = sorted((ROOT / "contracts").rglob("*.sol"))
    return b"".join(keccak256(file.read_bytes()) for file in files)


def compiled(question: bytes) -> dict[str, str]:
    compiler = ROOT / "build" / "solcx" / "solc-v0.8.37"
    done = subprocess.run(
        [compiler, "--standard-json"], input=question, cwd=ROOT, capture_output=True, check=True
    )
    answer = json.loads(done.stdout)
    return {
        name: answer["contracts"][f"contracts/{name}.sol"][name]["evm"]["bytecode"]["object"]
        for name in CONTRACTS
    }


@contextmanager
def forkable_anvil(folder: Path) -> Iterator[str]:
    """The URL of an anvil that can be reorganised; `finalized` lies some blocks below its head.

    The embedded one cannot: it forgets old states.
    """
    log = folder / "anvil.log"
    words = (
        "--port 0 --no-mining --block-base-fee-per-gas 0 --gas-price 0 --accounts 0 --order fifo"
    )
    words += f" --slots-in-an-epoch 4 --chain-id {CHAIN_ID} --timestamp {GENESIS_TIME}"
    words += " --hardfork osaka --gas-limit 500000000"
    with log.open("wb") as output:
        command = [ROOT / "build" / "bin" / "anvil", *words.split()]
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:

        def port() -> re.Match[bytes] | None:
            return re.search(rb"Listening on 127\.0\.0\.1:(\d+)", log.read_bytes())

        assert wait_until(lambda: port() is not None, 30), log.read_text()
        found = port()
        assert found is not None
        yield f"http://127.0.0.1:{int(found[1])}"
    finally:
        process.terminate()
        process.wait()


def key(name: str) -> PrivateKey:
    """The same key for the same name."""
    return PrivateKey(keccak256(name.encode()))


def address(name: str) -> bytes:
    return address_of(key(name))


def as_hex(raw: bytes) -> str:
    return "0x" + raw.hex()


class Posts:
    """The network: contracts of our own, and whoever signs for its custodians."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.rpc = JsonRpc(url)
        self.node = Node([url])
        self.sender = Account.from_key(keccak256(b"sender"))
        self.nonce = 0
        self.unsent: list[bytes] | None = None
        self.devices: dict[int, Device] = {}
        self.resync()
        self.deployment = self._deploy()

    def close(self) -> None:
        """Close the connection to the node."""
        self.rpc.close()

    @property
    def contracts(self) -> Contracts:
        deployment = self.deployment
        return Contracts(deployment.network, deployment.ledger, deployment.stamps)

    # --- sending ------------------------------------------------------------------------------------
    def resync(self) -> None:
        """Begin again at the chain's newest block: after a start and after a reorganisation."""
        newest = self.rpc.call("eth_getBlockByNumber", "latest", False)
        self.now = int(newest["timestamp"], 16) + BLOCK_SECONDS
        sender = str(self.sender.address)
        self.nonce = int(self.rpc.call("eth_getTransactionCount", sender, "latest"), 16)

    def sign(self, to: bytes | None, data: bytes) -> bytes:
        """The next transaction of the one sender, as raw bytes."""
        fields = {"nonce": self.nonce, "gas": GAS, "gasPrice": 0, "value": 0, "chainId": CHAIN_ID}
        fields |= {"data": data} | ({"to": to} if to else {})
        self.nonce += 1
        return bytes(self.sender.sign_transaction(fields).raw_transaction)

    def calldata(self, contract: str, function: str, *arguments: Any) -> bytes:
        return interface(contract).functions[function].calldata(*arguments)

    def call(self, contract: str, function: str, *arguments: Any) -> bytes:
        """Send a call; it is mined with the next block. Returns the transaction's hash."""
        calldata = self.calldata(contract, function, *arguments)
        return self._send(self.sign(self.deployment.addresses[contract], calldata))

    def _send(self, raw: bytes) -> bytes:
        if self.unsent is not None:
            self.unsent.append(raw)
            return keccak256(raw)
        return bytes.fromhex(self.rpc.call("eth_sendRawTransaction", as_hex(raw))[2:])

    def create(self, code: bytes) -> bytes:
        """Create a contract with the next block."""
        return self._send(self.sign(None, code))

    def together(self, *calldata: bytes) -> bytes:
        """Several calls of the ledger in one transaction, whatever becomes of each: whoever sends a contract can."""
        ledger = self.deployment.addresses["CustodyLedger"]
        code, at = b"", len(calldata) * STEP_BYTES + 1
        for data in calldata:
            size, place = len(data).to_bytes(4, "big"), at.to_bytes(4, "big")
            copied = b"\x63" + size + b"\x63" + place + b"\x5f\x39"  # codecopy(0, place, size)
            called = b"\x5f\x5f\x63" + size + b"\x5f\x5f\x73" + ledger + b"\x5a\xf1\x50"
            code, at = code + copied + called, at + len(data)
        return self.create(code + b"\0" + b"".join(calldata))

    def mine(self) -> int:
        """Make a block of what was sent; returns its number."""
        self.rpc.call("evm_setNextBlockTimestamp", self.now)
        self.rpc.call("evm_mine")
        self.now += BLOCK_SECONDS
        return self.height()

    def succeeded(self, transaction: bytes) -> bool:
        receipt: dict[str, str] = self.rpc.call("eth_getTransactionReceipt", as_hex(transaction))
        return int(receipt["status"], 16) == 1

    def reorganise(self, depth: int, tell: Callable[[Posts], object] | None = None) -> None:
        """Replace the newest blocks by as many others, in which `tell` happens instead."""
        fork = hex(self.height() - depth)
        self.nonce = int(
            self.rpc.call("eth_getTransactionCount", str(self.sender.address), fork), 16
        )
        self.unsent = []
        if tell is not None:
            tell(self)
        spread = [
            [as_hex(raw), place * depth // len(self.unsent)]
            for place, raw in enumerate(self.unsent)
        ]
        self.unsent = None
        self.rpc.call("anvil_reorg", depth, spread)
        self.resync()

    def height(self) -> int:
        """The number of the newest block."""
        return int(self.rpc.call("eth_blockNumber"), 16)

    def _deploy(self) -> Deployment:
        sender = bytes.fromhex(self.sender.address[2:])
        made = [keccak256(rlp.encode([sender, self.nonce + i]))[12:] for i in range(3)]
        network, ledger, stamps = made
        arguments = ([sender], [network, stamps], [network, ledger])
        for name, given in zip(CONTRACTS, arguments, strict=True):
            code = creation_code()[name] + encode(["address"] * len(given), given)
            self.create(code)
        block = self.mine()
        return Deployment(CHAIN_ID, dict(zip(CONTRACTS, made, strict=True)), block)

    # --- who may act --------------------------------------------------------------------------------
    def found(self) -> None:
        """Two operators, three custodians, one edition with twins, stamps 1 to 10 issued."""
        me = str(self.sender.address).lower()
        for number, name in ((1, "Post of Arkadia"), (2, "Customs of Beotia")):
            self.call("PostalNetwork", "admitOperator", number, me, name)
            self.call("PostalNetwork", "addSubmitter", number, me)
        for number, kind in ((COUNTER, 1), (CENTRE, 3), (CUSTOMS, 5)):
            self.enrol(number, kind)
        self.call("CryptoStamp", "createEdition", EDITION, self.terms())
        self.mine()
        self.issue(1, 10)
        self.mine()

    def enrol(self, custodian: int, kind: int, place: str = "") -> bytes:
        where = place or f"ARK{custodian & 0xFFFFFF}"
        right = self.right(f"custodian {custodian}")
        return self.call("PostalNetwork", "enrol", custodian, kind, where, right)

    def enrol_device(self, custodian: int, device: Device) -> bytes:
        """N3: a courier's device with a P-256 key or a passkey of its own."""
        self.devices[custodian] = device
        right = self.right("") | {"key": as_hex(device.key), "kind": device.kind}
        return self.call("PostalNetwork", "enrol", custodian, 8, "DEVICE", right)

    def right(self, key_name: str, until: int = FOR_EVER) -> dict[str, Any]:
        return {
            "key": as_hex(address(key_name)),
            "kind": SECP256K1,
            "key_holder": DEVICE,
            "from": 0,
            "until": until,
        }

    def terms(self, **other: Any) -> dict[str, Any]:
        return {
            "metadata": as_hex(keccak256(b"artwork")),
            "claim_root": as_hex(merkle_root(self.claim_leaves())),
            "face_value": 120,
            "currency": "EUR",
            "service": 0,
            "supply": SUPPLY,
            "first_day": self.now,
            "withdrawn_from": 0,
            "created_at": 0,
        } | other

    def claim_leaves(self) -> list[bytes]:
        stamps = (stamp_number(EDITION, serial) for serial in range(1, SUPPLY + 1))
        return [claim_leaf(stamp, address(f"claim {stamp}")) for stamp in stamps]

    # --- signing ------------------------------------------------------------------------------------
    def digest(self, record: Signed) -> bytes:
        of_stamps = record.CONTRACT == "CryptoStamp"
        domain: SigningDomain = self.deployment.stamps if of_stamps else self.deployment.ledger
        return record.digest(domain)

    def signature(self, record: Signed, signer: int | str) -> str:
        if isinstance(signer, int) and signer in self.devices:
            return as_hex(self.devices[signer].sign(self.digest(record)))
        name = f"custodian {signer}" if isinstance(signer, int) else signer
        return as_hex(sign_compact(key(name), self.digest(record)))

    def signed(self, name: str, record: Signed, signer: int | str) -> dict[str, Any]:
        return {name: to_wire(record), "signature": self.signature(record, signer)}

    # --- CustodyLedger ------------------------------------------------------------------------------
    def acceptance(self, word: str, custodian: int = COUNTER, **other: Any) -> Acceptance:
        return Acceptance(keccak256(word.encode()), custodian, self.now, 1, **other)

    def accept(self, word: str, custodian: int = COUNTER, **other: Any) -> bytes:
        """Accept the item of a word; returns the item."""
        acceptance = self.acceptance(word, custodian, **other)
        self.call("CustodyLedger", "accept", self.signed("acceptance", acceptance, custodian))
        return self.item(word, custodian)

    def item(self, word: str, custodian: int = COUNTER) -> bytes:
        return item_id(custodian >> 24, keccak256(word.encode()))

    def release(self, giver: int, receiver: int, lines: Sequence[tuple[bytes, int]]) -> Release:
        deadline = self.now + DAY_SECONDS
        return Release(
            giver, receiver, self.now, deadline, tuple(Line(item, n, 1) for item, n in lines)
        )

    def receipt(
        self, release: Release, missing: Sequence[int] = (), findings: Sequence[Finding] = ()
    ) -> Receipt:
        received = received_bitmap(len(release.lines), frozenset(missing))
        return Receipt(self.digest(release), self.now, received, tuple(findings))

    def hand_off_payload(self, release: Release, receipt: Receipt) -> dict[str, Any]:
        return {
            "release": to_wire(release),
            "receipt": to_wire(receipt),
            "giver_signature": self.signature(release, release.giver),
            "receiver_signature": self.signature(receipt, release.receiver),
        }

    def hand_off(self, giver: int, receiver: int, *lines: tuple[bytes, int], **other: Any) -> bytes:
        """Hand over items with their custody numbers; returns the receipt's digest."""
        release = self.release(giver, receiver, lines)
        receipt = self.receipt(release, **other)
        self.call("CustodyLedger", "handOff", self.hand_off_payload(release, receipt))
        return self.digest(receipt)

    def report(self, item: bytes, reporter: int = COUNTER, code: int = 3) -> bytes:
        report = Report(item, code, 0, 0, reporter, self.now)
        signed = self.signed("report", report, reporter) | {"keys": self.keys(DeliveryKeys())}
        self.call("CustodyLedger", "report", signed)
        return self.digest(report)

    def keys(self, keys: DeliveryKeys) -> dict[str, Any]:
        return {
            "recipient": as_hex(keys.recipient),
            "sender": as_hex(keys.sender),
            "salt": as_hex(keys.salt),
        }

    def deliver(self, item: bytes, number: int, giver: int, keys: DeliveryKeys) -> bytes:
        """To the key named `recipient`."""
        deadline = self.now + DAY_SECONDS
        delivery = Delivery(item, number, giver, keys.recipient, self.now, deadline, 1)
        signed = {
            "delivery": to_wire(delivery),
            "keys": self.keys(keys),
            "giver_signature": self.signature(delivery, giver),
            "recipient_signature": self.signature(delivery, "recipient"),
        }
        self.call("CustodyLedger", "deliver", signed)
        return self.digest(delivery)

    def end(self, item: bytes, number: int, custodian: int, mode: int = 5) -> bytes:
        end = End(item, number, custodian, self.now, mode)
        self.call("CustodyLedger", "end", self.signed("end", end, custodian))
        return self.digest(end)

    def take_up(self, item: bytes, custodian: int, reason: int = 1) -> bytes:
        take_up = TakeUp(item, custodian, self.now, reason, 1)
        self.call("CustodyLedger", "takeUp", self.signed("take_up", take_up, custodian))
        return self.digest(take_up)

    def recall(self, item: bytes, number: int, custodian: int) -> bytes:
        recall = Recall(item, number, custodian, self.now)
        self.call("CustodyLedger", "recall", self.signed("recall", recall, custodian))
        return self.digest(recall)

    def pack(self, bag: bytes, number: int, custodian: int, *items: bytes) -> bytes:
        packing = Packing(bag, number, custodian, self.now, items)
        self.call("CustodyLedger", "pack", self.signed("packing", packing, custodian))
        return self.digest(packing)

    def close_bag(self, bag: bytes, number: int, custodian: int, *items: bytes) -> bytes:
        contents = ZERO32
        for item in items:
            contents = next_contents(contents, item)
        seal = keccak256(b"seal")
        closing = Closing(bag, number, custodian, self.now, len(items), contents, seal)
        self.call("CustodyLedger", "close", self.signed("closing", closing, custodian))
        return self.digest(closing)

    def open_bag(
        self, bag: bytes, number: int, custodian: int, missing: Sequence[bytes], found: int
    ) -> bytes:
        opening = Opening(bag, number, custodian, self.now, tuple(missing), (found,))
        self.call("CustodyLedger", "open", self.signed("opening", opening, custodian))
        return self.digest(opening)

    def force(self, giver: int, receiver: int, *lines: tuple[bytes, int]) -> bytes:
        """C9: the sender stands in for the giver."""
        listed = tuple(Line(item, number, 1) for item, number in lines)
        release = ForcedRelease(giver, receiver, self.now, 2, listed)
        receipt = Receipt(self.digest(release), self.now, received_bitmap(len(listed)))
        forced = {
            "release": to_wire(release),
            "receipt": to_wire(receipt),
            "receiver_signature": self.signature(receipt, receiver),
        }
        self.call("CustodyLedger", "forceHandOff", forced)
        return self.digest(receipt)

    def prove_equivocation(self, first: dict[str, Any], second: dict[str, Any]) -> bytes:
        """C10: the first line of each."""
        return self.call("CustodyLedger", "proveEquivocation", first, 0, second, 0)

    # --- CryptoStamp --------------------------------------------------------------------------------
    def stamps(self, *serials: int) -> tuple[int, ...]:
        return tuple(stamp_number(EDITION, serial) for serial in serials)

    def issue(self, first: int, last: int) -> bytes:
        issue = {"edition": EDITION, "first": first, "last": last, "custodian": COUNTER}
        return self.call("CryptoStamp", "issue", issue)

    def void(self, first: int, last: int, reason: int = 4) -> bytes:
        void = {"edition": EDITION, "first": first, "last": last, "reason": reason}
        return self.call("CryptoStamp", "voidRange", void)

    def cancel(self, custodian: int, *stamps: int, item: bytes = ZERO32) -> bytes:
        cancel = Cancel(custodian, self.now, 1, item, stamps)
        self.call("CryptoStamp", "cancel", self.signed("cancel", cancel, custodian))
        return self.digest(cancel)

    def claim(self, serial: int, to: bytes) -> bytes:
        (stamp,) = self.stamps(serial)
        claim = Claim(stamp, to, self.now + DAY_SECONDS)
        self.call("CryptoStamp", "claim", self.with_proof("claim", claim, serial))
        return self.digest(claim)

    def show_original(self, serial: int) -> bytes:
        (stamp,) = self.stamps(serial)
        original = Original(stamp, self.now + DAY_SECONDS)
        self.call("CryptoStamp", "showOriginal", self.with_proof("original", original, serial))
        return self.digest(original)

    def with_proof(self, name: str, record: Claim | Original, serial: int) -> dict[str, Any]:
        proof = merkle_proof(self.claim_leaves(), serial - 1)
        signed = self.signed(name, record, f"claim {record.stamp}")
        return signed | {"proof": [as_hex(node) for node in proof]}
