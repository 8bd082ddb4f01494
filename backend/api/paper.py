"""What comes out of a printer: sheets of stamps and labels of items, each read again before it is given out."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection

from backend.domain import ids
from backend.domain.commitments import trail_code_text
from backend.errors import Conflict, Unprocessable
from backend.ports import House
from backend.queries import editions
from backend.queries.labels import LabelAnswer
from backend.queries.work import PrintJobAnswer
from backend.usecases.claim_codes import secrets_to_print
from stamps.art.edition import read_edition
from stamps.label import ItemLabel, label_texts, print_label
from stamps.payload import Network, code_url, make, url
from stamps.render import StampFace
from stamps.scan import check_sheet
from stamps.sheet import ClaimCode, print_sheet, sheet_texts

DEMONSTRATION_CHAIN = 31337
NO_VALUE = "demonstration, no value"


def sheet_pdf(
    db: Connection,
    house: House,
    job: PrintJobAnswer,
    offset_mm: tuple[float, float] = (0.0, 0.0),
    claim_codes: bool = False,
) -> bytes:
    """The sheet of a print job; claim codes, if wanted, follow on pages of their own.

    Raises Conflict where the job is finished (a code is printed once) or the claim codes are destroyed,
    BadPrint, BadArtwork, SheetDiffers where a code does not read back.
    """
    if job.state == "confirmed":
        raise Conflict(
            "This print job is finished; its codes are not given out again.",
            "Print other stamps; the spoilt ones are out of use.",
        )
    faces = stamp_faces(db, house, job)
    claims = _claim_codes(db, house, job) if claim_codes else []
    pdf = print_sheet(
        faces, job.layout, start_label=job.start_label, offset_mm=offset_mm, claims=claims
    )
    check_sheet(pdf, sheet_texts(faces, claims))
    return pdf


def stamp_faces(db: Connection, house: House, job: PrintJobAnswer) -> list[StampFace]:
    """The faces of a job's stamps, their public codes signed by the operator's stamp signer."""
    found = editions.edition(db, job.edition)
    if not found.metadata:
        raise Unprocessable(
            f"The artwork of edition {ids.edition_text(job.edition)} is not kept here.",
            "Print it where the edition was created.",
        )
    art = read_edition(found.metadata)
    network = Network(house.network_alias, house.stamps.chain_id, house.stamps.contract)
    sign = partial(house.signer.sign, f"stamps/{found.operator}")
    stamps = (ids.stamp_number(job.edition, serial) for serial in range(job.first, job.last + 1))
    return [StampFace(art, s, url(house.origin, make(s, network, sign))) for s in stamps]


def _claim_codes(db: Connection, house: House, job: PrintJobAnswer) -> list[ClaimCode]:
    secrets = secrets_to_print(db, house.claim_seeds, job.edition, job.first, job.last)
    return [ClaimCode(stamp, secret, house.origin) for stamp, secret in secrets.items()]


def label_pdf(house: House, label: LabelAnswer, size: str) -> bytes:
    """An item's label. Item labels may be printed again. Raises BadPrint, SheetDiffers."""
    printed = ItemLabel(
        number=label.number.value,
        written=label.written,
        trail_url=code_url(house.origin, "T", trail_code_text(label.trail_code)),
        operator=label.operator.name,
        service=label.service,
        mark=NO_VALUE if house.ledger.chain_id == DEMONSTRATION_CHAIN else "",
    )
    pdf = print_label(printed, size)
    check_sheet(pdf, label_texts(printed))
    return pdf
