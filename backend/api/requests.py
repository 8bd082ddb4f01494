"""Bodies of requests, and how they become the requests of use cases."""

from __future__ import annotations

import json
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from backend.api.fields import (
    AddressIn,
    Amount,
    Bytes32In,
    CancelKindIn,
    ClosingReasonIn,
    ConditionIn,
    Currency,
    CustodianIn,
    EditionIn,
    KeyHolderIn,
    KeyKindIn,
    KindIn,
    Line,
    ModeIn,
    PaymentIn,
    ReasonIn,
    ReportIn,
    Scanned,
    SealIn,
    SealStateIn,
    Seconds,
    SignatureIn,
    SourceIn,
    StampIn,
    StandInReasonIn,
    TakeUpReasonIn,
    VoidReasonIn,
)
from backend.domain import codes
from backend.domain.packing import MOST_AT_ONCE, MOST_CONTENTS
from backend.domain.typed_data import ZERO32

MOST_LINES = 500
MOST_LISTS = 100
MOST_STAMPS = 100
# As many as fit into a request of 2 MB, and into a minute of anybody's patience.
MOST_CLAIM_KEYS = 20_000
DEEPEST_METADATA = 10
EVIDENCE = "root of what is kept as evidence (photographs, forms); zero for none"


class Body(BaseModel):
    """Unknown fields are refused: a misspelt one would be lost without a word."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TimedBody(Body):
    """A device that holds its key signs for itself: then the time that it signed goes with the signature."""

    time: Seconds | None = Field(None, description="when it happened; now, if not given")
    signature: SignatureIn | None = Field(
        None, description="64 bytes r | vs (EIP-2098); of P-256 keys and passkeys see docs/api.md"
    )

    @model_validator(mode="after")
    def _signed_at(self) -> Self:
        if self.signature is not None and self.time is None:
            raise ValueError("a signature goes with the time that was signed")
        return self


class SignedBody(TimedBody):
    """`custodian` is who acts, by default the one at which the caller works."""

    custodian: CustodianIn | None = None
    evidence: Bytes32In = Field(ZERO32, description=EVIDENCE)


# --- stamps ---------------------------------------------------------------------------------------
class PaymentBody(Body):
    """Other payment than crypto-stamps."""

    kind: PaymentIn
    amount: Annotated[Amount, Field(ge=1)]


class FrankingBody(Body):
    """What pays for the item: postage required, stamps (public codes or numbers), other payment."""

    required: Amount | None = None
    currency: Currency | None = None
    stamps: tuple[Scanned, ...] = Field((), max_length=MOST_STAMPS)
    payments: tuple[PaymentBody, ...] = Field((), max_length=10)

    @model_validator(mode="after")
    def _has_currency(self) -> Self:
        if self.required is not None and self.currency is None:
            raise ValueError("postage required goes with its currency")
        return self


class EditionBody(Body):
    """A new edition; `metadata` is its artwork and texts, whose hash goes on chain.

    Each stamp's claim key is made at once, about 5,000 a second.
    """

    edition: EditionIn
    title: Annotated[Line, Field(min_length=1)]
    quantity: int = Field(ge=1, le=100_000)
    face_value: Annotated[Amount, Field(ge=1)]
    currency: Currency
    first_day: Seconds
    metadata: dict[str, Any]

    @field_validator("metadata")
    @classmethod
    def _can_be_kept(cls, value: dict[str, Any]) -> dict[str, Any]:
        """PostgreSQL keeps no NUL, and half a surrogate pair is no text. Raises ValueError."""
        if not _is_shallow(value):
            raise ValueError(f"is nested deeper than {DEEPEST_METADATA} levels")
        if "\\u0000" in json.dumps(value):
            raise ValueError("holds a character that cannot be kept (NUL)")
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        return value


def _is_shallow(value: Any) -> bool:
    """Level by level: what calls itself for each would end at Python's own limit."""
    level = [value]
    for _ in range(DEEPEST_METADATA):
        inner = [list(v.values()) if isinstance(v, dict) else v for v in level]
        level = [part for parts in inner if isinstance(parts, list) for part in parts]
    return not level


class PrintJobBody(Body):
    """Take `count` stamps from stock and begin to print them."""

    custodian: CustodianIn | None = None
    edition: EditionIn
    count: int = Field(ge=1, le=1_000)
    layout: str = Field("70x37", max_length=20)
    start_label: int = Field(1, ge=1, le=100)


class SheetBody(Body):
    """How to print: what the printer is off in mm, and whether the claim codes follow on pages of their own."""

    offset_right_mm: float = Field(0.0, ge=-10, le=10, allow_inf_nan=False)
    offset_down_mm: float = Field(0.0, ge=-10, le=10, allow_inf_nan=False)
    claim_codes: bool = False


class ConfirmationBody(Body):
    """Which serials of the job did not come out, and why."""

    spoilt: tuple[int, ...] = Field((), max_length=1_000)
    reason: VoidReasonIn = Field(codes.VOID_REASONS.number("spoilt"))


class VoidBody(Body):
    """A range of serials to take out of use, sold or not."""

    edition: EditionIn
    first: int = Field(ge=1, lt=2**32)
    last: int = Field(ge=1, lt=2**32)
    reason: VoidReasonIn


class ClosureBody(Body):
    """A range of serials whose claims are closed (S10)."""

    edition: EditionIn
    first: int = Field(ge=1, lt=2**32)
    last: int = Field(ge=1, lt=2**32)
    reason: ClosingReasonIn


class ClaimKeysBody(Body):
    """The addresses of new claim keys, by serial from `first` on, for exactly a range that was closed."""

    edition: EditionIn
    first: int = Field(ge=1, lt=2**32)
    claim_keys: tuple[AddressIn, ...] = Field(min_length=1, max_length=MOST_CLAIM_KEYS)


class CancelBody(SignedBody):
    """Stamps to mark used without an acceptance; `item` only where they were missed at origin."""

    stamps: tuple[Scanned, ...] = Field(min_length=1, max_length=MOST_STAMPS)
    kind: CancelKindIn
    item: Scanned | None = None


class OriginalBody(Body):
    """The claim key's own signature; the secret behind it never comes here."""

    stamp: StampIn
    deadline: Seconds
    claim_key: AddressIn
    signature: SignatureIn
    proof: tuple[Bytes32In, ...] = Field(max_length=32)


class ClaimBody(OriginalBody):
    """To whom the twin goes."""

    to: AddressIn


class VerifyBody(Body):
    """A public code (the whole address or what stands behind /S/) or a typed number."""

    code: Scanned


# --- items ----------------------------------------------------------------------------------------
class KeysBody(Body):
    """Delivery keys that acceptance names, hidden by a salt: fresh for each item (C1)."""

    recipient: AddressIn = Field(bytes(20))
    sender: AddressIn = Field(bytes(20))
    salt: Bytes32In


class AcceptBody(SignedBody):
    """An item as a counter, a courier or an office knows it.

    `number` may be missing where the item is known by its one stamp. `trail_code` (26 letters and digits) and
    `keys` go with a device's own signature; else they are made here.
    """

    number: Scanned | None = None
    scheme: str = Field("auto", pattern="^(auto|s10|sscc|own)$")
    source: SourceIn = Field(codes.SOURCES.number("counter"))
    franking: FrankingBody | None = None
    weight_grams: int | None = Field(None, ge=0, le=100_000_000)
    service: Line = ""
    destination: Line = ""
    keys: KeysBody | None = None
    previous: Bytes32In = Field(ZERO32)
    trail_code: str | None = Field(None, max_length=40)
    reuse_confirmed: bool = False


class BulkBody(Body):
    """Up to 500 items; each stands alone: one that is refused does not keep the others back."""

    items: tuple[AcceptBody, ...] = Field(min_length=1, max_length=MOST_LINES)


# --- custody --------------------------------------------------------------------------------------
class LineBody(Body):
    """One item of a list, by its 0x-item, its label's code or its number."""

    item: Scanned
    condition: ConditionIn = Field(codes.SOUND)
    evidence: Bytes32In = Field(ZERO32, description=EVIDENCE)
    custody_number: int | None = Field(None, ge=0, lt=2**32)


class ListBody(TimedBody):
    """A list for a receiver. `deadline` is 15 minutes from now, if not given."""

    receiver: CustodianIn
    lines: tuple[LineBody, ...] = Field(min_length=1, max_length=MOST_LINES)
    deadline: Seconds | None = None


class ReleaseBody(ListBody):
    """Hand over a list."""

    custodian: CustodianIn | None = Field(None, description="the giver")


class ListsBody(Body):
    """Up to 100 lists by the custodian at which the caller works, with 500 lines in all."""

    lists: tuple[ListBody, ...] = Field(min_length=1, max_length=MOST_LISTS)

    @model_validator(mode="after")
    def _not_too_long(self) -> Self:
        if sum(len(one.lines) for one in self.lists) > MOST_LINES:
            raise ValueError(f"the lists have more than {MOST_LINES} lines in all")
        return self


class StandInBody(Body):
    """Hand over in the place of a custodian that cannot sign (C9)."""

    giver: CustodianIn
    receiver: CustodianIn
    reason: StandInReasonIn
    lines: tuple[LineBody, ...] = Field(min_length=1, max_length=MOST_LINES)
    time: Seconds | None = None


class FindingBody(Body):
    """A condition found that differs from the one given; `line` counts from 0."""

    line: int = Field(ge=0, lt=MOST_LINES)
    condition: ConditionIn
    evidence: Bytes32In = Field(ZERO32, description=EVIDENCE)


class PinBody(Body):
    """The receiver's own act at the giver's screen."""

    person: Line
    pin: str = Field(max_length=12)


class TakenBody(TimedBody):
    """All lines of a list but the missing ones, with what was found otherwise."""

    release: Bytes32In
    missing: frozenset[Annotated[int, Field(ge=0, lt=MOST_LINES)]] = frozenset()
    findings: tuple[FindingBody, ...] = Field((), max_length=MOST_LINES)


class ReceiptBody(TakenBody):
    """Take over a list."""

    pin: PinBody | None = None


class ReceiptsBody(Body):
    """Up to 100 lists, taken over at the custodian at which the caller works."""

    receipts: tuple[TakenBody, ...] = Field(min_length=1, max_length=MOST_LISTS)


class EquivocationBody(Body):
    """Two complete hand-offs of one item, each as a submission's payload has it (C10)."""

    item: Scanned
    first: dict[str, Any]
    second: dict[str, Any]


class ItemBody(SignedBody):
    """A record about one item, by its 0x-item, its label's code or its number."""

    item: Scanned


class TakeUpBody(ItemBody):
    """Found in hand, though the chain places it elsewhere (C11)."""

    reason: TakeUpReasonIn
    condition: ConditionIn = Field(codes.SOUND)


class EndBody(ItemBody):
    """Delivered with a mode, left the network, or disposed of (C4)."""

    mode: ModeIn
    custody_number: int | None = Field(None, ge=0, lt=2**32)


class RecallBody(ItemBody):
    """Void the open releases of an item (C3)."""

    custody_number: int | None = Field(None, ge=0, lt=2**32)


class ReportBody(ItemBody):
    """What was seen; `corrects` names a record of the trail, 0 for none (C8)."""

    code: ReportIn
    reason: ReasonIn = Field(0)
    corrects: int = Field(0, ge=0, lt=2**32)


# --- receptacles ----------------------------------------------------------------------------------
class ReceptacleBody(SignedBody):
    """A record of a receptacle (C7): a bag, tray or container, by its 0x-item, its label's code or its number."""

    receptacle: Scanned
    custody_number: int | None = Field(None, ge=0, lt=2**32)


class PackingBody(ReceptacleBody):
    """Put items into it, in this order; a receptacle holds 5,000, packed in as many lists as needed."""

    items: tuple[Scanned, ...] = Field(min_length=1, max_length=MOST_AT_ONCE)


class ClosingBody(ReceptacleBody):
    """Close it, with a seal. `count` and `contents` go with a device's own signature."""

    seal: Line = Field("", max_length=30, description="the seal's number")
    seal_kind: SealIn = Field(codes.SEALS.number("plastic"))
    count: int | None = Field(None, ge=0, lt=2**32)
    contents: Bytes32In | None = Field(None, description="running hash of what was packed")

    @model_validator(mode="after")
    def _one_evidence(self) -> Self:
        if self.seal.strip() and any(self.evidence):
            raise ValueError("give a seal or evidence of your own, not both")
        return self


class OpeningBody(ReceptacleBody):
    """Open it: what was found and what is missing; what is named in neither is inferred, not seen."""

    found: tuple[Scanned, ...] = Field((), max_length=MOST_CONTENTS)
    missing: tuple[Scanned, ...] = Field((), max_length=MOST_AT_ONCE)
    seal_state: SealStateIn | None = None

    @model_validator(mode="after")
    def _one_evidence(self) -> Self:
        if self.seal_state is not None and any(self.evidence):
            raise ValueError("say how the seal was found, or give evidence of your own, not both")
        return self


class DeliveryBody(SignedBody):
    """A delivery that the addressee's key has signed, as the draft was (C4)."""

    item: Scanned
    recipient: AddressIn
    recipient_signature: SignatureIn
    time: Seconds
    deadline: Seconds
    custody_number: int | None = Field(None, ge=0, lt=2**32)
    condition: ConditionIn = Field(codes.SOUND)


# --- people and network ---------------------------------------------------------------------------
class SessionBody(Body):
    """A one-use sign-in link (its secret part) or an API token."""

    link: str | None = Field(None, min_length=1, max_length=200)
    token: str | None = Field(None, min_length=1, max_length=200)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.link is None) == (self.token is None):
            raise ValueError("give either a link or a token")
        return self


class WorkplaceBody(Body):
    """Where the person works from now on."""

    custodian: CustodianIn


class NewPinBody(Body):
    """4 to 12 digits."""

    pin: str = Field(max_length=12)


class RightBody(Body):
    """A signing right: `generation` picks the key of the keystore (another one is a rotation)."""

    key_holder: KeyHolderIn = Field(codes.KEY_HOLDERS.number("operator"))
    generation: int = Field(1, ge=1, le=16)
    until: Seconds | None = Field(None, description="without end, if not given")


class EnrolBody(RightBody):
    """A new custodian with its first right. `place` is an IMPC or own code; names stay off chain."""

    custodian: CustodianIn
    kind: KindIn
    place: str = Field(pattern="^[A-Z0-9]{1,12}$")
    name: Annotated[Line, Field(min_length=1)]
    town: Line = ""


class NextRightBody(RightBody):
    """The next right: a key of the keystore, or `key` on the custodian's device (20 bytes, of a kind)."""

    key: AddressIn | None = Field(
        None,
        description="an address; of P-256 and passkeys the lower 160 bits of keccak256(qx, qy, rpIdHash)",
    )
    key_kind: KeyKindIn = Field(codes.KEY_KINDS.number("secp256k1"))

    @model_validator(mode="after")
    def _has_key(self) -> Self:
        if self.key is None and self.key_kind != codes.KEY_KINDS.number("secp256k1"):
            raise ValueError("a key of this kind is on a device: name it")
        return self


class CompromiseBody(Body):
    """Which key was lost: one of the keystore by its `generation`, or the `key` of a device."""

    generation: int | None = Field(None, ge=1, le=16)
    key: AddressIn | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.generation is None) == (self.key is None):
            raise ValueError("name either a generation or a key")
        return self
