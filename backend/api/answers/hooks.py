"""What web hooks are told (docs/hooks.md)."""

from __future__ import annotations

from sqlalchemy import Connection

from backend.api.answers.promises import Answer
from backend.api.answers.trails import AuditRow
from backend.api.fields import hexed
from backend.domain.times import iso
from backend.queries import audit


class Record(AuditRow):
    """A row of GET /v1/records, and where the item's trail is."""

    trail: str


class Message(Answer):
    """`type` is record., then the kind of the record; `timestamp` the time of its block."""

    type: str
    timestamp: str
    data: Record


def about_record(db: Connection, item: bytes, record: int) -> str | None:
    """The body of a message; None where there is no such record."""
    found = audit.record(db, item, record)
    if found is None:
        return None
    row = AuditRow.model_validate(found)
    data = Record.model_construct(**dict(row), trail=f"/v1/trails/{hexed(item)}")
    told = Message(type=f"record.{row.kind}", timestamp=iso(found.block_time), data=data)
    return told.model_dump_json()
