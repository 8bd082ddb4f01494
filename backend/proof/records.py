"""The records of a trail out of raw logs, with every digest and signature recomputed (CE1-CE4, G4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backend.domain.commitments import hidden_keys, item_id
from backend.domain.ids import custodian_text, operator_of_custodian
from backend.domain.keccak import keccak256
from backend.domain.trail import Entry, HandedOff, TrailState, apply
from backend.domain.typed_data import (
    Acceptance,
    Delivery,
    ForcedRelease,
    Line,
    Release,
    Report,
    Signed,
    schema,
)
from backend.errors import Conflict
from backend.indexer.abi import EventReader
from backend.indexer.decode import Contracts, Decoder, committed_abi
from backend.indexer.events import Event, RawLog, Unreadable
from backend.proof.bundle import KeyRight, place_of
from backend.proof.device_keys import SECP256K1, is_signed_by
from backend.proof.rights import right_at, rights_of
from stamps.errors import SignatureMismatch
from stamps.payload import recover

# What the typed events leave out: line hashes of hand-offs, and the delivery keys that were shown.
READ_AGAIN = ("HandedOff", "HandOffForced", "Delivered", "Reported")


class Refuted(Conflict):
    """The bundle says what the chain or its own signatures do not."""

    title = "Refuted"


@dataclass(frozen=True, slots=True)
class Trail:
    """Records that hold together: every signature by a key that had the right to sign."""

    entries: tuple[Entry, ...]
    state: TrailState
    rights: tuple[KeyRight, ...]
    signatures: int

    @property
    def acceptance(self) -> Acceptance:
        body = self.entries[0].body
        assert isinstance(body, Acceptance)
        return body

    @property
    def signers(self) -> frozenset[int]:
        """The custodians that signed or received."""
        return frozenset(number for entry in self.entries for number in _parties(entry))


@dataclass(frozen=True, slots=True)
class Signature:
    """Who had to sign what: a custodian at a time, or (custodian 0) the one key that was named."""

    digest: bytes
    given: bytes
    custodian: int
    time: int
    key: bytes = b""


class Reader:
    """Reads trails of one deployment."""

    def __init__(self, contracts: Contracts) -> None:
        self._contracts = contracts
        self._decoder = Decoder(contracts)
        events = (e for e in committed_abi("CustodyLedger") if e["type"] == "event")
        readers = [EventReader(event) for event in events if event["name"] in READ_AGAIN]
        self._readers = {reader.topic: reader for reader in readers}

    def read(self, logs: Iterable[RawLog], times: Mapping[int, int], item: bytes) -> Trail:
        """The trail of an item, checked record by record. `times` gives each block's time.

        Raises Refuted, with the values that differ.
        """
        ordered = sorted(logs, key=place_of)
        events = list(self._events(ordered, times))
        details = self._details(ordered)
        entries: list[Entry] = []
        state, count = None, 0
        for entry in self._numbered(events, item):
            for signature in self._signatures(entry, details, entries):
                _check_signature(entry, signature, events)
                count += 1
            entries.append(entry)
            state = apply(state, entry)
        if state is None:
            raise Refuted("There is no record of the item in it.")
        return Trail(tuple(entries), state, rights_of(events), count)

    def _events(self, logs: Sequence[RawLog], times: Mapping[int, int]) -> Iterator[Event]:
        for event in self._decoder.decode(logs, times):
            if isinstance(event, Unreadable):
                where = f"Log {event.place.log_index} of block {event.place.block}"
                raise Refuted(f"{where} cannot be read: {event.reason}.")
            yield event

    def _numbered(self, events: Iterable[Event], item: bytes) -> Iterator[Entry]:
        """The item's records in their order, without gaps (C6)."""
        found = [e for e in events if isinstance(e, Entry) and e.item == item]
        custody_number = 0
        for due, entry in enumerate(sorted(found, key=lambda e: e.record), start=1):
            if entry.record != due or (due == 1) != isinstance(entry.body, Acceptance):
                raise Refuted(f"Record {due} is missing; record {entry.record} follows.")
            if isinstance(entry.body, Report):  # it bears no custody number (CE2)
                entry = replace(entry, number=custody_number)
            custody_number = entry.number
            yield entry

    def _details(self, logs: Iterable[RawLog]) -> dict[tuple[bytes, bytes], dict[str, Any]]:
        """Arguments of the logs that are read again, by transaction and digest."""
        found = {}
        for log in logs:
            reader = self._readers.get(log.topics[0]) if log.topics else None
            if reader is not None and log.address == self._contracts.ledger.contract:
                arguments = reader.read(log.topics, log.data)
                found[log.transaction_hash, arguments["digest"]] = arguments
        return found

    def _signatures(
        self,
        entry: Entry,
        details: Mapping[tuple[bytes, bytes], Mapping[str, Any]],
        before: Sequence[Entry],
    ) -> list[Signature]:
        body = entry.body
        if isinstance(body, HandedOff):
            return self._hand_off(entry, body, details[entry.place.transaction, entry.digest])
        assert isinstance(body, Signed)  # of receptacles nothing is gathered yet (gather.py)
        _check_equal(entry, "digest", body.digest(self._contracts.ledger), entry.digest)
        if isinstance(body, Acceptance):
            of = operator_of_custodian(body.custodian)
            _check_equal(entry, "item", item_id(of, body.commitment), entry.item)
        if isinstance(body, Delivery):
            self._check_named(entry, body.recipient, details, before)
            by_key = Signature(entry.digest, entry.signatures[1], 0, body.time, body.recipient)
            return [Signature(entry.digest, entry.signatures[0], body.giver, body.time), by_key]
        if isinstance(body, Report):
            if body.reporter == 0:
                key = details[entry.place.transaction, entry.digest]["keys"].recipient
                self._check_named(entry, key, details, before)
                return [Signature(entry.digest, entry.signatures[0], 0, body.time, key)]
            return [Signature(entry.digest, entry.signatures[0], body.reporter, body.time)]
        return [Signature(entry.digest, entry.signatures[0], body.custodian, body.time)]

    def _hand_off(
        self, entry: Entry, body: HandedOff, details: Mapping[str, Any]
    ) -> list[Signature]:
        """C2: the receipt covers the release, the release the line, and the line this item."""
        receipt, lines = details["receipt"], details["lines"]
        line = Line(entry.item, entry.number - 1, body.given, body.evidence_given)
        if entry.line >= len(lines) or not receipt.has(entry.line):
            raise Refuted(f"Record {entry.record}: line {entry.line} was not received.")
        _check_equal(entry, "line", line.struct_hash(), lines[entry.line])
        release = _release_digest(details, self._contracts.ledger.separator, bool(body.forced_by))
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

    def _check_named(
        self,
        entry: Entry,
        key: bytes,
        details: Mapping[tuple[bytes, bytes], Mapping[str, Any]],
        before: Sequence[Entry],
    ) -> None:
        """C1, C4: the key is one that acceptance named, never the zero address."""
        keys = details[entry.place.transaction, entry.digest]["keys"]
        acceptance = before[0].body if before else None
        named = acceptance.keys if isinstance(acceptance, Acceptance) else b""
        _check_equal(entry, "keys", hidden_keys(keys.recipient, keys.sender, keys.salt), named)
        if key not in (keys.recipient, keys.sender) or not any(key):
            raise Refuted(f"Record {entry.record}: acceptance did not name the key {_hex(key)}.")


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


def _check_signature(entry: Entry, signature: Signature, events: Sequence[Event]) -> None:
    key, who = signature.key, f"the key {_hex(signature.key)}"
    if signature.custodian:
        who = f"custodian {custodian_text(signature.custodian)}"
        place = entry.place.block, entry.place.log_index
        right = right_at(events, signature.custodian, signature.time, place)
        if right is None:
            raise Refuted(f"Record {entry.record}: {who} had no right to sign at {signature.time}.")
        key = right.key
        if right.kind != SECP256K1:
            if not is_signed_by(right.kind, key, signature.digest, signature.given):
                raise Refuted(
                    f"Record {entry.record}: {who} did not sign it with its device's key."
                )
            return
    try:
        found = recover(signature.digest, signature.given)
    except SignatureMismatch as error:
        raise Refuted(f"Record {entry.record}: the signature of {who}: {error}.") from None
    if found != key:
        raise Refuted(
            f"Record {entry.record}: {who} signs with {_hex(key)}, this signature is by {_hex(found)}."
        )


def _parties(entry: Entry) -> tuple[int, ...]:
    body = entry.body
    if isinstance(body, HandedOff):
        return body.giver, body.receiver
    if isinstance(body, Delivery):
        return (body.giver,)
    who = body.reporter if isinstance(body, Report) else body.custodian
    return (who,) if who else ()


def _hex(raw: bytes) -> str:
    return "0x" + raw.hex()
