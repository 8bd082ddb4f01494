"""Stamps on A4 label sheets, as PDF.

A sheet may be begun at any of its labels, so that a partly used one goes back into the printer. The
claim codes, if given, follow on pages of their own in the same places: for the back of the carrier, or
for a second sheet that is folded and sealed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial

from fpdf import FPDF
from fpdf.enums import Align
from fpdf.fonts import TTFFont
from PIL import Image

from stamps.art.edition import Edition, Variety
from stamps.art.letters import Typeface, text_width
from stamps.art.stamp import HEIGHT, WIDTH, stamp_plate
from stamps.claim import claim_text, claim_url
from stamps.errors import BadPrint
from stamps.number import number_text
from stamps.render import (
    CODE_SIZE_MM,
    FACE_HEIGHT,
    FACE_WIDTH,
    MM_PER_INCH,
    TAB_WIDTH,
    StampFace,
    code_image,
)

ARTWORK_DPI = 600
ARTWORK_COLOURS = 64
# Dots a module in the PDF's one-bit images, so that no viewer blurs them when it enlarges.
MODULE_DOTS = 8
POINTS_PER_MM = 72 / MM_PER_INCH
LARGEST_OFFSET_MM = 10.0
CLAIM_CAPTION = "Keep covered. Whoever has this code may claim the stamp's digital twin."


@dataclass(frozen=True, slots=True)
class Layout:
    """Labels on A4 in mm; `example` is a product with this layout."""

    example: str
    columns: int
    rows: int
    width: float
    height: float
    left: float
    top: float
    gap: float = 0.0

    @property
    def labels(self) -> int:
        return self.columns * self.rows

    def place(self, index: int) -> tuple[float, float]:
        """The upper left corner of a label, counted from 0, row by row."""
        row, column = divmod(index, self.columns)
        return self.left + column * (self.width + self.gap), self.top + row * self.height


LAYOUTS = {
    "70x37": Layout("Avery Zweckform 3474", 3, 8, 70.0, 37.0, 0.0, 0.5),
    "70x42": Layout("Avery Zweckform 3652", 3, 7, 70.0, 42.3, 0.0, 0.45),
    "63x38": Layout("Avery L7160", 3, 7, 63.5, 38.1, 7.25, 15.15, 2.5),
    "99x38": Layout("Avery L7163", 2, 7, 99.1, 38.1, 4.65, 15.15, 2.5),
    "105x37": Layout("Avery Zweckform 3484", 2, 8, 105.0, 37.0, 0.0, 0.5),
}


@dataclass(frozen=True, slots=True)
class ClaimCode:
    """The concealed half of a stamp: its secret (16 bytes) and where it is claimed."""

    stamp: int
    secret: bytes
    origin: str

    @property
    def url(self) -> str:
        return claim_url(self.origin, self.stamp, self.secret)


def print_sheet(
    faces: Sequence[StampFace],
    layout_name: str = "70x37",
    *,
    start_label: int = 1,
    offset_mm: tuple[float, float] = (0.0, 0.0),
    claims: Sequence[ClaimCode] = (),
) -> bytes:
    """A PDF of A4 pages with one stamp a label, the first on label `start_label` of page 1.

    `offset_mm` moves everything right and down by what the printer is off. Pages of `claims`, in the
    same places, follow. Raises BadPrint. Decode it (stamps.scan.check_sheet) before handing it out.
    """
    layout = _checked_layout(layout_name, start_label, offset_mm)
    if not faces:
        raise BadPrint("no stamps were given to print")
    if claims and [claim.stamp for claim in claims] != [face.stamp for face in faces]:
        raise BadPrint("claim codes must be given for the same stamps in the same order")
    with new_pdf(210, 297) as pdf:
        places = partial(_faces_at, pdf, layout, start_label, offset_mm)
        for face, (x, y) in zip(faces, places(), strict=False):
            _print_face(pdf, face, x, y)
        for claim, (x, y) in zip(claims, places(), strict=False):
            _print_claim(pdf, claim, x, y)
        return bytes(pdf.output())


def sheet_texts(faces: Sequence[StampFace], claims: Sequence[ClaimCode] = ()) -> list[str]:
    """What the codes of a sheet say, for checking it."""
    return [face.url for face in faces] + [claim.url for claim in claims]


@contextmanager
def new_pdf(width: float, height: float) -> Iterator[FPDF]:
    """An empty PDF with pages of this size in mm and the typefaces for labels, whose files it closes."""
    pdf = FPDF(unit="mm", format=(width, height))
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    pdf.c_margin = 0
    try:
        pdf.add_font("label", fname=Typeface.LABEL.path)
        pdf.add_font("label", style="B", fname=Typeface.LABEL_BOLD.path)
        yield pdf
    finally:
        for font in pdf.fonts.values():
            if isinstance(font, TTFFont):
                font.ttfont.close()


def put_code(pdf: FPDF, text: str, x: float, y: float, size: float) -> None:
    """A QR code of `size` mm with its quiet zone, which is also a link."""
    pdf.image(code_image(text, MODULE_DOTS), x, y, size, size, link=text)


def put_text(
    pdf: FPDF,
    text: str,
    x: float,
    y: float,
    width: float,
    size: float,
    *,
    style: str = "",
    align: str = "L",
) -> None:
    """A line of label type between x and x + width, `size` mm or as small as it must be to fit.

    y is the top of the line.
    """
    typeface = Typeface.LABEL_BOLD if style else Typeface.LABEL
    size = min(size, width / (text_width(typeface, text) or 1.0))
    pdf.set_font("label", style, size * POINTS_PER_MM)
    pdf.set_xy(x, y)
    pdf.cell(width, size * 1.2, text, align=Align.coerce(align))


def _checked_layout(name: str, start_label: int, offset_mm: tuple[float, float]) -> Layout:
    if name not in LAYOUTS:
        raise BadPrint(f"there is no label layout {name!r}; known are {', '.join(LAYOUTS)}")
    layout = LAYOUTS[name]
    if not 1 <= start_label <= layout.labels:
        raise BadPrint(f"a sheet {name} has labels 1 to {layout.labels}, not {start_label}")
    if max(map(abs, offset_mm)) > LARGEST_OFFSET_MM:
        raise BadPrint(f"an offset of {offset_mm} mm is more than {LARGEST_OFFSET_MM:g} mm")
    return layout


def _faces_at(
    pdf: FPDF, layout: Layout, start_label: int, offset_mm: tuple[float, float]
) -> Iterator[tuple[float, float]]:
    """Where one stamp after the other begins, in the middle of its label; a new page when one is full."""
    index = start_label - 1
    right = offset_mm[0] + (layout.width - FACE_WIDTH) / 2
    down = offset_mm[1] + (layout.height - FACE_HEIGHT) / 2
    pdf.add_page()
    while True:
        if index == layout.labels:
            pdf.add_page()
            index = 0
        x, y = layout.place(index)
        yield x + right, y + down
        index += 1


@lru_cache(maxsize=16)
def _artwork(edition: Edition, variety: Variety) -> Image.Image:
    """The stamp on white, in few colours: a page carries each design once."""
    image = stamp_plate(edition, variety, perforated=False).image(ARTWORK_DPI / MM_PER_INCH)
    return image.convert("RGB").quantize(ARTWORK_COLOURS, dither=Image.Dither.NONE)


def _print_face(pdf: FPDF, face: StampFace, x: float, y: float) -> None:
    pdf.image(_artwork(face.edition, face.variety), x, y, WIDTH, HEIGHT)
    tab = x + WIDTH + (TAB_WIDTH - CODE_SIZE_MM) / 2
    put_code(pdf, face.url, tab, y + 1.2, CODE_SIZE_MM)
    put_text(pdf, number_text(face.stamp), tab, y + 22.4, CODE_SIZE_MM, 3.1, style="B", align="C")
    put_text(pdf, face.host, tab, y + 26.4, CODE_SIZE_MM, 2.5, align="C")


def _print_claim(pdf: FPDF, claim: ClaimCode, x: float, y: float) -> None:
    groups = claim_text(claim.secret).split("-")
    put_code(pdf, claim.url, x + 1, y + 6.5, CODE_SIZE_MM)
    left, width = x + 24, FACE_WIDTH - 25
    put_text(pdf, f"Claim code {number_text(claim.stamp)}", left, y + 7.5, width, 3.1, style="B")
    put_text(pdf, " ".join(groups[:4]), left, y + 13, width, 4, style="B")
    put_text(pdf, " ".join(groups[4:]), left, y + 18, width, 4, style="B")
    put_text(pdf, CLAIM_CAPTION, x + 1, y + 27.5, FACE_WIDTH - 2, 2.2)
