"""Trails read from logs alone, as a stranger with a node would read them (G4, CE1-CE8).

Takes nothing but events and the public keys of who may have signed; what it returns was rebuilt from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_keys import keys as eth_keys

from backend.domain.commitments import hidden_keys, item_id, next_head
from backend.domain.keccak import keccak256
from backend.domain.network import Standing
from backend.domain.rules import accepted, ended, moved, reported
from backend.domain.typed_data import (
    ZERO32,
    Acceptance,
    Delivery,
    End,
    Finding,
    Line,
    Recall,
    Receipt,
    Release,
    Report,
    Signed,
    SigningDomain,
    TakeUp,
)

RECORDS = ("Accepted", "ItemHandedOff", "Delivered", "Ended", "TakenUp", "Recalled", "Reported")


def signer(digest: bytes, signature: bytes) -> bytes:
    """The address that made a signature of 64 bytes (EIP-2098)."""
    r, vs = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    made = eth_keys.Signature(vrs=(vs >> 255, r, vs & ((1 << 255) - 1)))
    return made.recover_public_key_from_msg_hash(digest).to_canonical_address()


def struct(kind: type[Signed], values: Any) -> Any:
    """A struct of `backend.domain` from an event's tuple."""
    return kind(*(plain(value) for value in values))


def plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(plain(element) for element in value)
    if isinstance(value, str):
        return bytes.fromhex(value[2:])
    return bytes(value) if isinstance(value, bytes) else value


@dataclass
class Trail:
    """An item as its events tell it."""

    head: bytes = ZERO32
    standing: Standing | None = None

    def extend(self, digest: bytes, line: int = 0) -> None:
        self.head = next_head(self.head, digest, line)


class Reader:
    """Folds events, in order, into trails; every digest and signature is checked on the way."""

    def __init__(self, domain: SigningDomain, keys: dict[int, bytes]) -> None:
        self.domain = domain
        self.keys = keys
        self.trails: dict[bytes, Trail] = {}
        self._lines: list[Any] = []

    def read(self, events: Any) -> None:
        """The events of one transaction."""
        for event in events:
            if event.name in (*RECORDS, "HandedOff"):
                getattr(self, "_" + event.name)(event)
        assert not self._lines, "CE4: ItemHandedOff without its HandedOff"

    def _trail(self, event: Any) -> Trail:
        """CE1: record numbers have no gaps."""
        trail = self.trails.setdefault(bytes(event["item"]), Trail())
        records = trail.standing.records if trail.standing else 0
        assert records + 1 == (1 if event.name == "Accepted" else event["record"])
        return trail

    def _check(self, event: Any, record: Signed, key: bytes, signature: str = "signature") -> bytes:
        """CE3: the digest is that of the struct, and the key has signed it."""
        digest = record.digest(self.domain)
        assert bytes(event["digest"]) == digest
        assert signer(digest, bytes(event[signature])) == key
        return digest

    def _Accepted(self, event: Any) -> None:  # noqa: N802 -- the event's name
        record = struct(Acceptance, event["acceptance"])
        trail = self._trail(event)
        assert bytes(event["item"]) == item_id(record.custodian >> 24, record.commitment)
        trail.extend(self._check(event, record, self.keys[event["custodian"]]))
        trail.standing = accepted(record)

    def _ItemHandedOff(self, event: Any) -> None:  # noqa: N802
        trail = self._trail(event)
        trail.extend(bytes(event["digest"]), event["line"])
        self._lines.append(event)

    def _HandedOff(self, event: Any) -> None:  # noqa: N802
        record = struct(Receipt, event["receipt"])
        record = Receipt(
            record.release,
            record.time,
            record.received,
            tuple(Finding(*f) for f in record.findings),
        )
        self._check(event, record, self.keys[event["receiver"]], "receiverSignature")
        released = self._release_digest(event)
        assert record.release == released
        assert signer(released, bytes(event["giverSignature"])) == self.keys[event["giver"]]
        findings = {finding.line: finding for finding in record.findings}
        for line in self._lines:
            self._check_line(line, event, record, findings)
        self._lines.clear()

    def _release_digest(self, event: Any) -> bytes:
        head = (event["giver"], event["receiver"], event["released"], event["deadline"])
        words = [number.to_bytes(32, "big") for number in head]
        lines = keccak256(b"".join(bytes(line) for line in event["lines"]))
        struct_hash = keccak256(keccak256(Release.TYPE.encode()) + b"".join(words) + lines)
        return keccak256(b"\x19\x01" + self.domain.separator + struct_hash)

    def _check_line(
        self, line: Any, event: Any, record: Receipt, findings: dict[int, Finding]
    ) -> None:
        assert line["digest"] == event["digest"]
        given = Line(
            bytes(line["item"]),
            line["number"] - 1,
            line["conditionGiven"],
            bytes(line["evidenceGiven"]),
        )
        assert bytes(event["lines"][line["line"]]) == given.struct_hash()
        assert record.has(line["line"])
        found = findings.get(line["line"], Finding(line["line"], given.condition))
        assert (line["conditionFound"], bytes(line["evidenceFound"])) == (
            found.condition,
            found.evidence,
        )
        trail = self.trails[given.item]
        assert trail.standing is not None
        trail.standing = moved(trail.standing, event["receiver"], record.time)

    def _Delivered(self, event: Any) -> None:  # noqa: N802
        record, trail = struct(Delivery, event["delivery"]), self._trail(event)
        recipient, sender, salt = plain(event["keys"])
        assert trail.standing is not None
        assert hidden_keys(recipient, sender, salt) == trail.standing.keys
        assert record.recipient in (recipient, sender)
        self._check(event, record, record.recipient, "recipientSignature")
        trail.extend(self._check(event, record, self.keys[event["giver"]], "giverSignature"))
        trail.standing = ended(trail.standing, record.time)

    def _Ended(self, event: Any) -> None:  # noqa: N802
        record, trail = struct(End, event["end"]), self._trail(event)
        trail.extend(self._check(event, record, self.keys[event["custodian"]]))
        assert trail.standing is not None
        trail.standing = ended(trail.standing, record.time, record.mode)

    def _TakenUp(self, event: Any) -> None:  # noqa: N802
        record, trail = struct(TakeUp, event["takeUp"]), self._trail(event)
        trail.extend(self._check(event, record, self.keys[event["custodian"]]))
        assert trail.standing is not None
        trail.standing = moved(trail.standing, record.custodian, record.time)

    def _Recalled(self, event: Any) -> None:  # noqa: N802
        record, trail = struct(Recall, event["recall"]), self._trail(event)
        trail.extend(self._check(event, record, self.keys[event["custodian"]]))
        assert trail.standing is not None
        trail.standing = moved(trail.standing, record.custodian, record.time)

    def _Reported(self, event: Any) -> None:  # noqa: N802
        record, trail = struct(Report, event["report"]), self._trail(event)
        key = self.keys[record.reporter] if record.reporter else plain(event["keys"])[0]
        trail.extend(self._check(event, record, key))
        assert trail.standing is not None
        trail.standing = reported(trail.standing)
