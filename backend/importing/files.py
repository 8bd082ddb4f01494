"""A CSV file as rows, whatever program wrote it: encoding, separator, columns. Nothing is read into memory whole."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.errors import BadRequest

REQUIRED = ("item", "event", "facility", "time")
OPTIONAL = (
    "scheme",
    "next_facility",
    "received",
    "source",
    "mode",
    "condition",
    "found",
    "weight_grams",
    "service",
    "destination",
)
# A report of refused lines bears these in front; it can be imported again once it is put right.
OF_REPORT = ("line", "refused", "why", "what_to_do")
SEPARATORS = ",;\t"
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CHUNK_BYTES = 1 << 20
MOST_CHARACTERS_IN_FIELD = 10_000


class BadFile(BadRequest):
    """The file as a whole cannot be imported; no line of it was."""

    title = "This file cannot be imported"


@dataclass(frozen=True, slots=True)
class Csv:
    """A file that was looked through once. `sha256` names its content."""

    path: Path
    encoding: str
    separator: str
    columns: tuple[str, ...]
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the file: where it begins (line 1 is the header), its cells by column, what is wrong."""

    line: int
    cells: dict[str, str]
    fault: str = ""


def open_csv(path: Path) -> Csv:
    """Look through the file once. Raises BadFile, naming what is wrong and what to do."""
    csv.field_size_limit(MOST_CHARACTERS_IN_FIELD)
    if not path.is_file():
        raise BadFile(f"There is no file {path}.", "Check its name and folder.")
    bytes_, sha256, is_utf8 = _scan(path)
    if bytes_ == 0:
        raise BadFile(f"{path} is empty.", f"Its first line must be a header: {_header()}.")
    encoding = _encoding(path, is_utf8)
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        header = file.readline(CHUNK_BYTES)
    separator = max(SEPARATORS, key=header.count)
    columns = _columns(path, header, separator)
    _check_columns(path, columns)
    return Csv(path, encoding, separator, columns, bytes_, sha256)


def _columns(path: Path, header: str, separator: str) -> tuple[str, ...]:
    try:
        names = next(csv.reader([header], delimiter=separator, strict=True), [])
    except csv.Error as error:
        raise BadFile(f"The first line of {path} cannot be read: {error}.", _header()) from None
    return tuple(name.strip().lower().replace(" ", "_") for name in names)


def _scan(path: Path) -> tuple[int, str, bool]:
    """Size, hash, and whether all of it is UTF-8."""
    decoder, hash_ = codecs.getincrementaldecoder("utf-8")(), hashlib.sha256()
    bytes_, is_utf8 = 0, True
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            bytes_ += len(chunk)
            hash_.update(chunk)
            is_utf8 = is_utf8 and _decodes(decoder, chunk)
    return bytes_, hash_.hexdigest(), is_utf8 and _decodes(decoder, b"", final=True)


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _encoding(path: Path, is_utf8: bool) -> str:
    """By its byte order mark; UTF-16 without one by its zero bytes; else UTF-8, or Windows' Latin-1."""
    with path.open("rb") as file:
        start = file.read(512)
    for mark, encoding in BYTE_ORDER_MARKS:
        if start.startswith(mark):
            return encoding
    even, odd = start[::2].count(0), start[1::2].count(0)
    if max(even, odd) > len(start) // 4:
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8" if is_utf8 else "cp1252"


def _check_columns(path: Path, columns: tuple[str, ...]) -> None:
    if len(set(columns)) < len(columns):
        raise BadFile(f"A column of {path} is there twice: {', '.join(columns)}.", _header())
    if missing := [name for name in REQUIRED if name not in columns]:
        raise BadFile(
            f"{path} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}; "
            f"its first line is: {', '.join(columns)[:200]}.",
            f"The first line must name the columns: {_header()}.",
        )
    known = {*REQUIRED, *OPTIONAL, *OF_REPORT}
    if unknown := [name for name in columns if name not in known]:
        raise BadFile(
            f"{path} has columns that are not known: {', '.join(unknown)}.",
            f"Rename or remove them. Known are: {_header()}.",
        )


def _header() -> str:
    return f"{', '.join(REQUIRED)} (needed), {', '.join(OPTIONAL)} (where they apply)"


def rows(csv_file: Csv) -> Iterator[tuple[Row, int]]:
    """Each row after the header, with how many bytes of the file were read so far; blank lines are left out.

    A row with a fault is given out too: its `fault` says what is wrong with its form.
    """
    with csv_file.path.open("rb") as raw:
        file = io.TextIOWrapper(raw, csv_file.encoding, errors="replace", newline="")
        reader = csv.reader(file, delimiter=csv_file.separator, strict=True)
        next(reader)
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield Row(line, {}, _fault(line, reader.line_num)), raw.tell()
                continue
            if any(cell.strip() for cell in cells):
                yield _row(line, cells, csv_file.columns), raw.tell()


def _fault(first: int, last: int) -> str:
    if last > first:
        return f"A quotation mark is not closed: lines {first} to {last} were read as one."
    return "Its quotation marks do not fit."


def _row(line: int, cells: list[str], columns: tuple[str, ...]) -> Row:
    named = {name: cell.strip() for name, cell in zip(columns, cells, strict=False)}
    if len(cells) != len(columns):
        fault = f"It has {len(cells)} cells, the header has {len(columns)}."
        return Row(line, named, fault)
    return Row(line, named)
