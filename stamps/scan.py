"""Reading codes back: from a photograph, a picture file, or the pages of a sheet before it is handed out."""

from __future__ import annotations

import io
import struct
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Lock

import pypdfium2  # type: ignore[import-untyped]
import zxingcpp
from PIL import Image

from stamps.errors import BadImage, NoCode, SeveralCodes, SheetDiffers, StampsError

LARGEST_FILE_BYTES = 25_000_000
LARGEST_IMAGE_DOTS = 16_000_000
LONGEST_SIDE_DOTS = 16_000
KINDS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
CODES = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.Code128])
CHECK_DPI = 300
# PDFium is not safe in several threads, whatever documents they work on.
PDFIUM = Lock()


def read_codes(source: bytes | Path) -> list[str]:
    """What the QR and Code 128 codes in an image say, from the top down.

    Raises BadImage, NoCode, and OSError for a file that cannot be opened.
    """
    texts = codes_in(_decoded(source))
    if not texts:
        raise NoCode(
            "no code can be read in this image. Take it from nearer, sharp and without glare, "
            "with some white around the code; or type what stands beside it."
        )
    return texts


def read_code(source: bytes | Path) -> str:
    """What the only code in an image says. Raises BadImage, NoCode, SeveralCodes."""
    texts = read_codes(source)
    if len(texts) > 1:
        raise SeveralCodes(texts)
    return texts[0]


def codes_in(image: Image.Image) -> list[str]:
    """What the codes in a grey image say, from the top down and from the left."""
    found = zxingcpp.read_barcodes(image, formats=CODES, text_mode=zxingcpp.TextMode.Plain)
    found = sorted(found, key=lambda code: (code.position.top_left.y, code.position.top_left.x))
    return [code.text for code in found]


def check_sheet(pdf: bytes, expected: Iterable[str], dpi: int = CHECK_DPI) -> None:
    """Draw every page as a printer would and read all its codes again.

    Raises SheetDiffers with what did not read back, and with what should not be there; each code
    must be there as often as it is expected.
    """
    found: Counter[str] = Counter()
    with PDFIUM:
        for page in _pages(pdf, dpi):
            found.update(codes_in(page))
    wanted = Counter(expected)
    if found != wanted:
        raise SheetDiffers(list((wanted - found).elements()), list((found - wanted).elements()))


def _pages(pdf: bytes, dpi: int) -> Iterator[Image.Image]:
    with pypdfium2.PdfDocument(pdf) as document:
        for page in document:
            yield page.render(scale=dpi / 72, grayscale=True).to_pil()


def _decoded(source: bytes | Path) -> Image.Image:
    """The image, decoded whole and grey, after its size was checked: a few bytes may unpack to gigabytes."""
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if size > LARGEST_FILE_BYTES:
        raise BadImage(f"the image has {size} bytes; at most {LARGEST_FILE_BYTES} are read")
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with warnings.catch_warnings(), Image.open(file, formats=KINDS) as image:
            warnings.simplefilter("ignore")
            _check_dots(image)
            return _on_white(image)
    except StampsError:
        raise
    except Image.DecompressionBombError as error:
        raise BadImage(f"the image is far too large: {error}") from error
    except (OSError, SyntaxError, EOFError, ValueError, struct.error) as error:
        kinds = ", ".join(KINDS)
        raise BadImage(f"this is not a whole image of a kind that is read: {kinds}") from error


def _check_dots(image: Image.Image) -> None:
    dots, side = image.width * image.height, max(image.size)
    if dots > LARGEST_IMAGE_DOTS or side > LONGEST_SIDE_DOTS:
        raise BadImage(
            f"the image has {image.width} by {image.height} dots; at most {LARGEST_IMAGE_DOTS} are "
            f"read, and {LONGEST_SIDE_DOTS} on a side: make it smaller, or cut out the code"
        )


def _on_white(image: Image.Image) -> Image.Image:
    """Grey, what is transparent taken for white paper. Colours take four times the memory: only where needed."""
    if not image.has_transparency_data:
        return image.convert("L")
    seen = image.convert("RGBA")
    paper = Image.new("L", seen.size, 255)
    paper.paste(seen.convert("L"), mask=seen.getchannel("A"))
    return paper
