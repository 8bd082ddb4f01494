"""Accepting an item at the desk: number, weight, franking; then its label and the strike on the stamps."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from typing import Annotated

import coincurve
from fastapi import APIRouter, Form, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from backend.api import paper, people
from backend.domain import codes, ids
from backend.domain.commitments import new_trail_code, trail_code_text
from backend.domain.texts import is_digits
from backend.domain.typed_data import DeliveryKeys
from backend.domain.verdict import CodeAxis
from backend.errors import PosthornError, SignatureWanted, Unprocessable
from backend.queries import editions, labels, stamps
from backend.usecases.accept import Accepted, AcceptRequest, accept
from backend.usecases.deliver import delivery_key_seed
from backend.usecases.franking import Franking, Payment
from backend.web.desk import digest_of, kind_of
from backend.web.selling import PDF
from backend.web.signing import given, trail_code_of
from backend.web.visit import PageRoute, Visit, Visiting
from stamps.errors import StampsError
from stamps.label import SIZES
from stamps.payload import address

router = APIRouter(route_class=PageRoute, include_in_schema=False)
SOURCE_OF_KIND = {
    "courier": "pick_up",
    "office_of_exchange": "outside",
    "collection": "collection",
    "processing_centre": "collection",
}
SALT_BYTES = 32
MINOR = re.compile("([0-9]{1,9})(?:[.,]([0-9]{1,2}))?")


class Entered(BaseModel):
    """What stands in the form, as text, so that it can be shown again."""

    model_config = ConfigDict(frozen=True)

    number: str = Field("", max_length=60)
    source: str = Field("counter", max_length=20)
    grams: str = Field("", max_length=9)
    service: str = Field("", max_length=40)
    destination: str = Field("", max_length=40)
    required: str = Field("", max_length=12)
    currency: str = Field("", max_length=3)
    stamps: str = Field("", max_length=20_000)
    payment: str = Field("", max_length=30)
    paid: str = Field("", max_length=12)
    against_code: bool = False
    reuse_confirmed: bool = False
    # Drawn by lot before a device signed, to be the same again: trail code, delivery code, salt.
    made: str = Field("", max_length=32)
    made_code: str = Field("", max_length=40)
    made_salt: str = Field("", max_length=64)


@router.get("/work/accept")
def accept_form(
    visit: Visiting,
    number: Annotated[str, Query(max_length=60)] = "",
    stamp: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    """An empty form, or one with what was scanned."""
    visit.at_desk()
    source = SOURCE_OF_KIND.get(kind_of(visit), "counter")
    return _form(
        visit, Entered(number=number, stamps=stamp, source=source, currency=_currency(visit))
    )


def _currency(visit: Visit) -> str:
    """The currency of the operator's newest edition, as what a clerk most likely needs."""
    _, custodian = visit.at_desk()
    with visit.begin() as db:
        own = editions.editions(db, ids.operator_of_custodian(custodian))
    return own[-1].currency if own else ""


def _form(visit: Visit, entered: Entered, error: PosthornError | None = None) -> Response:
    return visit.page(
        "work/accept.html",
        status=error.status if error else 200,
        entered=entered,
        error=error,
        ask_reuse=error is not None and error.facts.get("confirm") == "reuse_confirmed",
    )


@router.post("/work/accept")
def accept_item(visit: Visiting, entered: Annotated[Entered, Form()]) -> Response:
    """Records the acceptance with its franking, all of it or nothing; then the label."""
    who, custodian = visit.at_desk()
    signed, lots = given(visit), _Lots.of(entered)
    code = lots.code if entered.against_code else None

    def record(db: Connection) -> tuple[Accepted, Franking | None]:
        request = _request(db, visit, custodian, entered, lots)
        request = replace(request, time=signed.time, signature=signed.signature)
        return accept(db, visit.house, who, request), request.franking

    try:
        done, franking = visit.write(record)
    except SignatureWanted as wanted:
        wanted.fields |= {
            "made": trail_code_text(lots.trail_code),
            "made_code": lots.code,
            "made_salt": lots.salt.hex(),
        }
        raise
    except PosthornError as error:
        return _form(visit, entered, error)
    return visit.page("work/accepted.html", done=done, franking=franking, code=code, sizes=SIZES)


@dataclass(frozen=True, slots=True)
class _Lots:
    """What is drawn by lot for an acceptance."""

    trail_code: bytes
    code: str
    salt: bytes

    @classmethod
    def of(cls, entered: Entered) -> _Lots:
        """New, or those that came along with a device's signature. Raises Unprocessable."""
        trail_code = trail_code_of(entered.made)
        if trail_code is None:
            code = trail_code_text(new_trail_code())
            return cls(new_trail_code(), code, secrets.token_bytes(SALT_BYTES))
        try:
            salt = bytes.fromhex(entered.made_salt)
        except ValueError:
            salt = b""
        if len(salt) != SALT_BYTES or not entered.made_code:
            raise Unprocessable("The form came incomplete.", "Begin again.")
        return cls(trail_code, entered.made_code, salt)


def _request(
    db: Connection, visit: Visit, custodian: int, entered: Entered, lots: _Lots
) -> AcceptRequest:
    if entered.source not in codes.SOURCES.names():
        raise Unprocessable(f"{entered.source} is no source.", "Choose one of the list.")
    return AcceptRequest(
        custodian=custodian,
        number=entered.number.strip() or None,
        source=codes.SOURCES.number(entered.source),
        franking=_franking(db, visit, entered),
        weight_grams=_grams(entered.grams),
        service=entered.service.strip(),
        destination=entered.destination.strip(),
        keys=_keys(lots) if entered.against_code else None,
        trail_code=lots.trail_code,
        reuse_confirmed=entered.reuse_confirmed,
    )


def _keys(lots: _Lots) -> DeliveryKeys:
    """The addressee's key out of the delivery code; only its address is kept, and a salt (C1)."""
    key = coincurve.PrivateKey(delivery_key_seed(lots.code, lots.trail_code))
    return DeliveryKeys(recipient=address(key.public_key), salt=lots.salt)


def _franking(db: Connection, visit: Visit, entered: Entered) -> Franking:
    texts = [line for line in entered.stamps.split() if line]
    payments: tuple[Payment, ...] = ()
    if entered.paid.strip():
        if entered.payment not in codes.PAYMENTS.names():
            raise Unprocessable("Say how the other payment was made.", "Choose one of the list.")
        kind = codes.PAYMENTS.number(entered.payment)
        payments = (Payment(kind, _minor(entered.paid, "Other payment")),)
    required = _minor(entered.required, "Postage") if entered.required.strip() else None
    currency = entered.currency.strip().upper()
    if required is not None and len(currency) != 3:
        raise Unprocessable("Postage goes with its currency, like EUR.")
    return Franking(required, currency, scanned_stamps(db, visit, texts), payments)


def scanned_stamps(db: Connection, visit: Visit, texts: list[str]) -> tuple[int, ...]:
    """The stamps that codes or numbers name. Raises Unprocessable for one that no post has signed."""
    found = []
    for text in texts:
        answer = stamps.verify(db, visit.house, text)
        if answer.stamp is None or answer.verdict.code not in (
            CodeAxis.ISSUED_BY,
            CodeAxis.NOT_SHOWN,
        ):
            raise Unprocessable(f"{text[:40]}: {answer.words.headline}", answer.words.what_now)
        if answer.stamp in found:
            raise Unprocessable(f"Stamp {ids.stamp_text(answer.stamp)} was scanned twice.")
        found.append(answer.stamp)
    return tuple(found)


def _minor(text: str, what: str) -> int:
    """Cents from `9`, `9.00` or `9,00`. Raises Unprocessable."""
    match = MINOR.fullmatch(text.strip())
    if not match:
        raise Unprocessable(f"{what}: {text!r} is no amount.", "Write it like 9.00.")
    return int(match[1]) * 100 + int((match[2] or "0").ljust(2, "0"))


def _grams(text: str) -> int | None:
    cleaned = text.strip()
    if not cleaned:
        return None
    if not (is_digits(cleaned) and 0 < int(cleaned) <= 1_000_000):
        raise Unprocessable(f"{text!r} is no weight.", "Write it in grams, like 850.")
    return int(cleaned)


@router.get("/work/items/{item}/label.pdf")
def label(visit: Visiting, item: str, size: Annotated[str, Query()] = "100x150") -> Response:
    """The item's label; unlike a stamp it may be printed again."""
    who, _ = visit.at_desk()
    try:
        with visit.begin() as db:
            found = labels.label(db, digest_of(item))
            people.must_be_of(who, found.operator.number)
            pdf = paper.label_pdf(visit.house, found, size)
    except StampsError as error:
        raise Unprocessable(str(error)) from None
    return Response(pdf, headers=PDF, media_type="application/pdf")
