"""`demo lie` and `demo truth`: one date of the model item, changed in the read model and put back."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row, select, update

from backend.cli.installation import Installation
from backend.errors import Conflict, NotFound
from backend.queries.words import when
from backend.store.engine import begin
from backend.store.tables import entry, showcase

HOURS_LATER = 2
KEPT = "lie.json"


def lie(house: Installation) -> dict[str, Any]:
    """Move the event time of a hand-off two hours. Raises Conflict where it was done before, NotFound."""
    kept = house.settings.data / KEPT
    if kept.exists():
        raise Conflict("The lie has been told already.", "`posthorn demo truth` puts it back.")
    with begin(house.engine) as db:
        number, row = _model(db)
        body = dict(row.body)
        truth = {"item": row.item.hex(), "record": row.record, "number": number}
        truth |= {"event_time": row.event_time, "received_at": body["received_at"]}
        kept.write_text(json.dumps(truth))
        body["received_at"] += HOURS_LATER * 3600
        _set(db, row.item, row.record, row.event_time + HOURS_LATER * 3600, body)
    return _changed(number, row, row.event_time, row.event_time + HOURS_LATER * 3600)


def truth(house: Installation) -> dict[str, Any]:
    """Put back what was. Raises NotFound where no lie was told."""
    kept = house.settings.data / KEPT
    if not kept.exists():
        raise NotFound("No lie was told here.", "`posthorn demo lie` tells one.")
    was = json.loads(kept.read_text())
    item = bytes.fromhex(was["item"])
    with begin(house.engine) as db:
        query = select(entry).where(entry.c.item == item, entry.c.record == was["record"])
        row = db.execute(query).one()
        _set(
            db, item, row.record, was["event_time"], row.body | {"received_at": was["received_at"]}
        )
    kept.unlink()
    return _changed(was["number"], row, row.event_time, was["event_time"])


def _model(db: Connection) -> tuple[str, Row[Any]]:
    """The model item's number, and the hand-off in the middle of its trail."""
    model = db.execute(select(showcase).where(showcase.c.kind == "item")).first()
    if model is None:
        raise NotFound(
            "There is no demonstration here.",
            "`posthorn up --data FOLDER` with a new folder starts one.",
        )
    item = bytes.fromhex(model.value[2:])
    rows = db.execute(
        select(entry)
        .where(entry.c.item == item, entry.c.kind == "hand_off")
        .order_by(entry.c.record)
    ).all()
    return model.says, rows[len(rows) // 2]


def _set(db: Connection, item: bytes, record: int, event_time: int, body: dict[str, Any]) -> None:
    where = (entry.c.item == item, entry.c.record == record)
    db.execute(update(entry).where(*where).values(event_time=event_time, body=body))


def _changed(number: str, row: Row[Any], before: int, now: int) -> dict[str, Any]:
    what = {"number": number, "item": bytes(row.item), "record": row.record}
    return what | {"before": when(before), "now": when(now)}
