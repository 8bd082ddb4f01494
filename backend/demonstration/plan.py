"""A plan is a list of timed steps; parcels add theirs, the maker plays all of them in order of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from backend.demonstration.stage import DAY, Stage
from backend.domain import codes
from backend.domain.typed_data import DeliveryKeys, Finding
from backend.keystore import address_of, key_from, sign_compact
from backend.usecases import accept, custody, deliver, hand_off
from backend.usecases.accept import AcceptRequest
from backend.usecases.custody import EndRequest, ReportRequest, TakeUpRequest
from backend.usecases.deliver import DeliveryRequest, delivery_key_seed
from backend.usecases.franking import Franking
from backend.usecases.hand_off import LineRequest, ReceiptRequest, ReleaseRequest

LONG_DEADLINE_SECONDS = 14 * 3_600
DELIVERY_CODE = "DEMONSTRATION"


@dataclass
class Parcel:
    """One item of the story; `item` and `trail_code` are known once it is accepted."""

    number: str
    scheme: str = "auto"
    item: bytes = b""
    trail_code: bytes = b""


@dataclass(frozen=True)
class Hop:
    """A hand-off of a list: both times, what was missing, what was found otherwise."""

    giver: int
    receiver: int
    released: int
    received: int
    missing: tuple[str, ...] = ()
    found: tuple[tuple[str, str], ...] = ()


@dataclass
class Plan:
    """Steps by time; `parcels` by number."""

    stage: Stage
    steps: list[tuple[int, Callable[[], None]]] = field(default_factory=list)

    def at(self, time: int, step: Callable[[], None]) -> None:
        self.steps.append((time, step))

    def play(self, progress: Callable[[int, int], None]) -> None:
        """Play all steps; a block closes when the next step comes more than a minute later."""
        self.steps.sort(key=lambda step: step[0])
        for index, (time, step) in enumerate(self.steps):
            if time > self.stage.clock + 60:
                self.stage.settle()
            self.stage.clock = max(time, self.stage.clock)
            step()
            progress(index + 1, len(self.steps))
        self.stage.settle()

    def accept(
        self,
        parcel: Parcel,
        custodian: int,
        time: int,
        franking: Franking | None = None,
        *,
        recorded: int | None = None,
        source: str = "counter",
        with_key: bool = False,
        reuse: bool = False,
        service: str = "",
        destination: str = "",
        grams: int = 1_000,
    ) -> None:
        """The acceptance, at `time`; put in at `recorded` where the counter was offline."""

        def step() -> None:
            keys = self._keys(parcel) if with_key else None
            request = AcceptRequest(
                custodian=custodian,
                number=parcel.number,
                scheme=parcel.scheme,
                source=codes.SOURCES.number(source),
                time=time,
                franking=franking,
                weight_grams=grams,
                service=service,
                destination=destination,
                keys=keys,
                trail_code=parcel.trail_code,
                reuse_confirmed=reuse,
            )
            who = self.stage.actor(custodian)
            done = self.stage.do(accept.accept, who, request)
            parcel.item = done.item

        seed = self.stage.house.signer.address(f"trail/{parcel.number}/{time}")
        parcel.trail_code = seed[:16]
        self.at(recorded or time, step)

    def _keys(self, parcel: Parcel) -> DeliveryKeys:
        key = key_from(delivery_key_seed(DELIVERY_CODE, parcel.trail_code))
        sender = self.stage.house.signer.address(f"sender/{parcel.number}")
        return DeliveryKeys(address_of(key), sender, parcel.trail_code.ljust(32, b"\1"))

    def hop(self, parcels: Sequence[Parcel], hop: Hop) -> None:
        """Release and receipt of a list, each at its time."""
        digest: list[bytes] = []

        def release() -> None:
            request = ReleaseRequest(
                hop.giver,
                hop.receiver,
                tuple(LineRequest(p.item) for p in parcels),
                time=hop.released,
                deadline=hop.released + LONG_DEADLINE_SECONDS,
            )
            who = self.stage.actor(hop.giver)
            digest.append(self.stage.do(hand_off.hand_over, who, request))

        def receive() -> None:
            numbers = [p.number for p in parcels]
            request = ReceiptRequest(
                digest[0],
                frozenset(numbers.index(n) for n in hop.missing),
                tuple(Finding(numbers.index(n), codes.CONDITIONS.number(c)) for n, c in hop.found),
                time=hop.received,
            )
            who = self.stage.actor(hop.receiver)
            self.stage.do(hand_off.take_over, who, request)

        self.at(hop.released, release)
        self.at(max(hop.received, hop.released), receive)

    def route(self, parcels: Sequence[Parcel], hops: Iterable[Hop]) -> None:
        for hop in hops:
            self.hop(parcels, hop)

    def end(self, parcel: Parcel, custodian: int, time: int, mode: str) -> None:
        """Custody ends by the custodian's word alone (C4)."""

        def step() -> None:
            request = EndRequest(custodian, parcel.item, codes.MODES.number(mode), time=time)
            who = self.stage.actor(custodian)
            self.stage.do(custody.end_custody, who, request)

        self.at(time, step)

    def report(
        self,
        parcel: Parcel,
        custodian: int,
        time: int,
        code: str,
        reason: str = "none",
        corrects: int = 0,
    ) -> None:
        """An observation (C8)."""

        def step() -> None:
            request = ReportRequest(
                custodian,
                parcel.item,
                codes.REPORTS.number(code),
                codes.REASONS.number(reason),
                corrects,
                time=time,
            )
            who = self.stage.actor(custodian)
            self.stage.do(custody.report, who, request)

        self.at(time, step)

    def take_up(self, parcel: Parcel, custodian: int, time: int, reason: str) -> None:
        """Custody taken with one signature (C11)."""

        def step() -> None:
            request = TakeUpRequest(
                custodian, parcel.item, codes.TAKE_UP_REASONS.number(reason), time=time
            )
            who = self.stage.actor(custodian)
            self.stage.do(custody.take_up, who, request)

        self.at(time, step)

    def sign_for(self, parcel: Parcel, giver: int, time: int) -> None:
        """Delivery signed on the addressee's phone with the delivery code (C4)."""

        def step() -> None:
            who = self.stage.actor(giver)
            draft = self.stage.do(deliver.draft_delivery, who, parcel.item, giver)
            key = key_from(delivery_key_seed(DELIVERY_CODE, parcel.trail_code))
            request = DeliveryRequest(
                giver=giver,
                item=parcel.item,
                recipient=draft.recipient,
                recipient_signature=sign_compact(key, self.stage.house.digest(draft)),
                time=draft.time,
                deadline=draft.deadline,
                number=draft.number,
            )
            self.stage.do(deliver.deliver, who, request)

        self.at(time, step)


def day(now: int, days_ago: int, clock: str) -> int:
    """A time of day (UTC, `08:10`) some days before today, in seconds."""
    hours, minutes = clock.split(":")
    return now - now % DAY - days_ago * DAY + int(hours) * 3_600 + int(minutes) * 60


@dataclass(frozen=True)
class Calendar:
    """`at(20, "08:30")`: days before today; with `since`, days after the day that lies so far back."""

    now: int
    since: int | None = None

    def __call__(self, days: int, clock: str) -> int:
        return day(self.now, days if self.since is None else self.since - days, clock)
