"""A custody trail as `posthorn trail` tells it: JSON, and lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backend.domain import codes
from backend.domain.ids import custodian_text
from backend.domain.trail import HandedOff
from backend.domain.typed_data import Report, TakeUp
from backend.queries.network import CustodianAnswer
from backend.queries.trails import EntryAnswer, KeyAnswer, TrailAnswer
from backend.queries.words import when

OPERATOR = codes.KEY_HOLDERS.number("operator")


def trail_json(answer: TrailAnswer) -> dict[str, Any]:
    return {
        "item": answer.item,
        "number": answer.number,
        "sentence": answer.sentence,
        "answerable": answer.answerable,
        "stamps": list(answer.stamps),
        "as_of_block": answer.as_of.block,
        "head": answer.state.head if answer.state else None,
        "records": [_record_json(one) for one in answer.entries],
        "carried": [one.text for one in answer.carried],
        "notices": [
            {"text": one.text, "block": one.block, "transaction": one.transaction}
            for one in answer.notices
        ],
        "pending": [{"digest": p.digest, "state": p.state} for p in answer.pending],
    }


def _record_json(one: EntryAnswer) -> dict[str, Any]:
    """Custodians, conditions and holders of keys are written as in the API; `given` is of hand-offs alone."""
    body = one.entry.body
    given, found = _conditions(one)
    return {
        "record": one.entry.record,
        "kind": one.entry.kind,
        "text": one.text,
        "at": _number(one.at),
        "to": _number(one.to),
        "event_time": one.entry.event_time,
        "record_time": one.entry.place.block_time,
        "block": one.entry.place.block,
        "transaction": one.entry.place.transaction,
        "digest": one.entry.digest,
        "given": codes.CONDITIONS.name(given) if given is not None else None,
        "found": codes.CONDITIONS.name(found) if found is not None else None,
        "corrects": (body.corrects or None) if isinstance(body, Report) else None,
        "key_holder": _key_holder(one.key),
        "receiver_key_holder": _key_holder(one.receiver_key),
        "flags": list(one.flags),
        "status": one.status,
        "seal": one.seal,
        "carried": [hop.text for hop in one.carried],
    }


def _conditions(one: EntryAnswer) -> tuple[int | None, int | None]:
    """As given, and as found by who took it over or up."""
    match one.entry.body:
        case HandedOff() as body:
            return body.given, body.found
        case TakeUp() as body:
            return None, body.condition
        case _:
            return None, None


def _number(who: CustodianAnswer | None) -> str | None:
    return custodian_text(who.number) if who else None


def _key_holder(key: KeyAnswer | None) -> str | None:
    return codes.KEY_HOLDERS.name(key.key_holder) if key else None


def trail_text(answer: TrailAnswer) -> str:
    lines = [
        f"{answer.number or '0x' + answer.item.hex()}: {answer.sentence}",
        answer.answerable,
        "",
        "Oldest first:",
    ]
    for one in answer.entries:
        seal = f" ({one.seal})" if one.seal else ""
        lines.append(f"{one.entry.record:>3}  {_line(one)}{seal}")
        lines += _carried_lines(one.carried)
    if answer.packed:
        lines.append(f"     {when(answer.packed.time)}  {answer.packed.text}")
        lines += _carried_lines(answer.carried)
    lines += [f"To be looked at: {notice.text}" for notice in answer.notices]
    if answer.pending:
        lines.append(f"{len(answer.pending)} more being recorded.")
    return "\n".join([*lines, "", f"As of block {answer.as_of.block}."])


def _line(one: EntryAnswer) -> str:
    flags = "; ".join(_flag_text(flag, one) for flag in one.flags)
    return f"{when(one.entry.event_time)}  {one.text}{f'  [{flags}]' if flags else ''}"


def _flag_text(flag: str, one: EntryAnswer) -> str:
    """What a flag stands for, with what it is about."""
    body = one.entry.body
    if flag == "late":
        return f"recorded at {when(one.entry.place.block_time)}"
    if flag == "corrects" and isinstance(body, Report):
        return f"corrects record {body.corrects}"
    if flag == "reservation":
        return f"reservation: {', '.join(_found_words(one))}"
    if flag == "key_of_operator" and isinstance(body, HandedOff):
        return f"key of operator: {_side(one)}"
    return flag.replace("_", " ")


def _found_words(one: EntryAnswer) -> Iterator[str]:
    for word, condition in zip(("given", "found"), _conditions(one), strict=True):
        if condition is not None:
            yield f"{word} {codes.CONDITIONS.text(condition)}"


def _side(one: EntryAnswer) -> str:
    """Of a hand-off: for whom its operator signed (N2)."""
    keys = {"giver": one.key, "receiver": one.receiver_key}
    held = [side for side, key in keys.items() if key and key.key_holder == OPERATOR]
    return held[0] if len(held) == 1 else "both"


def _carried_lines(hops: tuple[EntryAnswer, ...], indent: str = "       ") -> list[str]:
    """The moves of the receptacle that carried it, deeper ones further in (C7)."""
    lines = []
    for hop in hops:
        lines += [f"{indent}· {_line(hop)}"]
        lines += _carried_lines(hop.carried, indent + "  ")
    return lines
