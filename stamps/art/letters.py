"""The letters of the house's typefaces as polygons, so that no machine's own fonts are needed.

The files in `stamps/fonts` are parts (Latin and its extensions) of typefaces under the SIL Open Font
License; see the licences beside them.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from fontTools.pens.recordingPen import DecomposingRecordingPen  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

FONTS = Path(__file__).parent.parent / "fonts"
CURVE_STEPS = 5

Contour = tuple[tuple[float, float], ...]


class Typeface(StrEnum):
    """The typefaces, by file."""

    CAPITALS = "Cinzel-SemiBold.ttf"
    TEXT = "EBGaramond-Medium.ttf"
    ITALIC = "EBGaramond-MediumItalic.ttf"
    LABEL = "BarlowSemiCondensed-Regular.ttf"
    LABEL_BOLD = "BarlowSemiCondensed-SemiBold.ttf"

    @property
    def path(self) -> Path:
        return FONTS / self.value


@dataclass(frozen=True, slots=True)
class Glyph:
    """One letter in units of the em, y upwards."""

    advance: float
    contours: tuple[Contour, ...]
    holes: tuple[Contour, ...]


@cache
def _font(typeface: Typeface) -> TTFont:
    return TTFont(io.BytesIO(typeface.path.read_bytes()))


@cache
def glyph(typeface: Typeface, character: str) -> Glyph:
    """The letter, or the mark for a missing one."""
    font = _font(typeface)
    name = font.getBestCmap().get(ord(character), ".notdef")
    em = font["head"].unitsPerEm
    pen = DecomposingRecordingPen(font.getGlyphSet())
    font.getGlyphSet()[name].draw(pen)
    contours = [tuple((x / em, y / em) for x, y in c) for c in _flattened(pen.value)]
    # TrueType: outer contours run clockwise (negative area), holes the other way.
    return Glyph(
        font["hmtx"][name][0] / em,
        tuple(c for c in contours if _area(c) < 0),
        tuple(c for c in contours if _area(c) > 0),
    )


def text_width(typeface: Typeface, text: str, tracking: float = 0.0) -> float:
    """The width of a line of text in units of the em."""
    return sum(glyph(typeface, character).advance + tracking for character in text) - tracking


def _area(points: Sequence[tuple[float, float]]) -> float:
    following = [*points[1:], points[0]]
    return sum(ax * by - bx * ay for (ax, ay), (bx, by) in zip(points, following, strict=True))


def _flattened(commands: Sequence[tuple[str, tuple[tuple[float, float], ...]]]) -> list[Contour]:
    contours: list[list[tuple[float, float]]] = []
    for command, points in commands:
        if command == "moveTo":
            contours.append([points[0]])
        elif command == "lineTo":
            contours[-1].append(points[0])
        elif command == "qCurveTo":
            _add_quadratics(contours[-1], points)
    return [tuple(contour) for contour in contours if len(contour) > 2]


def _add_quadratics(
    contour: list[tuple[float, float]], points: Sequence[tuple[float, float]]
) -> None:
    """TrueType's curve: control points whose midpoints lie on it, then its end."""
    controls, end = points[:-1], points[-1]
    for index, (cx, cy) in enumerate(controls):
        is_last = index == len(controls) - 1
        following = end if is_last else controls[index + 1]
        ex, ey = end if is_last else ((cx + following[0]) / 2, (cy + following[1]) / 2)
        sx, sy = contour[-1]
        for step in range(1, CURVE_STEPS + 1):
            t = step / CURVE_STEPS
            a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
            contour.append((a * sx + b * cx + c * ex, a * sy + b * cy + c * ey))
