"""The item's label: number and trail code read back; nothing about a person unless it was given."""

from __future__ import annotations

from dataclasses import replace

import pypdfium2
import pytest

from stamps.errors import BadPrint
from stamps.label import SIZES, ItemLabel, label_texts, print_label
from stamps.scan import check_sheet

REGISTERED = ItemLabel(
    number="RR900001014AT",
    written="RR 900 001 014 AT",
    trail_url="HTTP://192.168.1.5:8000/T/0123456789ABCDEFGHJKMNPQRS",
    operator="Säntis Post",
    service="Registered letter",
    mark="demonstration, no value",
)


def text_of(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(pdf) as document:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dpi", [203, 300])
@pytest.mark.parametrize("number", ["RR900001014AT", "00399999990000001230", "LETTER-45", "A"])
def test_number_and_trail_code_read_back_at_a_label_printer_s_resolution(
    size: str, dpi: int, number: str
) -> None:
    label = replace(REGISTERED, number=number, written=number)
    check_sheet(print_label(label, size), label_texts(label), dpi)


@pytest.mark.parametrize("size", SIZES)
def test_a_label_has_the_size_of_its_paper(size: str) -> None:
    with pypdfium2.PdfDocument(print_label(REGISTERED, size)) as document:
        assert len(document) == 1
        shown = tuple(side / 72 * 25.4 for side in document[0].get_size())
    assert shown == pytest.approx(SIZES[size], abs=0.1)


def test_says_operator_service_number_mark_and_host() -> None:
    text = text_of(print_label(REGISTERED))
    for words in (
        "Säntis Post",
        "Registered letter",
        "RR 900 001 014 AT",
        "DEMONSTRATION, NO VALUE",
        "192.168.1.5:8000",
    ):
        assert words in text


@pytest.mark.parametrize("size", SIZES)
def test_says_the_trail_code_in_groups_for_who_has_no_camera(size: str) -> None:
    text = text_of(print_label(REGISTERED, size))
    for words in ("192.168.1.5:8000/verify", "0123 4567 89AB CDEF", "GHJK MNPQ RS"):
        assert words in text


def test_a_label_of_value_bears_no_mark() -> None:
    assert "VALUE" not in text_of(print_label(replace(REGISTERED, mark="")))


def test_an_address_is_printed_only_if_given() -> None:
    address = ("Museum of Letters", "Bahnhofstraße 1", "8001 Zürich")
    assert "Zürich" in text_of(print_label(replace(REGISTERED, address=address)))
    assert "Zürich" not in text_of(print_label(REGISTERED))


@pytest.mark.parametrize(
    ("label", "size", "says"),
    [
        (REGISTERED, "A5", "no label size 'A5'; known are 100x150, A6"),
        (replace(REGISTERED, number=""), "A6", "cannot be a Code 128"),
        (replace(REGISTERED, number="€"), "A6", "cannot be a Code 128"),
        (replace(REGISTERED, number="A" * 60), "A6", "too long for a bar code"),
        (replace(REGISTERED, address=("x",) * 7), "A6", "at most 6 lines"),
    ],
)
def test_says_what_cannot_be_printed(label: ItemLabel, size: str, says: str) -> None:
    with pytest.raises(BadPrint, match=says):
        print_label(label, size)


def test_long_words_are_made_to_fit() -> None:
    label = replace(
        REGISTERED, operator="O" * 80, service="s" * 80, written="RR 900 001 014 AT " * 4
    )
    check_sheet(print_label(label), label_texts(label))
