"""Two posts and a customs authority, their people, and what they sign.

A `Record` is a struct with its signatures, ready for the single call or a batch. Structs and digests are those of
`backend.domain`: whatever the contracts take here, they hash as the backend does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from brownie import accounts, chain, web3
from eth_keys import keys as eth_keys

from backend.domain.commitments import hidden_keys, item_id, next_contents
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
from scripts.deploy import Deployment, Parameters, build, deploy

SECP256K1 = 1
DEVICE, OPERATOR = 1, 2
COUNTER, COURIER = 1, 8
FOR_EVER = 2**40 - 1
DAY = 86_400
MINUTE = 60
ZERO_ADDRESS = "0x" + 40 * "0"
NO_KEYS = (ZERO_ADDRESS, ZERO_ADDRESS, ZERO32)
EUR = b"EUR"


class Key:
    """A secp256k1 key, the same for the same name."""

    def __init__(self, name: str) -> None:
        self._key = eth_keys.PrivateKey(keccak256(name.encode()))
        self.address: str = self._key.public_key.to_checksum_address()
        self.raw: bytes = self._key.public_key.to_canonical_address()

    def sign(self, digest: bytes) -> bytes:
        """64 bytes, r and vs (EIP-2098)."""
        signature = self._key.sign_msg_hash(digest)
        vs = signature.v << 255 | signature.s
        return signature.r.to_bytes(32, "big") + vs.to_bytes(32, "big")


@dataclass(frozen=True)
class Custodian:
    """A custodian and the key that signs for it."""

    number: int
    key: Key

    @property
    def operator(self) -> int:
        return self.number >> 24

    def with_key(self, key: Key) -> Custodian:
        return replace(self, key=key)


@dataclass(frozen=True)
class Record:
    """What a call takes: `call` is its name, `argument` its struct, `digest` names the record."""

    call: str
    argument: tuple[Any, ...]
    digest: bytes
    item: bytes = ZERO32


@dataclass
class People:
    """The keys that an acceptance names (C1), fresh for each item."""

    name: str
    recipient: Key = field(init=False)
    sender: Key = field(init=False)
    salt: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.recipient = Key(self.name + " recipient")
        self.sender = Key(self.name + " sender")
        self.salt = keccak256(self.name.encode())

    @property
    def hidden(self) -> bytes:
        return hidden_keys(self.recipient.raw, self.sender.raw, self.salt)

    @property
    def shown(self) -> tuple[str, str, bytes]:
        return self.recipient.address, self.sender.address, self.salt


def plain(value: Any) -> Any:
    """A struct as Brownie takes it: nested tuples, addresses as hex."""
    if is_dataclass(value):
        return tuple(plain(getattr(value, member.name)) for member in fields(value))
    if isinstance(value, tuple):
        return [plain(element) for element in value]
    if isinstance(value, bytes) and len(value) == 20:
        return "0x" + value.hex()
    return value


class World:
    """The contracts, and everybody by name."""

    def __init__(self) -> None:
        self.governor, self.arlberg, self.saentis, self.customs_office = accounts[:4]
        self.arlberg_sender, self.saentis_sender, self.relay, self.stranger = accounts[4:8]
        self.deployment: Deployment = deploy(Parameters(str(self.governor)), accounts[9])
        self.network = self._at("PostalNetwork")
        self.ledger = self._at("CustodyLedger")
        self.stamps = self._at("CryptoStamp")
        self._admit()
        self.counter = self._enrol(1, 1, "counter", self.arlberg)
        self.van = self._enrol(1, 2, "van", self.arlberg, kind=COURIER, key_holder=DEVICE)
        self.hall = self._enrol(1, 3, "hall", self.arlberg)
        self.zurich = self._enrol(2, 1, "zurich", self.saentis)
        self.courier = self._enrol(2, 2, "courier", self.saentis, kind=COURIER, key_holder=DEVICE)
        self.customs = self._enrol(3, 1, "customs", self.customs_office)
        self._commitments = 0

    def _at(self, name: str) -> Any:
        return build(name).at(self.deployment.contracts[name].address)

    def _admit(self) -> None:
        admins = (self.arlberg, self.saentis, self.customs_office)
        names = ("Arlberg Post", "Säntis Post", "Customs Zürich")
        for number, (admin, name) in enumerate(zip(admins, names, strict=True), start=1):
            self.network.admitOperator(number, admin, name, {"from": self.governor})
        self.network.addSubmitter(1, self.arlberg_sender, {"from": self.arlberg})
        self.network.addSubmitter(2, self.saentis_sender, {"from": self.saentis})

    def _enrol(
        self,
        operator: int,
        serial: int,
        name: str,
        admin: Any,
        kind: int = COUNTER,
        key_holder: int = OPERATOR,
    ) -> Custodian:
        custodian = Custodian(custodian_number(operator, serial), Key(name))
        right = (custodian.key.address, SECP256K1, key_holder, 0, FOR_EVER)
        self.network.enrol(
            custodian.number, kind, name.encode().ljust(12, b"\0"), right, {"from": admin}
        )
        return custodian

    # ---------------------------------------------------------------------------------- time and domains

    @staticmethod
    def now() -> int:
        """The time of the latest block; the next is a little later."""
        return int(web3.eth.get_block("latest")["timestamp"])

    def next_block_in(self, seconds: int) -> int:
        """The next block bears exactly the time that is returned."""
        time = self.now() + seconds
        web3.provider.make_request("evm_setNextBlockTimestamp", [time])
        return time

    def wait(self, seconds: int) -> int:
        """Time passes; returns what it is now."""
        time = self.next_block_in(seconds)
        web3.provider.make_request("evm_mine", [])
        return time

    def domain(self, struct: Signed) -> SigningDomain:
        contract = self.ledger if struct.CONTRACT == "CustodyLedger" else self.stamps
        return SigningDomain(struct.CONTRACT, chain.id, bytes.fromhex(contract.address[2:]))

    def digest(self, struct: Signed) -> bytes:
        return struct.digest(self.domain(struct))

    # ------------------------------------------------------------------------------------------- sending

    def _contract(self, call: str) -> Any:
        of_stamps = ("cancel", "claim", "showOriginal")
        return self.stamps if call in of_stamps else self.ledger

    def send(self, record: Record) -> Any:
        """The single call, sent by somebody who has no part in it (G1)."""
        return getattr(self._contract(record.call), record.call)(
            record.argument, {"from": self.relay}
        )

    def send_batch(self, *records: Record) -> Any:
        """One batch call of records of one kind."""
        call = records[0].call
        arguments = [record.argument for record in records]
        return getattr(self._contract(call), call + "Batch")(arguments, {"from": self.relay})

    # ------------------------------------------------------------------------------------------- records

    def one(self, call: str, struct: Signed, signer: Key, **more: Any) -> Record:
        """A record with one signature."""
        digest = self.digest(struct)
        item = getattr(struct, "item", ZERO32)
        argument = (
            plain(struct),
            *more.get("between", ()),
            more.get("signature") or signer.sign(digest),
        )
        return Record(call, argument, digest, item)

    def acceptance(self, custodian: Custodian, **values: Any) -> Record:
        self._commitments += 1
        commitment = keccak256(b"item" + self._commitments.to_bytes(4, "big"))
        given = {"commitment": commitment, "time": self.now(), "source": 1} | values
        record = self.one("accept", Acceptance(custodian=custodian.number, **given), custodian.key)
        return replace(record, item=item_id(custodian.operator, given["commitment"]))

    def accepted(self, custodian: Custodian, **values: Any) -> bytes:
        """An item that the custodian has just accepted."""
        record = self.acceptance(custodian, **values)
        self.send(record)
        return record.item

    def line(self, item: bytes, **values: Any) -> Line:
        """The item as it stands, sound."""
        return Line(
            **{"item": item, "number": self.ledger.itemOf(item)[1], "condition": 1} | values
        )

    def release(
        self, giver: Custodian, receiver: Custodian, *items: bytes | Line, **values: Any
    ) -> Release:
        lines = tuple(item if isinstance(item, Line) else self.line(item) for item in items)
        time = values.pop("time", self.now())
        given = {"time": time, "deadline": time + DAY} | values
        return Release(giver.number, receiver.number, lines=lines, **given)

    def receipt(self, release: Release, **values: Any) -> Receipt:
        """Everything received as given."""
        given = {
            "release": self.digest(release),
            "time": self.now(),
            "received": received_bitmap(len(release.lines)),
            "findings": (),
        } | values
        return Receipt(**given)

    def signed_hand_off(
        self, giver: Custodian, receiver: Custodian, release: Release, receipt: Receipt
    ) -> Record:
        digest = self.digest(receipt)
        signatures = giver.key.sign(self.digest(release)), receiver.key.sign(digest)
        return Record("handOff", (plain(release), plain(receipt), *signatures), digest)

    def hand_off(
        self, giver: Custodian, receiver: Custodian, *items: bytes | Line, **values: Any
    ) -> Record:
        """A hand-off of items as they stand; `missing` and `findings` are the receiver's."""
        missing: frozenset[int] = frozenset(values.pop("missing", ()))
        findings: tuple[Finding, ...] = values.pop("findings", ())
        release = self.release(giver, receiver, *items, **values)
        bitmap = received_bitmap(len(release.lines), missing)
        receipt = self.receipt(release, received=bitmap, findings=findings)
        return self.signed_hand_off(giver, receiver, release, receipt)

    def forced(
        self, giver: int, receiver: Custodian, *items: bytes | Line, **values: Any
    ) -> Record:
        """A hand-off for which somebody stands in for the giver (C9)."""
        lines = tuple(item if isinstance(item, Line) else self.line(item) for item in items)
        given = {"time": self.now(), "reason": 1} | values
        release = ForcedRelease(giver, receiver.number, lines=lines, **given)
        receipt = self.receipt(release)  # type: ignore[arg-type]
        digest = self.digest(receipt)
        signature = receiver.key.sign(digest)
        return Record("forceHandOff", (plain(release), plain(receipt), signature), digest)

    # --------------------------------------------------------------------------------------- receptacles

    def packing(self, custodian: Custodian, bag: bytes, *items: bytes, **values: Any) -> Record:
        given = {"number": self.ledger.itemOf(bag)[1], "time": self.now()} | values
        struct = Packing(bag, custodian=custodian.number, items=items, **given)
        return replace(self.one("pack", struct, custodian.key), item=bag)

    def closing(self, custodian: Custodian, bag: bytes, *items: bytes, **values: Any) -> Record:
        """Of a receptacle that holds these items, in the order in which they were packed."""
        contents = ZERO32
        for item in items:
            contents = next_contents(contents, item)
        given = {
            "number": self.ledger.itemOf(bag)[1],
            "time": self.now(),
            "count": len(items),
            "contents": contents,
            "evidence": keccak256(b"seal"),
        } | values
        struct = Closing(bag, custodian=custodian.number, **given)
        return replace(self.one("close", struct, custodian.key), item=bag)

    def opening(self, custodian: Custodian, bag: bytes, count: int, **values: Any) -> Record:
        """Of a receptacle with `count` items; all found but the missing, which stand in `missing`."""
        given = {
            "number": self.ledger.itemOf(bag)[1],
            "time": self.now(),
            "missing": (),
            "found": received_bitmap(count),
        } | values
        struct = Opening(bag, custodian=custodian.number, **given)
        return replace(self.one("open", struct, custodian.key), item=bag)

    def sealed(self, custodian: Custodian, *items: bytes) -> bytes:
        """A new bag with these items, packed and closed."""
        bag = self.accepted(custodian)
        self.send(self.packing(custodian, bag, *items))
        self.send(self.closing(custodian, bag, *items))
        return bag

    def delivery(
        self, giver: Custodian, item: bytes, people: People, signer: Key, **values: Any
    ) -> Record:
        """A delivery signed by the giver and by `signer`, who shows what acceptance named."""
        given = {
            "number": self.ledger.itemOf(item)[1],
            "recipient": signer.raw,
            "time": self.now(),
            "deadline": self.now() + 15 * MINUTE,
            "condition": 1,
        } | values
        struct = Delivery(item=item, giver=giver.number, **given)
        digest = self.digest(struct)
        signatures = giver.key.sign(digest), signer.sign(digest)
        return Record("deliver", (plain(struct), people.shown, *signatures), digest, item)

    def end(self, custodian: Custodian, item: bytes, **values: Any) -> Record:
        given = {"number": self.ledger.itemOf(item)[1], "time": self.now(), "mode": 5} | values
        return self.one("end", End(item=item, custodian=custodian.number, **given), custodian.key)

    def take_up(self, custodian: Custodian, item: bytes, **values: Any) -> Record:
        given = {"time": self.now(), "reason": 3, "condition": 1} | values
        return self.one(
            "takeUp", TakeUp(item=item, custodian=custodian.number, **given), custodian.key
        )

    def recall(self, custodian: Custodian, item: bytes, **values: Any) -> Record:
        given = {"number": self.ledger.itemOf(item)[1], "time": self.now()} | values
        return self.one(
            "recall", Recall(item=item, custodian=custodian.number, **given), custodian.key
        )

    def report(self, reporter: Custodian, item: bytes, **values: Any) -> Record:
        given = {"code": 11, "reason": 0, "corrects": 0, "time": self.now()} | values
        struct = Report(item=item, reporter=reporter.number, **given)
        return self.one("report", struct, reporter.key, between=(NO_KEYS,))

    def recipients_report(self, people: People, item: bytes, **values: Any) -> Record:
        given = {"code": 13, "reason": 0, "corrects": 0, "time": self.now()} | values
        struct = Report(item=item, reporter=0, **given)
        return self.one("report", struct, people.recipient, between=(people.shown,))

    # -------------------------------------------------------------------------------------------- stamps

    def edition(self, number: int = 1, **values: Any) -> Edition:
        """An edition of Arlberg Post, valid since yesterday, with claim keys for its first stamps."""
        return Edition(self, edition_number(1, number), **values)

    def cancellation(self, custodian: Custodian, *stamps: int, **values: Any) -> Record:
        given = {"time": self.now(), "kind": 1, "item": ZERO32} | values
        struct = Cancel(custodian=custodian.number, stamps=stamps, **given)
        return self.one("cancel", struct, custodian.key)


class Edition:
    """An edition on the chain, and the secrets of its first stamps."""

    def __init__(
        self, world: World, number: int, supply: int = 1000, claimable: int = 8, **values: Any
    ) -> None:
        self.world = world
        self.number = number
        self.keys = {serial: Key(f"claim {number} {serial}") for serial in range(1, claimable + 1)}
        self.leaves = [claim_leaf(self.stamp(serial), key.raw) for serial, key in self.keys.items()]
        self.terms = {
            "metadata": keccak256(b"artwork"),
            "claimRoot": merkle_root(self.leaves),
            "faceValue": 300,
            "currency": EUR,
            "service": 0,
            "supply": supply,
            "firstDay": world.now() - DAY,
            "withdrawnFrom": 0,
            "createdAt": 0,
        } | values
        world.stamps.createEdition(
            number, tuple(self.terms.values()), {"from": world.arlberg_sender}
        )

    def stamp(self, serial: int) -> int:
        return stamp_number(self.number, serial)

    def issue(self, first: int, last: int, **values: Any) -> Any:
        """Sold at the counter."""
        sender = values.pop("sender", self.world.arlberg_sender)
        custodian = values.pop("custodian", self.world.counter.number)
        return self.world.stamps.issue((self.number, first, last, custodian), {"from": sender})

    def void(self, first: int, last: int, reason: int = 1, **values: Any) -> Any:
        sender = values.pop("sender", self.world.arlberg_sender)
        return self.world.stamps.voidRange((self.number, first, last, reason), {"from": sender})

    def proof(self, serial: int) -> list[bytes]:
        return merkle_proof(self.leaves, serial - 1)

    def claim(self, serial: int, to: Any, **values: Any) -> Record:
        """Signed by the stamp's claim key, or by `key` with the proof of `proof_of`."""
        key = values.get("key", self.keys[serial])
        deadline = values.get("deadline", self.world.now() + DAY)
        struct = Claim(self.stamp(serial), bytes.fromhex(str(to)[2:]), deadline)
        proof = self.proof(values.get("proof_of", serial))
        return self.world.one("claim", struct, key, between=(proof,))

    def original(self, serial: int, **values: Any) -> Record:
        key = values.get("key", self.keys[serial])
        struct = Original(self.stamp(serial), values.get("deadline", self.world.now() + DAY))
        return self.world.one("showOriginal", struct, key, between=(self.proof(serial),))
