"""What things cost on the chain, as gas.json keeps it: compared with what is measured, and shown in docs/custody.md.

A figure of gas.json: `what` it is, `measured` (gas, or bytes of code), `target` of design.md §9 or null, `tolerance`
as a share (0: the figure is the same in every run), whether `pairs` of custodians are the same or different, whether
its calls are `alone` in a transaction or in a batch, `hardfork` and compiler `pipeline`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.contracts.compiler import ROOT, pipeline

FILE = Path(__file__).parent / "gas.json"
DOCS = ROOT / "docs" / "custody.md"
BEGIN, END = "<!-- make gas -->\n", "<!-- end of make gas -->\n"
DIGITS = 4  # a figure is of at most 20,000 things: one unit of gas more is seen
ACCEPT = os.environ.get("ACCEPT") == "1"
HOW = "If that is meant: make gas ACCEPT=1 writes gas.json and the table of docs/custody.md; commit both and say why."


def read() -> dict[str, dict[str, Any]]:
    """The figures by key."""
    content: dict[str, dict[str, Any]] = json.loads(FILE.read_text())
    return content


class Figures:
    """gas.json beside what this run has measured."""

    def __init__(self) -> None:
        self.known = read()
        self.seen: dict[str, float] = {}

    def note(self, key: str, measured: float, hardfork: str = "osaka") -> None:
        """Fails where the figure is not the one that gas.json has, unless it is to be accepted."""
        assert key in self.known, f"{key} is not in {FILE.name}: say there what it is"
        figure = self.known[key]
        found = {"measured": round(measured, DIGITS), "hardfork": hardfork, "pipeline": pipeline()}
        self.seen[key] = measured
        if ACCEPT:
            figure.update(found)
            return
        before = figure["measured"]
        assert before is not None, f"{key} costs {measured:,.4f}. {HOW}"
        assert abs(measured - before) <= 0.51 * 10**-DIGITS + figure["tolerance"] * before, (
            f"{key}: {measured:,.4f}, in {FILE.name} {before:,.4f} "
            f"({(measured / before - 1) * 100:+.2f} %). {HOW}"
        )
        assert (hardfork, pipeline()) == (figure["hardfork"], figure["pipeline"]), HOW

    def close(self) -> None:
        """Writes what is to be accepted."""
        if ACCEPT:
            FILE.write_text(json.dumps(self.known, indent=1, ensure_ascii=False) + "\n")
            DOCS.write_text(with_table(DOCS.read_text(), table(self.known)))


def table(figures: dict[str, dict[str, Any]]) -> str:
    """As it stands in docs/custody.md."""
    lines = ["| what | pairs | calls | measured | target |", "|---|---|---|---:|---:|"]
    for figure in figures.values():
        if figure["measured"] is None:
            continue
        pairs, calls = figure["pairs"] or "–", figure["calls"] or "–"
        target = f"{figure['target']:,}" if figure["target"] else "–"
        lines.append(
            f"| {figure['what']} | {pairs} | {calls} | {figure['measured']:,.0f} | {target} |"
        )
    return "\n".join(lines) + "\n"


def with_table(text: str, new: str) -> str:
    """The text with another table between the marks."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + new + END + rest.split(END)[1]
