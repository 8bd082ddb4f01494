"""Skies and land, and the tones they are drawn with.

Tone is made as an engraver makes it: by lines that swell where it is dark. Tones run from 0 (paper)
to 1 (solid ink).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import cos, exp, floor, hypot, pi, sin

from PIL import ImageColor

from stamps.art.plate import Plate, Point, ellipse, rectangle

# The tone at a point of the plate; the tone of land at (u, v) where it rises to the right by slope.
Tone = Callable[[float, float], float]
LandTone = Callable[[float, float, float], float]


@dataclass(frozen=True, slots=True)
class Window:
    """The picture's edges on the plate, in mm."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    def point(self, u: float, height: float) -> Point:
        """The point at a share `u` of the width, `height` mm above the lower edge."""
        return self.left + self.width * u, self.bottom - height

    @property
    def corners(self) -> list[Point]:
        return rectangle(self.left, self.top, self.right, self.bottom)


@dataclass(frozen=True, slots=True)
class Inks:
    """Three colours (#rrggbb): the engraving's, the tint printed below it, the accent's."""

    ink: str
    tint: str
    accent: str


def blend(ink: str, paper: str, share: float) -> str:
    """A paler ink: `share` of it on the paper."""
    pairs = zip(ImageColor.getrgb(ink), ImageColor.getrgb(paper), strict=True)
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


def glow(plate: Plate, centre: Point, radii: Sequence[float], ink: str) -> None:
    """Light around a centre in flat steps, palest outside."""
    for index, radius in enumerate(radii):
        share = 0.25 + 0.75 * (index + 1) / len(radii)
        plate.fill(ellipse(*centre, radius, radius, points=96), blend(ink, plate.paper, share))


def clamp(value: float) -> float:
    """Into 0 to 1."""
    return 0.0 if value < 0 else min(value, 1.0)


def noise(x: float, y: float) -> float:
    """Smooth, the same for ever, between -1 and 1 (value noise on whole numbers)."""
    left, top = floor(x), floor(y)
    u, v = x - left, y - top
    u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
    upper = _lattice(left, top) * (1 - u) + _lattice(left + 1, top) * u
    lower = _lattice(left, top + 1) * (1 - u) + _lattice(left + 1, top + 1) * u
    return upper * (1 - v) + lower * v


def _lattice(x: int, y: int) -> float:
    mixed = (x * 374761393 + y * 668265263) & 0xFFFFFFFF
    mixed = ((mixed ^ mixed >> 13) * 1274126177) & 0xFFFFFFFF
    return ((mixed ^ mixed >> 16) & 0xFFFF) / 32767.5 - 1


def crags(x: float, y: float) -> float:
    """Ridged noise, 0 to 1: sharp crests, as rock breaks."""
    total, weight = 0.0, 0.55
    for _ in range(4):
        total += weight * (1 - abs(noise(x, y))) ** 2
        x, y, weight = x * 2.03 + 17, y * 2.03 + 9, weight * 0.48
    return total


def sky(
    plate: Plate,
    window: Window,
    ink: str,
    tone: Tone,
    pitch: float = 0.3,
) -> None:
    """Level lines, thick by `tone`."""
    columns = int(window.width / 0.35)
    for row in range(int((window.bottom - window.top) / pitch) + 1):
        y = window.top + (row + 0.5) * pitch
        points, widths = [], []
        for column in range(columns + 1):
            x = window.left + window.width * column / columns
            points.append((x, y))
            widths.append(pitch * clamp(tone(x, y)))
        plate.line(points, widths, ink)


def rays(
    plate: Plate, centre: Point, start: float, end: float, count: int, ink: str, tone: Tone
) -> None:
    """Lines outward from a centre, between two radii, thick by `tone`."""
    for index in range(count):
        angle = 2 * pi * (index + 0.5) / count
        points, widths = [], []
        for step in range(19):
            radius = start + (end - start) * step / 18
            x, y = centre[0] + radius * cos(angle), centre[1] + radius * sin(angle)
            points.append((x, y))
            widths.append(2 * pi * radius / count * clamp(tone(x, y)))
        plate.line(points, widths, ink)


def relief(tone: float, strength: float) -> LandTone:
    """Land lit from the left: `tone` where it is level, darker by `strength` where it falls away."""
    return lambda _u, _v, slope: tone - strength * slope


def land(
    plate: Plate,
    window: Window,
    surface: Callable[[float, float], float],
    tone: LandTone,
    ink: str,
    lines: int,
    ground: str = "",
) -> None:
    """Land as lines that follow it, from the farthest (v = 1) to the nearest (v = 0).

    `surface(u, v)` is the height of the land on the plate in mm above the window's bottom, u running from
    left to right; `tone(u, v, slope)` takes its rise to the right. What lies behind is covered.
    """
    columns = int(window.width / 0.3)
    rows = [
        [surface(column / columns, 1 - line / (lines - 1)) for column in range(columns + 1)]
        for line in range(lines)
    ]
    run = 2 * window.width / columns
    for line, heights in enumerate(rows):
        v = 1 - line / (lines - 1)
        below = rows[min(line + 1, lines - 1)]
        points = [window.point(column / columns, height) for column, height in enumerate(heights)]
        plate.fill(
            [*points, (window.right, window.bottom + 1), (window.left, window.bottom + 1)],
            ground or plate.paper,
        )
        widths = []
        for column, height in enumerate(heights):
            slope = (heights[min(column + 1, columns)] - heights[max(column - 1, 0)]) / run
            gap = min(0.5, max(0.12, height - below[column])) / hypot(1, slope)
            widths.append(gap * clamp(tone(column / columns, v, slope)))
        plate.line(points, widths, ink)


def road(
    plate: Plate,
    window: Window,
    surface: Callable[[float, float], float],
    middle: Callable[[float], float],
    width: Callable[[float], float],
    ink: str,
) -> None:
    """A road over land, from the front (v = 0) into the distance; `middle` and `width` are shares."""
    left, right = [], []
    for step in range(81):
        v = step / 80 * 0.98
        u, half = middle(v), width(v) / 2
        left.append(window.point(u - half, surface(u - half, v)))
        right.append(window.point(u + half, surface(u + half, v)))
    plate.fill(left + right[::-1], plate.paper)
    plate.line(left, 0.1, ink)
    plate.line(right, 0.15, ink)


def along(points: Sequence[Point], x: float) -> float:
    """The height at x of a line through points, straight between them."""
    for (ax, ay), (bx, by) in pairwise(points):
        if x <= bx:
            return ay + (by - ay) * (x - ax) / (bx - ax)
    return points[-1][1]


def frame(plate: Plate, corners: Window, width: float, ink: str) -> None:
    """A line around a window, outside it."""
    left, top, right, bottom = corners.left, corners.top, corners.right, corners.bottom
    plate.fill(rectangle(left - width, top - width, right + width, top), ink)
    plate.fill(rectangle(left - width, bottom, right + width, bottom + width), ink)
    plate.fill(rectangle(left - width, top, left, bottom), ink)
    plate.fill(rectangle(right, top, right + width, bottom), ink)


def bump(u: float, v: float, at: Point, spread: Point, height: float) -> float:
    """A rounded hill on land: its height at (u, v)."""
    return height * exp(-(((u - at[0]) / spread[0]) ** 2) - ((v - at[1]) / spread[1]) ** 2)


def frame_circle(plate: Plate, centre: Point, radius: float, width: float, ink: str) -> None:
    """A line around a disc."""
    points = ellipse(*centre, radius, radius, points=96)
    plate.line([*points, points[0]], width, ink)
