"""The items and what happens to each; every one shows something (see docs/demonstration.md)."""

from __future__ import annotations

from backend.demonstration.bags import tell_bag
from backend.demonstration.cast import (
    COUNTER_1,
    COUNTER_2,
    CUSTOMS,
    GOSSAU,
    HALL,
    INNSBRUCK_OE,
    LOCKER,
    ROUND_12,
    ROUND_17,
    ST_GALLEN,
    STUBEN,
    ZURICH_OE,
)
from backend.demonstration.editions import ALPSTEIN, signals
from backend.demonstration.plan import Calendar, Hop, Parcel, Plan, day
from backend.demonstration.stage import HOUR
from backend.domain import codes
from backend.domain.ids import stamp_number
from backend.usecases import cancel
from backend.usecases.cancel import CancelRequest
from backend.usecases.franking import Franking, Payment
from backend.usecases.hand_off import LineRequest, ReleaseRequest, hand_over

MODEL = "RR900001014AT"
TARIFF = 900
BY_STAMPS_FROM = 140
# Items franked with three Signals each, in the order in which they take their serials.
FRANKED = (
    "CP900001028AT CP900001031AT CP900001045AT CP900001059AT VV900001062AT CP900001076AT "
    "RR900001080AT CP900001093AT CP900001102AT CP900001116AT RR900001120AT CP900001147AT "
    "CP900001155AT CP900001164AT RR900001218AT CP900001221AT"
).split()
LISTED = (
    "CP900001028AT CP900001031AT CP900001045AT VV900001062AT CP900001076AT CP900001093AT "
    "CP900001102AT CP900001116AT CP900001147AT CP900001155AT CP900001164AT CP900001221AT"
).split()
MISSED_STAMP = stamp_number(ALPSTEIN, 7)


def stamps_of(number: str) -> Franking:
    """Three Signals for the 1 kg tariff of EUR 9.00."""
    if number == MODEL:
        serials = [20, 21, 22]
    else:
        first = BY_STAMPS_FROM + 3 * FRANKED.index(number)
        serials = [first, first + 1, first + 2]
    return Franking(TARIFF, "EUR", tuple(signals(s) for s in serials))


def paid(kind: str, amount: int, currency: str) -> Franking:
    """Paid otherwise than with crypto-stamps."""
    payment = Payment(codes.PAYMENTS.number(kind), amount)
    return Franking(amount, currency, (), (payment,))


def tell_all(plan: Plan, now: int) -> dict[str, Parcel]:
    """All stories into the plan; the parcels by number (the older RR900001014AT under `older`)."""
    parcels = {number: Parcel(number) for number in (MODEL, *FRANKED)}
    parcels["older"] = Parcel(MODEL)
    _older(plan, parcels["older"], now)
    _lost_and_found(plan, parcels, now)
    _list_of_twelve(plan, parcels, now)
    _across_the_border(plan, parcels, now)
    _customs(plan, parcels, now)
    _model(plan, parcels[MODEL], now)
    _under_way(plan, parcels, now)
    _refused(plan, parcels["RR900001080AT"], now)
    _offline(plan, parcels["RR900001120AT"], now)
    _from_switzerland(plan, parcels, now)
    _out_for_delivery(plan, parcels, now)
    _domestic(plan, parcels, now)
    _lapsed_counter(plan, parcels["RR900001218AT"], now)
    tell_bag(plan, parcels, now)
    return parcels


def _older(plan: Plan, parcel: Parcel, now: int) -> None:
    """An item that bore the model's number fourteen months ago: search has to ask which one."""
    at = Calendar(now)
    plan.accept(parcel, COUNTER_1, at(420, "09:00"), paid("conventional_stamps", 900, "EUR"))
    plan.hop([parcel], Hop(COUNTER_1, ROUND_17, at(420, "10:00"), at(420, "10:05")))
    plan.hop([parcel], Hop(ROUND_17, HALL, at(420, "11:30"), at(420, "11:40")))
    plan.hop([parcel], Hop(HALL, ROUND_17, at(419, "06:30"), at(419, "06:40")))
    plan.end(parcel, ROUND_17, at(419, "10:20"), "signature_kept")


def _lost_and_found(plan: Plan, parcels: dict[str, Parcel], now: int) -> None:
    """13: reported lost at Gossau, found eleven months later in St. Gallen, taken up, delivered."""
    at = Calendar(now)
    parcel = parcels["CP900001133AT"] = Parcel("CP900001133AT")
    plan.accept(parcel, COUNTER_1, at(395, "09:20"), paid("conventional_stamps", 900, "EUR"))
    plan.route(
        [parcel],
        (
            Hop(COUNTER_1, ROUND_17, at(395, "10:00"), at(395, "10:04")),
            Hop(ROUND_17, HALL, at(395, "11:30"), at(395, "11:42")),
            Hop(HALL, INNSBRUCK_OE, at(395, "14:00"), at(395, "14:25")),
            Hop(INNSBRUCK_OE, ZURICH_OE, at(395, "18:05"), at(395, "23:45")),
            Hop(ZURICH_OE, GOSSAU, at(394, "08:00"), at(394, "13:10")),
        ),
    )
    plan.report(parcel, GOSSAU, at(380, "16:00"), "lost", "search_without_result")
    plan.take_up(parcel, ST_GALLEN, at(48, "09:30"), "found")
    plan.report(parcel, GOSSAU, at(48, "11:00"), "take_up_confirmed")
    plan.hop([parcel], Hop(ST_GALLEN, ROUND_12, at(47, "07:00"), at(47, "07:10")))
    plan.end(parcel, ROUND_12, at(47, "10:45"), "signature_kept")


def _list_of_twelve(plan: Plan, parcels: dict[str, Parcel], now: int) -> None:
    """14-16: one release of twelve lines to round 17, eleven received; 16 goes the next day."""
    at = Calendar(now)
    listed = [parcels[number] for number in LISTED]
    for minute, parcel in enumerate(listed):
        time = at(20, "08:30") + 180 * minute
        plan.accept(parcel, COUNTER_1, time, stamps_of(parcel.number))
    late = parcels["CP900001164AT"]
    first = Hop(COUNTER_1, ROUND_17, at(20, "10:00"), at(20, "10:08"), (late.number,))
    plan.hop(listed, first)
    carried = [parcel for parcel in listed if parcel is not late]
    plan.hop(carried, Hop(ROUND_17, HALL, at(20, "11:30"), at(20, "11:40")))
    plan.report(
        parcels["CP900001045AT"], COUNTER_1, at(20, "15:20"), "correction", "weight", corrects=1
    )
    home = [parcels["CP900001147AT"], parcels["CP900001155AT"]]
    plan.hop(home, Hop(HALL, ROUND_17, at(19, "06:50"), at(19, "07:00")))
    plan.end(home[0], ROUND_17, at(19, "10:12"), "letter_box")
    plan.end(home[1], ROUND_17, at(19, "10:40"), "signature_kept")
    plan.hop([late], Hop(COUNTER_1, ROUND_17, at(19, "12:00"), at(19, "12:04")))
    plan.hop([late], Hop(ROUND_17, HALL, at(19, "13:30"), at(19, "13:38")))
    plan.hop([late], Hop(HALL, ROUND_17, at(18, "06:50"), at(18, "07:00")))
    plan.end(late, ROUND_17, at(18, "09:25"), "proxy")


def _across_the_border(plan: Plan, parcels: dict[str, Parcel], now: int) -> None:
    """2, 3, 4, 9, 10, 11, 22: to Zürich by one truck, then apart."""
    at = Calendar(now)
    home = {"CP900001147AT", "CP900001155AT", "CP900001164AT"}
    abroad = [parcels[number] for number in LISTED if number not in home]
    wet = ("CP900001031AT", "wet_and_crushed")
    plan.hop(abroad, Hop(HALL, INNSBRUCK_OE, at(20, "14:00"), at(20, "14:20")))
    plan.hop(abroad, Hop(INNSBRUCK_OE, ZURICH_OE, at(20, "18:05"), at(20, "23:45"), found=(wet,)))
    plan.end(parcels["CP900001221AT"], ZURICH_OE, at(19, "06:00"), "left_the_network")
    code, locker_late, locker, neighbour, corrected = (
        parcels[f"CP9000010{n}AT"] if len(n) == 2 else parcels[f"CP900001{n}AT"]
        for n in ("28", "93", "102", "116", "45")
    )
    onward = [code, locker_late, locker, neighbour, corrected]
    plan.hop(onward, Hop(ZURICH_OE, GOSSAU, at(19, "08:00"), at(19, "13:20")))
    plan.hop(onward, Hop(GOSSAU, ST_GALLEN, at(18, "04:30"), at(18, "06:10")))
    carried = [code, neighbour, corrected]
    plan.hop(carried, Hop(ST_GALLEN, ROUND_12, at(18, "07:00"), at(18, "07:15")))
    plan.hop([locker_late, locker], Hop(ST_GALLEN, LOCKER, at(18, "07:40"), at(18, "08:30")))
    plan.end(code, ROUND_12, at(18, "10:05"), "delivered_with_code")
    plan.end(corrected, ROUND_12, at(18, "11:30"), "signature_kept")
    plan.end(neighbour, ROUND_12, at(18, "12:10"), "neighbour")
    plan.report(neighbour, ST_GALLEN, at(16, "09:00"), "not_received")
    plan.end(locker, LOCKER, at(18, "13:30"), "collected_with_code")
    plan.report(locker_late, LOCKER, at(4, "08:00"), "not_collected", "period_ended")
    plan.hop([locker_late], Hop(LOCKER, ST_GALLEN, at(4, "08:40"), at(4, "09:30")))
    plan.report(locker_late, ST_GALLEN, at(4, "10:00"), "return_ordered", "period_ended")
    plan.hop([locker_late], Hop(ST_GALLEN, GOSSAU, at(3, "15:00"), at(3, "17:10")))


def _customs(plan: Plan, parcels: dict[str, Parcel], now: int) -> None:
    """6: held 26 h, opened, sealed anew, released. 7: refused, back to the sender."""
    at = Calendar(now)
    held, refused = parcels["VV900001062AT"], parcels["CP900001076AT"]
    plan.hop([held, refused], Hop(ZURICH_OE, CUSTOMS, at(19, "07:00"), at(19, "07:20")))
    plan.report(held, CUSTOMS, at(19, "07:40"), "held", "customs_inspection")
    plan.report(held, CUSTOMS, at(18, "09:10"), "seal_replaced", "customs_inspection")
    plan.report(held, CUSTOMS, at(18, "09:40"), "released")
    plan.report(refused, CUSTOMS, at(18, "10:20"), "returned_by_customs", "prohibited")
    plan.hop([held, refused], Hop(CUSTOMS, ZURICH_OE, at(18, "11:00"), at(18, "11:12")))
    plan.route(
        [held],
        (
            Hop(ZURICH_OE, GOSSAU, at(18, "13:00"), at(18, "17:00")),
            Hop(GOSSAU, ST_GALLEN, at(17, "04:30"), at(17, "06:05")),
            Hop(ST_GALLEN, ROUND_12, at(17, "07:00"), at(17, "07:12")),
        ),
    )
    plan.end(held, ROUND_12, at(17, "09:50"), "signature_kept")
    plan.route(
        [refused],
        (
            Hop(ZURICH_OE, INNSBRUCK_OE, at(17, "09:00"), at(17, "14:30")),
            Hop(INNSBRUCK_OE, HALL, at(16, "07:30"), at(16, "08:00")),
            Hop(HALL, ROUND_17, at(15, "06:50"), at(15, "07:00")),
        ),
    )
    plan.end(refused, ROUND_17, at(15, "11:15"), "returned_to_sender")


def _to_st_gallen(now: int, posted_days_ago: int) -> tuple[Hop, ...]:
    """From counter 1 to St. Gallen, on the third day."""
    at = Calendar(now, since=posted_days_ago)
    return (
        Hop(COUNTER_1, ROUND_17, at(0, "11:00"), at(0, "11:06")),
        Hop(ROUND_17, HALL, at(0, "12:10"), at(0, "12:20")),
        Hop(HALL, INNSBRUCK_OE, at(0, "15:00"), at(0, "15:30")),
        Hop(INNSBRUCK_OE, ZURICH_OE, at(0, "18:10"), at(0, "23:50")),
        Hop(ZURICH_OE, GOSSAU, at(1, "05:30"), at(1, "08:10")),
        Hop(GOSSAU, ST_GALLEN, at(2, "04:40"), at(2, "06:20")),
        Hop(ST_GALLEN, ROUND_12, at(2, "07:10"), at(2, "07:20")),
    )


def _model(plan: Plan, parcel: Parcel, now: int) -> None:
    """1: from Innsbruck to St. Gallen in 2 days 3 h, the last of 8 hand-offs signed on a phone."""
    plan.accept(
        parcel,
        COUNTER_1,
        day(now, 6, "09:40"),
        stamps_of(MODEL),
        with_key=True,
        reuse=True,
        service="registered letter",
        destination="CH",
    )
    plan.route([parcel], _to_st_gallen(now, 6))
    plan.sign_for(parcel, ROUND_12, day(now, 4, "12:40"))


def _under_way(plan: Plan, parcels: dict[str, Parcel], now: int) -> None:
    """5: in Gossau since this morning."""
    parcel = parcels["CP900001059AT"]
    plan.accept(parcel, COUNTER_1, day(now, 2, "10:00"), stamps_of(parcel.number))
    plan.route([parcel], _to_st_gallen(now, 2)[:4])
    plan.hop([parcel], Hop(ZURICH_OE, GOSSAU, now - 5 * HOUR, now - 2 * HOUR))


def _refused(plan: Plan, parcel: Parcel, now: int) -> None:
    """8: refused by the addressee, on its way back now."""
    at = Calendar(now)
    plan.accept(parcel, COUNTER_1, at(5, "10:10"), stamps_of(parcel.number))
    plan.route([parcel], _to_st_gallen(now, 5))
    plan.report(parcel, ROUND_12, at(3, "10:20"), "refused", "refused_by_addressee")
    plan.hop([parcel], Hop(ROUND_12, ST_GALLEN, at(3, "14:30"), at(3, "14:40")))
    plan.report(parcel, ST_GALLEN, at(3, "15:00"), "return_ordered", "refused_by_addressee")
    plan.hop([parcel], Hop(ST_GALLEN, GOSSAU, at(2, "15:00"), at(2, "17:00")))


def _offline(plan: Plan, parcel: Parcel, now: int) -> None:
    """12: Stuben was offline: accepted 08:10, recorded 17:42. The only late one."""
    at = Calendar(now)
    plan.accept(parcel, STUBEN, at(8, "08:10"), stamps_of(parcel.number), recorded=at(8, "17:42"))
    plan.hop([parcel], Hop(STUBEN, HALL, at(8, "17:50"), at(8, "18:30")))
    plan.hop([parcel], Hop(HALL, ROUND_17, at(7, "06:50"), at(7, "07:00")))
    plan.end(parcel, ROUND_17, at(7, "11:05"), "signature_kept")


def _from_switzerland(plan: Plan, parcels: dict[str, Parcel], now: int) -> None:
    """17: a stamp missed at origin. 18: two attempts, then an authorised person. 19: redirected."""
    at = Calendar(now)
    letter = parcels["HB900001178CH"] = Parcel("HB900001178CH")
    plan.accept(letter, ST_GALLEN, at(12, "10:00"))
    plan.route([letter], _to_innsbruck(now, 12))
    plan.at(at(11, "14:40"), lambda: _cancel_missed(plan, letter))
    plan.hop([letter], Hop(INNSBRUCK_OE, HALL, at(11, "16:00"), at(11, "16:20")))
    plan.hop([letter], Hop(HALL, ROUND_17, at(10, "06:50"), at(10, "07:02")))
    plan.end(letter, ROUND_17, at(10, "09:40"), "letter_box")

    ems = parcels["EE900001181CH"] = Parcel("EE900001181CH")
    plan.accept(ems, ST_GALLEN, at(7, "06:10"), paid("account", 2900, "CHF"), service="EMS")
    plan.hop([ems], Hop(ST_GALLEN, ROUND_12, at(7, "07:00"), at(7, "07:10")))
    plan.report(ems, ROUND_12, at(7, "11:00"), "attempted_delivery", "addressee_absent")
    plan.report(ems, ROUND_12, at(6, "11:30"), "attempted_delivery", "access")
    plan.end(ems, ROUND_12, at(5, "10:00"), "proxy")

    moved = parcels["CP900001195CH"] = Parcel("CP900001195CH")
    plan.accept(moved, ST_GALLEN, at(15, "09:30"), paid("cash", 2200, "CHF"))
    plan.route([moved], _to_innsbruck(now, 15))
    plan.hop([moved], Hop(INNSBRUCK_OE, ROUND_17, at(13, "06:50"), at(13, "07:05")))
    plan.report(moved, ROUND_17, at(13, "10:15"), "redirected", "new_address")
    plan.hop([moved], Hop(ROUND_17, HALL, at(13, "12:30"), at(13, "12:40")))
    plan.hop([moved], Hop(HALL, ROUND_17, at(12, "06:50"), at(12, "06:58")))
    plan.end(moved, ROUND_17, at(12, "10:30"), "safe_place")


def _to_innsbruck(now: int, posted_days_ago: int) -> tuple[Hop, ...]:
    at = Calendar(now, since=posted_days_ago)
    return (
        Hop(ST_GALLEN, GOSSAU, at(0, "16:00"), at(0, "17:30")),
        Hop(GOSSAU, ZURICH_OE, at(0, "20:00"), at(0, "22:10")),
        Hop(ZURICH_OE, INNSBRUCK_OE, at(1, "08:00"), at(1, "13:40")),
    )


def _cancel_missed(plan: Plan, letter: Parcel) -> None:
    kind = codes.CANCEL_KINDS.number("missed_at_origin")
    request = CancelRequest(INNSBRUCK_OE, (MISSED_STAMP,), kind, letter.item)
    who = plan.stage.actor(INNSBRUCK_OE)
    plan.stage.do(cancel.cancel, who, request)


def _out_for_delivery(plan: Plan, parcels: dict[str, Parcel], now: int) -> None:
    """20: out for delivery today: the newcomer may deliver it as round 17."""
    parcel = parcels["LX900001204CH"] = Parcel("LX900001204CH")
    plan.accept(parcel, ST_GALLEN, day(now, 3, "09:30"), paid("cash", 1200, "CHF"))
    plan.route([parcel], _to_innsbruck(now, 3))
    plan.hop([parcel], Hop(INNSBRUCK_OE, HALL, day(now, 2, "15:00"), day(now, 2, "15:20")))
    plan.hop([parcel], Hop(HALL, ROUND_17, now - 3 * HOUR, now - 3 * HOUR + 480))


def _domestic(plan: Plan, parcels: dict[str, Parcel], now: int) -> None:
    """23: numbered by SSCC, franked to an account, Innsbruck to Hall."""
    at = Calendar(now)
    number = "399999990000001230"
    parcel = parcels[number] = Parcel(number, "sscc")
    plan.accept(parcel, COUNTER_1, at(10, "10:30"), paid("account", 640, "EUR"), source="pick_up")
    plan.hop([parcel], Hop(COUNTER_1, ROUND_17, at(10, "11:00"), at(10, "11:05")))
    plan.hop([parcel], Hop(ROUND_17, HALL, at(10, "12:10"), at(10, "12:22")))
    plan.end(parcel, HALL, at(9, "08:30"), "signature_kept")


def _lapsed_counter(plan: Plan, parcel: Parcel, now: int) -> None:
    """21: counter 2 may not sign any more (training lapsed); Hall's clock is 3 minutes behind."""
    plan.accept(parcel, COUNTER_1, now - 6 * HOUR, stamps_of(parcel.number))
    plan.at(now - 5 * HOUR, lambda: _try_at_counter_2(plan, parcel))
    plan.hop([parcel], Hop(COUNTER_1, ROUND_17, now - 4 * HOUR, now - 4 * HOUR + 240))
    released = now - 2 * HOUR
    plan.hop([parcel], Hop(ROUND_17, HALL, released, released - 180))


def _try_at_counter_2(plan: Plan, parcel: Parcel) -> None:
    request = ReleaseRequest(COUNTER_2, ROUND_17, (LineRequest(parcel.item),))
    who = plan.stage.actor(COUNTER_2)
    plan.stage.expect_refusal("NoRight", lambda db, h: hand_over(db, h, who, request))
