"""Operators, custodians and people of the demonstration (shared tables of the design, no real ones)."""

from __future__ import annotations

from sqlalchemy import Connection

from backend.demonstration.stage import DAY, Stage
from backend.domain import codes
from backend.domain.ids import custodian_number
from backend.ports import House
from backend.store import people
from backend.usecases import operate
from backend.usecases.operate import CustodianRequest

ARLBERG, SANTIS, CUSTOMS_ZURICH = 1, 2, 3
OPERATORS = {ARLBERG: "Arlberg Post", SANTIS: "Säntis Post", CUSTOMS_ZURICH: "Customs Zürich"}

COUNTER_1 = custodian_number(ARLBERG, 1)
COUNTER_2 = custodian_number(ARLBERG, 2)
STUBEN = custodian_number(ARLBERG, 3)
HALL = custodian_number(ARLBERG, 4)
ROUND_17 = custodian_number(ARLBERG, 5)
INNSBRUCK_OE = custodian_number(ARLBERG, 6)
ZURICH_OE = custodian_number(SANTIS, 7)
CUSTOMS = custodian_number(CUSTOMS_ZURICH, 8)
GOSSAU = custodian_number(SANTIS, 9)
ST_GALLEN = custodian_number(SANTIS, 10)
ROUND_12 = custodian_number(SANTIS, 11)
LOCKER = custodian_number(SANTIS, 12)

DEVICE, OPERATOR = codes.KEY_HOLDERS.number("device"), codes.KEY_HOLDERS.number("operator")
CUSTODIANS = (
    (COUNTER_1, "counter", "AT602001", "Innsbruck 1, counter 1", "Innsbruck", OPERATOR),
    (COUNTER_2, "counter", "AT602001", "Innsbruck 1, counter 2", "Innsbruck", OPERATOR),
    (STUBEN, "counter", "AT676201", "Stuben am Arlberg", "Stuben", DEVICE),
    (HALL, "processing_centre", "AT606090", "Hall in Tirol", "Hall", OPERATOR),
    (ROUND_17, "courier", "AT602001", "Round 17", "Innsbruck", DEVICE),
    (INNSBRUCK_OE, "office_of_exchange", "ATINNX", "Innsbruck exchange", "Innsbruck", OPERATOR),
    (ZURICH_OE, "office_of_exchange", "CHZRHX", "Zürich exchange", "Zürich", OPERATOR),
    (CUSTOMS, "customs", "CHZRHX", "Customs Zürich", "Zürich", OPERATOR),
    (GOSSAU, "processing_centre", "CH920090", "Gossau SG", "Gossau", OPERATOR),
    (ST_GALLEN, "delivery_office", "CH900001", "St. Gallen 1", "St. Gallen", OPERATOR),
    (ROUND_12, "courier", "CH900001", "Round 12", "St. Gallen", DEVICE),
    (LOCKER, "locker", "CH947080", "Buchs SG locker", "Buchs", OPERATOR),
)
PEOPLE = (
    ("admin", "admin", ()),
    ("clerk 1", "clerk", (COUNTER_1, COUNTER_2, STUBEN)),
    ("clerk 2", "clerk", (HALL, INNSBRUCK_OE, ROUND_17)),
    ("clerk 3", "clerk", (ZURICH_OE, GOSSAU, ST_GALLEN, ROUND_12, LOCKER)),
    ("clerk 4", "clerk", (CUSTOMS,)),
    ("auditor 1", "auditor", ()),
)


def found_network(stage: Stage, lapse: int) -> None:
    """Operators, custodians with their keys, people. Counter 2's right lapses at `lapse` (N3)."""
    _add_people(stage)
    for number, name in OPERATORS.items():
        stage.do(operate.admit_operator, stage.admin, number, name)
    stage.settle()
    for number in OPERATORS:
        stage.do(operate.equip_operator, stage.admin, number)
    stage.settle()
    for custodian in CUSTODIANS:
        request = _request(custodian, until=lapse if custodian[0] == COUNTER_2 else None)
        stage.do(operate.enrol, stage.admin, request)
    stage.settle()


def lose_a_phone(stage: Stage) -> None:
    """Round 17's first key ends compromised; the round goes on with a second (N3, J31)."""
    stage.clock += DAY
    stage.do(operate.compromise, stage.admin, ROUND_17, 1)
    stage.settle()
    row = next(c for c in CUSTODIANS if c[0] == ROUND_17)
    request = _request(row, generation=2)
    stage.do(operate.grant_right, stage.admin, request)
    stage.settle()


def _request(
    row: tuple[int, str, str, str, str, int], until: int | None = None, generation: int = 1
) -> CustodianRequest:
    number, kind, place, name, town, key_holder = row
    return CustodianRequest(
        custodian=number,
        kind=codes.KINDS.number(kind),
        place=place,
        name=name,
        town=town,
        key_holder=key_holder,
        generation=generation,
        until=until,
    )


def _add_people(stage: Stage) -> None:
    def add(db: Connection, _house: House) -> None:
        for name, role, custodians in PEOPLE:
            found = people.by_name(db, name)
            number = found.id if found else people.add_person(db, name, role, custodians)
            assert number is not None
            stage.people[name] = number
            stage.workers |= dict.fromkeys(custodians, number)

    stage.do(add)
