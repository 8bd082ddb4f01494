"""All pages as one router, with the files that they load."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException

from backend.errors import NotFound
from backend.web import (
    accepting,
    acts,
    audit,
    closing,
    desk,
    devices,
    front,
    handing,
    hooks,
    label,
    packing,
    people,
    pictures,
    selling,
    sign_in,
    standing_in,
    verify,
)
from backend.web.render import STATIC
from backend.web.visit import PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False)
YEAR_SECONDS = 31_536_000
KINDS = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
}
ROOMS = (
    front, pictures, verify, label, sign_in, desk, selling, accepting, handing, packing, acts, devices,
    audit, people, standing_in, closing, hooks,
)  # fmt: skip
for room in ROOMS:
    router.include_router(room.router)


@router.get("/static/{path:path}")
def static_file(path: str) -> Response:
    """A file of the pages; its address changes with its content, so it may be kept for a year."""
    file = _file(path)
    if file is None:
        raise NotFound("There is no such file.")
    headers = {"Cache-Control": f"public, max-age={YEAR_SECONDS}, immutable"}
    return FileResponse(file, headers=headers, media_type=KINDS[file.suffix])


def _file(path: str) -> Path | None:
    """The file that an address names; None where there is none, or cannot be one of that name."""
    file = STATIC / path
    if ".." in file.parts or file.suffix not in KINDS:
        return None
    try:
        return file if file.resolve().is_relative_to(STATIC) and file.is_file() else None
    except (OSError, ValueError):
        return None


@router.get("/{path:path}")
def nothing_here(path: str) -> Response:
    """Every other address: a page that says so. Raises NotFound, and for the API its own 404."""
    if path.startswith("v1/"):
        raise HTTPException(404)
    raise NotFound("There is no such page here.", "Begin at the front page, or check a stamp.")
