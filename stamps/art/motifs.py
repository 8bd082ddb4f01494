"""The motifs: Signals, five posthorn calls with what each announces, and Säntis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import asin, hypot, sin, sqrt

from stamps.art.horn import Placing, brass, draw_horn
from stamps.art.lace import Call, Note, disc, rosette
from stamps.art.landmarks import House, church, fir, house, poplar, star, train, viaduct
from stamps.art.plate import Plate, Point, ellipse
from stamps.art.scenery import (
    Inks,
    Window,
    along,
    blend,
    bump,
    clamp,
    crags,
    frame_circle,
    glow,
    land,
    noise,
    rays,
    relief,
    road,
    sky,
)


@dataclass(frozen=True, slots=True)
class Motif:
    """A picture, and the call that it shows, if any."""

    draw: Callable[[Plate, Window, Inks], None]
    call: Call = ()


# The calls, our own, on the harmonics that a horn without valves can sound.
DEPARTURE = (Note(4, 1), Note(6, 1), Note(8, 2), Note(10, 1), Note(12, 3))
ARRIVAL = (Note(12, 1), Note(10, 1), Note(8, 1), Note(10, 1), Note(6, 2), Note(8, 3))
MOUNTAIN_PASS = (Note(6, 2), Note(8, 1), Note(6, 2), Note(8, 1), Note(10, 3))
NIGHT_MAIL = (Note(8, 3), Note(6, 1), Note(5, 2), Note(6, 4))
GOLDEN_HORN = tuple(
    Note(harmonic, beats)
    for harmonic, beats in ((4, 1), (5, 1), (6, 1), (8, 2), (10, 1), (12, 1), (16, 3))
)


def departure(plate: Plate, window: Window, inks: Inks) -> None:
    """Sunrise over a road that leaves through hills; the horn points after it."""
    sun = (window.right - 8.6, window.top + 10.6)
    glow(plate, sun, (24, 18, 13, 9), inks.tint)
    disc(plate, DEPARTURE, sun, 5.0, inks.accent)
    rays(plate, sun, 5.6, 36, 216, inks.ink, lambda x, y: 0.60 * _away(x, y, sun, 5.6, 30))
    _far_hills(plate, window, inks)
    land(plate, window, _fields, relief(0.40, 0.9), inks.ink, 48)
    road(
        plate,
        window,
        _fields,
        lambda v: 0.52 + 0.17 * sin(8.6 * v**0.8 + 0.2) * (1 - v) ** 0.8 + 0.07 * v,
        lambda v: 0.110 * (1 - v) ** 1.5 + 0.0044,
        inks.ink,
    )
    for u, v, height in (
        (0.80, 0.42, 4.6),
        (0.84, 0.47, 3.8),
        (0.95, 0.60, 3.2),
        (0.975, 0.56, 3.8),
    ):
        poplar(plate, *window.point(u, _fields(u, v)), height, inks.ink)
    horn = Placing(window.left + 8.7, window.top + 13.2, 5.2, -0.36)
    draw_horn(plate, horn, brass(inks.accent), 0.125)


def _away(x: float, y: float, centre: Point, start: float, reach: float) -> float:
    """0 near a light, 1 far from it."""
    away: float = clamp((hypot(x - centre[0], y - centre[1]) - start) / reach) ** 0.7
    return away


def _fields(u: float, v: float) -> float:
    return (
        -1.6
        + 7.4 * v
        + bump(u, v, (0.02, 0.60), (0.36, 0.42), 4.6)
        + bump(u, v, (0.99, 0.62), (0.24, 0.36), 3.4)
        + bump(u, v, (0.36, 0.16), (0.26, 0.30), 2.0)
        + bump(u, v, (0.54, 0.85), (0.14, 0.2), 1.1)
    )


def _far_hills(plate: Plate, window: Window, inks: Inks) -> None:
    land(
        plate,
        window,
        lambda u, v: 5.6 + 3.4 * v + 1.5 * v * noise(u * 3.7 + 2.3, 7) + 2.6 * v * crags(u * 5, v),
        relief(0.34, 0.40),
        inks.ink,
        22,
    )


def arrival(plate: Plate, window: Window, inks: Inks) -> None:
    """A town at dusk below its church; the horn announces the coach."""
    evening = (window.left + 17.0, window.top + 5.6)
    glow(plate, evening, (20, 15, 11, 7.5), inks.tint)
    sky(plate, window, inks.ink, lambda x, y: 0.58 * _away(x, y, evening, 4.2, 26))
    disc(plate, ARRIVAL, evening, 3.9, inks.accent)
    land(
        plate,
        window,
        lambda u, v: (
            4 + v * (5 + 5.5 * bump(u, 0, (0.16, 0), (0.34, 1), 1) + 2.6 * crags(u * 4 + 5, v * 2))
        ),
        relief(0.45, 0.55),
        inks.ink,
        40,
    )
    _town(plate, window, inks)
    land(plate, window, _meadow, relief(0.42, 1.4), inks.ink, 26)
    road(
        plate,
        window,
        _meadow,
        lambda v: 0.40 + 0.11 * sin(4.4 * v + 0.4) * (1 - v) ** 0.6,
        lambda v: 0.09 * (1 - v) ** 1.3 + 0.008,
        inks.ink,
    )
    horn = Placing(window.right - 8.3, window.top + 13.4, 5.2, -0.36, to_left=True)
    draw_horn(plate, horn, brass(inks.accent), 0.125)


def _meadow(u: float, v: float) -> float:
    return -1.5 + 6.0 * v + bump(u, v, (0.95, 0.8), (0.45, 0.7), 1.6)


# Houses: from the left edge, width, height of the wall, height of the roof, in mm.
BEHIND = (
    House(0.4, 3.4, 3.0, 1.9),
    House(3.3, 2.8, 4.3, 1.6),
    House(11.4, 3.2, 3.6, 2.0),
    House(5.6, 3.6, 3.1, 2.2),
    House(13.6, 2.6, 2.6, 1.7),
    House(-1.0, 2.6, 2.3, 1.6),
    House(16.0, 3.4, 2.9, 2.0),
)
BEFORE = (House(8.0, 2.6, 2.2, 1.5), House(1.8, 2.3, 1.9, 1.4))


def _town(plate: Plate, window: Window, inks: Inks) -> None:
    ground = window.bottom - 4.0
    for house_at in BEHIND:
        house(plate, window.left, ground, house_at, inks.ink)
    church(plate, window.left + 9.9, ground, inks.ink, inks.accent)
    for house_at in BEFORE:
        house(plate, window.left, ground + 0.6, house_at, inks.ink)


def mountain_pass(plate: Plate, window: Window, inks: Inks) -> None:
    """A pass road in bends below rock and snow."""
    sun = (window.left + 22.2, window.top + 6.6)
    glow(plate, sun, (22, 17, 12, 8.5), inks.tint)
    rays(plate, sun, 4.6, 40, 200, inks.ink, lambda x, y: 0.5 * _away(x, y, sun, 4.6, 30))
    disc(plate, MOUNTAIN_PASS, sun, 4.1, inks.accent)
    land(plate, window, _massif, _rock, inks.ink, 92)
    land(plate, window, _slope, relief(0.52, 0.5), inks.ink, 40)
    _bends(plate, window, inks)
    horn = Placing(window.left + 7.3, window.top + 14.6, 4.4, -0.30)
    draw_horn(plate, horn, brass(inks.accent), 0.115)


PEAKS = tuple(
    zip(
        (0.0, 0.07, 0.12, 0.2, 0.27, 0.33, 0.4, 0.5, 0.58, 0.68, 0.75, 0.82, 0.86, 0.93, 1.0),
        (15.0, 18.2, 17.2, 20.6, 17.0, 16.2, 13.2, 11.6, 12.2, 13.0, 16.2, 19.4, 18.0, 16.8, 18.0),
        strict=True,
    )
)


def _massif(u: float, v: float) -> float:
    wander = u + 0.10 * noise(u * 4 + 8, v * 3.2) * (1 - v)
    ridge = along(PEAKS, min(1.0, max(0.0, wander)))
    rock = 3.4 * (crags(wander * 7 + 1, v * 2.4) - 0.55)
    return 3 + (ridge - 4.4) * float(v**0.85) + rock * sqrt(v)


def _rock(u: float, v: float, slope: float) -> float:
    snow = 0.16 * clamp((v - 0.55) * 3 + noise(u * 12, v * 9) * 0.5)
    return max(0.07, 0.46 - snow - 0.46 * slope / (1 + abs(slope)))


def _slope(u: float, v: float) -> float:
    valley = bump(u, v, (0.0, 0.9), (0.34, 0.6), 2.6) + bump(u, v, (1.05, 0.9), (0.26, 0.6), 2.2)
    return -2 + 10.4 * v + valley + 0.35 * noise(u * 5, v * 4)


def _bends(plate: Plate, window: Window, inks: Inks) -> None:
    """Hairpins up to the saddle: each stretch shorter and narrower than the one below."""
    middle, widths = [], []
    for step in range(261):
        v = step / 260
        swing = asin(0.6 * sin(24.5 * v**0.74 + 2.2)) / asin(0.6)
        u = 0.66 + 0.185 * (1 - v) ** 0.72 * swing - 0.10 * v
        middle.append(window.point(u, 10.4 * v + 1.6 * v**3 - 1.4))
        widths.append(0.62 * (1 - v) ** 1.1 + 0.10)
    plate.line([(x, y + 0.06) for x, y in middle], [width + 0.22 for width in widths], inks.ink)
    plate.line(middle, widths, plate.paper)


def night_mail(plate: Plate, window: Window, inks: Inks) -> None:
    """The night train on its viaduct, under the moon."""
    deck = window.bottom - 10.9
    moon = (window.left + 24.6, window.top + 6.4)
    plate.fill(window.corners, blend(inks.tint, plate.paper, 0.3))
    glow(plate, moon, (15, 11, 8), inks.tint)
    sky(plate, window, inks.ink, lambda x, y: 0.30 + 0.62 * _away(x, y, moon, 3.4, 17), pitch=0.28)
    disc(plate, NIGHT_MAIL, moon, 3.7, inks.ink)
    for x, y, size in STARS:
        star(plate, window.left + x, window.top + y, size, plate.paper)
    land(
        plate,
        window,
        lambda u, v: 2 + (9 + 8.5 * abs(u - 0.42) ** 1.2 + 4.5 * crags(u * 3.2 + 11, v * 1.6)) * v,
        relief(0.74, 0.34),
        inks.ink,
        60,
    )
    viaduct(plate, window, deck, inks)
    train(plate, window.left - 2, deck - 0.12, inks)
    land(
        plate,
        window,
        lambda u, v: -2 + v * (5.2 + 7.0 * (u - 0.55) ** 2 + 1.2 * noise(u * 6, v * 3)),
        relief(0.80, 0.4),
        inks.ink,
        26,
    )
    horn = Placing(window.left + 7.4, window.bottom - 6.0, 4.0, -0.30)
    draw_horn(plate, horn, brass(inks.accent), 0.11)


STARS = tuple(
    zip(
        (2.0, 5.6, 8.4, 12.2, 15.4, 17.0, 30.6, 31.0, 3.0, 10.0),
        (2.2, 5.0, 1.7, 3.9, 1.5, 5.6, 1.9, 8.4, 8.4, 7.4),
        (0.5, 0.32, 0.36, 0.55, 0.3, 0.34, 0.42, 0.32, 0.3, 0.28),
        strict=True,
    )
)


def golden_horn(plate: Plate, window: Window, inks: Inks) -> None:
    """The horn alone, on the lace of its own call."""
    plate.fill(window.corners, inks.ink)
    middle = ((window.left + window.right) / 2, (window.top + window.bottom) / 2)
    rays(
        plate,
        middle,
        3,
        22,
        180,
        blend(inks.tint, inks.ink, 0.55),
        lambda x, y: 0.16 + 0.16 * _away(x, y, middle, 3, 20),
    )
    plate.fill(ellipse(*middle, 10.9, 10.9, points=120), inks.ink)
    rosette(plate, GOLDEN_HORN, middle, 0.5, 10.5, inks.tint, 0.055)
    frame_circle(plate, middle, 10.75, 0.12, inks.tint)
    horn = Placing(middle[0] - 1.6, middle[1] - 0.3, 6.6, -0.22)
    draw_horn(plate, horn, brass(inks.accent, inks.ink), 0.13)


def saentis(plate: Plate, window: Window, inks: Inks) -> None:
    """The mountain in the first light, the mast on its summit, firs before it."""
    summit = window.point(0.545, 18.6)
    rose = blend(inks.tint, plate.paper, 0.85)
    glow(plate, summit, (26, 19, 13), blend(inks.tint, plate.paper, 0.5))
    sky(plate, window, inks.ink, lambda _x, y: 0.10 + 0.55 * clamp(1 - (y - window.top) / 13))
    plate.line([(summit[0], summit[1] + 1), (summit[0], summit[1] - 2.5)], [0.34, 0.1], inks.accent)
    land(plate, window, _saentis, _stone, inks.ink, 96, rose)
    land(plate, window, _alp, relief(0.52, 0.8), inks.ink, 44)
    for u, v, height in FIRS:
        fir(plate, *window.point(u, _alp(u, v)), height, inks.ink)


FIRS = tuple(
    zip(
        (0.05, 0.09, 0.14, 0.3, 0.33, 0.66, 0.78, 0.82, 0.93, 0.97, 0.02, 0.12, 0.9, 0.84, 0.19),
        (0.86, 0.8, 0.84, 0.9, 0.86, 0.9, 0.82, 0.76, 0.8, 0.72, 0.62, 0.52, 0.5, 0.4, 0.44),
        (2.0, 2.5, 1.9, 1.5, 1.8, 1.5, 2.1, 2.8, 2.2, 3.0, 3.6, 4.2, 4.6, 3.9, 3.4),
        strict=True,
    )
)


def _alp(u: float, v: float) -> float:
    return (
        -2
        + 7.0 * v
        + bump(u, v, (0.1, 0.75), (0.28, 0.5), 2.4)
        + bump(u, v, (0.95, 0.7), (0.26, 0.5), 2.2)
        + 0.3 * noise(u * 5, v * 3)
    )


def _stone(_u: float, v: float, slope: float) -> float:
    return max(0.05, 0.42 - 0.14 * v - 0.46 * slope / (1 + abs(slope)))


SUMMITS = tuple(
    zip(
        (
            0.0,
            0.08,
            0.15,
            0.24,
            0.3,
            0.38,
            0.43,
            0.5,
            0.545,
            0.58,
            0.63,
            0.69,
            0.75,
            0.82,
            0.9,
            1.0,
        ),
        (
            9.5,
            11.0,
            10.4,
            13.0,
            12.6,
            15.4,
            15.0,
            18.2,
            19.0,
            18.0,
            15.6,
            14.8,
            13.2,
            13.8,
            11.4,
            10.2,
        ),
        strict=True,
    )
)


def _saentis(u: float, v: float) -> float:
    wander = u + 0.08 * noise(u * 4 + 3, v * 3) * (1 - v)
    ridge = along(SUMMITS, min(1.0, max(0.0, wander)))
    rock = 3.0 * (crags(wander * 8 + 6, v * 2.2) - 0.55)
    return 3 + (ridge - 4) * float(v**0.8) + rock * sqrt(v)


MOTIFS: dict[str, Motif] = {
    "departure": Motif(departure, DEPARTURE),
    "arrival": Motif(arrival, ARRIVAL),
    "mountain_pass": Motif(mountain_pass, MOUNTAIN_PASS),
    "night_mail": Motif(night_mail, NIGHT_MAIL),
    "golden_horn": Motif(golden_horn, GOLDEN_HORN),
    "saentis": Motif(saentis),
}
