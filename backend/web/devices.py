"""A device that signs for itself: register its passkey, let an administrator grant it, sign with it (N3)."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Form, Response

from backend import passkeys
from backend.api import people
from backend.errors import NotFound, Unprocessable
from backend.queries import devices
from backend.usecases import devices as usecases
from backend.web.visit import PageRoute, Visit, Visiting, see

router = APIRouter(route_class=PageRoute, include_in_schema=False)
CHALLENGE_SECONDS = 600
LONGEST_CREDENTIAL = 20_000


@router.get("/work/device")
def device_page(visit: Visiting) -> Response:
    """Which devices sign for this custodian, and one more."""
    _, custodian = visit.at_desk()
    home = passkeys.home(visit.house.origin)
    with visit.begin() as db:
        known = devices.of_custodian(db, custodian)
    options = None
    if home is not None and visit.custodian is not None:
        names = [one.credential for one in known]
        options = passkeys.creation_options(
            home, _challenges(visit)[0], custodian, visit.custodian.name, names
        )
    return visit.page("work/device.html", known=known, home=home, options=options)


def _challenges(visit: Visit) -> list[bytes]:
    """This session's challenge now, and the one before it: nobody else's, and not for long."""
    session = people.credentials(visit.request).session or ""
    window = visit.house.now() // CHALLENGE_SECONDS
    texts = (f"posthorn.passkey.{session}.{window - back}" for back in range(2))
    return [hashlib.sha256(text.encode()).digest() for text in texts]


@router.post("/work/device")
def register(
    visit: Visiting, credential: Annotated[str, Form(max_length=LONGEST_CREDENTIAL)]
) -> Response:
    """The browser's answer, checked; the passkey waits for its right."""
    who, custodian = visit.at_desk()
    home = passkeys.home(visit.house.origin)
    if home is None:
        raise Unprocessable(
            "Browsers allow passkeys only at a name with https.", "Let an engineer give it one."
        )
    found = passkeys.registered(home, credential, _challenges(visit))
    with visit.begin() as db:
        usecases.register(db, who, custodian, found.credential, found.point, found.rp_id, found.key)
    return see("/work/device")


@router.post("/people/devices/{credential}/grant")
def grant(visit: Visiting, credential: str) -> Response:
    """An administrator gives the custodian's next right to this device."""
    who, wanted = visit.person("admin"), _credential(credential)
    visit.write(lambda db: usecases.grant(db, visit.house, who, wanted))
    return see("/people")


@router.post("/people/devices/{credential}/lost")
def report_lost(visit: Visiting, credential: str) -> Response:
    """From the record on nothing signed with it counts (N3)."""
    who, wanted = visit.person("admin"), _credential(credential)
    visit.write(lambda db: usecases.report_lost(db, visit.house, who, wanted))
    return see("/people")


def _credential(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise NotFound("There is no such device.", "Look at the list of devices.") from None
