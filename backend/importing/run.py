"""An import from the first line to the last record on chain; begun again, it goes on where it was."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from sqlalchemy import Connection

from backend.importing import rows as table
from backend.importing.bulk import Refused, take
from backend.importing.files import OF_REPORT, Csv, Row, open_csv, rows
from backend.importing.scans import BadRow, Facilities, Scan, Understanding
from backend.ports import Actor, House
from backend.store import network

BATCH_LINES = 500
# More than this waits for the chain: reading rests, so that counters are not kept waiting for hours.
MOST_OPEN = 20_000
POLL_SECONDS = 0.2
# What a spreadsheet would take for a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

Begin = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True, slots=True)
class Options:
    """`zone` is of times without one, `mode` of deliveries without one; `report` where refused lines go."""

    report: Path
    zone: tzinfo = UTC
    mode: int | None = None
    reuse_numbers: bool = False
    wait: bool = True


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is. `open` counts submissions that are not on chain yet."""

    bytes_read: int = 0
    lines: int = 0
    taken: int = 0
    repeated: int = 0
    refused: int = 0
    open: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """What an import came to. `records_per_second` counts lines from the first read to the last settled."""

    file: Csv
    progress: Progress
    seconds: float

    @property
    def records_per_second(self) -> float:
        return self.progress.taken / self.seconds if self.seconds else 0.0


class Import:
    """One file on its way in."""

    def __init__(
        self,
        begin: Begin,
        house: House,
        person: int,
        file: Csv,
        options: Options,
        tell: Callable[[Progress], None],
    ) -> None:
        self._begin, self._house, self._options, self._tell = begin, house, options, tell
        self._file = file
        self._who = Actor(person, "admin", device=f"import {file.sha256[:16]}")
        self._at = Progress()

    def run(self) -> Summary:
        """Raises BadFile before anything was taken; Unavailable in between: begin it again then."""
        began = time.monotonic()
        with self._begin() as db:
            understanding = self._understanding(db)
        with Report(self._options.report, self._file) as report:
            for batch in self._batches():
                self._take(batch, understanding, report)
                self._rest(MOST_OPEN)
            if self._options.wait:
                self._rest(0)
                self._report_chain(understanding, report)
        return Summary(self._file, self._at, time.monotonic() - began)

    def _understanding(self, db: Connection) -> Understanding:
        places = table.places(db)
        facilities = Facilities(places, network.names(db, places))
        return Understanding(facilities, self._options.zone, self._options.mode)

    def _batches(self) -> Iterator[list[Row]]:
        batch: list[Row] = []
        for row, bytes_read in rows(self._file):
            batch.append(row)
            if len(batch) == BATCH_LINES:
                yield batch
                self._note(bytes_read=bytes_read)
                batch = []
        if batch:
            yield batch
        self._note(bytes_read=self._file.bytes)

    def _take(self, batch: list[Row], understanding: Understanding, report: Report) -> None:
        """One transaction; its refused lines are reported once it is committed."""
        scans, refused = _understood(batch, understanding)
        with self._begin() as db:
            outcome = take(db, self._house, self._who, scans, self._options.reuse_numbers)
        refused += outcome.refused
        by_line = {row.line: row for row in batch}
        for one in sorted(refused, key=lambda r: r.line):
            report.add(by_line[one.line], one)
        self._note(
            lines=self._at.lines + len(batch),
            taken=self._at.taken + outcome.taken,
            repeated=self._at.repeated + outcome.repeated,
            refused=self._at.refused + len(refused),
        )

    def _note(self, **values: int) -> None:
        self._at = replace(self._at, **values)
        self._tell(self._at)

    def _rest(self, most: int) -> None:
        """Wait until at most so many submissions of this import are open."""
        while True:
            with self._begin() as db:
                open_ = table.still_open(db, self._who.device)
            self._note(open=open_)
            if open_ <= most:
                return
            time.sleep(POLL_SECONDS)

    def _report_chain(self, understanding: Understanding, report: Report) -> None:
        """Lines that the chain refused after all (a custodian was suspended meanwhile): look for them again."""
        with self._begin() as db:
            refused = table.refused_by_chain(db, self._who.device)
        if not refused:
            return
        for row, _ in rows(self._file):
            scans, _ = _understood([row], understanding)
            for scan in scans:
                found = refused.pop(scan.meaning, None)
                if found is not None:
                    report.add(row, _by_chain(row.line, found))
                    self._note(refused=self._at.refused + 1, taken=self._at.taken - 1)


def import_csv(
    begin: Begin,
    house: House,
    person: int,
    path: Path,
    options: Options,
    tell: Callable[[Progress], None],
) -> Summary:
    """Import a file. Raises BadFile, Unavailable."""
    return Import(begin, house, person, open_csv(path), options, tell).run()


def _understood(batch: list[Row], understanding: Understanding) -> tuple[list[Scan], list[Refused]]:
    scans, refused = [], []
    for row in batch:
        try:
            scans.append(understanding.scan(row))
        except BadRow as error:
            refused.append(Refused(row.line, "BadRow", str(error), error.what_to_do))
    return scans, refused


def _by_chain(line: int, refusal: dict[str, Any]) -> Refused:
    return Refused(
        line,
        str(refusal.get("name", "")),
        str(refusal.get("detail", "The chain did not record it.")),
        str(refusal.get("what_now", "")) or "Import the file again; recorded lines are left out.",
    )


class Report:
    """The refused lines as a CSV of their own, made when the first is refused; it can be imported again."""

    def __init__(self, path: Path, file: Csv) -> None:
        self._path = path
        self._columns = [name for name in file.columns if name not in OF_REPORT]
        self._file: IO[str] | None = None

    def add(self, row: Row, refused: Refused) -> None:
        if self._file is None:
            self._file = self._path.open("w", encoding="utf-8-sig", newline="")
            csv.writer(self._file).writerow([*OF_REPORT, *self._columns])
        said = [str(refused.line), refused.name, refused.why, refused.what_to_do]
        cells = [row.cells.get(name, "") for name in self._columns]
        csv.writer(self._file).writerow([*said, *map(_harmless, cells)])

    def __enter__(self) -> Self:
        self._path.unlink(missing_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()


def _harmless(cell: str) -> str:
    return "'" + cell if cell.startswith(FORMULA_STARTS) else cell
