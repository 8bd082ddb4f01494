"""CSV files as other programs write them: encodings, separators, broken lines, wrong columns."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from backend.importing.files import MOST_CHARACTERS_IN_FIELD, BadFile, Row, open_csv, rows

HEADER = "item,event,facility,time"
LINE = "RR473124829AT,acceptance,Zürich,2026-11-22T10:00"


def read(file: Path) -> list[Row]:
    return [row for row, _ in rows(open_csv(file))]


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    file = folder / "scans.csv"
    file.write_bytes(text.encode(encoding))
    return file


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("latin-1", "cp1252"),
    ],
)
def test_reads_encodings_and_says_which(tmp_path: Path, encoding: str, found: str) -> None:
    file = written(tmp_path, f"{HEADER}\r\n{LINE}\r\n", encoding)
    assert open_csv(file).encoding == found
    (row,) = read(file)
    assert (row.line, row.cells["facility"], row.fault) == (2, "Zürich", "")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_reads_separators(tmp_path: Path, separator: str) -> None:
    text = f"{HEADER}\n{LINE}\n".replace(",", separator)
    assert read(written(tmp_path, text))[0].cells["item"] == "RR473124829AT"


def test_column_names_may_be_written_as_people_do(tmp_path: Path) -> None:
    file = written(tmp_path, " Item ;EVENT;Facility;Time;Next facility\n")
    assert open_csv(file).columns == ("item", "event", "facility", "time", "next_facility")


def test_lines_keep_their_numbers_past_blank_and_broken_ones(tmp_path: Path) -> None:
    text = f'{HEADER}\n\n{LINE}\n{LINE},more\n,,,\n"a"b,c,d,e\n"x\ny",c,d,e\n{LINE}\n'
    found = {row.line: row.fault for row in read(written(tmp_path, text))}
    assert list(found) == [3, 4, 6, 7, 9]
    assert found[3] == found[7] == found[9] == ""
    assert found[4] == "It has 5 cells, the header has 4."
    assert "quotation marks" in found[6]


def test_an_open_quotation_mark_swallows_no_whole_file(tmp_path: Path) -> None:
    many = f"{LINE}\n" * (3 * MOST_CHARACTERS_IN_FIELD // len(LINE))
    found = read(written(tmp_path, f'{HEADER}\n"{LINE}\n{many}'))
    assert "not closed: lines 2 to" in found[0].fault
    assert found[-1].fault == ""
    assert len(found) > 100


def test_the_end_of_an_open_quotation_is_said(tmp_path: Path) -> None:
    (row,) = read(written(tmp_path, f'{HEADER}\n"a,b,c,d\n{LINE}\n'))
    assert row.fault == "A quotation mark is not closed: lines 2 to 3 were read as one."


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("a,b,c\n", "lacks the columns item, event, facility, time"),
        ("item,event,facility\n", "lacks the column time"),
        (f"{HEADER},wieght\n", "not known: wieght"),
        (f"{HEADER},item\n", "twice"),
        ("\x00\x01\x02", "lacks the columns"),
        (f'"{HEADER}\n', "first line"),
        ("x" * 20_000, "first line"),
    ],
)
def test_a_file_that_cannot_be_imported_says_what_is_wrong(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(BadFile, match=words) as caught:
        open_csv(written(tmp_path, text))
    assert "item, event, facility, time (needed)" in str(caught.value)


def test_no_file_is_no_trace(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="There is no file"):
        open_csv(tmp_path / "missing.csv")
    with pytest.raises(BadFile):
        open_csv(tmp_path)


def test_a_report_of_refused_lines_can_be_imported_again(tmp_path: Path) -> None:
    file = written(tmp_path, f"line,refused,why,what_to_do,{HEADER}\n7,BadRow,w,d,{LINE}\n")
    assert read(file)[0].cells["item"] == "RR473124829AT"


def test_a_large_file_is_read_as_a_stream(tmp_path: Path) -> None:
    """10 MB here; nothing grows with the file."""
    file = tmp_path / "large.csv"
    with file.open("w") as out:
        out.write(HEADER + "\n")
        for _ in range(200):
            out.write(f"{LINE}\n" * 1_000)
    tracemalloc.start()
    count = sum(1 for _ in rows(open_csv(file)))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 200_000
    assert peak_bytes < 6_000_000
