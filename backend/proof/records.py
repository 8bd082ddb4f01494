"""Single records out of raw logs, with every digest and signature recomputed (CE1-CE4, G4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from backend.domain.commitments import hidden_keys, item_id
from backend.domain.ids import custodian_text, operator_of_custodian
from backend.domain.keccak import keccak256
from backend.domain.trail import Entry, HandedOff, Missing, Packed, Place
from backend.domain.typed_data import (
    Acceptance,
    Closing,
    Delivery,
    End,
    ForcedRelease,
    Line,
    Opening,
    Packing,
    Recall,
    Release,
    Report,
    Signed,
    TakeUp,
    schema,
)
from backend.errors import Conflict
from backend.indexer.abi import EventReader, NotReadable
from backend.indexer.decode import Contracts, Decoder, committed_abi
from backend.indexer.events import Event, RawLog, Unreadable
from backend.proof.bundle import place_of
from backend.proof.device_keys import SECP256K1, is_signed_by
from backend.proof.rights import right_at
from stamps.errors import SignatureMismatch
from stamps.payload import recover

# What the typed events leave out: line hashes of hand-offs, and delivery keys that were shown.
WHOLE = ("HandedOff", "HandOffForced", "Delivered", "Reported")
Arguments = Mapping[str, Any]


class Refuted(Conflict):
    """The bundle says what the chain or its own signatures do not."""

    title = "Refuted"


@dataclass(frozen=True, slots=True)
class Signature:
    """Who had to sign what: a custodian at a time, or (custodian 0) the one key that was named."""

    digest: bytes
    given: bytes
    custodian: int
    time: int
    key: bytes = b""


class Records:
    """The events of logs of one deployment, each record checked by itself: digests, signatures, rights."""

    def __init__(
        self, contracts: Contracts, logs: Iterable[RawLog], times: Mapping[int, int]
    ) -> None:
        """`times` gives each block's time. Raises Refuted for what cannot be read."""
        self._contracts = contracts
        ordered = sorted(logs, key=place_of)
        self.events = tuple(_readable(Decoder(contracts).decode(ordered, times)))
        ledger = [log for log in ordered if log.address == contracts.ledger.contract]
        self._wholes = {(log.transaction_hash, a["digest"]): a for log, a in _read(ledger, *WHOLE)}
        self._missing = {place_of(log): a for log, a in _read(ledger, "ItemMissing")}
        # CE10: stays that were written.
        self.stays = tuple(a for _, a in _read(ledger, "Stayed"))

    def missed_from(self, entry: Entry) -> int:
        """C7: the number of the receptacle that an item was missing from."""
        number: int = self._missing[entry.place.block, entry.place.log_index]["receptacle"]
        return number

    def check(self, entry: Entry, acceptance: Acceptance | None) -> int:
        """Check one record of an item of this acceptance; returns how many signatures it bears.

        Raises Refuted, with the values that differ.
        """
        if isinstance(entry.body, Missing):  # the opening that it comes with is signed
            return 0
        signatures = self._signatures(entry, acceptance)
        for signature in signatures:
            check_signature(f"Record {entry.record}", signature, self.events, entry.place)
        return len(signatures)

    def _whole(self, entry: Entry) -> Arguments:
        return self._wholes[entry.place.transaction, entry.digest]

    def _signatures(self, entry: Entry, acceptance: Acceptance | None) -> list[Signature]:
        body = entry.body
        if isinstance(body, HandedOff):
            return self._hand_off(entry, body, self._whole(entry))
        signed = body.packing if isinstance(body, Packed) else body
        assert isinstance(signed, Signed)  # of the others no log is an entry (decode.py)
        _check_equal(entry, "digest", signed.digest(self._contracts.ledger), entry.digest)
        _check_equal(entry, "item", _about(signed), entry.item)
        if isinstance(signed, Delivery):
            self._check_named(entry, signed.recipient, acceptance)
            by_key = Signature(entry.digest, entry.signatures[1], 0, signed.time, signed.recipient)
            return [Signature(entry.digest, entry.signatures[0], signed.giver, signed.time), by_key]
        if isinstance(signed, Report):
            return [self._report(entry, signed, acceptance)]
        return [Signature(entry.digest, entry.signatures[0], signed.custodian, signed.time)]

    def _report(self, entry: Entry, report: Report, acceptance: Acceptance | None) -> Signature:
        """C8: by a custodian, or by the addressee's key."""
        key = b""
        if report.reporter == 0:
            key = self._whole(entry)["keys"].recipient
            self._check_named(entry, key, acceptance)
        return Signature(entry.digest, entry.signatures[0], report.reporter, report.time, key)

    def _hand_off(self, entry: Entry, body: HandedOff, whole: Arguments) -> list[Signature]:
        """C2: the receipt covers the release, the release the line, and the line this item."""
        receipt, lines = whole["receipt"], whole["lines"]
        line = Line(entry.item, entry.number - 1, body.given, body.evidence_given)
        if entry.line >= len(lines) or not receipt.has(entry.line):
            raise Refuted(f"Record {entry.record}: line {entry.line} was not received.")
        _check_equal(entry, "line", line.struct_hash(), lines[entry.line])
        release = _release_digest(whole, self._contracts.ledger.separator, bool(body.forced_by))
        _check_equal(entry, "release", release, receipt.release)
        _check_equal(entry, "receipt", receipt.digest(self._contracts.ledger), entry.digest)
        finding = next((f for f in receipt.findings if f.line == entry.line), None)
        found = (finding.condition, finding.evidence) if finding else (body.given, bytes(32))
        if found != (body.found, body.evidence_found):
            raise Refuted(f"Record {entry.record}: the condition found is not what was signed.")
        received = Signature(entry.digest, entry.signatures[-1], body.receiver, body.received_at)
        if body.forced_by:  # C9: its sender speaks, the giver has signed nothing
            return [received]
        return [Signature(release, entry.signatures[0], body.giver, body.released_at), received]

    def _check_named(self, entry: Entry, key: bytes, acceptance: Acceptance | None) -> None:
        """C1, C4: the key is one that acceptance named, never the zero address."""
        keys = self._whole(entry)["keys"]
        named = acceptance.keys if acceptance else b""
        _check_equal(entry, "keys", hidden_keys(keys.recipient, keys.sender, keys.salt), named)
        if key not in (keys.recipient, keys.sender) or not any(key):
            raise Refuted(f"Record {entry.record}: acceptance did not name the key {_hex(key)}.")


def _read(logs: Iterable[RawLog], *names: str) -> Iterator[tuple[RawLog, Arguments]]:
    """The logs of events of the ledger, with their arguments."""
    wanted = {reader.topic: reader for reader in _readers() if reader.name in names}
    for log in logs:
        if log.topics[0] in wanted:
            yield log, arguments(wanted[log.topics[0]], log)


def arguments(reader: EventReader, log: RawLog) -> Arguments:
    """What a log says. Raises Refuted where it is not what the ABI says."""
    try:
        return reader.read(log.topics, log.data)
    except NotReadable as error:
        raise _unreadable(log.block_number, log.log_index, str(error)) from None


@cache
def _readers() -> tuple[EventReader, ...]:
    events = (e for e in committed_abi("CustodyLedger") if e["type"] == "event")
    return tuple(EventReader(event) for event in events)


def _readable(events: Iterable[Event]) -> Iterator[Event]:
    for event in events:
        if isinstance(event, Unreadable):
            raise _unreadable(event.place.block, event.place.log_index, event.reason)
        yield event


def _unreadable(block: int, log_index: int, reason: str) -> Refuted:
    return Refuted(f"Log {log_index} of block {block} cannot be read: {reason}.")


Alone = Acceptance | Packing | Closing | Opening | Delivery | End | TakeUp | Recall | Report


def _about(signed: Alone) -> bytes:
    """The item of which it was signed."""
    if isinstance(signed, Acceptance):
        return item_id(operator_of_custodian(signed.custodian), signed.commitment)
    if isinstance(signed, Packing | Closing | Opening):
        return signed.receptacle
    return signed.item


def _release_digest(a: Mapping[str, Any], separator: bytes, forced: bool) -> bytes:
    """The EIP-712 digest of a release of which only the hashes of its lines are known."""
    type_hash, _ = schema(ForcedRelease.TYPE if forced else Release.TYPE)
    words = (a["giver"], a["receiver"], a["released"], a["reason" if forced else "deadline"])
    head = b"".join(word.to_bytes(32, "big") for word in words)
    struct_hash = keccak256(type_hash + head + keccak256(b"".join(a["lines"])))
    return keccak256(b"\x19\x01" + separator + struct_hash)


def _check_equal(entry: Entry, what: str, computed: bytes, stated: bytes) -> None:
    if computed != stated:
        raise Refuted(
            f"Record {entry.record}: the {what} is stated as {_hex(stated)}, "
            f"but what was signed gives {_hex(computed)}."
        )


def check_signature(what: str, signature: Signature, events: Sequence[Event], place: Place) -> None:
    """N3: by the key that had the right at the event time, as the network's events before `place` say.

    Raises Refuted, beginning with `what` it is about.
    """
    key, who = signature.key, f"the key {_hex(signature.key)}"
    if signature.custodian:
        who = f"custodian {custodian_text(signature.custodian)}"
        before = place.block, place.log_index
        right = right_at(events, signature.custodian, signature.time, before)
        if right is None:
            raise Refuted(f"{what}: {who} had no right to sign at {signature.time}.")
        key = right.key
        if right.kind != SECP256K1:
            if not is_signed_by(right.kind, key, signature.digest, signature.given):
                raise Refuted(f"{what}: {who} did not sign it with its device's key.")
            return
    try:
        found = recover(signature.digest, signature.given)
    except SignatureMismatch as error:
        raise Refuted(f"{what}: the signature of {who}: {error}.") from None
    if found != key:
        raise Refuted(f"{what}: {who} signs with {_hex(key)}, this signature is by {_hex(found)}.")


def _hex(raw: bytes) -> str:
    return "0x" + raw.hex()
