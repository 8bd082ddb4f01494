"""Writes what the pages' scripts are compared with, as Python has it.

    .venv/bin/python -m tests.e2e.script_vectors

tests/vectors/trails.json: the golden logs folded, with what a page would tell of them. The scripts must come to the
same heads. tests/vectors/delivery_keys.json: the key that a delivery code gives for one item (C1).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backend.domain.commitments import next_head, trail_code_text
from backend.domain.keccak import keccak256
from backend.domain.trail import Entry
from backend.domain.trails import Trails
from backend.domain.typed_data import Opening, SigningDomain
from backend.indexer.decode import Contracts, Decoder
from backend.indexer.events import RawLog
from backend.keystore import address_of, key_from
from backend.queries.carriers import CarrierAnswer
from backend.queries.network import CustodianAnswer
from backend.queries.trails import EntryAnswer, parties
from backend.usecases.deliver import delivery_key_seed
from backend.web.stories import carrier_story, record_story

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
CODE, TRAIL_CODE = "7CTX-W9S5-50EM-TD6S-JHX1-GDNX-Z5", bytes(range(16))


def written() -> dict[str, str]:
    """The files as they should be."""
    found = {"trails": trails(), "delivery_keys": delivery_keys()}
    return {f"{name}.json": json.dumps(value, indent=1) + "\n" for name, value in found.items()}


def delivery_keys() -> dict[str, str]:
    """A delivery code, the item's trail code, and key and address that follow."""
    key = delivery_key_seed(CODE, TRAIL_CODE)
    return {
        "code": CODE,
        "trail_code": trail_code_text(TRAIL_CODE),
        "key": "0x" + key.hex(),
        "address": "0x" + address_of(key_from(key)).hex(),
    }


def trails() -> dict[str, Any]:
    """For each item its head, holder, the story of each record, and the receptacles that it lay in."""
    book = Trails()
    entries: dict[bytes, list[Entry]] = {}
    for entry in _entries(json.loads((VECTORS / "logs.json").read_text())):
        for record in book.take(entry):
            entries.setdefault(record.item, []).append(record)
    return {"0x" + item.hex(): _trail(book, entries, item) for item in entries}


def _trail(book: Trails, entries: dict[bytes, list[Entry]], item: bytes) -> dict[str, Any]:
    state, opening = book.states[item], _until_opened(entries[item])
    return {
        "head": "0x" + state.head.hex(),
        "holder": state.holder,
        "number": state.receptacle,
        "head_at_opening": "0x" + _head(opening).hex() if state.opened else None,
        "receptacles": [carrier_story(one) for one in _carriers(book, entries, item)],
        "records": [record_story(_answer(entry)) for entry in entries[item]],
    }


def _head(entries: list[Entry]) -> bytes:
    head = bytes(32)
    for entry in entries:
        head = next_head(head, entry.digest, entry.line)
    return head


def _until_opened(entries: list[Entry]) -> list[Entry]:
    places = [place for place, entry in enumerate(entries) if isinstance(entry.body, Opening)]
    return entries[: places[0] + 1] if places else entries


def _carriers(
    book: Trails, entries: dict[bytes, list[Entry]], item: bytes
) -> Iterator[CarrierAnswer]:
    for number, inside in book.contents.items():
        if item in inside:
            (bag,) = (one for one, state in book.states.items() if state.receptacle == number)
            blocks = dict.fromkeys(e.place.block_hash for e in _until_opened(entries[bag]))
            yield CarrierAnswer(bag, number, tuple(blocks), label=None)
            yield from _carriers(book, entries, bag)


def _answer(entry: Entry) -> EntryAnswer:
    at, to = (_custodian(number) for number in parties(entry))
    return EntryAnswer(entry, at, to, None, None, "", (), "settled", {})


def _custodian(number: int) -> CustodianAnswer | None:
    return CustodianAnswer(number, number >> 24, "", 1, "", "", "", False) if number else None


def _entries(golden: dict[str, Any]) -> list[Entry]:
    network, ledger, stamps = (
        bytes.fromhex(golden["contracts"][name][2:])
        for name in ("PostalNetwork", "CustodyLedger", "CryptoStamp")
    )
    chain_id = golden["chain_id"]
    decoder = Decoder(
        Contracts(
            network,
            SigningDomain("CustodyLedger", chain_id, ledger),
            SigningDomain("CryptoStamp", chain_id, stamps),
        )
    )
    times = {int(number): time for number, time in golden["block_times"].items()}
    events = decoder.decode(map(_log, golden["logs"]), times)
    return [event for event in events if isinstance(event, Entry)]


def _log(one: dict[str, Any]) -> RawLog:
    def raw(text: str) -> bytes:
        return bytes.fromhex(text.removeprefix("0x"))

    return RawLog(
        block_hash=keccak256(b"block %d" % one["block"]),
        log_index=one["index"],
        block_number=one["block"],
        transaction_hash=keccak256(b"transaction %d" % one["transaction"]),
        address=raw(one["address"]),
        topics=tuple(raw(topic) for topic in one["topics"]),
        data=raw(one["data"]),
    )


if __name__ == "__main__":
    for name, text in written().items():
        (VECTORS / name).write_text(text)
