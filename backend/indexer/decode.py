"""Raw logs -> typed events. What cannot be read becomes Unreadable, never nothing (design.md B4).

Some facts are told by several logs of one transaction, which are joined here: the lines of a hand-off
(CE4), the stamps of a franking (CE8) and of a cancellation (SE4).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import groupby
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any, ClassVar

from backend.domain.trail import Body, Entry, HandedOff, Missing, Packed, Place
from backend.domain.typed_data import Issue, SigningDomain, Void
from backend.indexer import events
from backend.indexer.abi import AbiMismatch, EventReader, NotReadable, snake
from backend.indexer.events import Event, StampUsed, Unreadable
from backend.indexer.node import Log

Abi = list[dict[str, Any]]
Arguments = dict[str, Any]

ABI_FOLDER = Path(__file__).parent.parent / "chain" / "abi"
FRANKING = 0
_OF_LINE = itemgetter("conditionGiven", "conditionFound", "evidenceGiven", "evidenceFound")
# Events whose arguments, in order, are the fields of a class of the same name.
PLAIN: dict[str, Callable[..., Event]] = {
    event.__name__: event
    for event in (
        events.OperatorAdmitted,
        events.OperatorSuspended,
        events.OperatorReinstated,
        events.AdminChanged,
        events.SubmitterAdded,
        events.SubmitterRemoved,
        events.StampSignerAdded,
        events.StampSignerRevoked,
        events.CustodianEnrolled,
        events.RightGranted,
        events.KeyCompromised,
        events.CustodianSuspended,
        events.CustodianReinstated,
        events.EditionCreated,
        events.EditionWithdrawn,
        events.ClaimsClosed,
        events.ClaimRootReplaced,
    )
}
# Argument names that Python or our Place has taken.
RENAMED = {"from": "from_time", "until": "until_time", "place": "facility"}
# They change nothing that the model keeps: roles on offer, approvals, refused stamps (G1), and what another
# event tells as well: a stay is folded at the opening (CE10).
WITHOUT_MEANING = frozenset(
    "GovernorOffered GovernorChanged AdminOffered StampRefused Stayed "
    "Approval ApprovalForAll ConsecutiveTransfer EIP712DomainChanged".split()
)


@dataclass(frozen=True, slots=True)
class Contracts:
    """The three contracts; the domains of two of them name records and bind signatures."""

    network: bytes
    ledger: SigningDomain
    stamps: SigningDomain

    @property
    def addresses(self) -> tuple[bytes, bytes, bytes]:
        return self.network, self.ledger.contract, self.stamps.contract


def committed_abi(contract: str) -> Abi:
    """The ABI that `scripts/export_abi.py` wrote."""
    abi: Abi = json.loads((ABI_FOLDER / f"{contract}.json").read_text())["abi"]
    return abi


class Decoder:
    """Reads the logs of one deployment."""

    def __init__(self, contracts: Contracts, abi_of: Callable[[str], Abi] = committed_abi) -> None:
        """Raises AbiMismatch where the contracts emit what this version does not know."""
        self.contracts = contracts
        names = ("PostalNetwork", "CustodyLedger", "CryptoStamp")
        self._readers = {
            address: _readers(abi_of(name))
            for name, address in zip(names, contracts.addresses, strict=True)
        }

    def decode(self, logs: Iterable[Log], times: Mapping[int, int]) -> list[Event]:
        """The events of logs in the order of the chain; `times` gives each block's time."""
        transactions = groupby(logs, key=attrgetter("block_hash", "transaction_hash"))
        return [event for _, ours in transactions for event in self._of_transaction(ours, times)]

    def _of_transaction(self, logs: Iterable[Log], times: Mapping[int, int]) -> Iterator[Event]:
        transaction = _Transaction(self.contracts)
        for log in logs:
            place = Place(
                log.block_number,
                log.block_hash,
                times[log.block_number],
                log.transaction_hash,
                log.log_index,
            )
            try:
                yield from transaction.events(place, *self._read(log))
            except NotReadable as error:
                yield Unreadable(place, str(error))
        yield from transaction.left_over()

    def _read(self, log: Log) -> tuple[str, Arguments]:
        """Name and arguments of the event. Raises NotReadable."""
        readers = self._readers.get(log.address)
        if readers is None:
            raise NotReadable(f"a log of the foreign contract 0x{log.address.hex()}")
        reader = readers.get(log.topics[0]) if log.topics else None
        if reader is None:
            first = "0x" + log.topics[0].hex() if log.topics else "none"
            raise NotReadable(f"an unknown event, topic {first}")
        known = reader.name not in WITHOUT_MEANING
        return reader.name, reader.read(log.topics, log.data) if known else {}


def _readers(abi: Abi) -> dict[bytes, EventReader]:
    readers = [EventReader(entry) for entry in abi if entry["type"] == "event"]
    for reader in readers:
        known = reader.name in WITHOUT_MEANING or reader.name in _Transaction.JOINED
        if not known and not _is_plain(reader):
            arguments = ", ".join(reader.arguments)
            raise AbiMismatch(f"the event {reader.name}({arguments}) is unknown to this version")
        if reader.name not in WITHOUT_MEANING:
            reader.data  # noqa: B018 -- raises where its structs are unknown
    return {reader.topic: reader for reader in readers}


def _is_plain(reader: EventReader) -> bool:
    event: Any = PLAIN.get(reader.name)
    names = [RENAMED.get(name, snake(name)) for name in reader.arguments]
    return event is not None and ["place", *names] == [field.name for field in fields(event)]


class _Transaction:
    """The logs of one transaction, in order: those that wait for the log that completes them."""

    def __init__(self, contracts: Contracts) -> None:
        self._contracts = contracts
        # Lines by their hand-off's digest, stamps by their item or by their cancellation's digest.
        self._waiting: dict[tuple[str, bytes], list[tuple[Place, Arguments]]] = {}

    def events(self, place: Place, name: str, arguments: Arguments) -> Iterator[Event]:
        """What the log completes or says by itself. Raises NotReadable."""
        if name in WITHOUT_MEANING:
            return
        joined = self.JOINED.get(name)
        if joined is not None:
            yield from joined(self, place, arguments)
        else:
            names = {RENAMED.get(name, snake(name)): value for name, value in arguments.items()}
            yield PLAIN[name](place=place, **names)

    def left_over(self) -> Iterator[Unreadable]:
        """Logs whose completion never came: a broken promise of the contracts."""
        for (name, _), waiting in self._waiting.items():
            if name == "LineRefused":  # of a hand-off, or of a record that was refused whole (CE6)
                continue
            for place, _ in waiting:
                yield Unreadable(place, f"{name} without the event that must follow it")

    def _wait(self, name: str, key: bytes, place: Place, arguments: Arguments) -> None:
        self._waiting.setdefault((name, key), []).append((place, arguments))

    def _waited(self, name: str, key: bytes) -> list[tuple[Place, Arguments]]:
        return self._waiting.pop((name, key), [])

    # --- CustodyLedger ------------------------------------------------------------------------------
    def _accepted(self, place: Place, a: Arguments) -> Iterator[Event]:
        acceptance = a["acceptance"]
        franked = self._waited("Franked", a["item"])
        if tuple(stamp["stamp"] for _, stamp in franked) != acceptance.stamps:
            yield Unreadable(place, f"Accepted with {len(franked)} other stamps franked (CE8)")
        for where, use in franked:
            yield StampUsed(
                where, use["stamp"], use["custodian"], use["time"], FRANKING, a["item"], a["digest"]
            )
        yield _entry(place, a, acceptance, (a["signature"],), record=1, number=1)

    def _item_handed_off(self, place: Place, a: Arguments) -> Iterator[Event]:
        self._wait("ItemHandedOff", a["digest"], place, a)
        return iter(())

    def _handed_off(self, _: Place, a: Arguments) -> Iterator[Event]:
        lines = self._waited("ItemHandedOff", a["digest"])
        if not lines:
            raise NotReadable("HandedOff without a line (CE4)")
        # C9: of a forced one the giver has signed nothing; `by` stood in for it.
        forced = "by" in a
        given = () if forced else (a["giverSignature"],)
        signatures = (*given, a["receiverSignature"])
        # Most lines of a list say the same: one body for them is made, folded and written faster.
        bodies: dict[tuple[Any, ...], HandedOff] = {}
        for where, line in lines:
            of_line = _OF_LINE(line)
            body = bodies.get(of_line)
            if body is None:
                body = bodies[of_line] = HandedOff(
                    a["giver"],
                    a["receiver"],
                    a["released"],
                    a["receipt"].time,
                    a["released"] if forced else a["deadline"],
                    line["conditionGiven"],
                    line["conditionFound"],
                    line["evidenceGiven"],
                    line["evidenceFound"],
                    a["by"] if forced else b"",
                    a["reason"] if forced else 0,
                )
            yield _entry(where, line, body, signatures, line=line["line"])

    def _line_refused(self, place: Place, a: Arguments) -> Iterator[Event]:
        self._wait("LineRefused", a["digest"], place, a)
        return iter(())

    def _refused(self, _: Place, a: Arguments) -> Iterator[Event]:
        """CE6: what was refused whole has told of its lines; the same record may still come in this transaction."""
        self._waited("LineRefused", a["digest"])
        return iter(())

    def _packed(self, place: Place, a: Arguments) -> Iterator[Event]:
        """CE9: what was packed is the list less the lines that were refused."""
        refused = tuple(line["line"] for _, line in self._waited("LineRefused", a["digest"]))
        body = Packed(a["packing"], a["receptacle"], refused)
        yield _entry(place, a, body, (a["signature"],))

    def _closed(self, place: Place, a: Arguments) -> Iterator[Event]:
        yield _entry(place, a, a["closing"], (a["signature"],))

    def _item_missing(self, place: Place, a: Arguments) -> Iterator[Event]:
        self._wait("ItemMissing", a["digest"], place, a)
        return iter(())

    def _opened(self, place: Place, a: Arguments) -> Iterator[Event]:
        """CE10: the missing stand before it in the logs, and after it in the story."""
        self._waited("LineRefused", a["digest"])
        opening = a["opening"]
        yield _entry(place, a, opening, (a["signature"],))
        for where, lost in self._waited("ItemMissing", a["digest"]):
            body = Missing(a["item"], lost["custodian"], opening.custodian, opening.time)
            yield _entry(where, lost, body, (), line=lost["line"])

    def _equivocated(self, place: Place, a: Arguments) -> Iterator[Event]:
        """C10: told apart from the trail, for it is no record of it."""
        yield events.Equivocated(place, a["item"], a["giver"], a["number"], a["first"], a["second"])

    def _delivered(self, place: Place, a: Arguments) -> Iterator[Event]:
        signatures = (a["giverSignature"], a["recipientSignature"])
        yield _entry(place, a, a["delivery"], signatures)

    def _ended(self, place: Place, a: Arguments) -> Iterator[Event]:
        yield _entry(place, a, a["end"], (a["signature"],))

    def _taken_up(self, place: Place, a: Arguments) -> Iterator[Event]:
        yield _entry(place, a, a["takeUp"], (a["signature"],))

    def _recalled(self, place: Place, a: Arguments) -> Iterator[Event]:
        yield _entry(place, a, a["recall"], (a["signature"],))

    def _reported(self, place: Place, a: Arguments) -> Iterator[Event]:
        """A report leaves the custody number as it is; the fold fills it in (C3)."""
        yield _entry(place, a, a["report"], (a["signature"],), number=0)

    # --- CryptoStamp --------------------------------------------------------------------------------
    def _franked(self, place: Place, a: Arguments) -> Iterator[Event]:
        self._wait("Franked", a["item"], place, a)
        return iter(())

    def _stamp_cancelled(self, place: Place, a: Arguments) -> Iterator[Event]:
        self._wait("StampCancelled", a["digest"], place, a)
        return iter(())

    def _cancelled(self, _: Place, a: Arguments) -> Iterator[Event]:
        stamps = self._waited("StampCancelled", a["digest"])
        if not stamps:
            raise NotReadable("Cancelled without a stamp (SE4)")
        for where, use in stamps:
            yield StampUsed(
                where,
                use["stamp"],
                use["custodian"],
                use["time"],
                use["kind"],
                a["cancel"].item,
                a["digest"],
            )

    def _issued(self, place: Place, a: Arguments) -> Iterator[Event]:
        issue = Issue(a["edition"], a["first"], a["last"], a["custodian"])
        yield events.StampsIssued(place, issue.digest(self._contracts.stamps), issue)

    def _voided(self, place: Place, a: Arguments) -> Iterator[Event]:
        void = Void(a["edition"], a["first"], a["last"], a["reason"])
        yield events.StampsVoided(place, void.digest(self._contracts.stamps), void)

    def _claimed(self, place: Place, a: Arguments) -> Iterator[Event]:
        yield events.TwinClaimed(place, a["digest"], a["claim"])

    def _transfer(self, place: Place, a: Arguments) -> Iterator[Event]:
        """SE3: the transfer out of the contract's keeping is told by Claimed."""
        if a["from"] != self._contracts.stamps.contract:
            yield events.TwinMoved(place, a["tokenId"], a["from"], a["to"])

    def _original_shown(self, place: Place, a: Arguments) -> Iterator[Event]:
        yield events.OriginalShown(place, a["digest"], a["original"])

    JOINED: ClassVar[dict[str, Callable[[_Transaction, Place, Arguments], Iterator[Event]]]] = {
        "Accepted": _accepted,
        "ItemHandedOff": _item_handed_off,
        "HandedOff": _handed_off,
        "HandOffForced": _handed_off,
        "LineRefused": _line_refused,
        "Refused": _refused,
        "Equivocated": _equivocated,
        "Packed": _packed,
        "Closed": _closed,
        "ItemMissing": _item_missing,
        "Opened": _opened,
        "Delivered": _delivered,
        "Ended": _ended,
        "TakenUp": _taken_up,
        "Recalled": _recalled,
        "Reported": _reported,
        "Franked": _franked,
        "StampCancelled": _stamp_cancelled,
        "Cancelled": _cancelled,
        "Issued": _issued,
        "Voided": _voided,
        "Claimed": _claimed,
        "Transfer": _transfer,
        "OriginalShown": _original_shown,
    }


def _entry(
    place: Place,
    a: Arguments,
    body: Body,
    signatures: tuple[bytes, ...],
    *,
    record: int | None = None,
    number: int | None = None,
    line: int = 0,
) -> Entry:
    return Entry(
        item=a["item"],
        record=a["record"] if record is None else record,
        number=a["number"] if number is None else number,
        digest=a["digest"],
        line=line,
        body=body,
        signatures=signatures,
        place=place,
    )
