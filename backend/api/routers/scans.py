"""What the codes on paper open: /S/ a stamp's verdict, /T/ a label's trail. JSON here; pages where they are."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import Scope

from backend.api.answers.stamps import Stamp
from backend.api.answers.trails import Trail
from backend.api.routers.stamps import limit_looks
from backend.api.routers.trails import IfNoneMatch, TrailCode, trail_answer
from backend.api.service import Call, answer
from backend.queries import stamps, trails


class JsonRoute(APIRoute):
    """Answers who asks for JSON; a browser goes on to the page of the same address."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """No match for who would rather see a page, where there are pages."""
        found, child = super().matches(scope)
        wants_page = "text/html" in Headers(scope=scope).get("accept", "")
        if found is not Match.NONE and wants_page and scope["app"].state.has_pages:
            return Match.NONE, {}
        return found, child


router = APIRouter(route_class=JsonRoute, tags=["scans"])


@router.get("/S/{payload}", response_model=Stamp)
def scan_stamp(call: Call, payload: Annotated[str, Path(max_length=300)]) -> Response:
    """A stamp's verdict. Counts one scan of the day and changes nothing else."""
    limit_looks(call)
    found = call.read(lambda db: stamps.verify(db, call.house, payload, count=True))
    return answer(Stamp.of(found))


@router.get("/T/{trail_code}", response_model=Trail)
def scan_label(call: Call, trail_code: TrailCode, if_none_match: IfNoneMatch = None) -> Response:
    """A label's trail with the item's number. Changes nothing."""
    limit_looks(call)
    return trail_answer(call.read(lambda db: trails.by_code(db, trail_code)), if_none_match)
