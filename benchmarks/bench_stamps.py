"""How fast codes are made, drawn and read back, on one core: `python -m benchmarks.bench_stamps`."""

from __future__ import annotations

import time
from collections.abc import Callable

from stamps import payload, scan
from stamps.art.edition import Edition, Variety
from stamps.art.motifs import MOTIFS
from stamps.art.scenery import Inks
from stamps.render import StampFace, code_png, face_png
from stamps.sheet import print_sheet, sheet_texts

NETWORK = payload.Network(1, 31337, bytes(range(20)))
SIGNER = payload.local_signer(bytes(range(1, 33)))
INKS = Inks("#1B3A66", "#F3C9A2", "#9B2335")
VARIETY = Variety("Departure", 1000, INKS, motif=next(iter(MOTIFS)))
EDITION = Edition("Signals", "Arlberg Post", 2026, "EUR 3.00", "no value", "bench", (VARIETY,))
FIRST = 1 << 48 | 1 << 32 | 1

# What is measured, the figure a second, the target of design.md §9 ("" where it has none).
Row = tuple[str, float, str]


def faces(count: int) -> list[StampFace]:
    codes = (payload.make(FIRST + index, NETWORK, SIGNER) for index in range(count))
    return [StampFace(EDITION, code.stamp, payload.url("post.example", code)) for code in codes]


def per_second(act: Callable[[int], object], seconds: float = 2.0) -> float:
    """How often `act` can be done in a second; it is given 0, 1, 2 ..."""
    act(0)
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        act(done)
        done += 1
    return done / (time.perf_counter() - start)


def measure() -> list[Row]:
    """The rows of the table, in about 15 seconds."""
    sold = faces(100)
    printed = code_png(sold[0].url, 4, 300)
    sheet, texts = print_sheet(sold[:24]), sheet_texts(sold[:24])

    def sign(index: int) -> object:
        return payload.make(FIRST + index, NETWORK, SIGNER)

    def verify(index: int) -> object:
        return payload.signer_of(payload.parse(sold[index % 100].url), NETWORK)

    return [
        ("codes signed", per_second(sign), ""),
        ("codes parsed and their signer recovered", per_second(verify), ""),
        (
            "codes rendered to PNG",
            per_second(lambda i: code_png(sold[i % 100].url, 4, 300)),
            ">= 500",
        ),
        ("codes decoded", per_second(lambda _: scan.read_code(printed)), ""),
        (
            "stamps with artwork rendered to PNG, 300 dpi",
            per_second(lambda i: face_png(sold[i % 100], 300)),
            "",
        ),
        ("sheets of 24 made", per_second(lambda _: print_sheet(sold[:24])), ""),
        ("sheets of 24 read back", per_second(lambda _: scan.check_sheet(sheet, texts)), ""),
    ]


if __name__ == "__main__":
    for what, figure, target in measure():
        print(f"{what:46} {figure:10,.1f}/s  {target}")
