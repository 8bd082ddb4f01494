"""Reading codes from what people hand in: a clear answer, and no image can do harm."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stamps import scan
from stamps.errors import BadImage, NoCode, ScanError, SeveralCodes
from stamps.render import code_image, code_png
from tests.unit.stamps.specimens import face, png

URL = face(17).url
CODE = code_png(URL, 3, 300)


def as_kind(kind: str) -> bytes:
    target = io.BytesIO()
    code_image(URL, 3).convert("L").save(target, kind)
    return target.getvalue()


def two_codes() -> bytes:
    first, second = code_image(URL, 2), code_image("second", 6)
    paper = Image.new("L", (first.width + second.width, first.height + second.height), 255)
    paper.paste(first, (second.width, second.height))
    paper.paste(second, (0, 0))
    return png(paper)


@pytest.mark.parametrize("kind", scan.KINDS)
def test_reads_the_usual_kinds_of_image(kind: str) -> None:
    assert scan.read_code(as_kind(kind)) == URL


def test_reads_a_file(tmp_path: Path) -> None:
    path = tmp_path / "code.png"
    path.write_bytes(CODE)
    assert scan.read_code(path) == URL


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.png"):
        scan.read_code(tmp_path / "absent.png")


def test_reads_black_on_transparent() -> None:
    code = code_image(URL, 3).convert("L")
    image = Image.new("RGBA", code.size, (0, 0, 0, 0))
    image.putalpha(Image.eval(code, lambda dot: 255 - dot))
    assert scan.read_code(png(image)) == URL


def test_reads_several_codes_from_the_top_down() -> None:
    assert scan.read_codes(two_codes()) == ["second", URL]


def test_says_that_there_is_more_than_one() -> None:
    with pytest.raises(SeveralCodes, match="2 codes are in the image") as refusal:
        scan.read_code(two_codes())
    assert refusal.value.texts == ["second", URL]


def test_says_that_no_code_is_there() -> None:
    with pytest.raises(NoCode, match="type what stands beside it"):
        scan.read_code(png(Image.new("RGB", (300, 200), "#8899aa")))


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"%PDF-1.7", b"<svg/>", CODE[:100], b"\x89PNG\r\n\x1a\n", b"II*\0" + bytes(50)],
)
def test_says_that_it_is_no_image(data: bytes) -> None:
    with pytest.raises(BadImage, match="PNG, JPEG, WEBP, GIF, BMP"):
        scan.read_code(data)


def test_a_file_that_is_too_large_is_not_opened() -> None:
    with pytest.raises(BadImage, match="at most 25000000 are read"):
        scan.read_code(bytes(scan.LARGEST_FILE_BYTES + 1))


@pytest.mark.parametrize("side", [8000, 20000, 100000])
def test_an_image_that_would_unpack_to_too_much_is_not_decoded(side: int) -> None:
    """A bomb: a few bytes that say they are gigabytes."""
    with pytest.raises(BadImage, match=r"dots|far too large"):
        scan.read_code(png_that_claims(side))


def chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def png_that_claims(side: int) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return CODE[:8] + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def test_a_comment_that_would_unpack_to_too_much_is_refused() -> None:
    comment = chunk(b"zTXt", b"note\0\0" + zlib.compress(bytes(5_000_000)))
    with pytest.raises(BadImage, match="not a whole image"):
        scan.read_code(CODE[:33] + comment + CODE[33:])


def test_a_damaged_chunk_is_refused() -> None:
    damaged = chunk(b"PLTE", b"")[:-1] + b"?"
    with pytest.raises(BadImage, match="not a whole image"):
        scan.read_code(CODE[:33] + damaged + CODE[33:])


KINDS = [as_kind(kind) for kind in scan.KINDS]


@settings(max_examples=400)
@given(st.sampled_from(KINDS), st.data())
def test_damaged_images_are_read_or_refused_and_nothing_else_happens(
    image: bytes, data: st.DataObject
) -> None:
    damaged = bytearray(image)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(image) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(len(image) // 2, len(image)))
    with suppress(ScanError):
        assert scan.read_codes(bytes(damaged[:end]))
