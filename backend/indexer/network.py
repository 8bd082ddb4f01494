"""Who may act: events of PostalNetwork -> operators, submitters, signers, custodians, rights (NE1-NE11).

One statement or two for an event, in the order of the chain: such events are rare.
"""

from __future__ import annotations

from typing import assert_never

from sqlalchemy import Connection, delete, update
from sqlalchemy.dialects.postgresql import insert

from backend.domain.ids import operator_of_custodian
from backend.indexer.events import (
    AdminChanged,
    CustodianEnrolled,
    CustodianReinstated,
    CustodianSuspended,
    KeyCompromised,
    NetworkEvent,
    OperatorAdmitted,
    OperatorReinstated,
    OperatorSuspended,
    RightGranted,
    StampSignerAdded,
    StampSignerRevoked,
    SubmitterAdded,
    SubmitterRemoved,
)
from backend.store.tables import custodian, operator, signing_right, stamp_signer, submitter

TABLES = (operator, submitter, stamp_signer, custodian, signing_right)


def apply_network(db: Connection, event: NetworkEvent) -> None:
    """Carry one event into the tables."""
    match event:
        case OperatorAdmitted() | OperatorSuspended() | OperatorReinstated() | AdminChanged():
            _operator(db, event)
        case SubmitterAdded() | SubmitterRemoved():
            _submitter(db, event)
        case StampSignerAdded() | StampSignerRevoked():
            _stamp_signer(db, event)
        case CustodianEnrolled() | CustodianSuspended() | CustodianReinstated():
            _custodian(db, event)
        case RightGranted():
            _grant(db, event)
        case KeyCompromised():
            _compromise(db, event)
        case _:
            assert_never(event)


def forget_network(db: Connection) -> None:
    """Empty the tables, to fold them anew."""
    for table in TABLES:
        db.execute(delete(table))


def _operator(
    db: Connection,
    event: OperatorAdmitted | OperatorSuspended | OperatorReinstated | AdminChanged,
) -> None:
    this = update(operator).where(operator.c.number == event.operator)
    match event:
        case OperatorAdmitted():
            db.execute(
                insert(operator).values(
                    number=event.operator,
                    admin=event.admin,
                    name=event.name,
                    admitted_block=event.place.block,
                )
            )
        case OperatorSuspended():
            db.execute(this.values(suspended_block=event.place.block))
        case OperatorReinstated():
            db.execute(this.values(suspended_block=None))
        case AdminChanged():
            db.execute(this.values(admin=event.admin))


def _submitter(db: Connection, event: SubmitterAdded | SubmitterRemoved) -> None:
    """A removed submitter may be added again: then it counts from the later block."""
    key = {"operator": event.operator, "address": event.submitter}
    if isinstance(event, SubmitterAdded):
        values = {"from_block": event.place.block, "until_block": None}
        db.execute(
            insert(submitter)
            .values(**key, **values)
            .on_conflict_do_update(index_elements=list(key), set_=values)
        )
    else:
        db.execute(update(submitter).filter_by(**key).values(until_block=event.place.block))


def _stamp_signer(db: Connection, event: StampSignerAdded | StampSignerRevoked) -> None:
    key = {"operator": event.operator, "address": event.signer}
    block = event.place.block
    if isinstance(event, StampSignerAdded):
        db.execute(insert(stamp_signer).values(**key, from_block=block))
    else:
        db.execute(update(stamp_signer).filter_by(**key).values(revoked_block=block))


def _custodian(
    db: Connection, event: CustodianEnrolled | CustodianSuspended | CustodianReinstated
) -> None:
    if isinstance(event, CustodianEnrolled):
        db.execute(
            insert(custodian).values(
                number=event.custodian,
                operator=operator_of_custodian(event.custodian),
                kind=event.kind,
                place=event.facility,
                enrolled_block=event.place.block,
            )
        )
    else:
        db.execute(
            update(custodian)
            .where(custodian.c.number == event.custodian)
            .values(suspended=isinstance(event, CustodianSuspended))
        )


def _grant(db: Connection, event: RightGranted) -> None:
    """NE9: the right before ends where this one begins. Granted again at the same time, it is replaced."""
    right = signing_right.c
    db.execute(
        update(signing_right)
        .where(right.custodian == event.custodian, right.until_time > event.from_time)
        .values(until_time=event.from_time)
    )
    key = {"custodian": event.custodian, "from_time": event.from_time, "key": event.key}
    values = {
        "key_kind": event.kind,
        "key_holder": event.key_holder,
        "until_time": event.until_time,
        "granted_block": event.place.block,
    }
    db.execute(
        insert(signing_right)
        .values(**key, **values)
        .on_conflict_do_update(index_elements=list(key), set_=values)
    )


def _compromise(db: Connection, event: KeyCompromised) -> None:
    right = signing_right.c
    db.execute(
        update(signing_right)
        .where(
            right.custodian == event.custodian,
            right.key == event.key,
            right.compromised_block.is_(None),
        )
        .values(compromised_block=event.place.block)
    )
