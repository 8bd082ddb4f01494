"""Pictures that pages show: stamps as they were printed, and the codes of the specimen sheet.

The public code of a stamp that was sold is never drawn here: it is printed once (J9).
"""

from __future__ import annotations

import gzip
import json
from functools import lru_cache

from fastapi import APIRouter, Request, Response

from backend.domain import ids
from backend.errors import NotFound
from backend.queries import editions, showcase
from backend.queries.editions import EditionAnswer
from backend.web.visit import PageRoute, Visiting
from stamps.art.edition import Edition, Variety, read_edition
from stamps.errors import BadArtwork, BadPrint
from stamps.payload import code_url
from stamps.render import code_svg, stamp_png, stamp_svg

router = APIRouter(route_class=PageRoute, include_in_schema=False)
DAY_SECONDS = 86_400
SMALL_DPI = 120
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def picture_of(edition: EditionAnswer | None, serial: int) -> str | None:
    """Where the picture of a stamp is, without `.svg` or `.png`; None where its artwork is not kept here."""
    art = _art_of(edition)
    if art is None or edition is None or not 1 <= serial <= art.quantity:
        return None
    return _path(edition, art.varieties.index(art.variety(serial)))


def rarest_picture_of(edition: EditionAnswer | None) -> str | None:
    """The picture of the variety of which fewest were printed."""
    art = _art_of(edition)
    if art is None or edition is None:
        return None
    rarest = min(art.varieties, key=lambda variety: variety.quantity)
    return _path(edition, art.varieties.index(rarest))


def _path(edition: EditionAnswer, variety: int) -> str:
    return f"/pictures/{ids.edition_text(edition.edition)}/{variety}"


def _art_of(edition: EditionAnswer | None) -> Edition | None:
    if edition is None or not edition.metadata:
        return None
    try:
        return _art(json.dumps(edition.metadata, sort_keys=True))
    except BadArtwork:
        return None


@lru_cache(maxsize=64)
def _art(metadata: str) -> Edition:
    return read_edition(json.loads(metadata))


@router.get("/pictures/{edition}/{variety}.svg")
def large_picture(request: Request, visit: Visiting, edition: str, variety: int) -> Response:
    """A stamp without its code, to compare with the paper in hand."""
    drawn = _large(*_variety(visit, edition, variety))
    if "gzip" in request.headers.get("accept-encoding", ""):
        return _picture(drawn, "image/svg+xml", {"Content-Encoding": "gzip"})
    return _picture(gzip.decompress(drawn), "image/svg+xml")


@router.get("/pictures/{edition}/{variety}.png")
def small_picture(visit: Visiting, edition: str, variety: int) -> Response:
    """The same, small, for lists and choices."""
    return _picture(_small(*_variety(visit, edition, variety)), "image/png")


def _variety(visit: Visiting, edition: str, variety: int) -> tuple[Edition, Variety]:
    try:
        with visit.begin() as db:
            art = _art_of(editions.find(db, ids.parse_edition(edition)))
        if art is not None and 0 <= variety < len(art.varieties):
            return art, art.varieties[variety]
    except ids.BadNumber:
        pass
    raise NotFound("There is no such picture here.", "Look at the stamp's own page.")


@lru_cache(maxsize=64)
def _large(edition: Edition, variety: Variety) -> bytes:
    return gzip.compress(stamp_svg(edition, variety).encode(), 9)


@lru_cache(maxsize=64)
def _small(edition: Edition, variety: Variety) -> bytes:
    return stamp_png(edition, variety, SMALL_DPI)


@router.get("/showcase/{position}.svg")
def specimen_code(visit: Visiting, position: int) -> Response:
    """The code of one specimen of the demonstration."""
    with visit.begin() as db:
        found = next((s for s in showcase.specimens(db) if s.position == position), None)
    if found is None:
        raise NotFound(f"The specimen sheet has no place {position}.")
    return code_picture(visit.house.origin, "S", found.payload)


def code_picture(origin: str, page: str, payload: str) -> Response:
    """A QR code of one of our addresses. Raises NotFound for what no code can hold."""
    try:
        return _picture(code_svg(code_url(origin, page, payload)).encode(), "image/svg+xml")
    except BadPrint as error:
        raise NotFound(str(error)) from None


def _picture(content: bytes, kind: str, more: dict[str, str] | None = None) -> Response:
    """A picture that may be kept, and in which nothing can run."""
    headers = {
        "Cache-Control": f"public, max-age={DAY_SECONDS}",
        "Content-Security-Policy": POLICY,
        "Vary": "Accept-Encoding",
    }
    return Response(content, headers=headers | (more or {}), media_type=kind)
