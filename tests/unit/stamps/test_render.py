"""Codes at exact dots, and still readable after what paper goes through."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from stamps import payload
from stamps.errors import BadPrint
from stamps.render import code_modules, code_png, code_svg, face_png, face_svg, module_dots_for
from stamps.scan import read_code, read_codes
from tests.unit.stamps.specimens import SAENTIS, face, opened, png

URL = face(17).url


@pytest.mark.parametrize("module_dots", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("dpi", [203, 300, 600])
def test_a_code_is_bilevel_at_exact_dots_and_says_its_resolution(
    module_dots: int, dpi: int
) -> None:
    image = opened(code_png(URL, module_dots, dpi))
    assert image.mode == "1"
    assert image.size == (57 * module_dots, 57 * module_dots)
    assert image.info["dpi"] == pytest.approx((dpi, dpi), abs=0.02)


def test_the_quiet_zone_is_four_modules_of_white() -> None:
    modules = code_modules(URL).convert("L")
    inside = (4, 4, modules.width - 4, modules.height - 4)
    assert Image.eval(modules, lambda dot: 255 - dot).getbbox() == inside


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=80))
def test_any_text_reads_back(text: str) -> None:
    assert read_code(code_png(text, 3, 300)) == text


def test_a_code_with_a_short_host_is_of_version_8() -> None:
    """Up to 21 characters of host: 49 modules and the quiet zone, 0.35 mm each at 20 mm."""
    for host in ("p.example", "twenty-one.post.test1"):
        code = payload.parse(URL)
        assert code_modules(payload.url(host, code)).width == 57
    assert code_modules(payload.url("twenty-two..post.test1", code)).width == 61


@pytest.mark.parametrize(("dpi", "dots"), [(203, 3), (300, 4), (600, 8)])
def test_twenty_millimetres_are_whole_dots(dpi: int, dots: int) -> None:
    assert module_dots_for(URL, 20, dpi) == dots
    assert 57 * dots / dpi * 25.4 == pytest.approx(20, abs=1.5)


@pytest.mark.parametrize(("size_mm", "dpi"), [(5, 203), (20, 72)])
def test_a_size_that_would_smear_is_refused_with_one_that_does_not(size_mm: int, dpi: int) -> None:
    with pytest.raises(BadPrint, match="too small for 57 modules; use"):
        module_dots_for(URL, size_mm, dpi)


@pytest.mark.parametrize("dpi", [0, -300, 71, 2401])
def test_a_resolution_that_no_printer_has_is_refused(dpi: int) -> None:
    with pytest.raises(BadPrint, match=f"{dpi} dots an inch"):
        face_png(face(17), dpi)


def test_no_module_is_less_than_a_dot() -> None:
    with pytest.raises(BadPrint, match="at least 1"):
        code_png(URL, 0, 300)


def test_a_text_that_no_code_holds_is_refused() -> None:
    with pytest.raises(BadPrint, match="1664 characters are more"):
        code_png("a" * 1664, 2, 300)


def test_svg_has_the_same_modules_as_the_png() -> None:
    svg = code_svg(URL, 20)
    side = code_modules(URL).width
    image = Image.new("L", (side, side), 255)
    for x, y, run in re.findall(r"M(\d+) (\d+)h(\d+)v1", svg):
        image.paste(0, (int(x), int(y), int(x) + int(run), int(y) + 1))
    assert image.tobytes() == code_modules(URL).convert("L").tobytes()
    assert ElementTree.fromstring(svg).get("width") == "20mm"


@pytest.mark.parametrize("dpi", [203, 300, 600])
@pytest.mark.parametrize("perforated", [True, False])
def test_the_face_is_60_by_33_mm_and_its_code_reads_back(dpi: int, perforated: bool) -> None:
    for stamp_face in (face(60), face(7, SAENTIS)):
        printed = face_png(stamp_face, dpi, perforated=perforated)
        width, height = opened(printed).size
        assert (width * 25.4 / dpi, height * 25.4 / dpi) == pytest.approx((60, 33), abs=0.2)
        assert read_code(printed) == stamp_face.url


def test_the_face_as_svg_is_whole_and_titled() -> None:
    root = ElementTree.fromstring(face_svg(face(60)))
    assert root.get("viewBox") == "0 0 6000 3300"
    assert "Golden horn" in (root.findtext("{http://www.w3.org/2000/svg}title") or "")


@pytest.mark.parametrize("dpi", [203, 300])
@pytest.mark.parametrize("angle", [0, 7, 33, 90, 181, 270])
def test_a_print_reads_at_any_angle(dpi: int, angle: int) -> None:
    printed = opened(face_png(face(44), dpi, perforated=False)).convert("RGB")
    turned = printed.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor="#ffffff")
    assert read_code(png(turned)) == face(44).url


@pytest.mark.parametrize("dpi", [203, 300])
def test_a_print_reads_out_of_focus(dpi: int) -> None:
    printed = opened(face_png(face(44), dpi, perforated=False)).convert("L")
    blurred = printed.filter(ImageFilter.GaussianBlur(dpi / 25.4 * 0.15))
    assert read_code(png(blurred)) == face(44).url


@pytest.mark.parametrize("dpi", [203, 300])
@pytest.mark.parametrize("scale", [0.7, 1.6])
def test_a_print_reads_when_photographed_from_farther_and_nearer(dpi: int, scale: float) -> None:
    printed = opened(face_png(face(44), dpi, perforated=False)).convert("L")
    seen = printed.resize(
        (round(printed.width * scale), round(printed.height * scale)), Image.Resampling.BICUBIC
    )
    assert read_code(png(seen)) == face(44).url


def test_a_print_reads_when_struck_and_soiled() -> None:
    """Level Q: a corner of the code's middle may be gone."""
    printed = opened(face_png(face(44), 300, perforated=False)).convert("L")
    left, top = round(47 / 25.4 * 300), round(10 / 25.4 * 300)
    printed.paste(90, (left, top, left + 40, top + 25))
    assert read_codes(png(printed)) == [face(44).url]
