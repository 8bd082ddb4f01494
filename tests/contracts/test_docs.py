"""docs/custody.md and contracts/README.md speak of what there is."""

from __future__ import annotations

import re
from pathlib import Path

from tests.contracts import gas_table

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "contracts"


def test_every_test_that_is_cited_exists() -> None:
    """A rule without its test would be a promise only."""
    cited = set(re.findall(r"`(test_[a-z0-9_]+)`", (ROOT / "docs" / "custody.md").read_text()))
    sources = "".join(file.read_text() for file in HERE.glob("test_*.py"))
    written = set(re.findall(r"^def (test_\w+)", sources, re.MULTILINE))
    assert cited
    assert cited <= written


def test_every_contract_has_its_line() -> None:
    """contracts/README.md names each file."""
    readme = (ROOT / "contracts" / "README.md").read_text()
    for file in (ROOT / "contracts").rglob("*.sol"):
        assert file.name in readme or file.parent.name == "libraries", file.name


def test_the_table_of_costs_is_that_of_the_figures() -> None:
    """`make gas ACCEPT=1` writes both."""
    text = gas_table.DOCS.read_text()
    assert gas_table.with_table(text, gas_table.table(gas_table.read())) == text
