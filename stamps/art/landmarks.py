"""What stands in a landscape: trees, houses, a church, a star, a train on its viaduct."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

from stamps.art.plate import Plate, ellipse, rectangle
from stamps.art.scenery import Inks, Window, blend, clamp, frame_circle, noise


def star(plate: Plate, x: float, y: float, size: float, ink: str) -> None:
    """A star with four points."""
    points = []
    for corner in range(8):
        reach = size if corner % 2 == 0 else size * 0.2
        points.append((x + reach * sin(pi * corner / 4), y - reach * cos(pi * corner / 4)))
    plate.fill(points, ink)


def poplar(plate: Plate, x: float, y: float, height: float, ink: str) -> None:
    """A slender tree standing on (x, y), light on its left."""
    half = height * 0.13
    crown = [
        (x + half * side * sin(pi * share**0.72), y - height * (0.06 + 0.94 * share))
        for side, shares in ((-1, range(13)), (1, range(12, -1, -1)))
        for share in (step / 12 for step in shares)
    ]
    plate.fill(crown, plate.paper)
    plate.line([(x, y), (x, y - height * 0.2)], height * 0.035, ink)
    for row in range(int(height / 0.14)):
        share = (row + 0.5) * 0.14 / height
        reach = half * sin(pi * share**0.72) * (1.0 + 0.12 * noise(row * 1.7, x))
        top = y - height * (0.06 + 0.94 * share)
        stroke = [(x - reach * 0.75, top + 0.05), (x, top - 0.06), (x + reach, top + 0.10)]
        plate.line(stroke, [0.02, 0.075, 0.15], ink)


def fir(plate: Plate, x: float, y: float, height: float, ink: str) -> None:
    """A conifer standing on (x, y): drooping boughs, darker on the right."""
    plate.line([(x, y), (x, y - height * 0.2)], height * 0.05, ink)
    rows = max(6, int(height / 0.24))
    for row in range(rows):
        share = row / rows
        reach = height * 0.24 * (1 - share) * (0.85 + 0.25 * noise(row * 1.3, x))
        top = y - height * (0.10 + 0.90 * share)
        drop = height * 0.075
        points = [(x - reach, top + drop), (x - reach * 0.4, top - drop * 0.1), (x, top - drop)]
        points += [(x + reach * 0.4, top - drop * 0.1), (x + reach, top + drop)]
        plate.line(points, [0.03, 0.16, 0.2, 0.24, 0.06], ink)
    plate.line([(x, y - height * 0.9), (x, y - height * 1.06)], [0.12, 0.03], ink)


@dataclass(frozen=True, slots=True)
class House:
    """A gabled house: its left edge, its width, the height of wall and roof, in mm."""

    x: float
    width: float
    wall: float
    roof: float


def house(plate: Plate, left: float, ground: float, house: House, ink: str) -> None:
    """A house with its gable to the viewer, light from the left; `left` is where x counts from."""
    half, middle = house.width / 2, left + house.x + house.width / 2
    eaves, ridge = ground - house.wall, ground - house.wall - house.roof
    outline = [(middle - half, ground), (middle - half, eaves), (middle, ridge)]
    outline += [(middle + half, eaves), (middle + half, ground)]
    plate.fill(outline, plate.paper)
    for row in range(int((ground - ridge) / 0.2)):
        y = ground - 0.1 - row * 0.2
        reach = half * clamp((y - ridge) / house.roof)
        plate.line([(middle + reach * 0.05, y), (middle + reach, y)], [0.03, 0.12], ink)
    for side in (-1, 1):
        edge = (middle + side * (half + 0.2), eaves + 0.25)
        plate.line([(middle, ridge - 0.1), edge], 0.26, ink)
        for row in range(int(house.wall / 1.15)):
            x, y = middle + side * 0.44 * half, ground - 0.75 - row * 1.15
            plate.fill(rectangle(x - 0.2, y - 0.3, x + 0.2, y + 0.3), ink)
    plate.line(outline, 0.09, ink)


def church(plate: Plate, x: float, ground: float, ink: str, clock: str) -> None:
    """A tower with a clock and an onion dome, as they stand in the Alps."""
    half, height = 1.15, 8.6
    top = ground - height
    plate.fill(rectangle(x - half, top, x + half, ground), plate.paper)
    for row in range(int(height / 0.2)):
        y = ground - 0.1 - row * 0.2
        plate.line([(x - half * 0.1, y), (x + half, y)], [0.02, 0.13], ink)
    for edge in (-half, half):
        plate.line([(x + edge, top), (x + edge, ground)], 0.11, ink)
    plate.fill(rectangle(x - half - 0.2, top - 0.1, x + half + 0.2, top + 0.18), ink)
    plate.fill(ellipse(x, top + 1.5, 0.78, 0.78), plate.paper)
    frame_circle(plate, (x, top + 1.5), 0.74, 0.13, clock)
    plate.line([(x, top + 0.98), (x, top + 1.5), (x + 0.36, top + 1.72)], 0.1, clock)
    plate.fill(
        [
            (x - 0.3, top + 4.2),
            (x - 0.3, top + 3.3),
            (x, top + 2.9),
            (x + 0.3, top + 3.3),
            (x + 0.3, top + 4.2),
        ],
        ink,
    )
    _onion(plate, x, top - 0.1, half, ink)


# An onion dome: how high above its base, how wide in half widths of the tower.
ONION = (
    (0.0, 0.86),
    (0.25, 1.02),
    (0.55, 1.12),
    (0.95, 1.0),
    (1.35, 0.66),
    (1.7, 0.36),
    (2.05, 0.2),
    (2.6, 0.09),
    (3.1, 0.05),
)


def _onion(plate: Plate, x: float, base: float, half: float, ink: str) -> None:
    left = [(x - half * reach, base - rise) for rise, reach in ONION]
    right = [(x + half * reach, base - rise) for rise, reach in reversed(ONION)]
    plate.fill(left + right, plate.paper)
    for rib in range(9):
        u = -0.96 + 1.92 * rib / 8
        points = [(x + half * reach * sin(u * pi / 2), base - rise) for rise, reach in ONION]
        plate.line(points, 0.07 + 0.14 * clamp(u * 0.5 + 0.5), ink)
    plate.line([*left, *right, left[0]], 0.1, ink)
    tip = base - ONION[-1][0]
    plate.dot(x, tip - 0.1, 0.17, ink)
    plate.line([(x, tip), (x, tip - 1.0)], 0.09, ink)
    plate.line([(x - 0.28, tip - 0.68), (x + 0.28, tip - 0.68)], 0.09, ink)


def viaduct(plate: Plate, window: Window, deck: float, inks: Inks) -> None:
    """Piers and round arches from edge to edge, lit from the moon's side."""
    top, bottom = deck, window.bottom
    span, pier = 3.3, 0.8
    plate.fill(rectangle(window.left - 1, top, window.right + 1, bottom), plate.paper)
    for row in range(int((bottom - top) / 0.34)):
        y = top + 0.5 + row * 0.34
        plate.line([(window.left - 1, y), (window.right + 1, y)], 0.13, inks.ink)
    for index in range(-1, 11):
        left = window.left + 0.4 + index * span
        _arch(plate, left + pier / 2, left + span - pier / 2, top + 1.1, bottom, inks)
    plate.fill(rectangle(window.left - 1, top - 0.1, window.right + 1, top + 0.30), plate.paper)
    plate.line([(window.left - 1, top - 0.05), (window.right + 1, top - 0.05)], 0.13, inks.ink)
    plate.line([(window.left - 1, top + 0.36), (window.right + 1, top + 0.36)], 0.2, inks.ink)


def _arch(plate: Plate, left: float, right: float, top: float, bottom: float, inks: Inks) -> None:
    middle, radius = (left + right) / 2, (right - left) / 2
    curve = [
        (middle - radius * cos(pi * k / 24), top + radius - radius * sin(pi * k / 24))
        for k in range(25)
    ]
    plate.fill([(left, bottom), *curve, (right, bottom)], inks.ink)
    inner = [(x + 0.16, y + 0.1) for x, y in curve]
    plate.fill(
        [(left + 0.42, bottom), *[(min(x + 0.26, right), y) for x, y in inner], (right, bottom)],
        blend(inks.ink, plate.paper, 0.86),
    )
    plate.line(curve, 0.16, plate.paper)


def train(plate: Plate, left: float, rail: float, inks: Inks) -> None:
    """Lit coaches behind a locomotive, its steam behind it."""
    x = left
    for _ in range(5):
        _coach(plate, x, rail, 4.3, inks)
        x += 4.55
    _locomotive(plate, x + 0.1, rail, inks)


def _coach(plate: Plate, x: float, rail: float, length: float, inks: Inks) -> None:
    plate.fill(rectangle(x - 0.12, rail - 2.12, x + length + 0.12, rail - 0.2), plate.paper)
    plate.fill(rectangle(x, rail - 1.85, x + length, rail - 0.42), inks.ink)
    roof = [
        (x - 0.1, rail - 1.85),
        (x + 0.2, rail - 2.1),
        (x + length - 0.2, rail - 2.1),
        (x + length + 0.1, rail - 1.85),
    ]
    plate.fill(roof, inks.ink)
    for pane in range(5):
        left = x + 0.3 + pane * 0.78
        plate.fill(rectangle(left, rail - 1.6, left + 0.55, rail - 1.05), inks.tint)
    for wheel in (0.6, 1.2, length - 1.2, length - 0.6):
        plate.dot(x + wheel, rail - 0.24, 0.25, inks.ink)


def _steam(plate: Plate, x: float, y: float, ink: str) -> None:
    """Puffs that grow as they fall behind, the whole cloud first, then the shade in each."""
    puffs = []
    for index in range(16):
        share = index / 15
        rise = 2.6 * share**0.8 - 0.35 * noise(index * 1.7, 3)
        puffs.append((x - 13 * share, y - rise, 0.34 + 0.85 * share))
    for cx, cy, size in puffs:
        plate.fill(ellipse(cx, cy, size * 1.35, size), plate.paper)
    widths = [0.11 * sin(pi * step / 20) for step in range(21)]
    for cx, cy, size in puffs:
        for ring in (0.55, 0.8):
            reach = size * ring
            arc = [(cx + reach * 1.3 * cos(a / 8), cy + reach * sin(a / 8)) for a in range(21)]
            plate.line(arc, widths, ink)


def _locomotive(plate: Plate, x: float, rail: float, inks: Inks) -> None:
    _steam(plate, x + 3.4, rail - 2.8, blend(inks.ink, plate.paper, 0.75))
    plate.fill(rectangle(x - 0.2, rail - 2.5, x + 1.55, rail - 0.2), plate.paper)
    plate.fill(rectangle(x + 1.2, rail - 2.1, x + 4.6, rail - 0.2), plate.paper)
    plate.fill(rectangle(x, rail - 2.25, x + 1.25, rail - 0.45), inks.ink)
    plate.fill(rectangle(x - 0.12, rail - 2.35, x + 1.4, rail - 2.15), inks.ink)
    plate.fill(rectangle(x + 0.3, rail - 1.95, x + 0.95, rail - 1.35), inks.tint)
    plate.fill(rectangle(x + 1.25, rail - 1.7, x + 4.2, rail - 0.75), inks.ink)
    plate.fill(ellipse(x + 4.2, rail - 1.22, 0.22, 0.47), inks.ink)
    plate.fill(rectangle(x + 3.3, rail - 2.45, x + 3.72, rail - 1.6), inks.ink)
    plate.fill(ellipse(x + 2.4, rail - 1.72, 0.32, 0.26), inks.ink)
    plate.line([(x + 1.4, rail - 1.5), (x + 4.1, rail - 1.5)], 0.08, plate.paper)
    plate.fill([(x + 4.0, rail - 0.2), (x + 4.75, rail - 0.2), (x + 4.1, rail - 0.75)], inks.ink)
    plate.dot(x + 4.42, rail - 1.75, 0.24, inks.tint)
    for wheel, size in ((0.5, 0.42), (1.5, 0.42), (2.45, 0.42), (3.4, 0.3), (4.0, 0.26)):
        plate.dot(x + wheel, rail - size + 0.02, size, inks.ink)
        plate.dot(x + wheel, rail - size + 0.02, size * 0.4, plate.paper)
