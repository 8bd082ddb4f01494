"""Times as people read them, for every time there may be: the chain takes 40 bits, which reach beyond calendars."""

from __future__ import annotations

from datetime import UTC, datetime

# 31 December 9999, 23:59:59 UTC: Python's calendar, PostgreSQL's and ISO 8601's four digits end there.
LAST_SECOND = 253_402_300_799
TOO_FAR = "far in the future"


def moment(seconds: int) -> datetime | None:
    """The time in UTC; None where no calendar has it."""
    return datetime.fromtimestamp(seconds, UTC) if 0 <= seconds <= LAST_SECOND else None


def written(seconds: int, form: str) -> str:
    """The time in UTC in a form of strftime, in which `%-d` is a day without a zero in front."""
    found = moment(seconds)
    return found.strftime(form) if found else TOO_FAR


def iso(seconds: int) -> str:
    """`2026-11-23T08:14:00Z` (ISO 8601)."""
    return written(seconds, "%Y-%m-%dT%H:%M:%SZ")
