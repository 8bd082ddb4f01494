"""In words: what a device is asked to sign, so that a person sees it before the fingerprint."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from backend.domain import codes, ids
from backend.queries import releases
from backend.queries.network import named
from backend.queries.submissions import numbers_of
from backend.queries.words import items_text


def what_is_signed(db: Connection, type_: str, record: dict[str, Any], now: int) -> str:
    """One sentence about a record as domain/wire.py writes it; `type_` is its EIP-712 type."""
    struct = type_.partition("(")[0]
    match struct:
        case "Release":
            to = named(db, [record["receiver"]])[record["receiver"]].name
            return f"Hand over {items_text(len(record['lines']))} to {to}."
        case "Receipt":
            return _receipt(db, record, now)
        case "Packing":
            return (
                f"Pack {items_text(len(record['items']))} into {_item(db, record['receptacle'])}."
            )
        case "Closing":
            return f"Close {_item(db, record['receptacle'])} with {items_text(record['count'])}."
        case "Opening":
            missing = len(record["missing"])
            gone = f", {items_text(missing)} missing" if missing else ""
            return f"Open {_item(db, record['receptacle'])}{gone}."
        case "End":
            return f"{_item(db, record['item'])}: {codes.MODES.text(record['mode'])}."
        case "Report":
            return f"Report of {_item(db, record['item'])}: {codes.REPORTS.text(record['code'])}."
        case "Cancel":
            return f"Cancel {', '.join(map(ids.stamp_text, record['stamps']))}."
        case "Acceptance":
            stamps = f" with {len(record['stamps'])} stamps" if record["stamps"] else ""
            return f"Accept an item{stamps}."
        case _:
            words = {"TakeUp": "Take up", "Recall": "Take back all offers of"}
            return f"{words.get(struct, struct)} {_item(db, record['item'])}."


def _receipt(db: Connection, record: dict[str, Any], now: int) -> str:
    found = releases.one(db, bytes.fromhex(record["release"][2:]), now)
    received = sum(int(word, 16).bit_count() for word in record["received"])
    left = len(found.lines) - received
    reserved = len(record["findings"])
    return (
        f"Take over {items_text(received)} from {found.giver.name}"
        + (f", {left} not there" if left else "")
        + (f", {reserved} in another condition than given" if reserved else "")
        + "."
    )


def _item(db: Connection, hexed: str) -> str:
    item = bytes.fromhex(hexed[2:])
    return numbers_of(db, {item}).get(item, f"item {hexed[:10]}…")
