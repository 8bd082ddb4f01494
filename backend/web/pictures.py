"""Pictures that pages show: a stamp as it was printed, and the codes of the specimen sheet.

The public code of a stamp that was sold is never drawn here: it is printed once (J9).
"""

from __future__ import annotations

from functools import lru_cache

from fastapi import APIRouter, Response

from backend.domain import ids
from backend.errors import NotFound
from backend.queries import editions, showcase
from backend.web.visit import PageRoute, Visiting
from stamps.art.edition import Edition, read_edition
from stamps.errors import BadArtwork, BadPrint
from stamps.payload import code_url
from stamps.render import code_svg, stamp_svg

router = APIRouter(route_class=PageRoute, include_in_schema=False)
DAY_SECONDS = 86_400


@router.get("/stamps/{number}.svg")
def stamp_picture(visit: Visiting, number: str) -> Response:
    """The stamp without its code, to compare with the paper in hand."""
    try:
        stamp = ids.parse_stamp(number)
        return svg(_picture(_edition(visit, ids.edition_of(stamp)), ids.serial_of(stamp)))
    except (ids.BadNumber, BadArtwork) as error:
        raise NotFound(f"There is no picture of this stamp: {error}.") from None


@router.get("/showcase/{position}.svg")
def specimen_code(visit: Visiting, position: int) -> Response:
    """The code of one specimen of the demonstration."""
    with visit.begin() as db:
        found = next((s for s in showcase.specimens(db) if s.position == position), None)
    if found is None:
        raise NotFound(f"The specimen sheet has no place {position}.")
    try:
        return svg(code_svg(code_url(visit.house.origin, "S", found.payload)))
    except BadPrint as error:
        raise NotFound(str(error)) from None


@lru_cache(maxsize=512)
def _picture(edition: Edition, serial: int) -> str:
    return stamp_svg(edition, edition.variety(serial))


_editions: dict[int, Edition] = {}


def _edition(visit: Visiting, number: int) -> Edition:
    """An edition's artwork; its metadata is fixed for ever, so it is read once."""
    if number not in _editions:
        with visit.begin() as db:
            metadata = editions.edition(db, number).metadata
        _editions[number] = read_edition(metadata)
    return _editions[number]


def svg(text: str) -> Response:
    """A picture that may be kept, and in which nothing can run."""
    headers = {
        "Cache-Control": f"public, max-age={DAY_SECONDS}",
        "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(text, headers=headers, media_type="image/svg+xml")
