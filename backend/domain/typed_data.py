"""What is signed: EIP-712 structs, hashed exactly as the contracts hash them (design.md §3).

Numbers are int, `bytes32` and `address` are bytes of 32 and 20, arrays are tuples. A struct's digest
under a domain is what its signer signs and what names the record everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from backend.domain.keccak import keccak256

DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
LINE_TYPE = "Line(bytes32 item,uint32 number,uint16 condition,bytes32 evidence)"
FINDING_TYPE = "Finding(uint16 line,uint16 condition,bytes32 evidence)"
ZERO32 = bytes(32)


@dataclass(frozen=True, slots=True)
class SigningDomain:
    """Binds a signature to one contract on one chain (EIP-712 domain separator)."""

    name: str
    chain_id: int
    contract: bytes

    @property
    def separator(self) -> bytes:
        return _separator(self.name, self.chain_id, self.contract)


@cache
def _separator(name: str, chain_id: int, contract: bytes) -> bytes:
    return keccak256(
        keccak256(DOMAIN_TYPE)
        + keccak256(name.encode())
        + keccak256(b"1")
        + chain_id.to_bytes(32, "big")
        + contract.rjust(32, b"\0")
    )


class Signed:
    """Base of the signed structs: hash and digest follow from the type string alone."""

    TYPE: ClassVar[str]
    CONTRACT: ClassVar[str] = "CustodyLedger"

    def struct_hash(self) -> bytes:
        """EIP-712 hashStruct."""
        type_hash, members = _encoders(type(self).TYPE)
        values = [encode(getattr(self, name)) for name, encode in members]
        return keccak256(type_hash + b"".join(values))

    def digest(self, domain: SigningDomain) -> bytes:
        """What is signed: keccak256(0x1901 | domain separator | struct hash)."""
        return keccak256(b"\x19\x01" + domain.separator + self.struct_hash())


@cache
def schema(type_string: str) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    """Type hash and members (kind, Python name) of an EIP-712 type string."""
    body = re.match(r"\w+\(([^)]*)\)", type_string)
    assert body is not None
    pairs = [member.split(" ") for member in body[1].split(",")]
    return keccak256(type_string.encode()), tuple((kind, _snake(name)) for kind, name in pairs)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda m: "_" + m[1].lower(), name)


Encode = Callable[[Any], bytes]


@cache
def _encoders(type_string: str) -> tuple[bytes, tuple[tuple[str, Encode], ...]]:
    """Type hash, and how each member is encoded: looked up once a type, not once a value."""
    type_hash, members = schema(type_string)
    return type_hash, tuple((name, _encoder(kind)) for kind, name in members)


def _encoder(kind: str) -> Encode:
    if kind.endswith("[]"):
        one = _encoder(kind[:-2])
        return lambda values: keccak256(b"".join([one(value) for value in values]))
    if kind.startswith("uint"):
        return lambda number: number.to_bytes(32, "big")
    if kind == "bytes32":
        return bytes
    if kind == "address":
        return lambda address: address.rjust(32, b"\0")
    return Signed.struct_hash


@dataclass(frozen=True, slots=True)
class Acceptance(Signed):
    """C1: the first record of an item, with its franking (S4)."""

    TYPE: ClassVar[str] = (
        "Acceptance(bytes32 commitment,uint40 custodian,uint40 time,uint16 source,bytes32 keys,"
        "bytes32 previous,bytes32 evidence,uint64[] stamps)"
    )
    commitment: bytes
    custodian: int
    time: int
    source: int
    keys: bytes = ZERO32
    previous: bytes = ZERO32
    evidence: bytes = ZERO32
    stamps: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Line(Signed):
    """One item of a release: its custody number and the condition given."""

    TYPE: ClassVar[str] = LINE_TYPE
    item: bytes
    number: int
    condition: int
    evidence: bytes = ZERO32


@dataclass(frozen=True, slots=True)
class Release(Signed):
    """C2: the giver's half of a hand-off."""

    TYPE: ClassVar[str] = (
        "Release(uint40 giver,uint40 receiver,uint40 time,uint40 deadline,Line[] lines)" + LINE_TYPE
    )
    giver: int
    receiver: int
    time: int
    deadline: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Finding(Signed):
    """A condition found that the receiver states for one line."""

    TYPE: ClassVar[str] = FINDING_TYPE
    line: int
    condition: int
    evidence: bytes = ZERO32


@dataclass(frozen=True, slots=True)
class Receipt(Signed):
    """C2: the receiver's half, over the release's digest. `received` is a bitmap of lines, 256 a word."""

    TYPE: ClassVar[str] = (
        "Receipt(bytes32 release,uint40 time,uint256[] received,Finding[] findings)" + FINDING_TYPE
    )
    release: bytes
    time: int
    received: tuple[int, ...]
    findings: tuple[Finding, ...] = ()

    def has(self, line: int) -> bool:
        """Whether the line with this index was received."""
        return _has_bit(self.received, line)


def received_bitmap(lines: int, missing: frozenset[int] = frozenset()) -> tuple[int, ...]:
    """All of `lines` but the missing ones, as Receipt.received: one word for each 256 lines."""
    words = [0] * ((lines + 255) // 256)
    for line in range(lines):
        if line not in missing:
            words[line // 256] |= 1 << line % 256
    return tuple(words)


@dataclass(frozen=True, slots=True)
class ForcedRelease(Signed):
    """C9: stands in the place of a release that the giver cannot sign. Nobody signs it; its sender speaks."""

    TYPE: ClassVar[str] = (
        "ForcedRelease(uint40 giver,uint40 receiver,uint40 time,uint16 reason,Line[] lines)"
        + LINE_TYPE
    )
    giver: int
    receiver: int
    time: int
    reason: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Packing(Signed):
    """C7: items put into a receptacle. `number` is the receptacle's custody number."""

    TYPE: ClassVar[str] = (
        "Packing(bytes32 receptacle,uint32 number,uint40 custodian,uint40 time,bytes32[] items)"
    )
    receptacle: bytes
    number: int
    custodian: int
    time: int
    items: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Closing(Signed):
    """C7: the receptacle takes nothing more. `contents` is the running hash of what was really packed."""

    TYPE: ClassVar[str] = (
        "Closing(bytes32 receptacle,uint32 number,uint40 custodian,uint40 time,uint32 count,"
        "bytes32 contents,bytes32 evidence)"
    )
    receptacle: bytes
    number: int
    custodian: int
    time: int
    count: int
    contents: bytes
    evidence: bytes = ZERO32


@dataclass(frozen=True, slots=True)
class Opening(Signed):
    """C7: the end of a receptacle's journey. `found` is a bitmap in the order of packing, 256 a word."""

    TYPE: ClassVar[str] = (
        "Opening(bytes32 receptacle,uint32 number,uint40 custodian,uint40 time,bytes32[] missing,"
        "uint256[] found,bytes32 evidence)"
    )
    receptacle: bytes
    number: int
    custodian: int
    time: int
    missing: tuple[bytes, ...]
    found: tuple[int, ...]
    evidence: bytes = ZERO32

    def has_found(self, place: int) -> bool:
        """Whether the item packed at this place (from 0) was seen at the opening."""
        return _has_bit(self.found, place)


def _has_bit(words: tuple[int, ...], place: int) -> bool:
    word, bit = divmod(place, 256)
    return word < len(words) and bool(words[word] >> bit & 1)


@dataclass(frozen=True, slots=True)
class Delivery(Signed):
    """C4: delivery signed by the giver and by a key that acceptance named."""

    TYPE: ClassVar[str] = (
        "Delivery(bytes32 item,uint32 number,uint40 giver,address recipient,uint40 time,"
        "uint40 deadline,uint16 condition,bytes32 evidence)"
    )
    item: bytes
    number: int
    giver: int
    recipient: bytes
    time: int
    deadline: int
    condition: int
    evidence: bytes = ZERO32


@dataclass(frozen=True, slots=True)
class End(Signed):
    """C4: custody ended by the custodian alone: a delivery mode, left the network, disposal."""

    TYPE: ClassVar[str] = (
        "End(bytes32 item,uint32 number,uint40 custodian,uint40 time,uint16 mode,bytes32 evidence)"
    )
    item: bytes
    number: int
    custodian: int
    time: int
    mode: int
    evidence: bytes = ZERO32


@dataclass(frozen=True, slots=True)
class TakeUp(Signed):
    """C11: custody taken with one signature."""

    TYPE: ClassVar[str] = (
        "TakeUp(bytes32 item,uint40 custodian,uint40 time,uint16 reason,uint16 condition,"
        "bytes32 evidence)"
    )
    item: bytes
    custodian: int
    time: int
    reason: int
    condition: int
    evidence: bytes = ZERO32


@dataclass(frozen=True, slots=True)
class Recall(Signed):
    """C3: the holder voids its open releases of an item."""

    TYPE: ClassVar[str] = "Recall(bytes32 item,uint32 number,uint40 custodian,uint40 time)"
    item: bytes
    number: int
    custodian: int
    time: int


@dataclass(frozen=True, slots=True)
class Report(Signed):
    """C8: an observation. `corrects` is a record number, 0 for none; reporter 0 is the recipient's key."""

    TYPE: ClassVar[str] = (
        "Report(bytes32 item,uint16 code,uint16 reason,uint32 corrects,uint40 reporter,uint40 time,"
        "bytes32 evidence)"
    )
    item: bytes
    code: int
    reason: int
    corrects: int
    reporter: int
    time: int
    evidence: bytes = ZERO32


@dataclass(frozen=True, slots=True)
class DeliveryKeys:
    """The keys that acceptance named, shown with a delivery or a recipient's report; zero where none."""

    recipient: bytes = bytes(20)
    sender: bytes = bytes(20)
    salt: bytes = ZERO32


@dataclass(frozen=True, slots=True)
class Issue(Signed):
    """S3: a range of serials sold at `custodian`. Nobody signs it; the digest names it."""

    TYPE: ClassVar[str] = "Issue(uint32 edition,uint32 first,uint32 last,uint40 custodian)"
    CONTRACT: ClassVar[str] = "CryptoStamp"
    edition: int
    first: int
    last: int
    custodian: int


@dataclass(frozen=True, slots=True)
class Void(Signed):
    """S5: a range of serials taken out of use. Nobody signs it; the digest names it."""

    TYPE: ClassVar[str] = "Void(uint32 edition,uint32 first,uint32 last,uint16 reason)"
    CONTRACT: ClassVar[str] = "CryptoStamp"
    edition: int
    first: int
    last: int
    reason: int


@dataclass(frozen=True, slots=True)
class Cancel(Signed):
    """S4: stamps marked used outside an acceptance. `item` is zero in the mail stream and to order."""

    TYPE: ClassVar[str] = (
        "Cancel(uint40 custodian,uint40 time,uint16 kind,bytes32 item,uint64[] stamps)"
    )
    CONTRACT: ClassVar[str] = "CryptoStamp"
    custodian: int
    time: int
    kind: int
    item: bytes
    stamps: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Claim(Signed):
    """S6: the claim key moves the twin to `to`."""

    TYPE: ClassVar[str] = "Claim(uint64 stamp,address to,uint40 deadline)"
    CONTRACT: ClassVar[str] = "CryptoStamp"
    stamp: int
    to: bytes
    deadline: int


@dataclass(frozen=True, slots=True)
class Original(Signed):
    """S9: the claim key shows, without claiming, that its holder has the original."""

    TYPE: ClassVar[str] = "Original(uint64 stamp,uint40 deadline)"
    CONTRACT: ClassVar[str] = "CryptoStamp"
    stamp: int
    deadline: int
