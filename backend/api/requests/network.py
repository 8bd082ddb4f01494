"""Bodies about people and their custodians' rights."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from backend.api.fields import (
    AddressIn,
    CustodianIn,
    KeyHolderIn,
    KeyKindIn,
    KindIn,
    Line,
    Seconds,
)
from backend.api.requests.parts import Body
from backend.domain import codes


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
