"""A bag from Innsbruck to Zürich: one found, one missing, one nobody looked at, one that was not on the list (C7)."""

from __future__ import annotations

from backend.demonstration.cast import (
    COUNTER_1,
    GOSSAU,
    HALL,
    INNSBRUCK_OE,
    ROUND_12,
    ROUND_17,
    ST_GALLEN,
    ZURICH_OE,
)
from backend.demonstration.plan import Calendar, Hop, Parcel, Plan
from backend.domain import codes
from backend.domain.item_numbers import make_s10
from backend.usecases import receptacles
from backend.usecases.franking import Franking, Payment
from backend.usecases.receptacles import CloseRequest, OpenRequest, PackRequest

BAG = "ATINNACHZRHAAUN60009001001"
LETTERS = tuple(make_s10("RR", 90_000_123 + i, "AT") for i in range(4))
FOUND, MISSING, INFERRED, EXTRA = LETTERS
DAYS_AGO = 11


def tell_bag(plan: Plan, parcels: dict[str, Parcel], now: int) -> None:
    """24 to 28: made up and closed in Innsbruck, opened in Zürich; the missing one turns up in Innsbruck."""
    at = Calendar(now, since=DAYS_AGO)
    letters = [Parcel(number) for number in LETTERS]
    bag = Parcel(BAG, "own")
    parcels |= {parcel.number: parcel for parcel in (*letters, bag)}
    for minute, letter in enumerate(letters):
        paid = Franking(900, "EUR", (), (Payment(codes.PAYMENTS.number("account"), 900),))
        plan.accept(letter, COUNTER_1, at(0, "09:00") + 60 * minute, paid)
    plan.route(letters, _to_the_exchange(at))
    plan.accept(bag, INNSBRUCK_OE, at(0, "16:00"), source="made_up", grams=600)
    _made_up(plan, bag, letters[:3], at)
    plan.hop([bag], Hop(INNSBRUCK_OE, ZURICH_OE, at(0, "18:00"), at(0, "23:40")))
    _opened(plan, bag, letters[0], letters[1], at)
    plan.take_up(letters[3], ZURICH_OE, at(1, "06:10"), "extra")
    plan.report(letters[3], INNSBRUCK_OE, at(1, "07:00"), "take_up_confirmed")
    plan.report(letters[1], INNSBRUCK_OE, at(1, "07:30"), "found")
    _on_to_st_gallen(plan, [letters[0], letters[2], letters[3]], at)


def _to_the_exchange(at: Calendar) -> tuple[Hop, ...]:
    return (
        Hop(COUNTER_1, ROUND_17, at(0, "11:00"), at(0, "11:05")),
        Hop(ROUND_17, HALL, at(0, "12:10"), at(0, "12:22")),
        Hop(HALL, INNSBRUCK_OE, at(0, "15:00"), at(0, "15:25")),
    )


def _made_up(plan: Plan, bag: Parcel, letters: list[Parcel], at: Calendar) -> None:
    def pack() -> None:
        items = tuple(letter.item for letter in letters)
        request = PackRequest(INNSBRUCK_OE, bag.item, items, at(0, "16:10"))
        plan.stage.do(receptacles.pack, plan.stage.actor(INNSBRUCK_OE), request)

    def close() -> None:
        request = CloseRequest(INNSBRUCK_OE, bag.item, "AT 4711093", time=at(0, "16:20"))
        plan.stage.do(receptacles.close, plan.stage.actor(INNSBRUCK_OE), request)

    plan.at(at(0, "16:10"), pack)
    plan.at(at(0, "16:20"), close)


def _opened(plan: Plan, bag: Parcel, found: Parcel, missing: Parcel, at: Calendar) -> None:
    def open_() -> None:
        request = OpenRequest(
            ZURICH_OE,
            bag.item,
            frozenset([found.item]),
            (missing.item,),
            codes.SEAL_STATES.number("whole"),
            time=at(1, "06:00"),
        )
        plan.stage.do(receptacles.open_, plan.stage.actor(ZURICH_OE), request)

    plan.at(at(1, "06:00"), open_)


def _on_to_st_gallen(plan: Plan, letters: list[Parcel], at: Calendar) -> None:
    plan.route(
        letters,
        (
            Hop(ZURICH_OE, GOSSAU, at(1, "07:30"), at(1, "09:10")),
            Hop(GOSSAU, ST_GALLEN, at(2, "04:40"), at(2, "06:20")),
            Hop(ST_GALLEN, ROUND_12, at(2, "07:05"), at(2, "07:15")),
        ),
    )
    for minute, letter in enumerate(letters):
        plan.end(letter, ROUND_12, at(2, "09:30") + 600 * minute, "letter_box")
