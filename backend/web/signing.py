"""Where a device has to sign: the same form once more, with the passkey's signature (N3).

A form whose record only a device can sign is answered with a page that asks for a fingerprint (visit.sign_page); it
sends the same form to the same address, with time and signature in it. So every form of the desk works with a passkey.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from dataclasses import dataclass

from backend import passkeys
from backend.domain.commitments import BadTrailCode, parse_trail_code
from backend.domain.texts import is_digits
from backend.errors import Unprocessable
from backend.passkeys import Assertion, Passkey
from backend.queries import devices
from backend.web.visit import Visit

FIELDS = ("credential", "authenticator", "client", "signature")


@dataclass(frozen=True, slots=True)
class Given:
    """The device's signature and the time that it signed; both None where nothing was signed yet."""

    time: int | None = None
    signature: bytes | None = None


def given(visiting: Visit) -> Given:
    """What came along in the address. Raises Unprocessable."""
    asked = visiting.request.query_params
    if "signed_at" not in asked:
        return Given()
    if not is_digits(asked["signed_at"], 12):
        raise Unprocessable("The time that was signed cannot be read.", "Begin again.")
    credential, *assertion = (_bytes(asked.get(name, "")) for name in FIELDS)
    with visiting.begin() as db:
        known = devices.by_credential(db, credential)
    if known is None:
        raise Unprocessable("This passkey is not known here.", "Register this device first.")
    passkey = Passkey(known.credential, known.point, known.rp_id)
    signature = passkeys.in_contract_form(passkey, Assertion(*assertion))
    return Given(int(asked["signed_at"]), signature)


def _bytes(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise Unprocessable("The browser’s signature cannot be read.", "Sign again.") from None


def trail_code_of(made: str) -> bytes | None:
    """What an acceptance had drawn by lot before a device signed it. Raises Unprocessable."""
    if not made:
        return None
    try:
        return parse_trail_code(made)
    except BadTrailCode:
        raise Unprocessable("The form came incomplete.", "Begin again.") from None
