"""The stamp: a motif in its frame, with what a postage stamp has to say, on perforated paper."""

from __future__ import annotations

import re
from functools import lru_cache
from math import cos, pi, sin

from stamps.art.edition import Edition, Variety
from stamps.art.lace import score
from stamps.art.letters import Typeface, text_width
from stamps.art.motifs import MOTIFS
from stamps.art.plate import Plate, Point, rectangle
from stamps.art.scenery import Inks, Window, blend, frame

WIDTH, HEIGHT = 38.0, 33.0
PICTURE = Window(2.6, 2.6, 35.4, 25.4)
PANEL_BOTTOM = 31.0
IVORY = "#FBF7EC"
WHITE = "#FFFFFF"
HOLE_RADIUS, HOLE_PITCH = 0.47, 1.42

AMOUNT = re.compile(r"([A-Z]{3})[ \u00a0](\S+)")


@lru_cache(maxsize=32)
def stamp_plate(edition: Edition, variety: Variety, *, perforated: bool) -> Plate:
    """The stamp of one variety: perforated on ivory for the eye, or square on white for a printer."""
    plate = paper(WIDTH, HEIGHT, perforated=perforated)
    inks = variety.inks
    if variety.picture:
        plate.picture(variety.picture, PICTURE.left, PICTURE.top, PICTURE.right, PICTURE.bottom)
    else:
        MOTIFS[variety.motif].draw(plate, PICTURE, inks)
    _clear_margins(plate)
    frame(plate, PICTURE, 0.10, inks.ink)
    outer = Window(PICTURE.left - 0.35, PICTURE.top - 0.35, PICTURE.right + 0.35, PANEL_BOTTOM)
    frame(plate, outer, 0.22, inks.ink)
    if variety.motif and MOTIFS[variety.motif].call:
        pale = blend(inks.tint, plate.paper, 0.38)
        score(plate, MOTIFS[variety.motif].call, PICTURE.left, PICTURE.right, 28.2, 2.2, pale)
    value_left = _write_value(plate, edition, inks)
    _write(
        plate, edition.operator.upper(), 28.05, 2.45, Typeface.CAPITALS, 0.06, value_left, inks.ink
    )
    _write(plate, variety.title, 30.15, 2.1, Typeface.ITALIC, 0.01, value_left, inks.ink)
    _write_imprint(plate, edition, inks)
    return plate


def paper(width: float, height: float, *, perforated: bool) -> Plate:
    """Empty paper: ivory with perforated edges, or white with cut ones."""
    if perforated:
        return Plate(width, height, perforation(width, height), IVORY)
    return Plate(width, height, rectangle(0, 0, width, height), WHITE)


def perforation(width: float, height: float) -> list[Point]:
    """The outline of paper torn along rows of holes, which are at about 14 in 2 cm."""
    outline: list[Point] = []
    corners = ((0.0, 0.0, 1, 0), (width, 0.0, 0, 1), (width, height, -1, 0), (0.0, height, 0, -1))
    for x, y, dx, dy in corners:
        length = width if dx else height
        holes = round(length / HOLE_PITCH)
        for hole in range(holes):
            middle = (hole + 0.5) * length / holes
            for step in range(11):
                angle = pi * step / 10
                along, inward = middle - HOLE_RADIUS * cos(angle), HOLE_RADIUS * sin(angle)
                outline.append((x + dx * along - dy * inward, y + dy * along + dx * inward))
    return outline


def fitted(text: str, size: float, typeface: Typeface, tracking: float, width: float) -> float:
    """The largest size up to `size` at which the text is at most `width` mm long."""
    return min(size, width / (text_width(typeface, text, tracking) or 1.0))


def _clear_margins(plate: Plate) -> None:
    """Wipe off what a motif drew beyond its window."""
    plate.fill(rectangle(0, PICTURE.bottom, WIDTH, HEIGHT), plate.paper)
    plate.fill(rectangle(0, 0, WIDTH, PICTURE.top), plate.paper)
    plate.fill(rectangle(0, 0, PICTURE.left, HEIGHT), plate.paper)
    plate.fill(rectangle(PICTURE.right, 0, WIDTH, HEIGHT), plate.paper)


def _write(
    plate: Plate,
    text: str,
    baseline: float,
    size: float,
    typeface: Typeface,
    tracking: float,
    right: float,
    ink: str,
) -> None:
    """A line of the panel, from its left edge to `right` at most."""
    left = PICTURE.left + 0.35
    size = fitted(text, size, typeface, tracking, right - left - 0.6)
    plate.text(text, left, baseline, size, typeface, ink, tracking=tracking)


def _write_value(plate: Plate, edition: Edition, inks: Inks) -> float:
    """The face value, large at the right, struck through if the stamp has none. Returns its left edge."""
    right, baseline = PICTURE.right - 0.35, 29.9
    amount = AMOUNT.fullmatch(edition.face_value)
    unit, value = amount.groups() if amount else ("", edition.face_value)
    size = fitted(value, 4.9, Typeface.CAPITALS, 0, 12.0)
    left = right - plate.text(value, right, baseline, size, Typeface.CAPITALS, inks.ink, anchor=1)
    if unit:
        plate.text(
            unit, left - 0.35, baseline, 1.75, Typeface.CAPITALS, inks.ink, tracking=0.05, anchor=1
        )
    if edition.mark:
        plate.line([(left - 0.3, baseline + 0.5), (right + 0.2, baseline - 3.7)], 0.12, inks.accent)
    return left


def _write_imprint(plate: Plate, edition: Edition, inks: Inks) -> None:
    """The small line below the frame: year, mark, edition."""
    baseline, size, tracking = HEIGHT - 0.9, 1.0, 0.1
    left, right = PICTURE.left - 0.5, PICTURE.right + 0.5
    for text, x, anchor, ink in (
        (str(edition.year), left, 0.0, inks.ink),
        (edition.mark.upper(), WIDTH / 2, 0.5, inks.accent),
        (edition.title.upper(), right, 1.0, inks.ink),
    ):
        fits = fitted(text, size, Typeface.LABEL_BOLD, tracking, 22 if anchor == 0.5 else 6)
        plate.text(
            text, x, baseline, fits, Typeface.LABEL_BOLD, ink, tracking=tracking, anchor=anchor
        )
