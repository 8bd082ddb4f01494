"""What an edition's metadata says of its artwork, and which serial bears which variety.

Metadata is JSON whose hash is on chain (S1):

    {"title": "Signals", "operator": "Arlberg Post", "year": 2026, "face_value": "EUR 3.00",
     "mark": "demonstration, no value", "seed": "signals",
     "varieties": [{"title": "Departure", "quantity": 520, "motif": "departure",
                    "ink": "#1B3A66", "tint": "#F3C9A2", "accent": "#9B2335"}, ...]}

`mark` may be left out. Instead of a `motif` of ours a variety may name a `picture`, a PNG file of the
operator's own. The quantities add up to the edition's.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from PIL import Image, UnidentifiedImageError

from stamps.art.motifs import MOTIFS
from stamps.art.scenery import Inks
from stamps.errors import BadArtwork

COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
LARGEST_PICTURE_DOTS = 16_000_000

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Variety:
    """One design of an edition: a motif of ours, or a picture (PNG) of the operator's own."""

    title: str
    quantity: int
    inks: Inks
    motif: str = ""
    picture: bytes = b""


@dataclass(frozen=True, slots=True)
class Edition:
    """An edition's artwork."""

    title: str
    operator: str
    year: int
    face_value: str
    mark: str
    seed: str
    varieties: tuple[Variety, ...]

    @property
    def quantity(self) -> int:
        return sum(variety.quantity for variety in self.varieties)

    def variety(self, serial: int) -> Variety:
        """The variety of a serial, from 1: serials shuffled by the seed, then cut by the quantities.

        Raises BadArtwork for a serial that the edition does not have.
        """
        if not 1 <= serial <= self.quantity:
            raise BadArtwork(f"{self.title} has serials 1 to {self.quantity}, not {serial}")
        place = shuffled(serial - 1, self.quantity, self.seed)
        for variety in self.varieties:
            if place < variety.quantity:
                return variety
            place -= variety.quantity
        raise AssertionError("the quantities add up to the edition's")


def shuffled(place: int, count: int, seed: str) -> int:
    """Where `place` (0 to count - 1) goes in a shuffle fixed by `seed`: a permutation, without a table.

    Four rounds of a Feistel network over the next even number of bits, with SHA-256 of
    `seed:round:half` as the round's function, repeated until the result is below `count`.
    """
    half_bits = max(1, -(-(count - 1).bit_length() // 2))
    mask = (1 << half_bits) - 1
    while True:
        left, right = place >> half_bits, place & mask
        for number in range(4):
            mixed = hashlib.sha256(f"{seed}:{number}:{right}".encode()).digest()
            left, right = right, left ^ int.from_bytes(mixed[:4], "big") & mask
        place = left << half_bits | right
        if place < count:
            return place


def read_edition(
    metadata: Mapping[str, Any], pictures: Mapping[str, bytes] | None = None
) -> Edition:
    """The artwork out of an edition's metadata; `pictures` holds the PNG files that it names.

    Raises BadArtwork, which names the entry that is wrong.
    """
    rows = _entry(metadata, "varieties", list)
    if not rows:
        raise BadArtwork("varieties is empty: name at least one")
    return Edition(
        title=_entry(metadata, "title", str),
        operator=_entry(metadata, "operator", str),
        year=_entry(metadata, "year", int),
        face_value=_entry(metadata, "face_value", str),
        mark=_entry(metadata, "mark", str) if "mark" in metadata else "",
        seed=_entry(metadata, "seed", str),
        varieties=tuple(_variety(row, pictures or {}) for row in rows),
    )


def _variety(row: Any, pictures: Mapping[str, bytes]) -> Variety:
    if not isinstance(row, Mapping):
        raise BadArtwork(f"a variety is an object with a title and a quantity, not {row!r}")
    title = _entry(row, "title", str)
    quantity = _entry(row, "quantity", int)
    if quantity < 1:
        raise BadArtwork(f"the variety {title!r} has quantity {quantity}; at least 1 is needed")
    inks = Inks(*(_colour(row, key) for key in ("ink", "tint", "accent")))
    if "picture" in row:
        return Variety(title, quantity, inks, picture=_picture(row, pictures))
    motif = _entry(row, "motif", str)
    if motif not in MOTIFS:
        raise BadArtwork(f"there is no motif {motif!r}; known are {', '.join(MOTIFS)}")
    return Variety(title, quantity, inks, motif=motif)


def _entry(metadata: Mapping[str, Any], key: str, kind: type[Kind]) -> Kind:
    value = metadata.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise BadArtwork(f"{key!r} must be given as {kind.__name__}, got {value!r}")
    return value


def _colour(row: Mapping[str, Any], key: str) -> str:
    colour = _entry(row, key, str)
    if not COLOUR.fullmatch(colour):
        raise BadArtwork(f"{key!r} must be a colour like #1B3A66, got {colour!r}")
    return colour


def _picture(row: Mapping[str, Any], pictures: Mapping[str, bytes]) -> bytes:
    name = _entry(row, "picture", str)
    if name not in pictures:
        raise BadArtwork(f"the picture {name!r} was not given with the metadata")
    try:
        with Image.open(io.BytesIO(pictures[name]), formats=("PNG",)) as image:
            dots = image.width * image.height
            if dots > LARGEST_PICTURE_DOTS:
                raise BadArtwork(f"the picture {name!r} has {dots} dots; 16 million are enough")
            image.load()
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise BadArtwork(f"the picture {name!r} is not a whole PNG file") from error
    return pictures[name]
