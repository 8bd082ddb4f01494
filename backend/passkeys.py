"""Passkeys: registering one at this installation, and what it signs, in the contracts' form (N3, ADR 7; WebAuthn 3)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from eth_abi.abi import decode, encode
from webauthn import (
    generate_registration_options,
    options_to_json,
    verify_registration_response,
)
from webauthn.helpers import decode_credential_public_key, parse_client_data_json
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.decode_credential_public_key import DecodedEC2PublicKey
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    UserVerificationRequirement,
)

from backend.domain.keccak import keccak256
from backend.domain.network import LONGEST_SIGNATURE
from backend.domain.refusals import Refusal, refusal
from backend.errors import Unprocessable
from backend.keystore import recover_address
from backend.proof.device_keys import (
    ASSERTION,
    ORDER,
    P256,
    PASSKEY,
    POINT_BYTES,
    RAW_BYTES,
    SECP256K1,
    is_signed_by,
)

ES256 = COSEAlgorithmIdentifier.ECDSA_SHA_256
USER_ID_BYTES = 5
COMPACT_BYTES = 64


@dataclass(frozen=True, slots=True)
class Passkey:
    """A registered credential: its id, its public key's point (qx | qy, 64 bytes), and its relying party."""

    credential: bytes
    point: bytes
    rp_id: str

    @property
    def key(self) -> bytes:
        """20 bytes: what a signing right stores (N3)."""
        return key_of(self.point, self.rp_id)


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a browser gives for one signature: the authenticator's data, the client's, and ECDSA in DER."""

    authenticator: bytes
    client: bytes
    signature: bytes


def key_of(point: bytes, rp_id: str) -> bytes:
    """The lower 160 bits of keccak256(abi.encode(qx, qy, rpIdHash))."""
    return keccak256(point + hashlib.sha256(rp_id.encode()).digest())[12:]


def home(origin: str) -> str | None:
    """The origin at which this installation's passkeys work; None where browsers allow none.

    Relying parties are names, and only `localhost` may do without https: so 127.0.0.1 is called that.
    """
    parts = urlsplit(origin)
    host = parts.hostname or ""
    if _is_loopback(host):
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://localhost{port}"
    if parts.scheme != "https" or _is_address(host):
        return None
    return origin


def _is_loopback(host: str) -> bool:
    return host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def rp_id(origin: str) -> str:
    """The relying party of an origin that `home` gave."""
    return urlsplit(origin).hostname or ""


def creation_options(
    origin: str, challenge: bytes, custodian: int, name: str, known: list[bytes]
) -> dict[str, Any]:
    """What `navigator.credentials.create` is asked, as JSON; `name` is the custodian's, never a person's.

    An authenticator keeps one key for each user: so the user is the custodian's number, which no other bears.
    """
    options: dict[str, Any] = json.loads(
        options_to_json(
            generate_registration_options(
                rp_id=rp_id(origin),
                rp_name="Posthorn",
                user_name=name,
                user_id=custodian.to_bytes(USER_ID_BYTES, "big"),
                challenge=challenge,
                authenticator_selection=AuthenticatorSelectionCriteria(
                    user_verification=UserVerificationRequirement.REQUIRED
                ),
                exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known],
                supported_pub_key_algs=[ES256],
            )
        )
    )
    return options


def registered(origin: str, credential: str, challenges: list[bytes]) -> Passkey:
    """The passkey of a registration, checked: one of our challenges, our origin, the user verified.

    Raises Unprocessable.
    """
    refused: Exception | None = None
    for challenge in challenges:
        try:
            found = verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=rp_id(origin),
                expected_origin=origin,
                require_user_verification=True,
                supported_pub_key_algs=[ES256],
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            refused = error
            continue
        public = decode_credential_public_key(found.credential_public_key)
        assert isinstance(public, DecodedEC2PublicKey)
        return Passkey(found.credential_id, public.x + public.y, rp_id(origin))
    raise Unprocessable(
        f"The browser’s answer does not fit ({refused}).", f"Begin again, at {origin}."
    )


def in_contract_form(passkey: Passkey, given: Assertion) -> bytes:
    """qx, qy and the WebAuthn fields as contracts/libraries/Signatures.sol reads them; s in its lower half.

    Raises Unprocessable for what is no assertion.
    """
    try:
        r, s = decode_dss_signature(given.signature)
        client = given.client.decode()
    except ValueError:
        raise Unprocessable("The browser’s signature cannot be read.", "Sign again.") from None
    places = client.find('"challenge":"'), client.find('"type":"webauthn.get"')
    if min(places) < 0 or not 0 < r < ORDER or not 0 < s < ORDER:
        raise Unprocessable("The browser’s signature is none of a passkey.", "Sign again.")
    lower = min(s, ORDER - s)
    numbers = (r.to_bytes(32, "big"), lower.to_bytes(32, "big"))
    return passkey.point + encode(ASSERTION, (*numbers, *places, given.authenticator, client))


def origin_of(client: bytes) -> str | None:
    """Where the browser was when the passkey signed; None in a frame of another site, or where it says nothing."""
    try:
        said = parse_client_data_json(client)
    except (WebAuthnException, ValueError, KeyError):
        return None
    return None if said.cross_origin else said.origin


@dataclass(frozen=True, slots=True)
class DeviceKeys:
    """ports.DeviceKeys for an installation at `origin`: what the contracts check, and where a passkey signed."""

    origin: str

    def refusal(self, kind: int, key: bytes, digest: bytes, signature: bytes) -> Refusal | None:
        """SignatureLength or WrongSignature. Raises Unprocessable for an assertion that was made elsewhere."""
        if not _has_length(kind, signature):
            return refusal("SignatureLength", length=len(signature))
        if kind == SECP256K1:
            good = recover_address(digest, signature) == key
        else:
            good = is_signed_by(kind, key, digest, signature)
        if good and kind == PASSKEY:
            self._must_be_made_here(signature)
        return None if good else refusal("WrongSignature", key=key, digest=digest)

    def _must_be_made_here(self, signature: bytes) -> None:
        client = decode(ASSERTION, signature[POINT_BYTES:], strict=False)[-1]
        made_at, here = origin_of(client.encode()), home(self.origin)
        if here is None or made_at != here:
            raise Unprocessable(
                f"This was signed at {made_at or 'an unknown place'}, not here.",
                f"Sign at {here}."
                if here
                else "Passkeys need this installation to have a name with https.",
            )


def _has_length(kind: int, signature: bytes) -> bool:
    if kind == PASSKEY:
        return POINT_BYTES < len(signature) <= LONGEST_SIGNATURE
    return len(signature) == (RAW_BYTES if kind == P256 else COMPACT_BYTES)
