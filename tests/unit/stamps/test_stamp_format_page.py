"""docs/stamp-format.md: its examples are the vectors', and its program runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.unit.stamps.stamp_vectors import FILE

PAGE = (Path(__file__).parents[3] / "docs" / "stamp-format.md").read_text()
VECTORS = json.loads(FILE.read_text())
PUBLIC_CODE = VECTORS["public_codes"][1]
CLAIM_CODE = VECTORS["claim_codes"][1]


def test_the_page_shows_the_vectors() -> None:
    for field in ("contract", "digest", "url"):
        assert PUBLIC_CODE[field] in PAGE
    for field in ("number", "secret", "claim_code", "url", "claim_key", "claim_address"):
        assert CLAIM_CODE[field] in PAGE
    assert VECTORS["signer"] in PAGE
    assert VECTORS["seed"] in PAGE


def test_the_page_s_program_finds_the_signer() -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {
        "url": PUBLIC_CODE["url"],
        "chain_id": PUBLIC_CODE["chain_id"],
        "contract": PUBLIC_CODE["contract"],
    }
    exec(program, names)
    assert names["signer"].lower() == VECTORS["signer"]
