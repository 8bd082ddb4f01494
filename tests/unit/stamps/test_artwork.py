"""Artwork: every motif draws, the same every time; varieties are as many as the metadata says."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops

from stamps.art.edition import Edition, Variety, read_edition, shuffled
from stamps.art.motifs import MOTIFS
from stamps.errors import BadArtwork
from stamps.render import stamp_png, stamp_svg
from tests.unit.stamps.specimens import SAENTIS, SIGNALS, opened, png

DESIGNS = [(SIGNALS, variety) for variety in SIGNALS.varieties] + [(SAENTIS, SAENTIS.varieties[0])]
PLAIN: dict[str, Any] = {
    "title": "Own",
    "operator": "Any Post",
    "year": 2026,
    "face_value": "Letter to 20 g",
    "seed": "own",
    "varieties": [
        {
            "title": "Picture",
            "quantity": 3,
            "picture": "own.png",
            "ink": "#102030",
            "tint": "#ddeeff",
            "accent": "#AA0000",
        }
    ],
}
RED = png(Image.new("RGB", (40, 30), "#ff0000"))


def changed(**entries: Any) -> dict[str, Any]:
    return {**PLAIN, **entries}


def changed_variety(**entries: Any) -> dict[str, Any]:
    return changed(varieties=[{**PLAIN["varieties"][0], **entries}])


@pytest.mark.parametrize(("edition", "variety"), DESIGNS)
def test_every_design_draws_at_exact_dots(edition: Edition, variety: Variety) -> None:
    image = opened(stamp_png(edition, variety, 150))
    assert image.size == (round(38 / 25.4 * 150), round(33 / 25.4 * 150))
    assert image.info["dpi"] == pytest.approx((150, 150), abs=0.02)
    assert len(image.convert("RGB").getcolors(1 << 24) or []) > 100


@pytest.mark.parametrize(("edition", "variety"), DESIGNS)
def test_svg_is_whole_titled_and_needs_nothing_from_elsewhere(
    edition: Edition, variety: Variety
) -> None:
    svg = stamp_svg(edition, variety)
    root = ElementTree.fromstring(svg)
    title = root.findtext("{http://www.w3.org/2000/svg}title") or ""
    assert variety.title in title
    assert "no value" in title
    assert svg.count("http") == 1
    assert len(svg) < 500_000


def test_the_perforation_is_transparent_and_the_paper_is_not() -> None:
    alpha = opened(stamp_png(*DESIGNS[0], 300)).getchannel("A")
    holes = [x for x in range(alpha.width) if alpha.getpixel((x, 0)) == 0]
    assert 0.5 < len(holes) / alpha.width < 0.8
    assert alpha.getpixel((alpha.width // 2, alpha.height // 2)) == 255


def test_motifs_differ() -> None:
    assert len({stamp_png(edition, variety, 72) for edition, variety in DESIGNS}) == len(DESIGNS)


def test_a_drawing_is_the_same_in_another_process() -> None:
    """No clock, no order of sets, no machine's own fonts."""
    program = (
        "import hashlib; from tests.unit.stamps.specimens import SIGNALS; from stamps.render import stamp_png;"
        "print(hashlib.sha256(stamp_png(SIGNALS, SIGNALS.varieties[3], 100)).hexdigest())"
    )
    other = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    here = hashlib.sha256(stamp_png(SIGNALS, SIGNALS.varieties[3], 100)).hexdigest()
    assert other.stdout.strip() == here


def test_a_stamp_without_value_says_so_and_strikes_its_value_through() -> None:
    marked, variety = DESIGNS[0]
    plain = Edition(**{field: getattr(marked, field) for field in marked.__slots__} | {"mark": ""})
    pictures = [
        opened(stamp_png(edition, variety, 300)).convert("RGB") for edition in (marked, plain)
    ]
    left, top, right, bottom = ImageChops.difference(*pictures).getbbox() or (0, 0, 0, 0)
    mm = 25.4 / 300
    assert (left * mm, right * mm) == pytest.approx((12, 35), abs=2)
    assert (top * mm, bottom * mm) == pytest.approx((26, 32.2), abs=0.5)


def test_the_demonstration_has_the_varieties_it_promises() -> None:
    """demonstration.md: Departure 520, Arrival 300, Mountain pass 130, Night mail 45, Golden horn 5."""
    counted = Counter(SIGNALS.variety(serial).title for serial in range(1, 1001))
    assert counted == {
        "Departure": 520,
        "Arrival": 300,
        "Mountain pass": 130,
        "Night mail": 45,
        "Golden horn": 5,
    }
    assert SAENTIS.quantity == 200


def test_the_specimen_sheet_shows_each_motif() -> None:
    shown = {serial: SIGNALS.variety(serial).title for serial in (17, 21, 44, 60, 122)}
    assert shown == {
        17: "Departure",
        21: "Night mail",
        44: "Arrival",
        60: "Golden horn",
        122: "Mountain pass",
    }


@given(st.integers(1, 300), st.text(max_size=8))
def test_a_shuffle_moves_every_place_to_one_place(count: int, seed: str) -> None:
    assert sorted(shuffled(place, count, seed) for place in range(count)) == list(range(count))


@pytest.mark.parametrize("serial", [0, -1, 1001])
def test_a_serial_beyond_the_edition_has_no_variety(serial: int) -> None:
    with pytest.raises(BadArtwork, match=f"serials 1 to 1000, not {serial}"):
        SIGNALS.variety(serial)


def test_an_operator_may_give_its_own_picture() -> None:
    edition = read_edition(PLAIN, {"own.png": RED})
    middle = opened(stamp_png(edition, edition.varieties[0], 100)).getpixel((75, 55))
    assert middle == (255, 0, 0, 255)
    assert "data:image/png;base64," in stamp_svg(edition, edition.varieties[0])


def test_any_text_is_escaped_in_svg() -> None:
    edition = read_edition(changed(operator="A & B <Post>"), {"own.png": RED})
    assert ElementTree.fromstring(stamp_svg(edition, edition.varieties[0])) is not None


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({}, "'varieties' must be given as list"),
        (changed(varieties=[]), "varieties is empty"),
        (changed(varieties=["x"]), "a variety is an object"),
        (changed(title=7), "'title' must be given as str, got 7"),
        (changed(year="2026"), "'year' must be given as int"),
        (changed(year=True), "'year' must be given as int"),
        (changed(mark=None), "'mark' must be given as str"),
        (changed_variety(quantity=0), "'Picture' has quantity 0"),
        (changed_variety(ink="blue"), "'ink' must be a colour like #1B3A66, got 'blue'"),
        (changed_variety(picture="other.png"), "'other.png' was not given"),
    ],
)
def test_says_which_entry_of_the_metadata_is_wrong(metadata: dict[str, Any], says: str) -> None:
    with pytest.raises(BadArtwork, match=says):
        read_edition(metadata, {"own.png": RED})


def test_names_the_motifs_there_are() -> None:
    row = {**PLAIN["varieties"][0], "motif": "coach"}
    del row["picture"]
    with pytest.raises(BadArtwork, match=f"no motif 'coach'; known are {', '.join(MOTIFS)}"):
        read_edition(changed(varieties=[row]))


@pytest.mark.parametrize("picture", [b"", b"GIF89a", RED[:60], b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_a_picture_that_is_no_whole_png_is_refused(picture: bytes) -> None:
    with pytest.raises(BadArtwork, match="not a whole PNG"):
        read_edition(PLAIN, {"own.png": picture})


def test_a_picture_that_would_unpack_to_too_much_is_refused() -> None:
    huge = png(Image.new("1", (5000, 5000)))
    with pytest.raises(BadArtwork, match="has 25000000 dots"):
        read_edition(PLAIN, {"own.png": huge})
