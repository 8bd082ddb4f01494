"""Codes and stamps as PNG at exact dots, and as SVG.

QR codes are level Q with a quiet zone of four modules. The mask is fixed: trying all eight takes
most of the time, any mask decodes, and whatever is handed out is decoded again (stamps.scan).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from PIL import Image, ImageChops
from qrcode.constants import ERROR_CORRECT_Q  # type: ignore[import-untyped]
from qrcode.exceptions import DataOverflowError  # type: ignore[import-untyped]
from qrcode.main import QRCode  # type: ignore[import-untyped]
from qrcode.util import QRData, optimal_mode  # type: ignore[import-untyped]

from stamps.art.edition import Edition, Variety
from stamps.art.letters import Typeface
from stamps.art.plate import Plate
from stamps.art.stamp import HEIGHT, WIDTH, fitted, paper, stamp_plate
from stamps.errors import BadPrint
from stamps.number import number_text

QUIET_MODULES = 4
MASK = 2
CODE_SIZE_MM = 20.0
TAB_WIDTH = 22.0
FACE_WIDTH, FACE_HEIGHT = WIDTH + TAB_WIDTH, HEIGHT
MM_PER_INCH = 25.4
# A matrix says 1 for dark, an image 0.
DARK_IS_BLACK = bytes([255, 0]) + bytes(254)
# Fewer dots a module smear on label printers; more dots an inch than this no printer has.
LEAST_MODULE_DOTS = 2
DPI_RANGE = range(72, 2401)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="{0:g}mm" height="{1:g}mm" viewBox="0 0 {2} {3}">'


@dataclass(frozen=True, slots=True)
class StampFace:
    """What one stamp shows: its edition's artwork, its number, and its public code as a URL."""

    edition: Edition
    stamp: int
    url: str

    @property
    def variety(self) -> Variety:
        return self.edition.variety(self.stamp & 0xFFFFFFFF)

    @property
    def host(self) -> str:
        """What is printed beside the code, so that a person can compare it with the phone."""
        return urlsplit(self.url).netloc.lower()


def code_modules(text: str) -> Image.Image:
    """The QR code of a text, one dot a module, black on white, with its quiet zone.

    Raises BadPrint if the text is longer than a QR code can hold.
    """
    kind = optimal_mode(text.encode())
    code = _empty_code(_version(kind, len(text.encode())))
    code.add_data(QRData(text.encode(), mode=kind), optimize=0)
    code.make(fit=False)
    rows = code.get_matrix()
    dots = b"".join(map(bytes, rows)).translate(DARK_IS_BLACK)
    return Image.frombytes("L", (len(rows), len(rows)), dots).convert("1")


@cache
def _version(kind: int, size: int) -> int:
    """The smallest version that holds `size` bytes of a mode. Looking for it takes a tenth of the time."""
    code = _empty_code(None)
    code.add_data(QRData(b"0" * size, mode=kind, check_data=False))
    try:
        return int(code.best_fit())
    except (DataOverflowError, ValueError) as error:
        raise BadPrint(f"{size} characters are more than a code can hold") from error


def _empty_code(version: int | None) -> Any:
    return QRCode(
        version=version, error_correction=ERROR_CORRECT_Q, border=QUIET_MODULES, mask_pattern=MASK
    )


def code_image(text: str, module_dots: int) -> Image.Image:
    """The QR code of a text as a bilevel image, each module `module_dots` square."""
    if module_dots < 1:
        raise BadPrint(f"a module cannot be {module_dots} dots wide; at least 1")
    modules = code_modules(text)
    side = modules.width * module_dots
    return modules.resize((side, side), Image.Resampling.NEAREST)


def code_png(text: str, module_dots: int, dpi: int) -> bytes:
    """The QR code of a text as PNG: `module_dots` a module at `dpi` dots an inch. Raises BadPrint."""
    return _png(code_image(text, module_dots), dpi)


def module_dots_for(text: str, size_mm: float, dpi: int) -> int:
    """Whole dots a module so that the code, quiet zone included, is nearest to `size_mm`.

    Raises BadPrint if that leaves fewer than two dots, which printers smear.
    """
    _check_dpi(dpi)
    modules = code_modules(text).width
    dots = round(size_mm / MM_PER_INCH * dpi / modules)
    if dots < LEAST_MODULE_DOTS:
        needed = LEAST_MODULE_DOTS * modules / dpi * MM_PER_INCH
        raise BadPrint(
            f"{size_mm:g} mm at {dpi} dots an inch are too small for {modules} modules; "
            f"use {needed:.0f} mm or a finer printer"
        )
    return dots


def code_svg(text: str, size_mm: float = CODE_SIZE_MM) -> str:
    """The QR code of a text as SVG, `size_mm` wide with its quiet zone."""
    modules = code_modules(text)
    side = modules.width
    head = SVG.format(size_mm, size_mm, side, side)
    return f'{head}<path fill="#fff" d="M0 0h{side}v{side}H0z"/>{_modules_path(modules)}</svg>'


def stamp_png(edition: Edition, variety: Variety, dpi: int) -> bytes:
    """The stamp of a variety without a code, 38 by 33 mm, as PNG with transparent perforation."""
    _check_dpi(dpi)
    return _png(_stamp_image(edition, variety, dpi, perforated=True), dpi)


def stamp_svg(edition: Edition, variety: Variety) -> str:
    """The stamp of a variety without a code, 38 by 33 mm, as SVG."""
    return f"{_svg_head(WIDTH, edition, variety)}{_stamp_body(edition, variety)}</svg>"


def face_png(face: StampFace, dpi: int, *, perforated: bool = True) -> bytes:
    """Stamp and tab with the public code, 60 by 33 mm, as PNG: for the eye, or (not perforated) for a printer."""
    return _png(face_image(face, dpi, perforated=perforated), dpi)


def face_image(face: StampFace, dpi: int, *, perforated: bool) -> Image.Image:
    """Stamp and tab, 60 by 33 mm; the code's modules are whole dots. Raises BadPrint."""
    _check_dpi(dpi)
    left = _stamp_image(face.edition, face.variety, dpi, perforated=perforated)
    right = _tab(face, perforated=perforated).image(dpi / MM_PER_INCH)
    image = Image.new("RGBA", (left.width + right.width, left.height), "#FFFFFF00")
    image.paste(left, (0, 0))
    image.paste(right, (left.width, 0))
    code = code_image(face.url, module_dots_for(face.url, CODE_SIZE_MM, dpi))
    middle = left.width + right.width // 2
    top = max(0, round((1.2 + CODE_SIZE_MM / 2) / MM_PER_INCH * dpi) - code.height // 2)
    image.paste("#000000", (middle - code.width // 2, top), ImageChops.invert(code))
    return image


def face_svg(face: StampFace) -> str:
    """Stamp and tab with the public code, 60 by 33 mm, as SVG."""
    modules = code_modules(face.url)
    scale = CODE_SIZE_MM * 100 / modules.width
    left = (WIDTH + (TAB_WIDTH - CODE_SIZE_MM) / 2) * 100
    tab = _tab(face, perforated=True).svg_body("tab-paper")
    return (
        f"{_svg_head(FACE_WIDTH, face.edition, face.variety)}"
        f"{_stamp_body(face.edition, face.variety)}"
        f'<g transform="translate({WIDTH * 100:g} 0)">{tab}</g>'
        f'<g transform="translate({left:g} 120) scale({scale:.5f})">{_modules_path(modules)}</g></svg>'
    )


def _tab(face: StampFace, *, perforated: bool) -> Plate:
    """The paper beside the stamp, with number and host; the code is put on it dot by dot."""
    plate = paper(TAB_WIDTH, HEIGHT, perforated=perforated)
    ink = face.variety.inks.ink
    middle = TAB_WIDTH / 2
    number = number_text(face.stamp)
    size = fitted(number, 3.1, Typeface.LABEL_BOLD, 0.04, TAB_WIDTH - 2.4)
    plate.text(number, middle, 25.4, size, Typeface.LABEL_BOLD, ink, tracking=0.04, anchor=0.5)
    size = fitted(face.host, 2.5, Typeface.LABEL, 0.01, TAB_WIDTH - 2.4)
    plate.text(face.host, middle, 28.7, size, Typeface.LABEL, ink, tracking=0.01, anchor=0.5)
    return plate


@lru_cache(maxsize=64)
def _stamp_image(edition: Edition, variety: Variety, dpi: int, *, perforated: bool) -> Image.Image:
    return stamp_plate(edition, variety, perforated=perforated).image(dpi / MM_PER_INCH)


@lru_cache(maxsize=64)
def _stamp_body(edition: Edition, variety: Variety) -> str:
    return stamp_plate(edition, variety, perforated=True).svg_body("stamp-paper")


def _svg_head(width: float, edition: Edition, variety: Variety) -> str:
    head = SVG.format(width, HEIGHT, round(width * 100), round(HEIGHT * 100))
    words = (edition.operator, edition.title, variety.title, edition.face_value, edition.mark)
    return f"{head}<title>{escape(', '.join(word for word in words if word))}</title>"


def _modules_path(modules: Image.Image) -> str:
    """The dark modules, a run of neighbours at a time."""
    side, dots = modules.width, modules.convert("L").tobytes()
    runs = []
    for y in range(side):
        row = dots[y * side : (y + 1) * side] + b"\xff"
        start = row.find(b"\0")
        while start >= 0:
            end = row.index(b"\xff", start)
            runs.append(f"M{start} {y}h{end - start}v1h-{end - start}z")
            start = row.find(b"\0", end)
    return f'<path shape-rendering="crispEdges" d="{"".join(runs)}"/>'


def _check_dpi(dpi: int) -> None:
    if dpi not in DPI_RANGE:
        raise BadPrint(f"{dpi} dots an inch cannot be drawn; {DPI_RANGE[0]} to {DPI_RANGE[-1]} can")


def _png(image: Image.Image, dpi: int) -> bytes:
    target = io.BytesIO()
    image.save(target, "PNG", dpi=(dpi, dpi))
    return target.getvalue()
