"""What the logs say, typed. Records of an item are `trail.Entry`; all others are here.

The plain ones bear the names and arguments of the contracts' events (contracts/interfaces).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from backend.domain.trail import Entry, Place
from backend.domain.typed_data import Claim, Issue, Original, Receipt, Release, Void


class RawLog(NamedTuple):
    """A log as table `log` keeps it."""

    block_hash: bytes
    log_index: int
    block_number: int
    transaction_hash: bytes
    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A log of the contracts that says nothing known: for the quarantine, with the reason."""

    place: Place
    reason: str


# --- PostalNetwork (N1-N4, S8) ----------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class OperatorAdmitted:
    place: Place
    operator: int
    admin: bytes
    name: str


@dataclass(frozen=True, slots=True)
class OperatorSuspended:
    place: Place
    operator: int


@dataclass(frozen=True, slots=True)
class OperatorReinstated:
    place: Place
    operator: int


@dataclass(frozen=True, slots=True)
class AdminChanged:
    place: Place
    operator: int
    admin: bytes


@dataclass(frozen=True, slots=True)
class SubmitterAdded:
    place: Place
    operator: int
    submitter: bytes


@dataclass(frozen=True, slots=True)
class SubmitterRemoved:
    place: Place
    operator: int
    submitter: bytes


@dataclass(frozen=True, slots=True)
class StampSignerAdded:
    place: Place
    operator: int
    signer: bytes


@dataclass(frozen=True, slots=True)
class StampSignerRevoked:
    place: Place
    operator: int
    signer: bytes


@dataclass(frozen=True, slots=True)
class CustodianEnrolled:
    """`facility` is the contract's `place`: an IMPC code or the operator's own."""

    place: Place
    custodian: int
    kind: int
    facility: str


@dataclass(frozen=True, slots=True)
class RightGranted:
    place: Place
    custodian: int
    key: bytes
    kind: int
    key_holder: int
    from_time: int
    until_time: int


@dataclass(frozen=True, slots=True)
class KeyCompromised:
    place: Place
    custodian: int
    key: bytes


@dataclass(frozen=True, slots=True)
class CustodianSuspended:
    place: Place
    custodian: int


@dataclass(frozen=True, slots=True)
class CustodianReinstated:
    place: Place
    custodian: int


# --- CustodyLedger, beside the trails (C10) ---------------------------------------------------------
@dataclass(frozen=True, slots=True)
class HandOff:
    """The contracts' struct HandOff: a release and the receipt over it, with both signatures."""

    release: Release
    receipt: Receipt
    giver_signature: bytes
    receiver_signature: bytes


@dataclass(frozen=True, slots=True)
class Equivocated:
    """Two complete hand-offs of one item and custody number by one giver: evidence, and no record of the trail."""

    place: Place
    item: bytes
    giver: int
    number: int
    first: HandOff
    second: HandOff


# --- CryptoStamp (S1-S10) ----------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class EditionTerms:
    """The contract's struct Edition."""

    metadata: bytes
    claim_root: bytes
    face_value: int
    currency: str
    service: int
    supply: int
    first_day: int
    withdrawn_from: int
    created_at: int


@dataclass(frozen=True, slots=True)
class EditionCreated:
    place: Place
    edition: int
    terms: EditionTerms


@dataclass(frozen=True, slots=True)
class EditionWithdrawn:
    place: Place
    edition: int
    from_time: int


@dataclass(frozen=True, slots=True)
class ClaimsClosed:
    """S10: the serials can neither be claimed nor shown."""

    place: Place
    edition: int
    first: int
    last: int
    reason: int
    by: bytes


@dataclass(frozen=True, slots=True)
class ClaimRootReplaced:
    """S10: from now on the claim keys of another tree count for the serials."""

    place: Place
    edition: int
    first: int
    last: int
    root: bytes
    by: bytes


@dataclass(frozen=True, slots=True)
class StampsIssued:
    """S3; the digest is that of typed_data.Issue."""

    place: Place
    digest: bytes
    range: Issue


@dataclass(frozen=True, slots=True)
class StampsVoided:
    """S5; the digest is that of typed_data.Void."""

    place: Place
    digest: bytes
    range: Void


@dataclass(frozen=True, slots=True)
class StampUsed:
    """S4: the one use of a stamp: a cancel kind, or 0 for a franking. The digest is of its record."""

    place: Place
    stamp: int
    custodian: int
    time: int
    kind: int
    item: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class TwinClaimed:
    """S6: the twin left the contract's keeping."""

    place: Place
    digest: bytes
    claim: Claim


@dataclass(frozen=True, slots=True)
class TwinMoved:
    """S7: a claimed twin changed hands, from one collector to another."""

    place: Place
    stamp: int
    giver: bytes
    owner: bytes


@dataclass(frozen=True, slots=True)
class OriginalShown:
    """S9."""

    place: Place
    digest: bytes
    original: Original


NetworkEvent = (
    OperatorAdmitted
    | OperatorSuspended
    | OperatorReinstated
    | AdminChanged
    | SubmitterAdded
    | SubmitterRemoved
    | StampSignerAdded
    | StampSignerRevoked
    | CustodianEnrolled
    | RightGranted
    | KeyCompromised
    | CustodianSuspended
    | CustodianReinstated
)
StampEvent = (
    EditionCreated
    | EditionWithdrawn
    | ClaimsClosed
    | ClaimRootReplaced
    | StampsIssued
    | StampsVoided
    | StampUsed
    | TwinClaimed
    | TwinMoved
    | OriginalShown
)
Event = Entry | Equivocated | NetworkEvent | StampEvent | Unreadable
