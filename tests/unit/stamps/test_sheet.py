"""Sheets: every stamp on its label, every code read back before the sheet is handed out."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pypdfium2
import pytest
import zxingcpp
from PIL import Image, ImageDraw

from stamps.errors import BadPrint, SheetDiffers
from stamps.scan import check_sheet
from stamps.sheet import LAYOUTS, Layout, print_sheet, sheet_texts
from tests.unit.stamps.specimens import SAENTIS, claim_code, face

FACES = [face(serial) for serial in range(58, 61)]
DPI = 300


def pages(pdf: bytes) -> list[Image.Image]:
    with pypdfium2.PdfDocument(pdf) as document:
        return [page.render(scale=DPI / 72, grayscale=True).to_pil() for page in document]


def codes_on(page: Image.Image) -> Iterator[tuple[str, float, float]]:
    """What each code says and its middle in mm."""
    for code in zxingcpp.read_barcodes(page):
        corners = (code.position.top_left, code.position.bottom_right)
        x, y = (
            sum(axis) / 2 / DPI * 25.4 for axis in zip(*((c.x, c.y) for c in corners), strict=True)
        )
        yield code.text, x, y


def label_of(layout_name: str, x: float, y: float) -> int:
    """The number, from 1, of the label on which a point lies."""
    layout = LAYOUTS[layout_name]
    for index in range(layout.labels):
        left, top = layout.place(index)
        if left <= x <= left + layout.width and top <= y <= top + layout.height:
            return index + 1
    raise AssertionError(f"({x}, {y}) lies on no label")


@pytest.mark.parametrize("layout_name", LAYOUTS)
@pytest.mark.parametrize("start_label", [1, 5])
def test_stamps_lie_on_the_labels_from_the_first_that_is_asked_for(
    layout_name: str, start_label: int
) -> None:
    (page,) = pages(print_sheet(FACES, layout_name, start_label=start_label))
    found = {text: label_of(layout_name, x, y) for text, x, y in codes_on(page)}
    assert found == {face.url: start_label + index for index, face in enumerate(FACES)}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_layout_fits_on_a4_and_a_stamp_on_its_label(layout: Layout) -> None:
    left, top = layout.place(layout.labels - 1)
    assert left + layout.width <= 210.01
    assert top + layout.height <= 297
    assert layout.width >= 60 + 2
    assert layout.height >= 33 + 2


def test_the_last_label_is_followed_by_a_new_page() -> None:
    first, second = pages(print_sheet(FACES, "70x37", start_label=23))
    assert sorted(label_of("70x37", x, y) for _, x, y in codes_on(first)) == [23, 24]
    assert [(text, label_of("70x37", x, y)) for text, x, y in codes_on(second)] == [
        (FACES[2].url, 1)
    ]


def test_a_full_sheet_is_one_page_and_reads_back() -> None:
    faces = [face(serial) for serial in range(1, 25)]
    pdf = print_sheet(faces, "70x37")
    assert len(pages(pdf)) == 1
    check_sheet(pdf, sheet_texts(faces))


def test_codes_are_20_mm_in_print() -> None:
    """design.md §4: the code with its quiet zone; the modules are 49 of 57 of it."""
    (page,) = pages(print_sheet(FACES[:1]))
    (code,) = zxingcpp.read_barcodes(page)
    width = (code.position.top_right.x - code.position.top_left.x) / DPI * 25.4
    assert width == pytest.approx(20 * 49 / 57, abs=0.2)


def test_the_printer_s_offset_moves_everything() -> None:
    (plain,) = pages(print_sheet(FACES[:1]))
    (moved,) = pages(print_sheet(FACES[:1], offset_mm=(1.5, -0.5)))
    ((_, x, y),) = codes_on(plain)
    ((_, moved_x, moved_y),) = codes_on(moved)
    assert (moved_x - x, moved_y - y) == pytest.approx((1.5, -0.5), abs=0.1)


def test_stamps_of_two_editions_share_a_sheet() -> None:
    faces = [*FACES, face(7, SAENTIS)]
    check_sheet(print_sheet(faces), sheet_texts(faces))


def test_claim_codes_lie_on_pages_of_their_own_in_the_same_places() -> None:
    claims = [claim_code(face.stamp) for face in FACES]
    pdf = print_sheet(FACES, start_label=4, claims=claims)
    front, back = pages(pdf)
    assert [label_of("70x37", x, y) for _, x, y in codes_on(front)] == [4, 5, 6]
    found = {text: label_of("70x37", x, y) for text, x, y in codes_on(back)}
    assert found == {claim.url: 4 + index for index, claim in enumerate(claims)}
    check_sheet(pdf, sheet_texts(FACES, claims))


def test_claim_codes_of_other_stamps_are_not_printed() -> None:
    claims = [claim_code(face.stamp) for face in reversed(FACES)]
    with pytest.raises(BadPrint, match="same stamps in the same order"):
        print_sheet(FACES, claims=claims)


@pytest.mark.parametrize("start_label", [0, -1, 25])
def test_a_label_that_the_sheet_does_not_have_is_refused(start_label: int) -> None:
    with pytest.raises(BadPrint, match=f"has labels 1 to 24, not {start_label}"):
        print_sheet(FACES, "70x37", start_label=start_label)


def test_an_unknown_layout_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(BadPrint, match="no label layout '1x1'; known are 70x37"):
        print_sheet(FACES, "1x1")


def test_an_offset_beyond_the_label_is_refused() -> None:
    with pytest.raises(BadPrint, match="more than 10 mm"):
        print_sheet(FACES, offset_mm=(0, 11))


def test_nothing_to_print_is_refused() -> None:
    with pytest.raises(BadPrint, match="no stamps"):
        print_sheet([])


def test_a_missing_code_keeps_the_sheet_back() -> None:
    with pytest.raises(SheetDiffers, match="1 codes did not read back and 0 are not") as refusal:
        check_sheet(print_sheet(FACES[:2]), sheet_texts(FACES))
    assert refusal.value.missing == [FACES[2].url]


def test_a_code_too_many_and_a_doubled_code_keep_the_sheet_back() -> None:
    """S5: a code is printed once."""
    with pytest.raises(SheetDiffers) as refusal:
        check_sheet(print_sheet([*FACES, FACES[0]]), sheet_texts(FACES))
    assert refusal.value.unexpected == [FACES[0].url]


def test_a_code_that_prints_badly_keeps_the_sheet_back() -> None:
    (page,) = pages(print_sheet(FACES))
    ((text, x, y), *_) = codes_on(page)
    dots = DPI / 25.4
    ImageDraw.Draw(page).rectangle(
        ((x - 6) * dots, (y - 6) * dots, (x + 6) * dots, (y + 6) * dots), fill=255
    )
    with pytest.raises(SheetDiffers) as refusal:
        check_sheet(as_pdf(page), sheet_texts(FACES))
    assert refusal.value.missing == [text]


def test_an_error_about_a_sheet_does_not_say_what_its_codes_say() -> None:
    """A claim code's secret belongs in no log."""
    claims = [claim_code(face.stamp) for face in FACES]
    with pytest.raises(SheetDiffers) as refusal:
        check_sheet(print_sheet(FACES), sheet_texts(FACES, claims))
    assert claims[0].url.rpartition("#")[2] not in str(refusal.value)


def as_pdf(page: Image.Image) -> bytes:
    target = io.BytesIO()
    page.save(target, "PDF", resolution=DPI)
    return target.getvalue()
