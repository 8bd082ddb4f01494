"""Raw logs -> events: golden logs of a real chain, and everything that a log can lack."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode
from eth_abi.exceptions import DecodingError
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.keccak import keccak256
from backend.domain.trail import Entry, HandedOff, Missing, Packed
from backend.domain.typed_data import ZERO32, Receipt, SigningDomain
from backend.indexer.abi import AbiMismatch, EventReader, NotReadable, text
from backend.indexer.decode import WITHOUT_MEANING, Abi, Contracts, Decoder, committed_abi
from backend.indexer.events import (
    Event,
    RawLog,
    StampsIssued,
    StampsVoided,
    StampUsed,
    TwinClaimed,
    Unreadable,
)
from backend.indexer.layout import is_word
from backend.keystore import recover_address

GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "logs.json").read_text()
)
NAMES = ("PostalNetwork", "CustodyLedger", "CryptoStamp")


def unhex(value: str) -> bytes:
    return bytes.fromhex(value.removeprefix("0x"))


def contracts() -> Contracts:
    network, ledger, stamps = (unhex(GOLDEN["contracts"][name]) for name in NAMES)
    chain_id = GOLDEN["chain_id"]
    return Contracts(
        network,
        SigningDomain("CustodyLedger", chain_id, ledger),
        SigningDomain("CryptoStamp", chain_id, stamps),
    )


def golden_logs() -> list[RawLog]:
    return [
        RawLog(
            block_hash=keccak256(b"block %d" % one["block"]),
            log_index=one["index"],
            block_number=one["block"],
            transaction_hash=keccak256(b"transaction %d" % one["transaction"]),
            address=unhex(one["address"]),
            topics=tuple(unhex(topic) for topic in one["topics"]),
            data=unhex(one["data"]),
        )
        for one in GOLDEN["logs"]
    ]


TIMES = {int(number): time for number, time in GOLDEN["block_times"].items()}
DECODER = Decoder(contracts())


def decode(*logs: RawLog) -> list[Event]:
    return DECODER.decode(logs, TIMES)


def named(name: str) -> RawLog:
    """The first golden log of an event."""
    return next(log for log in golden_logs() if log.topics[0] == topic(name))


def topic(name: str) -> bytes:
    return next(r.topic for r in all_readers() if r.name == name)


def all_readers() -> list[EventReader]:
    abis = [committed_abi(name) for name in NAMES]
    return [EventReader(one) for abi in abis for one in abi if one["type"] == "event"]


def as_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if hasattr(value, "_asdict"):
        return {name: as_json(one) for name, one in value._asdict().items()}
    if isinstance(value, tuple):
        return [as_json(one) for one in value]
    if is_dataclass(value):
        return {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
    return value


# --- golden logs ------------------------------------------------------------------------------------
def test_golden_logs_give_the_golden_events() -> None:
    found = [
        {
            "event": type(event).__name__,
            "block": event.place.block,
            "index": event.place.log_index,
        }
        | {name: value for name, value in as_json(event).items() if name != "place"}
        for event in decode(*golden_logs())
    ]
    assert found == GOLDEN["events"]


def test_what_an_event_carries_is_what_was_signed() -> None:
    """CE3, SE7: the struct gives the digest in the log, and the digest of a claim its key's address."""
    events = decode(*golden_logs())
    unsigned = HandedOff | Packed | Missing
    records = [e for e in events if isinstance(e, Entry) and not isinstance(e.body, unsigned)]
    assert {event.kind for event in records} == {
        "acceptance",
        "closing",
        "opening",
        "delivery",
        "end",
        "take_up",
        "recall",
        "report",
    }
    domains = contracts()
    for event in records:
        assert event.digest == event.body.digest(domains.ledger)  # type: ignore[union-attr]
    for event in (e for e in events if isinstance(e, Entry) and isinstance(e.body, Packed)):
        assert event.digest == event.body.packing.digest(domains.ledger)  # type: ignore[union-attr]
    for claimed in (event for event in events if isinstance(event, TwinClaimed)):
        assert claimed.digest == claimed.claim.digest(domains.stamps)
    for sold in (e for e in events if isinstance(e, StampsIssued | StampsVoided)):
        assert sold.digest == sold.range.digest(domains.stamps)


def test_a_hand_off_has_the_signatures_of_giver_and_receiver_in_this_order() -> None:
    """CE4: the receiver's is over the digest of the record; those of devices are looked at in tests of proofs."""
    granted = [e for e in GOLDEN["events"] if e["event"] == "RightGranted"]
    rights = {e["custodian"]: e["key"] for e in granted if e["kind"] == 1}
    hand_offs = [
        event
        for event in decode(*golden_logs())
        if isinstance(event, Entry) and isinstance(event.body, HandedOff)
        if event.body.receiver in rights
    ]
    assert len(hand_offs) == 13
    for event in hand_offs:
        assert isinstance(event.body, HandedOff)
        *by_giver, by_receiver = event.signatures
        assert len(by_giver) == (0 if event.body.forced_by else 1), "C9"
        assert recover_address(event.digest, by_receiver) == unhex(rights[event.body.receiver])


def test_every_event_of_the_contracts_is_in_the_golden_logs_or_without_meaning() -> None:
    """A new event is decided upon, not forgotten. Reinstating and the admin's change are below."""
    seen = {log.topics[0] for log in golden_logs()}
    missing = {r.name for r in all_readers() if r.topic not in seen} - WITHOUT_MEANING
    assert missing == {"OperatorReinstated", "CustodianReinstated", "AdminChanged"}


def test_reinstating_and_a_change_of_admin() -> None:
    number, admin = (7).to_bytes(32, "big"), b"a" * 20
    logs = [
        named("OperatorSuspended")._replace(topics=(topic("OperatorReinstated"), number)),
        named("CustodianSuspended")._replace(topics=(topic("CustodianReinstated"), number)),
        named("OperatorSuspended")._replace(
            topics=(topic("AdminChanged"), number, admin.rjust(32, b"\0"))
        ),
    ]
    found = [as_json(event) for event in decode(*logs)]
    assert [event.get("operator") or event["custodian"] for event in found] == [7, 7, 7]
    assert found[2]["admin"] == as_json(admin)


def test_events_are_read_however_the_logs_are_cut_at_transactions() -> None:
    one_by_one = [event for log in golden_logs() for event in decode(log) if log.topics]
    complete = decode(*golden_logs())
    whole = [e for e in one_by_one if not isinstance(e, Unreadable)]
    joined = [e for e in complete if isinstance(e, StampUsed) or _is_joined(e) or _is_hand_off(e)]
    assert [e for e in complete if e not in joined] == [e for e in whole if not _is_joined(e)]


def _is_hand_off(event: Event) -> bool:
    return isinstance(event, Entry) and isinstance(event.body, HandedOff)


def _is_joined(event: Event) -> bool:
    """Told by more than one log: a franked acceptance, a packing with what it refused, what is missing."""
    body = event.body if isinstance(event, Entry) else None
    return isinstance(body, Packed | Missing) or bool(getattr(body, "stamps", ()))


# --- what cannot be read ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda log: log._replace(address=b"x" * 20), "foreign contract 0x7878"),
        (lambda log: log._replace(topics=()), "an unknown event, topic none"),
        (lambda log: log._replace(topics=(b"t" * 32, *log.topics[1:])), "an unknown event"),
        (lambda log: log._replace(topics=log.topics[:-1]), "Accepted: 64 bytes where 3 words"),
        (lambda log: log._replace(data=b""), "Accepted: "),
        (lambda log: log._replace(data=log.data[:-32]), "Accepted: "),
        (lambda log: log._replace(data=b"\xff" * len(log.data)), "Accepted: "),
        (
            lambda log: log._replace(topics=(*log.topics[:3], b"\xff" * 32)),
            "holds more than its type",
        ),
    ],
)
def test_a_log_that_cannot_be_read_is_named_with_its_reason(
    change: Callable[[RawLog], RawLog], reason: str
) -> None:
    """Never skipped: the quarantine says where it is and why."""
    log = named("Accepted")
    (event,) = decode(change(log))
    assert isinstance(event, Unreadable)
    assert reason in event.reason
    assert (event.place.block, event.place.log_index) == (log.block_number, log.log_index)


def test_an_unreadable_log_takes_nothing_else_with_it() -> None:
    logs = golden_logs()
    middle = len(logs) // 2
    logs[middle] = logs[middle]._replace(data=b"\x01", topics=(b"t" * 32,))
    events = decode(*logs)
    assert [type(event) for event in events].count(Unreadable) == 1
    assert len(events) >= len(GOLDEN["events"]) - 1


def test_lines_without_their_hand_off_are_told() -> None:
    """CE4 broken; in another transaction the same digest does not help."""
    line, hand_off = named("ItemHandedOff"), named("HandedOff")
    (told,) = decode(line)
    assert isinstance(told, Unreadable)
    assert "ItemHandedOff without the event that must follow" in told.reason
    elsewhere = hand_off._replace(transaction_hash=b"o" * 32)
    assert [type(event) for event in decode(line, elsewhere)] == [Unreadable, Unreadable]


def test_stamps_without_their_record_are_told_and_so_is_a_record_without_its_stamps() -> None:
    """CE8, SE4."""
    for name in ("Franked", "StampCancelled", "Cancelled"):
        (told,) = decode(named(name))
        assert isinstance(told, Unreadable)
    told, entry = decode(named("Accepted"))
    assert isinstance(told, Unreadable)
    assert isinstance(entry, Entry)


def test_an_abi_that_this_version_does_not_know_is_refused_at_once() -> None:
    """Before a log is read: a new event, and a known one with another argument."""

    def abi_with(entry: dict[str, Any]) -> Callable[[str], Abi]:
        return lambda name: [*committed_abi(name), entry]

    word = {"name": "operator", "type": "uint16", "indexed": True}
    more = {"name": "why", "type": "uint16", "indexed": False}
    for name, inputs in (("OperatorRenamed", [word]), ("OperatorSuspended", [word, more])):
        entry = {"type": "event", "name": name, "inputs": inputs}
        with pytest.raises(AbiMismatch, match=name):
            Decoder(contracts(), abi_with(entry))


# --- single arguments -------------------------------------------------------------------------------
def event(*inputs: tuple[str, str]) -> EventReader:
    return EventReader(
        {
            "name": "Event",
            "inputs": [{"name": n, "type": kind, "indexed": False} for n, kind in inputs],
        }
    )


def test_words_and_encoded_arguments_are_read_alike() -> None:
    """Two readers, of speed and of generality: they must not differ."""
    kinds = ["uint16", "uint40", "uint64", "uint256", "bytes32", "address", "bytes12"]
    values = [1, 2**40 - 1, 2**64 - 1, 2**256 - 1, b"b" * 32, "0x" + "ab" * 20, b"ARK1"]
    named_kinds = list(zip("abcdefg", kinds, strict=True))
    in_words = event(*named_kinds).read((b"t",), encode(kinds, values))
    encoded = event(*named_kinds, ("h", "bytes")).read(
        (b"t",), encode([*kinds, "bytes"], [*values, b""])
    )
    assert in_words | {"h": b""} == encoded
    assert (in_words["f"], in_words["g"]) == (b"\xab" * 20, "ARK1")


KINDS = st.recursive(
    st.sampled_from(["uint8", "uint40", "uint64", "uint256", "bytes32", "bytes", "bool"]),
    lambda inner: inner.map(lambda kind: f"{kind}[]"),
    max_leaves=2,
)


@given(st.data(), st.lists(KINDS, min_size=1, max_size=4))
def test_arguments_are_read_as_eth_abi_reads_them(data: st.DataObject, kinds: list[str]) -> None:
    """Ours is only faster: what it decodes strictly we read alike, what it refuses we do not read."""
    values = [data.draw(abi_values(kind)) for kind in kinds]
    raw = encode(kinds, values)
    raw = data.draw(st.sampled_from([raw, raw[:-32], raw + bytes(32)]))
    at = data.draw(st.integers(0, max(0, len(raw) - 1)))
    if raw and data.draw(st.booleans()):
        raw = raw[:at] + bytes([raw[at] ^ data.draw(st.sampled_from([1, 32, 128]))]) + raw[at + 1 :]
    reader = event(*((f"a{n}", kind) for n, kind in enumerate(kinds)))
    try:
        theirs = list(abi_decode(kinds, raw))
    except (DecodingError, OverflowError):
        theirs = None
    try:
        ours = list(reader.read((b"t",), raw).values())
    except NotReadable:
        ours = None
    if ours is not None:
        assert ours == theirs
    elif theirs is not None:
        assert all(map(is_word, kinds))  # words must be all there is
        assert len(raw) != 32 * len(kinds)


def abi_values(kind: str) -> st.SearchStrategy[Any]:
    if kind.endswith("[]"):
        return st.lists(abi_values(kind[:-2]), max_size=3)
    if kind.startswith("uint"):
        return st.integers(0, 2 ** int(kind[4:]) - 1)
    if kind == "bool":
        return st.booleans()
    return st.binary(max_size=70) if kind == "bytes" else st.binary(min_size=32, max_size=32)


@pytest.mark.parametrize("kind", ["uint8", "uint40", "address"])
def test_a_word_that_holds_more_than_its_type_is_not_readable(kind: str) -> None:
    with pytest.raises(NotReadable, match="Event: "):
        event(("a", kind)).read((b"t",), b"\xff" * 32)


def test_a_struct_becomes_the_class_of_the_domain() -> None:
    finding = {"name": "findings", "type": "tuple[]", "internalType": "struct Finding[]"}
    finding |= {"components": [word("line"), word("condition"), word("evidence", "bytes32")]}
    receipt = {"name": "receipt", "type": "tuple", "internalType": "struct Receipt"}
    receipt |= {
        "components": [
            word("release", "bytes32"),
            word("time", "uint40"),
            word("received", "uint256[]"),
            finding,
        ],
        "indexed": False,
    }
    reader = EventReader({"name": "Event", "inputs": [receipt]})
    value = (ZERO32, 5, [1, 2], [(3, 4, b"e" * 32)])
    kind = "(bytes32,uint40,uint256[],(uint16,uint16,bytes32)[])"
    found = reader.read((b"t",), encode([kind], [value]))["receipt"]
    assert isinstance(found, Receipt)
    assert (found.received, found.findings[0].condition) == ((1, 2), 4)
    receipt["components"][0]["name"] = "freed"
    with pytest.raises(AbiMismatch, match="freed"):
        EventReader({"name": "Event", "inputs": [receipt]}).read((b"t",), b"")


def word(name: str, kind: str = "uint16") -> dict[str, Any]:
    return {"name": name, "type": kind, "internalType": kind}


@pytest.mark.parametrize(
    ("raw", "read"),
    [(b"EUR", "EUR"), (b"A\0\0", "A"), (b"", ""), (b"a\0b", "a\ufffdb"), (b"\xff", "\ufffd")],
)
def test_text_is_such_that_postgresql_takes_it(raw: bytes, read: str) -> None:
    assert text(raw) == read
