"""What the use cases need from outside, and the house they stand in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from backend.domain.refusals import Refusal
from backend.domain.typed_data import Signed, SigningDomain


class Signer(Protocol):
    """Keys by name (`custodian/1-5/1`, `submitter/1`, `stamps/1`): a keystore here, an HSM or KMS elsewhere."""

    def address(self, key: str) -> bytes:
        """20 bytes. Raises Unavailable where the keys cannot be reached."""

    def sign(self, key: str, digest: bytes) -> bytes:
        """64 bytes r | vs (EIP-2098), s in its lower half. Raises Unavailable."""

    def secret(self, name: str) -> bytes:
        """32 bytes for uses other than signing: the same for a name, and nobody else can tell them."""


class ClaimSeeds(Protocol):
    """Sealed 32-byte seeds of claim codes, one for each print run of an edition, until it is confirmed (S10)."""

    def make(self, edition: int, run: int) -> bytes:
        """A new seed, sealed; the same one while it is not destroyed."""

    def get(self, edition: int, run: int) -> bytes | None:
        """The seed, or None once it is destroyed."""

    def destroy(self, edition: int, run: int) -> None:
        """For ever."""

    def kept(self) -> list[tuple[int, int]]:
        """Edition and run of each that is not destroyed."""


class DeviceKeys(Protocol):
    """Checks what keys on devices have signed: secp256k1, P-256, passkeys (N3)."""

    def refusal(self, kind: int, key: bytes, digest: bytes, signature: bytes) -> Refusal | None:
        """As the contracts would refuse it. Raises Unprocessable for a passkey that was used elsewhere."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of calling a web hook: told, busy (it asks for a pause), silent (nothing that could answer did),
    refused (this message), gone (it wants no more). `words` say it, and nothing of what answered.
    """

    kind: str
    words: str
    pause_seconds: float = 0.0


class Hooks(Protocol):
    """Web hooks of other systems: their addresses, their secrets, one call."""

    def check(self, url: str) -> None:
        """Raises Unprocessable for an address that no hook may have."""

    def secret(self, salt: bytes) -> str:
        """What the receiver checks signatures with: the same for a salt, and nobody else can tell it."""

    def call(self, url: str, salt: bytes, message: str, body: str) -> Outcome:
        """Send one message, signed; never raises for what the other side does."""


@dataclass(frozen=True, slots=True)
class House:
    """One installation: which contracts on which chain, its keys, its clock, its address on paper.

    `recover` gives the address that signed a digest, or None; `records_lane` is the key that sends
    signed records (anyone may, G1), so that one item's records stay in one order.
    """

    ledger: SigningDomain
    stamps: SigningDomain
    network: bytes
    network_alias: int
    signer: Signer
    devices: DeviceKeys
    claim_seeds: ClaimSeeds
    hooks: Hooks
    recover: Callable[[bytes, bytes], bytes | None]
    records_lane: str
    now: Callable[[], int]
    origin: str

    def digest(self, record: Signed) -> bytes:
        """The record's digest under the contract that it is meant for."""
        return record.digest(self.stamps if record.CONTRACT == "CryptoStamp" else self.ledger)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks (B9): the person, the custodian in whose name, the device. Kept with every submission.

    `person` is None where nobody has signed in: a collector who claims a twin.
    """

    person: int | None
    role: str
    custodian: int | None = None
    custodians: frozenset[int] = frozenset()
    device: str = ""
