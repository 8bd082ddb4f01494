"""Submissions: what users asked to be put on chain, how far it is, and in which words to say so (B2, B9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from backend.domain import codes, ids
from backend.domain.explanations import EXPLANATIONS
from backend.domain.refusals import Names, Refusal
from backend.errors import BadRequest, NotFound
from backend.queries import network
from backend.queries.network import bag_text
from backend.queries.paging import Page, decode_cursor, encode_cursor, rows_asked
from backend.queries.status import AsOf, as_of
from backend.queries.words import items_text
from backend.store.engine import straight
from backend.store.tables import person, submission

RECORDED = ("settled", "safe", "final")
STATES = ("pending", "held", "sent", *RECORDED, "rejected", "withdrawn", "expired")
WORDS = {
    "pending": "being recorded",
    "sent": "being recorded",
    "settled": "recorded",
    "safe": "recorded, most likely for good",
    "final": "recorded for good",
    "withdrawn": "withdrawn before it was sent",
    "expired": "its deadline passed before it was recorded",
}
NOTHING_HIDDEN: Mapping[bytes, str] = {}


@dataclass(frozen=True, slots=True)
class SubmissionAnswer:
    """`state`: pending, held, sent, settled, safe, final, rejected, withdrawn, expired. Times in seconds.

    `about` says what it is ("hand-off of 3 items to Hall"), `words` how far it is ("being recorded").
    `refusal` has name, detail, what_now where the chain or the judge refused it.
    """

    digest: bytes
    sequence: int
    kind: str
    state: str
    about: str
    words: str
    waits_for: str | None
    refusal: dict[str, Any] | None
    items: tuple[bytes, ...]
    custodian: int | None
    person: str | None
    device: str
    created_at: int
    changed_at: int
    block: int | None
    transaction: bytes | None
    payload: dict[str, Any]

    @property
    def event_time(self) -> int | None:
        """When it happened, as it was signed; None for sales and voids, which bear no time of their own."""
        body = self.payload.get("receipt") or self.payload.get(self.kind, {})
        time: int | None = body.get("time")
        return time

    @property
    def can_be_withdrawn(self) -> bool:
        """B8: what was not sent yet."""
        return self.state in ("pending", "held")

    @property
    def came_to_nothing(self) -> bool:
        """It will never be on chain."""
        return self.state in ("rejected", "withdrawn", "expired")


@dataclass(frozen=True, slots=True)
class UnderWay:
    """What the reader of an item's trail learns of a submission: never who typed it, nor where.

    `about` is None for who has not opened the trail: it names the item's number.
    """

    digest: bytes
    kind: str
    state: str
    words: str
    about: str | None

    @property
    def title(self) -> str:
        """A short phrase for a line of a page."""
        return self.about or self.kind.replace("_", "-")


def one(db: Connection, digest: bytes) -> SubmissionAnswer:
    """Raises NotFound."""
    row = db.execute(_known().where(submission.c.digest == digest)).first()
    if row is None:
        raise NotFound("There is no such submission.", "Look at the queue of your work page.")
    return _answers(db, [row])[0]


def page(
    db: Connection,
    *,
    custodian: int | None = None,
    state: str | None = None,
    item: bytes | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[SubmissionAnswer]:
    """The newest first. Raises BadRequest for a cursor, limit or state that is none."""
    query = _known().order_by(submission.c.sequence.desc()).limit(rows_asked(limit) + 1)
    if custodian is not None:
        query = query.where(submission.c.custodian == custodian)
    if item is not None:
        query = query.where(submission.c["items"].overlap([item]))
    if state is not None:
        query = _in_state(query, state, as_of(db))
    if cursor is not None:
        query = query.where(submission.c.sequence < decode_cursor(cursor, int)[0])
    rows = db.execute(query).all()
    following = encode_cursor(rows[limit - 1].sequence) if len(rows) > limit else None
    return Page(tuple(_answers(db, rows[:limit])), following)


_OPEN_OF_ITEM = """
SELECT sequence FROM submission
WHERE items @> ARRAY[%b::bytea] AND state IN ('pending', 'held', 'sent')
"""


def open_of_item(
    db: Connection, item: bytes, opened: bool, *, shows_bags: bool
) -> tuple[UnderWay, ...]:
    """What is under way for an item, in the order in which it will be recorded.

    Without `shows_bags` a receptacle other than the item itself is called `a bag`.
    """
    open_ = straight(db, _OPEN_OF_ITEM, (item,))
    if not open_:
        return ()
    query = _known().where(submission.c.sequence.in_([sequence for (sequence,) in open_]))
    rows = db.execute(query.order_by(submission.c.sequence)).all()
    firsts = {row._mapping["items"][0] for row in rows}
    hidden = {} if shows_bags else dict.fromkeys(firsts - {item}, bag_text(None))
    return tuple(_under_way(one, opened) for one in _answers(db, rows, hidden))


def _under_way(found: SubmissionAnswer, opened: bool) -> UnderWay:
    words = found.words if opened else WORDS["pending"]
    about_ = found.about if opened else None
    return UnderWay(found.digest, found.kind, found.state, words, about_)


def _known() -> Select[Any]:
    epoch = [
        func.extract("epoch", submission.c[name]).label(f"{name}_seconds")
        for name in ("created_at", "changed_at")
    ]
    return select(submission, person.c.name.label("person_name"), *epoch).outerjoin(
        person, person.c.id == submission.c.person
    )


def _in_state(query: Select[Any], state: str, now: AsOf) -> Select[Any]:
    if state not in STATES:
        raise BadRequest(f"{state!r} is no state.", f"One of: {', '.join(STATES)}.")
    if state not in RECORDED:
        return query.where(submission.c.state == state)
    final = -1 if now.finalized is None else now.finalized
    safe = final if now.safe is None else max(now.safe, final)
    block = submission.c.block_number
    levels = {"final": block <= final, "safe": block.between(final + 1, safe)}
    query = query.where(submission.c.state == "settled")
    return query.where(levels.get(state, block > safe))


def _answers(
    db: Connection, rows: Sequence[Row[Any]], hidden: Mapping[bytes, str] = NOTHING_HIDDEN
) -> list[SubmissionAnswer]:
    """`hidden` says what to call items whose numbers the reader may not know."""
    now = as_of(db)
    firsts = {item for row in rows for item in row._mapping["items"][:1]}
    numbers = numbers_of(db, firsts - hidden.keys()) | dict(hidden)
    mentioned = {number for row in rows for number in _custodians_in(row)}
    names = {number: c.name for number, c in network.named(db, mentioned).items()}
    refused = _refused(db, rows)
    return [
        _answer(
            row,
            now,
            about(row.kind, row.payload, _first_item(row, numbers), names),
            refused.get(row.digest, row.refusal),
        )
        for row in rows
    ]


def _refused(db: Connection, rows: Sequence[Row[Any]]) -> dict[bytes, dict[str, Any]]:
    """Refusals that were kept with their values, told in names; what no rule refused is as it was kept."""
    kept = {row.digest: row.refusal for row in rows if row.refusal}
    found = {
        digest: Refusal(one["name"], one["values"])
        for digest, one in kept.items()
        if one.get("values") and one["name"] in EXPLANATIONS
    }
    if not found:
        return {}
    names = Names(network.told(db, {n for one in found.values() for n in one.holders}))
    return {digest: kept[digest] | {"detail": one.told(names)} for digest, one in found.items()}


def _first_item(row: Row[Any], numbers: dict[bytes, str]) -> str:
    items = row._mapping["items"]
    if not items:
        return "an item"
    return numbers.get(items[0], f"item 0x{items[0].hex()[:8]}…")


def numbers_of(db: Connection, items: set[bytes]) -> dict[bytes, str]:
    """The numbers off chain of items that were accepted here."""
    query = (
        "SELECT item, value FROM item_secret WHERE item = ANY(ARRAY(SELECT unnest(%b::bytea[])))"
    )
    return dict(straight(db, query, (list(items),))) if items else {}


def _custodians_in(row: Row[Any]) -> list[int]:
    release = row.payload.get("forced", row.payload).get("release", {})
    return [release["giver"], release["receiver"]] if release else []


def _answer(
    row: Row[Any], now: AsOf, about_: str, refused: dict[str, Any] | None
) -> SubmissionAnswer:
    state = now.status(row.block_number) if row.state == "settled" else row.state
    return SubmissionAnswer(
        digest=row.digest,
        sequence=row.sequence,
        kind=row.kind,
        state=state,
        about=about_,
        words=_words(state, row, refused),
        waits_for=row.waits_for,
        refusal=refused,
        items=tuple(row._mapping["items"]),
        custodian=row.custodian,
        person=row.person_name,
        device=row.device,
        created_at=int(row.created_at_seconds),
        changed_at=int(row.changed_at_seconds),
        block=row.block_number,
        transaction=row.transaction_hash,
        payload=row.payload,
    )


def _words(state: str, row: Row[Any], refused: dict[str, Any] | None) -> str:
    if state == "held":
        return f"waits for {row.waits_for}"
    if state == "rejected":
        return f"refused: {(refused or {}).get('detail', 'no reason was given')}"
    return WORDS[state]


def about(kind: str, payload: dict[str, Any], item: str, names: dict[int, str]) -> str:
    """One short phrase that says what a submission is; `item` is how to call its (only) item."""
    body = payload.get(kind, payload)
    match kind:
        case "acceptance" | "delivery" | "take_up" | "recall":
            return f"{kind.replace('_', '-')} of {item}"
        case "packing" | "closing" | "opening":
            return _about_receptacle(kind, body, item)
        case "hand_off":
            return _about_list(payload["release"], item, names)
        case "forced_hand_off":
            release = payload["forced"]["release"]
            return f"{_about_list(release, item, names)}, its post standing in for the giver"
        case "end":
            return f"{codes.MODES.text(body['mode'])}: {item}"
        case "report":
            return f"{codes.REPORTS.text(body['code'])}: {item}"
        case "cancel":
            return f"cancellation of {_stamps(body['stamps'])}"
        case "claim" | "original":
            act = "claim of the twin" if kind == "claim" else "showing of the original"
            return f"{act} of stamp {ids.stamp_text(body['stamp'])}"
        case "issue" | "void":
            return _about_range(kind, body)
        case _:
            return kind.replace("_", " ")


def _about_list(release: dict[str, Any], item: str, names: dict[int, str]) -> str:
    count = len(release["lines"])
    what = item if count == 1 else items_text(count)
    return f"hand-off of {what} from {names[release['giver']]} to {names[release['receiver']]}"


def _about_receptacle(kind: str, body: dict[str, Any], receptacle: str) -> str:
    if kind == "packing":
        return f"{items_text(len(body['items']))} packed into {receptacle}"
    if kind == "closing":
        return f"closing of {receptacle} with {items_text(body['count'])}"
    missing = len(body["missing"])
    return f"opening of {receptacle}" + (f", {missing} missing" if missing else "")


def _stamps(stamps: list[int]) -> str:
    return f"stamp {ids.stamp_text(stamps[0])}" if len(stamps) == 1 else f"{len(stamps)} stamps"


def _about_range(kind: str, body: dict[str, Any]) -> str:
    count = body["last"] - body["first"] + 1
    first = ids.stamp_text(body["edition"] << 32 | body["first"])
    what = f"stamp {first}" if count == 1 else f"{count} stamps from {first}"
    return f"sale of {what}" if kind == "issue" else f"void of {what}"
