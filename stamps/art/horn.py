"""The posthorn: a tube coiled twice, a flared bell, a cord with tassels, engraved across the form.

Drawn in coil radii around the coil's centre, then placed, turned and mirrored on the plate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import atan2, cos, hypot, pi, sin, sqrt

from stamps.art.plate import Plate, Point, ellipse, ribbon

LIGHT = (-0.46, -0.62, 0.64)
COILS = 2
OUTER, INNER = 1.0, 0.76
STEP = 0.02
# Points of the tube drawn at a time, so that what comes later passes in front.
PIECE = 20
HALO = 0.10

# A point of the tube's middle and the tube's half-width there.
Ring = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Placing:
    """Where a horn stands: centre and coil radius in mm, a turn in radians, bell to the left or right."""

    x: float
    y: float
    radius: float
    turn: float = 0.0
    to_left: bool = False

    def point(self, x: float, y: float) -> Point:
        cosine, sine = cos(self.turn), sin(self.turn)
        x, y = x * cosine - y * sine, x * sine + y * cosine
        return self.x + (-x if self.to_left else x) * self.radius, self.y + y * self.radius


@dataclass(frozen=True, slots=True)
class Brass:
    """The inks of a horn: engraving, the metal's flat tint, its cord, and what shows around it."""

    ink: str
    tint: str
    cord: str
    ground: str = ""


def brass(cord: str, ground: str = "") -> Brass:
    """A brass horn with a cord of this colour."""
    return Brass("#4A2E10", "#E9C673", cord, ground)


def draw_horn(plate: Plate, placing: Placing, brass: Brass, pitch: float) -> None:
    """The whole horn; `pitch` in mm is the distance of the engraved lines."""
    tube = [(*placing.point(x, y), w * placing.radius) for x, y, w in _centre_line()]
    rings = _ring_places(tube, pitch)
    drawn = 0
    for start in range(0, len(tube) - 1, PIECE):
        _draw_piece(plate, tube, start, min(start + PIECE + 2, len(tube)), brass)
        # A ring bends into the next piece, so it waits for it.
        for place in rings:
            if drawn <= place < start:
                _draw_ring(plate, tube, place, brass.ink, pitch)
        drawn = start
    for place in rings:
        if place >= drawn:
            _draw_ring(plate, tube, place, brass.ink, pitch)
    _draw_mouth(plate, tube, brass)
    _draw_cord(plate, placing, brass)


def _ring_places(tube: Sequence[Ring], pitch: float) -> list[float]:
    """Where lines go around the tube, `pitch` apart: places between its points, counted from 0."""
    places, travelled, due = [], 0.0, pitch
    for index, ((ax, ay, _), (bx, by, _)) in enumerate(pairwise(tube)):
        step = hypot(bx - ax, by - ay)
        while due < travelled + step:
            places.append(index + (due - travelled) / step)
            due += pitch
        travelled += step
    return places


def _centre_line() -> list[Ring]:
    """Points of the tube's middle with its half-width, from the mouthpiece to the bell."""
    line: list[Ring] = []
    lead = 1.75
    for index in range(int(lead / STEP)):
        x = -lead + index * STEP
        cup = 0.075 * max(0.0, 1 - index * STEP / 0.14) ** 0.6
        line.append((x, OUTER - 0.10 * (x / lead) ** 2, 0.042 + 0.012 * index * STEP + cup))
    turns = int(COILS * 2 * pi / STEP)
    for index in range(turns):
        angle, share = index * STEP, index / turns
        radius = OUTER + (INNER - OUTER) * share
        line.append((radius * sin(angle), radius * cos(angle), 0.063 + 0.042 * share))
    reach = 2.15
    for index in range(int(reach / STEP) + 1):
        x = index * STEP
        share = x / reach
        flare = 0.030 * share + 0.055 * share**3 + 0.40 * share**11
        line.append((x, INNER - 0.20 * share**2, 0.105 + flare))
    return line


def _normal(tube: Sequence[Ring], index: int) -> tuple[float, float]:
    ax, ay, _ = tube[max(index - 1, 0)]
    bx, by, _ = tube[min(index + 1, len(tube) - 1)]
    along = hypot(bx - ax, by - ay) or 1.0
    return (ay - by) / along, (bx - ax) / along


def _side(tube: Sequence[Ring], start: int, end: int, u: float, extra: float = 0.0) -> list[Point]:
    points = []
    for index in range(start, end):
        x, y, half = tube[index]
        nx, ny = _normal(tube, index)
        reach = u * half + (extra if u > 0 else -extra)
        points.append((x + nx * reach, y + ny * reach))
    return points


def _draw_piece(plate: Plate, tube: Sequence[Ring], start: int, end: int, brass: Brass) -> None:
    """A piece of tube over what lies below it: a rim of paper, the tint, the gleam, its edges."""
    left, right = _side(tube, start, end, -1, HALO), _side(tube, start, end, 1, HALO)
    plate.fill(left + right[::-1], brass.ground or plate.paper)
    left, right = _side(tube, start, end, -1), _side(tube, start, end, 1)
    plate.fill(left + right[::-1], brass.tint)
    _draw_gleam(plate, tube, start, end)
    for u, side in ((-1, left), (1, right)):
        widths = [_edge_width(tube, index, u) for index in range(start, end)]
        plate.line(side, widths, brass.ink)


def _draw_gleam(plate: Plate, tube: Sequence[Ring], start: int, end: int) -> None:
    """The gleam along the tube where it faces the light: paper shows."""
    middle, widths = [], []
    for index in range(start, end):
        x, y, half = tube[index]
        nx, ny = _normal(tube, index)
        u = max(-0.55, min(0.55, (nx * LIGHT[0] + ny * LIGHT[1]) * 0.62))
        middle.append((x + nx * u * half, y + ny * u * half))
        widths.append(half * 0.34)
    plate.fill(ribbon(middle, widths), plate.paper)


def _shade(nx: float, ny: float, u: float) -> float:
    """How dark the metal is where its surface looks to (u across): 0 light, 1 dark."""
    facing = nx * u * LIGHT[0] + ny * u * LIGHT[1] + sqrt(max(0.0, 1 - u * u)) * LIGHT[2]
    gleam = max(0.0, facing) ** 9
    reflected: float = 0.22 * max(0.0, -facing) ** 0.7
    return max(0.0, min(1.0, 0.92 - 0.85 * max(0.0, facing) - 0.75 * gleam - reflected))


def _draw_ring(plate: Plate, tube: Sequence[Ring], place: float, ink: str, pitch: float) -> None:
    """One line around the tube, bent as a ring seen a little from the front, thick in the shade."""
    index, share = int(place), place % 1
    x, y, half = (a + (b - a) * share for a, b in zip(tube[index], tube[index + 1], strict=True))
    nx, ny = _normal(tube, index)
    tx, ty = -ny, nx
    steps = max(7, min(21, int(half / 0.05)))
    points, widths = [], []
    for step in range(steps + 1):
        u = -1 + 2 * step / steps
        bulge = 0.32 * half * sqrt(max(0.0, 1 - u * u))
        points.append((x + nx * u * half + tx * bulge, y + ny * u * half + ty * bulge))
        widths.append(pitch * 0.86 * _shade(nx, ny, u) ** 1.15)
    plate.line(points, widths, ink)


def _edge_width(tube: Sequence[Ring], index: int, u: int) -> float:
    nx, ny = _normal(tube, index)
    return 0.05 + 0.075 * _shade(nx, ny, u * 0.98)


def _draw_mouth(plate: Plate, tube: Sequence[Ring], brass: Brass) -> None:
    """The bell's opening: a bright rim around the dark, ringed inside."""
    x, y, half = tube[-1]
    nx, ny = _normal(tube, len(tube) - 1)
    turn = atan2(ny, nx)
    depth = half * 0.30
    plate.fill(ellipse(x, y, half * 1.05, depth * 1.12, turn), brass.ink)
    plate.fill(ellipse(x, y, half * 0.985, depth, turn), plate.paper)
    plate.fill(ellipse(x, y, half * 0.985, depth, turn), brass.tint)
    for ring in range(9):
        share = 0.90 - ring * 0.095
        inward = 0.035 * half * ring
        cx, cy = x - ny * inward, y + nx * inward
        points = ellipse(cx, cy, half * share, depth * share, turn)
        widths = [
            half * (0.020 + 0.035 * ring / 8 + 0.022 * (1 + cos(2 * pi * k / 48 + 2.4)))
            for k in range(len(points))
        ]
        plate.line([*points, points[0]], [*widths, widths[0]], brass.ink)
    plate.fill(ellipse(x, y, half * 0.17, depth * 0.2, turn), brass.ink)


def _draw_cord(plate: Plate, placing: Placing, brass: Brass) -> None:
    """A cord bound around the coils, hanging between the bindings, with two tassels."""
    unit = placing.radius
    sag = [(-0.50 + 1.06 * k / 24, -0.50 + 0.42 * (1 - (2 * k / 24 - 1) ** 2)) for k in range(25)]
    _draw_rope(plate, [placing.point(*point) for point in sag], [0.07 * unit] * 25, brass.cord)
    for shift, length in ((-0.095, 0.50), (0.105, 0.56)):
        _draw_tassel(plate, placing.point(0.03 + shift, -0.02), length * unit, shift * unit, brass)
    x, y = placing.point(0.03, -0.08)
    plate.dot(x, y, 0.085 * unit, plate.paper)
    plate.dot(x, y, 0.07 * unit, brass.cord)
    for angle in (3.98, 2.30):
        for turn in range(4):
            _draw_rope(*_binding(plate, placing, angle + (turn - 1.5) * 0.092), brass.cord)


def _binding(
    plate: Plate, placing: Placing, angle: float
) -> tuple[Plate, list[Point], list[float]]:
    points, widths = [], []
    for step in range(13):
        u = -1 + step / 6
        radius, at = 0.905 + 0.215 * u, angle + 0.055 * (1 - u * u) - 0.03 * u
        points.append(placing.point(radius * sin(at), radius * cos(at)))
        widths.append(0.088 * placing.radius * (1 - abs(u) ** 5 * 0.6))
    return plate, points, widths


def _draw_tassel(plate: Plate, neck: Point, length: float, lean: float, brass: Brass) -> None:
    """A bundle of threads falling from a bound neck."""
    x, y = neck
    threads = 11
    half = length * 0.17
    skirt = [(x + lean * 0.4 - half * 0.45, y + length * 0.24), (x + lean - half, y + length)]
    skirt += [(x + lean + half, y + length), (x + lean * 0.4 + half * 0.45, y + length * 0.24)]
    plate.line([*skirt, skirt[0]], 0.22, plate.paper)
    plate.fill(skirt, brass.cord)
    for thread in range(threads):
        u = -1 + 2 * thread / (threads - 1)
        end = length * (0.99 + 0.05 * ((thread * 7) % 5 - 2))
        top = (x + lean * 0.4 + half * 0.4 * u, y + length * 0.26)
        middle = (x + lean * 0.7 + half * 0.78 * u, y + length * 0.62)
        low = (x + lean + half * u, y + end)
        plate.line([top, middle, low], [half * 0.12, half * 0.22, half * 0.2], brass.cord)
        if 0 < thread < threads - 1:
            plate.line([top, middle, low], [0.02, 0.045, 0.07], plate.paper)
    head = ellipse(x + lean * 0.2, y + length * 0.12, half * 0.62, length * 0.15)
    plate.line([*head, head[0]], 0.16, plate.paper)
    plate.fill(head, brass.cord)
    for share in (0.05, 0.12, 0.19):
        band = [
            (x + lean * 0.2 + half * 0.55 * u, y + length * (share + 0.02 * (1 - u * u)))
            for u in (-1, 0, 1)
        ]
        plate.line(band, [0.03, 0.06, 0.03], plate.paper)


def _draw_rope(plate: Plate, points: Sequence[Point], widths: Sequence[float], cord: str) -> None:
    """Two twisted strands: the cord's colour, parted by slanting lines of paper."""
    plate.line(points, [width + 0.13 for width in widths], plate.paper)
    plate.line(points, widths, cord)
    width = max(widths)
    for (ax, ay), (bx, by) in pairwise(_evenly(points, width * 0.42)[1:-1]):
        along = hypot(bx - ax, by - ay) or 1.0
        tx, ty = (bx - ax) / along * width / 2, (by - ay) / along * width / 2
        strand = [(ax - ty * u + tx * u, ay + tx * u + ty * u) for u in (-0.8, -0.4, 0, 0.4, 0.8)]
        plate.line(strand, [0.02, 0.05, 0.065, 0.05, 0.02], plate.paper)


def _evenly(points: Sequence[Point], step: float) -> list[Point]:
    """Points at even distances along a line."""
    placed = [points[0]]
    due = step
    for (ax, ay), (bx, by) in pairwise(points):
        length = hypot(bx - ax, by - ay)
        while due <= length:
            placed.append((ax + (bx - ax) * due / length, ay + (by - ay) * due / length))
            due += step
        due -= length
    return placed
