"""The front page, how it works, and how far this installation is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection

from backend.queries import audit, editions, network, showcase, status, trails
from backend.queries.trails import TrailAnswer
from backend.web.pictures import rarest_picture_of
from backend.web.visit import PageRoute, Visiting

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Journey:
    """One item's way in figures, counted from its trail. `seconds` from first to last event."""

    number: str
    trail: TrailAnswer
    start: str
    end: str
    seconds: int
    hand_offs: int
    signatures: int


@router.get("/")
def front(visit: Visiting) -> Response:
    """What this is, a live example, and codes to try."""
    with visit.begin() as db:
        return visit.page(
            "front.html",
            journey=_journey(db),
            specimens=showcase.specimens(db),
            shown=next(filter(rarest_picture_of, editions.editions(db)), None),
            picture_of=rarest_picture_of,
            statistics=audit.statistics(db),
        )


def _journey(db: Connection) -> Journey | None:
    """The example item of the demonstration; None where there is none, or where it is not recorded yet."""
    shown = showcase.item(db)
    if shown is None:
        return None
    found = trails.trail(db, shown.item)
    if not found.entries:
        return None
    first, last = found.entries[0], found.entries[-1]
    return Journey(
        number=shown.number,
        trail=found,
        start=first.at.town if first.at else "",
        end=(last.to or last.at).town if last.to or last.at else "",  # type: ignore[union-attr]
        seconds=last.entry.event_time - first.entry.event_time,
        hand_offs=sum(len(e.entry.signatures) == 2 for e in found.entries),
        signatures=sum(len(e.entry.signatures) for e in found.entries),
    )


@router.get("/about")
def about(visit: Visiting) -> Response:
    """How it works, in five pictures."""
    with visit.begin() as db:
        return visit.page("about.html", operators=network.operators(db))


@router.get("/docs")
def api_page(request: Request, visit: Visiting) -> Response:
    """What programs can ask, straight from the API's own description."""
    paths: dict[str, dict[str, Any]] = request.app.openapi()["paths"]
    operations = [
        (method.upper(), path, operation)
        for path, methods in paths.items()
        for method, operation in methods.items()
    ]
    return visit.page("docs.html", operations=operations)


@router.get("/status")
def status_page(visit: Visiting, part: Annotated[bool, Query()] = False) -> Response:
    """Chain, index, queue, alarms; `part` gives the changing part alone."""
    with visit.begin() as db:
        found = status.status(db)
    return visit.page("status_part.html" if part else "status.html", found=found)
