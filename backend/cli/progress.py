"""Progress on stderr: bars while something is under way, ticks for what is done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from backend.importing.run import Progress as Imported


def _new(*columns: str) -> Progress:
    return Progress(
        *(TextColumn(column) for column in columns),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that is told how many of how many are done."""
    with _new("{task.description}") as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, of: progress.update(task, completed=done, total=of)


@contextmanager
def importing(bytes_: int) -> Iterator[Callable[[Imported], None]]:
    """A bar over the bytes of a file, with what became of its lines."""
    counts = "{task.fields[at].taken:,} taken, {task.fields[at].refused:,} refused, "
    counts += "{task.fields[at].open:,} on their way"
    with _new("{task.description}", counts) as progress:
        task = progress.add_task("import", total=bytes_, at=Imported())
        yield lambda at: progress.update(task, completed=at.bytes_read, at=at)
