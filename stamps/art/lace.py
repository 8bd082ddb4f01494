"""Guilloches out of a horn call: what the ear hears as a tone, the eye sees as lace."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

from stamps.art.plate import Plate, Point, ellipse
from stamps.art.scenery import frame_circle


@dataclass(frozen=True, slots=True)
class Note:
    """A tone of the natural horn: which harmonic, and for how many beats."""

    harmonic: int
    beats: float


Call = tuple[Note, ...]


def rosette(
    plate: Plate, call: Call, centre: Point, start: float, end: float, ink: str, width: float = 0.05
) -> None:
    """The call as lace around a centre: a braided band for each note, as wide as it lasts.

    A band's lines swing as often in one turn as its harmonic says, so that the higher the tone, the
    finer the lace.
    """
    beats = sum(note.beats for note in call)
    inner = start
    for note in call:
        outer = inner + (end - start) * note.beats / beats
        _braid(
            plate, centre, (inner + outer) / 2, (outer - inner) * 0.62, note.harmonic, ink, width
        )
        inner = outer


def disc(
    plate: Plate, call: Call, centre: Point, radius: float, ink: str, width: float = 0.05
) -> None:
    """The sun, or a moon: the call's rosette on a round of paper with a rim."""
    plate.fill(ellipse(*centre, radius, radius, points=96), plate.paper)
    rosette(plate, call, centre, 0.4, radius - 0.2, ink, width)
    frame_circle(plate, centre, radius, 0.1, ink)


def _braid(
    plate: Plate, centre: Point, middle: float, reach: float, swings: int, ink: str, width: float
) -> None:
    strands = max(4, round(2 * pi * middle / swings / 0.26))
    for strand in range(strands):
        points = []
        for step in range(swings * 14 + 1):
            angle = 2 * pi * step / (swings * 14)
            radius = middle + reach * sin(swings * angle + 2 * pi * strand / strands)
            points.append((centre[0] + radius * sin(angle), centre[1] - radius * cos(angle)))
        plate.line(points, width, ink)


def score(
    plate: Plate, call: Call, left: float, right: float, y: float, reach: float, ink: str
) -> None:
    """The call from left to right as a braid around y: each note as long and as fine as it sounds."""
    beats = sum(note.beats for note in call)
    phases = [0.0]
    steps = 420
    for step in range(steps):
        phases.append(phases[-1] + _sounding(call, beats * step / steps).harmonic * 0.045)
    for strand in range(10):
        points = []
        for step, phase in enumerate(phases):
            swing = sin(phase + 2 * pi * strand / 10) * (0.72 + 0.28 * sin(phase / 5 + strand))
            points.append((left + (right - left) * step / steps, y + reach * swing))
        plate.line(points, 0.06, ink)


def _sounding(call: Call, beat: float) -> Note:
    for note in call:
        if beat < note.beats:
            return note
        beat -= note.beats
    return call[-1]
