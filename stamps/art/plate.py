"""An engraver's plate: coloured shapes in millimetres, pressed as PNG or written as SVG.

Everything is a filled polygon, swelling lines and letters too, so that both outputs show the same
picture. The origin is the upper left corner. Drawing is deterministic.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from math import cos, hypot, pi, sin

from PIL import Image, ImageColor, ImageDraw, ImageOps

from stamps.art.letters import Typeface, glyph

Point = tuple[float, float]
Points = Sequence[Point]

# Each dot of a picture is the mean of this many by this many.
OVERSAMPLING = 3
# Coordinates in SVG are whole numbers of 1/100 mm.
SVG_UNITS_PER_MM = 100


@dataclass(frozen=True, slots=True)
class Shape:
    """One colour over one or more contours; `holes` are cut out of them."""

    ink: str
    contours: tuple[Points, ...]
    holes: tuple[Points, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG laid into a rectangle and cropped to fill it."""

    png: bytes
    left: float
    top: float
    right: float
    bottom: float


@dataclass(slots=True)
class Plate:
    """Shapes in the order in which they are printed, on paper of a size and outline in mm."""

    width: float
    height: float
    outline: Points
    paper: str
    shapes: list[Shape | Picture] = field(default_factory=list)

    def fill(self, points: Points, ink: str) -> None:
        """A filled polygon."""
        if self._is_visible(points):
            self.shapes.append(Shape(ink, (points,)))

    def line(self, points: Points, widths: float | Sequence[float], ink: str) -> None:
        """A swelling line through `points`: one width in mm for all, or one for each."""
        if len(points) < 2 or not self._is_visible(points):
            return
        if isinstance(widths, float | int):
            widths = [widths] * len(points)
        for start, end in _printed_runs(widths):
            outline = ribbon(points[start:end], widths[start:end])
            half = len(outline) // 2
            self.shapes.append(Shape(ink, (thinned(outline[:half]) + thinned(outline[half:]),)))

    def dot(self, x: float, y: float, radius: float, ink: str) -> None:
        """A filled circle."""
        self.fill(ellipse(x, y, radius, radius), ink)

    def picture(self, png: bytes, left: float, top: float, right: float, bottom: float) -> None:
        """A picture that fills a rectangle, cropped where it is too wide or too high."""
        self.shapes.append(Picture(png, left, top, right, bottom))

    def text(
        self,
        text: str,
        x: float,
        y: float,
        size: float,
        typeface: Typeface,
        ink: str,
        *,
        tracking: float = 0.0,
        anchor: float = 0.0,
    ) -> float:
        """Letters on the baseline y; `anchor` 0 begins at x, 0.5 centres, 1 ends there. Returns the width.

        `size` is the em in mm, `tracking` the extra space between letters in em.
        """
        glyphs = [glyph(typeface, character) for character in text]
        advance = sum(g.advance + tracking for g in glyphs) * size - tracking * size
        pen = x - anchor * advance
        for g in glyphs:
            contours = tuple(_placed(c, pen, y, size) for c in g.contours)
            holes = tuple(_placed(c, pen, y, size) for c in g.holes)
            if contours:
                self.shapes.append(Shape(ink, contours, holes))
            pen += (g.advance + tracking) * size
        return advance

    def image(self, dots_per_mm: float) -> Image.Image:
        """The print as an RGBA picture, transparent outside the paper's outline."""
        size = (round(self.width * dots_per_mm), round(self.height * dots_per_mm))
        large = (size[0] * OVERSAMPLING, size[1] * OVERSAMPLING)
        scale = large[0] / self.width
        picture = Image.new("RGB", large, self.paper)
        draw = ImageDraw.Draw(picture)
        for shape in self.shapes:
            if isinstance(shape, Picture):
                _lay(picture, shape, scale)
            else:
                _press(picture, draw, shape, scale)
        mask = Image.new("L", large, 0)
        ImageDraw.Draw(mask).polygon([(x * scale, y * scale) for x, y in self.outline], fill=255)
        picture.putalpha(mask)
        return picture.reduce(OVERSAMPLING)

    def png(self, dots_per_mm: float) -> bytes:
        """The print as a PNG that states its resolution."""
        target = io.BytesIO()
        dpi = dots_per_mm * 25.4
        self.image(dots_per_mm).save(target, "PNG", dpi=(dpi, dpi))
        return target.getvalue()

    def svg_body(self, clip: str) -> str:
        """The print as SVG elements in units of 1/100 mm; `clip` names its clip path in the page."""
        parts = [
            f'<clipPath id="{clip}"><path d="{_path(self.outline)}"/></clipPath>',
            f'<g clip-path="url(#{clip})">',
            f'<path fill="{self.paper}" d="{_path(self.outline)}"/>',
        ]
        for ink, group in groupby(self.shapes, key=lambda s: s.ink if isinstance(s, Shape) else ""):
            shapes = list(group)
            parts += [_picture_element(s) for s in shapes if isinstance(s, Picture)]
            if ink:
                path = "".join(_shape_path(s) for s in shapes if isinstance(s, Shape))
                parts.append(f'<path fill="{ink}" d="{path}"/>')
        return "".join(parts) + "</g>"

    def _is_visible(self, points: Points) -> bool:
        return any(-1 < x < self.width + 1 for x, _ in points) and any(
            -1 < y < self.height + 1 for _, y in points
        )


def ribbon(points: Points, widths: Sequence[float]) -> list[Point]:
    """The polygon of a line of varying width: along one side and back along the other."""
    left, right = [], []
    last = len(points) - 1
    for index, ((x, y), width) in enumerate(zip(points, widths, strict=True)):
        (ax, ay), (bx, by) = points[max(index - 1, 0)], points[min(index + 1, last)]
        along = hypot(bx - ax, by - ay) or 1.0
        nx, ny = (ay - by) / along * width / 2, (bx - ax) / along * width / 2
        left.append((x + nx, y + ny))
        right.append((x - nx, y - ny))
    return left + right[::-1]


def thinned(points: Points, tolerance: float = 0.006) -> list[Point]:
    """The same line with fewer points: none that lies within `tolerance` mm of its neighbours' line."""
    kept = [points[0]]
    anchor = 0
    for end in range(2, len(points)):
        if end - anchor > 24 or any(
            _distance(points[between], points[anchor], points[end]) > tolerance
            for between in range(anchor + 1, end)
        ):
            anchor = end - 1
            kept.append(points[anchor])
    kept.append(points[-1])
    return kept


def _distance(point: Point, start: Point, end: Point) -> float:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = hypot(dx, dy)
    if not length:
        return hypot(point[0] - start[0], point[1] - start[1])
    return abs((point[0] - start[0]) * dy - (point[1] - start[1]) * dx) / length


def ellipse(
    x: float, y: float, rx: float, ry: float, turn: float = 0.0, points: int = 48
) -> list[Point]:
    """A closed ellipse, turned by `turn` radians."""
    cosine, sine = cos(turn), sin(turn)
    steps = [2 * pi * index / points for index in range(points)]
    return [
        (
            x + rx * cos(a) * cosine - ry * sin(a) * sine,
            y + rx * cos(a) * sine + ry * sin(a) * cosine,
        )
        for a in steps
    ]


def rectangle(left: float, top: float, right: float, bottom: float) -> list[Point]:
    """The corners of a rectangle."""
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _printed_runs(widths: Sequence[float], least: float = 0.012) -> Iterable[tuple[int, int]]:
    """Where a line is thick enough to print, as ranges of at least two points."""
    start = 0
    for printed, run in groupby(widths, key=lambda width: width >= least):
        end = start + len(list(run))
        if printed and end - start > 1:
            yield start, end
        start = end


def _placed(contour: Points, x: float, y: float, size: float) -> list[Point]:
    return [(x + cx * size, y - cy * size) for cx, cy in contour]


def _press(picture: Image.Image, draw: ImageDraw.ImageDraw, shape: Shape, scale: float) -> None:
    if not shape.holes:
        for contour in shape.contours:
            draw.polygon([(x * scale, y * scale) for x, y in contour], fill=shape.ink)
        return
    xs = [x * scale for contour in shape.contours for x, _ in contour]
    ys = [y * scale for contour in shape.contours for _, y in contour]
    left, top = int(min(xs)) - 1, int(min(ys)) - 1
    mask = Image.new("L", (int(max(xs)) - left + 2, int(max(ys)) - top + 2), 0)
    cut = ImageDraw.Draw(mask)
    for contours, value in ((shape.contours, 255), (shape.holes, 0)):
        for contour in contours:
            cut.polygon([(x * scale - left, y * scale - top) for x, y in contour], fill=value)
    picture.paste(ImageColor.getrgb(shape.ink), (left, top), mask)


def _lay(paper: Image.Image, picture: Picture, scale: float) -> None:
    size = (
        round((picture.right - picture.left) * scale),
        round((picture.bottom - picture.top) * scale),
    )
    with Image.open(io.BytesIO(picture.png), formats=("PNG",)) as image:
        laid = ImageOps.fit(image.convert("RGBA"), size)
    paper.paste(laid, (round(picture.left * scale), round(picture.top * scale)), laid)


def _picture_element(picture: Picture) -> str:
    left, top, right, bottom = (
        round(edge * SVG_UNITS_PER_MM)
        for edge in (picture.left, picture.top, picture.right, picture.bottom)
    )
    return (
        f'<image x="{left}" y="{top}" width="{right - left}" height="{bottom - top}" '
        'preserveAspectRatio="xMidYMid slice" '
        f'href="data:image/png;base64,{base64.b64encode(picture.png).decode()}"/>'
    )


def _shape_path(shape: Shape) -> str:
    """Contours one way round and holes the other, so that the non-zero rule unites and cuts."""
    outer = "".join(_path(_turned(contour, 1)) for contour in shape.contours)
    return outer + "".join(_path(_turned(hole, -1)) for hole in shape.holes)


def _turned(points: Points, sign: int) -> Points:
    following = [*points[1:], points[0]]
    area = sum(ax * by - bx * ay for (ax, ay), (bx, by) in zip(points, following, strict=True))
    return points if area * sign > 0 else points[::-1]


def _path(points: Points) -> str:
    """A closed path: an absolute start and relative steps."""
    units = [(round(x * SVG_UNITS_PER_MM), round(y * SVG_UNITS_PER_MM)) for x, y in points]
    steps = [f"M{units[0][0]} {units[0][1]}l"]
    for (ax, ay), (bx, by) in pairwise(units):
        if (ax, ay) != (bx, by):
            steps.append(f"{bx - ax} {by - ay}")
    return (steps[0] + " ".join(steps[1:])).replace(" -", "-") + "z" if len(steps) > 1 else ""
