"""The item's label as PDF: its number as a bar code, its trail code as QR. No name, no address unless given.

For label printers (100 by 150 mm) and plain paper (A6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import zxingcpp
from fpdf import FPDF
from PIL import Image

from stamps.errors import BadPrint
from stamps.sheet import MODULE_DOTS, new_pdf, put_code, put_text

SIZES = {"100x150": (100.0, 150.0), "A6": (105.0, 148.0)}
MARGIN = 5.0
# Three dots of a 203 dpi label printer; not thinner than two.
MODULE_MM, LEAST_MODULE_MM = 0.375, 0.25
BARS_HEIGHT_MM = 24.0
TRAIL_CODE_MM = 34.0
MOST_ADDRESS_LINES = 6


@dataclass(frozen=True, slots=True)
class ItemLabel:
    """What stands on an item's label.

    `number` is what the bar code says (S10 or SSCC without spaces, or the operator's own), `written` how a
    person reads it; `trail_url` opens the item's trail. `mark` is for labels without value.
    """

    number: str
    written: str
    trail_url: str
    operator: str
    service: str
    mark: str = ""
    address: Sequence[str] = ()


def print_label(label: ItemLabel, size: str = "100x150") -> bytes:
    """The label as a PDF of one page. Raises BadPrint. Decode it before handing it out."""
    if size not in SIZES:
        raise BadPrint(f"there is no label size {size!r}; known are {', '.join(SIZES)}")
    if len(label.address) > MOST_ADDRESS_LINES:
        raise BadPrint(f"an address has at most {MOST_ADDRESS_LINES} lines")
    width, height = SIZES[size]
    with new_pdf(width, height) as pdf:
        pdf.add_page()
        _print_head(pdf, label, width)
        for row, line in enumerate(label.address):
            put_text(pdf, line, MARGIN, 25 + row * 5.6, width - 2 * MARGIN, 4.4)
        _print_number(pdf, label, width, height - 88)
        _print_trail_code(pdf, label, width, height - 45)
        return bytes(pdf.output())


def label_texts(label: ItemLabel) -> list[str]:
    """What the codes of a label say, for checking it."""
    return [label.number, label.trail_url]


def _print_head(pdf: FPDF, label: ItemLabel, width: float) -> None:
    inner = width - 2 * MARGIN
    put_text(pdf, label.operator, MARGIN, 5, inner * 0.62, 6.5, style="B")
    put_text(pdf, label.service, MARGIN + inner * 0.64, 6.5, inner * 0.36, 4.6, align="R")
    if label.mark:
        put_text(pdf, label.mark.upper(), MARGIN, 14, inner, 3.2, style="B")
    _rule(pdf, width, 20)


def _print_number(pdf: FPDF, label: ItemLabel, width: float, top: float) -> None:
    _rule(pdf, width, top - 3)
    bars, module = _fitted(label.number, width)
    shown = bars.resize((bars.width * MODULE_DOTS, MODULE_DOTS), Image.Resampling.NEAREST)
    span = bars.width * module
    pdf.image(shown, (width - span) / 2, top, span, BARS_HEIGHT_MM)
    put_text(pdf, label.written, MARGIN, top + 25, width - 2 * MARGIN, 8.5, style="B", align="C")


def _print_trail_code(pdf: FPDF, label: ItemLabel, width: float, top: float) -> None:
    _rule(pdf, width, top - 3)
    put_code(pdf, label.trail_url, MARGIN - 2, top, TRAIL_CODE_MM)
    left = MARGIN + TRAIL_CODE_MM
    room = width - MARGIN - left
    address = urlsplit(label.trail_url)
    put_text(pdf, "Scan to see where this item is", left, top + 1, room, 3.8, style="B")
    put_text(pdf, "or to sign for it.", left, top + 6, room, 3.8)
    put_text(pdf, "Without a camera, type at", left, top + 12.5, room, 3.8)
    put_text(pdf, f"{address.netloc.lower()}/verify", left, top + 17, room, 4.6, style="B")
    groups = _groups(address.path.rpartition("/")[2])
    for row, some in enumerate((groups[:4], groups[4:])):
        put_text(pdf, " ".join(some), left, top + 24.5 + row * 5.5, room, 4.6, style="B")


def _groups(code: str) -> list[str]:
    """A code in fours, as people read it aloud."""
    return [code[start : start + 4] for start in range(0, len(code), 4)]


def _rule(pdf: FPDF, width: float, y: float) -> None:
    pdf.set_line_width(0.4)
    pdf.line(MARGIN, y, width - MARGIN, y)


def check_number(number: str) -> None:
    """Whether a number's bar code fits on every label. Raises BadPrint."""
    _fitted(number, min(width for width, _ in SIZES.values()))


def _fitted(number: str, width: float) -> tuple[Image.Image, float]:
    """The bars of a number, and how wide in mm one module is on a label of this width. Raises BadPrint."""
    bars = _bars(number)
    module = min(MODULE_MM, (width - 4) / bars.width)
    if module < LEAST_MODULE_MM:
        raise BadPrint(f"the number {number!r} is too long for a bar code of {width:g} mm")
    return bars, module


def _bars(number: str) -> Image.Image:
    """The Code 128 of a number as one row of dots, a dot a module, with its quiet zones."""
    try:
        code = zxingcpp.create_barcode(number, zxingcpp.BarcodeFormat.Code128)
    except ValueError as error:
        raise BadPrint(f"the number {number!r} cannot be a Code 128: {error}") from error
    image = Image.fromarray(zxingcpp.write_barcode_to_image(code, scale=1, add_quiet_zones=True))
    row = image.crop((0, image.height // 2, image.width, image.height // 2 + 1))
    return row.convert("1", dither=Image.Dither.NONE)
