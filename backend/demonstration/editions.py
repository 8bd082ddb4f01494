"""Editions of the demonstration and what has become of their stamps."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from backend.demonstration.cast import ARLBERG, COUNTER_1, HALL, SANTIS, ST_GALLEN
from backend.demonstration.stage import DAY, HOUR, Stage
from backend.domain import codes
from backend.domain.ids import edition_number, stamp_number
from backend.domain.typed_data import Claim
from backend.keystore import key_from, sign_compact
from backend.store import claims, stamps
from backend.usecases import cancel, operate, sell
from backend.usecases.cancel import CancelRequest, TwinRequest
from backend.usecases.claim_codes import claim_secrets
from backend.usecases.operate import EditionRequest
from backend.usecases.sell import PrintRequest
from stamps.claim import claim_address, claim_key

SIGNALS = edition_number(ARLBERG, 1)
SAENTIS = edition_number(SANTIS, 1)
ALPSTEIN = edition_number(SANTIS, 2)
SIGNALS_QUANTITY, SAENTIS_QUANTITY, ALPSTEIN_QUANTITY = 1_000, 200, 100

SPOILT, JAM, RETURNED, STOLEN = (
    codes.VOID_REASONS.number(name) for name in ("spoilt", "jam", "returned", "stolen")
)
TO_ORDER = codes.CANCEL_KINDS.number("to_order")
MAIL_STREAM = codes.CANCEL_KINDS.number("mail_stream")

# Print jobs of Signals: count, serials that did not come out, why. 417 printed, 412 issued.
JOBS = ((150, range(122, 125), SPOILT), (150, (200, 201), JAM), (117, (), SPOILT))
RETURNED_SERIALS = range(131, 137)
STOLEN_SERIALS = (801, 820)
FIRST_DAY_COVERS = range(60, 68)
CLAIMED = (*FIRST_DAY_COVERS, 18)
COPIED, FROM_THE_STREET_BOX = 44, 45


def signals(serial: int) -> int:
    """The stamp with this serial of the edition Signals."""
    return stamp_number(SIGNALS, serial)


def create_signals(stage: Stage, first_day: int) -> None:
    """Signals: created before its first day; three print jobs, one range stolen before its sale."""
    request = EditionRequest(
        SIGNALS, "Signals", SIGNALS_QUANTITY, 300, "EUR", first_day, metadata("signals")
    )
    stage.do(operate.create_edition, stage.admin, request)
    stage.settle()
    for count, bad, reason in JOBS:
        stage.clock += HOUR
        sell_stamps(stage, COUNTER_1, SIGNALS, count, bad, reason)
    first, last = STOLEN_SERIALS
    stage.do(sell.void_stamps, stage.admin, SIGNALS, first, last, STOLEN)
    stage.settle()


def create_alpstein(stage: Stage, first_day: int) -> None:
    """A definitive of Säntis Post, long on sale."""
    art = metadata("saentis") | {"title": "Alpstein", "seed": "alpstein"}
    art["varieties"] = [art["varieties"][0] | {"title": "Alpstein", "quantity": ALPSTEIN_QUANTITY}]
    request = EditionRequest(ALPSTEIN, "Alpstein", ALPSTEIN_QUANTITY, 250, "CHF", first_day, art)
    stage.do(operate.create_edition, stage.admin, request)
    stage.settle()
    sell_stamps(stage, ST_GALLEN, ALPSTEIN, 60)


def create_saentis(stage: Stage, first_day: int) -> None:
    """Säntis, on a pre-printed roll: 40 sold ahead of its first day."""
    request = EditionRequest(
        SAENTIS, "Säntis", SAENTIS_QUANTITY, 250, "CHF", first_day, metadata("saentis")
    )
    stage.do(operate.create_edition, stage.admin, request)
    stage.settle()
    sell_stamps(stage, ST_GALLEN, SAENTIS, 40)


def metadata(name: str) -> dict[str, Any]:
    """The artwork of an edition as it is shipped."""
    text = files("stamps").joinpath("editions", f"{name}.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found


def sell_stamps(
    stage: Stage,
    custodian: int,
    edition: int,
    count: int,
    bad: Iterable[int] = (),
    reason: int = SPOILT,
) -> None:
    """Reserve, print, look, issue: a whole print job."""
    who = stage.actor(custodian)
    request = PrintRequest(custodian, edition, count, "70x37")
    job = stage.do(lambda db, _: sell.reserve_stamps(db, who, request)).job
    stage.do(lambda db, _: sell.mark_printed(db, who, job))
    stage.do(sell.confirm_print, who, job, bad, reason)
    stage.settle()


def first_day_covers(stage: Stage) -> None:
    """Cancelled to order on the first day of issue (J43)."""
    cancel_stamps(stage, HALL, [signals(s) for s in FIRST_DAY_COVERS], TO_ORDER)


def take_back(stage: Stage) -> None:
    """Six stamps returned by a customer (J10)."""
    first, last = RETURNED_SERIALS[0], RETURNED_SERIALS[-1]
    stage.do(sell.void_stamps, stage.admin, SIGNALS, first, last, RETURNED)


def cancel_stamps(stage: Stage, custodian: int, stamps: list[int], kind: int) -> None:
    """Cancel without an acceptance."""
    request = CancelRequest(custodian, tuple(stamps), kind)
    stage.do(cancel.cancel, stage.actor(custodian), request)


def copy_turns_up(stage: Stage) -> None:
    """A copy of a used stamp is shown at a counter: kept as a sighting, no finding against anybody."""
    request = CancelRequest(COUNTER_1, (signals(COPIED),), MAIL_STREAM)
    stage.expect_refusal(
        "AlreadyUsed", lambda db, h: cancel.cancel(db, h, stage.actor(COUNTER_1), request)
    )


def claim_twins(stage: Stage) -> None:
    """Nine collectors claim: the claim key signs, nobody sees the secret (S6)."""
    for serial in CLAIMED:
        stage.do(cancel.claim_or_show, stage.admin, _claim(stage, serial))


def _claim(stage: Stage, serial: int) -> TwinRequest:
    house, stamp = stage.house, signals(serial)
    secrets = claim_secrets(house.claim_seeds, SIGNALS, serial, serial)
    assert secrets is not None
    secret = secrets[stamp]
    collector = house.signer.address(f"collector/{serial}")
    record = Claim(stamp, collector, stage.clock + DAY)
    key = key_from(claim_key(secret, stamp))
    terms = stage.do(lambda db, _: stamps.on_chain(db, SIGNALS))
    assert terms is not None
    proven = stage.do(lambda db, _: claims.claim_proof(db, terms.claim_root, serial))
    assert proven is not None
    return TwinRequest(
        stamp=stamp,
        deadline=record.deadline,
        claim_key=claim_address(secret, stamp),
        signature=sign_compact(key, house.digest(record)),
        proof=tuple(proven[1]),
        to=collector,
    )
