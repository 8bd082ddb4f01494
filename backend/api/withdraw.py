"""Take back what was asked and not sent yet (B8)."""

from __future__ import annotations

from sqlalchemy import Connection

from backend.domain.typed_data import Receipt
from backend.domain.wire import from_wire
from backend.errors import Conflict, NotFound
from backend.ports import Actor
from backend.store import items as item_rows
from backend.store import releases, submissions
from backend.usecases.submit import must_act_for

# Their digests name ranges of stamps, for ever: withdrawn, they could never be put on record.
PAPER = ("issue", "void")


def withdraw_submission(db: Connection, who: Actor, digest: bytes) -> None:
    """The custodian that asked, or an administrator for acts, takes a submission back.

    Its items are judged by what the chain says again. Raises NotFound, NotAllowed, Conflict (sent, or
    withdrawn before).
    """
    row = submissions.find(db, digest)
    if row is None:
        raise NotFound("There is no such submission.", "Look at the queue of your work page.")
    if row.custodian is not None or who.role != "admin":
        must_act_for(who, row.custodian or 0)
    if row.kind in PAPER:
        raise Conflict(
            "What was printed cannot be taken back: the paper is out.",
            "Void the stamps instead, or sell others.",
        )
    if not submissions.withdraw(db, digest):
        raise Conflict(
            f"This is {row.state}; only what was not sent yet can be withdrawn.",
            "A wrong hand-off is put right by a hand-off back.",
            state=row.state,
        )
    item_rows.forget_forecast(db, row._mapping["items"])
    if row.kind in ("hand_off", "forced_hand_off"):
        # The giver's half stands: the receiver may take the list over anew.
        halves = row.payload.get("forced", row.payload)
        release = from_wire(Receipt, halves["receipt"]).release
        releases.set_state(db, [release], "open")
