"""When Python looks for garbage in cycles: most of what a process has lasts as long as the process itself."""

from __future__ import annotations

import gc

# New objects between two looks, for a process whose requests must not wait for long, and for one that works through
# a million objects without cycles. Python's own 700 with all that is loaded took a sixth of a server's time (ADR 16).
ANSWERING, WORKING = 10_000, 700_000


def collect_seldom(new_objects: int) -> None:
    """From now on leave out all that there is, and look at the rest after so many new objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(new_objects, 10, 10)
