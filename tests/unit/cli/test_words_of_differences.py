"""What `fsck` says of a difference: times as people read them, all else as it is kept."""

from __future__ import annotations

from typing import Any

import pytest

from backend.cli.upkeep import difference_text
from backend.indexer.fsck import Difference

ITEM = b"\x11" * 32


@pytest.mark.parametrize(
    ("what", "here", "there", "said"),
    [
        ("event_time of record", 0, 3_600, "1970-01-01 00:00:00 UTC here, 1970-01-01 01:00:00 UTC"),
        ("received_at of record", 60, None, "1970-01-01 00:01:00 UTC here, None on"),
        ("time of item", 60, 2**40 - 1, "1970-01-01 00:01:00 UTC here, far in the future on"),
        ("deadline of record", 60, 0, "1970-01-01 00:01:00 UTC here"),
        ("given of record", 1, 60, ": 1 here, 60 on"),
        ("head of item", ITEM, ITEM, "0x1111"),
    ],
)
def test_times_are_readable(what: str, here: Any, there: Any, said: str) -> None:
    text = difference_text(Difference(what, ITEM, here, there, 5))
    assert said in text
    assert text.startswith(what.replace("_", " "))
