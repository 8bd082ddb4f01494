"""Commands for who runs an installation: import, status, rebuild, fsck, and the demonstration's lie."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.cli.output import AsJson, DataFolder, Exit, command_line, say, show
from backend.domain.times import written
from backend.errors import BadRequest, Conflict, NotFound

if TYPE_CHECKING:
    from backend.importing.run import Options, Summary
    from backend.indexer.fsck import Difference

# How the names end that fsck gives to times.
TIMES = ("time", "_at", "deadline")

demo = typer.Typer(help="Suppose the post lied.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Put the commands of this file into the program."""
    app.command(name="import")(import_)
    for command in (status, rebuild, fsck, second_look, digests):
        app.command()(command)


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Parcels and their scans.")],
    report: Annotated[
        Path | None, typer.Option(help="Where refused lines go (default: FILE.refused.csv).")
    ] = None,
    zone: Annotated[str, typer.Option(help="Time zone of times without one.")] = "UTC",
    delivery_mode: Annotated[
        str | None, typer.Option(help="Mode of deliveries without one, like letter_box.")
    ] = None,
    reuse_numbers: Annotated[
        bool,
        typer.Option(
            "--reuse-numbers", help="Numbers of items older than 12 months are new items."
        ),
    ] = False,
    wait: Annotated[bool, typer.Option(help="Wait until all of it is on chain.")] = True,
    person: Annotated[
        str, typer.Option("--as", help="Who imports; kept with every record.")
    ] = "admin",
    as_json: AsJson = False,
    data: DataFolder = None,
) -> None:
    """Import parcels with their scans.

    What was imported before is left out. Ends with 1 if lines were refused.
    """
    options = _options(file, report, zone, delivery_mode, reuse_numbers, wait)
    summary = _import(file, options, person, data)
    show(_summary_json(summary, options), _summary_text(summary, options), as_json)
    raise SystemExit(Exit.NO if summary.progress.refused else Exit.DONE)


def status(as_json: AsJson = False, data: DataFolder = None) -> None:
    """Say how far everything is.

    Ends with 1 if something needs a look.
    """
    from dataclasses import asdict

    from backend.cli import watching
    from backend.cli.installation import installation
    from backend.queries import status as query
    from backend.store.engine import begin

    with begin(installation(data).engine) as db:
        found = query.status(db)
    show(asdict(found), watching.status_text(found), as_json)
    raise SystemExit(Exit.DONE if found.healthy else Exit.NO)


def rebuild(as_json: AsJson = False, data: DataFolder = None) -> None:
    """Make the read model anew from the raw logs.

    The same rows come out (B1).
    """
    from backend.cli.installation import installation
    from backend.cli.progress import counting
    from backend.indexer.rebuild import rebuild as refold

    house = installation(data)
    with counting("logs") as tell:
        logs = refold(house.engine, house.deployment, tell)
    show({"logs": logs}, f"Rebuilt from {logs} logs.", as_json)


def fsck(as_json: AsJson = False, data: DataFolder = None) -> None:
    """Compare the read model with the contracts, and its records with the stored logs.

    Ends with 1 if anything differs.
    """
    from backend.chain.views import Views
    from backend.cli.installation import installation
    from backend.indexer.fsck import fsck as compare

    house = installation(data)
    found = compare(house.engine, Views(house.node, house.deployment), house.deployment)
    text = "\n".join(map(difference_text, found)) or "Nothing differs."
    facts = [
        {"what": d.what, "key": _key(d.key), "record": d.record}
        | {"here": _value(d.in_model), "chain": _value(d.on_chain)}
        for d in found
    ]
    show({"differences": facts}, text, as_json)
    raise SystemExit(Exit.NO if found else Exit.DONE)


def second_look(
    days: Annotated[float, typer.Option(help="How far back from the newest block.")] = 2.0,
    everything: Annotated[bool, typer.Option("--all", help="From the first block on.")] = False,
    as_json: AsJson = False,
    data: DataFolder = None,
) -> None:
    """Read recent blocks from the node again and compare them with the stored raw logs.

    An indexer does so by itself once a day. Ends with 1 if anything differs.
    """
    from dataclasses import asdict

    from backend.cli import watching
    from backend.cli.installation import installation
    from backend.indexer.second_look import look_again

    house = installation(data)
    seen = look_again(house.engine, house.node, house.deployment, None if everything else days)
    show(asdict(seen) if seen else {}, watching.seen_text(seen), as_json)
    raise SystemExit(Exit.NO if seen and seen.differences else Exit.DONE)


def digests(
    span: Annotated[
        int | None, typer.Option(help="Each block of the thousand that this block is in.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="What another indexer printed with --json.")
    ] = None,
    as_json: AsJson = False,
    data: DataFolder = None,
) -> None:
    """Print a digest for each thousand blocks and their logs, to compare with another indexer's.

    With --against ends with 1 if one differs, and names the first.
    """
    from backend.cli import watching
    from backend.cli.installation import installation
    from backend.indexer import spans
    from backend.store.engine import begin

    theirs = watching.read_digests(against) if against else None
    with begin(installation(data).engine) as db:
        ours = spans.spans(db) if span is None else spans.blocks_of_span(db, span)
    differing = spans.first_difference(ours, theirs) if theirs is not None else None
    show(watching.digests_json(ours, differing), watching.digests_text(ours, theirs), as_json)
    raise SystemExit(Exit.NO if differing else Exit.DONE)


@demo.command()
def lie(as_json: AsJson = False, data: DataFolder = None) -> None:
    """Change a date of the model item on this server.

    As a post might; the chain keeps the true one.
    """
    from backend.cli import lying
    from backend.cli.installation import installation

    house = installation(data)
    changed, text = _told(lying.lie(house))
    page = f"{house.settings.origin}/items/0x{changed['item'].hex()}"
    look = (
        f"Look at the third tick on {page}\nand at what this finds:\n{command_line('fsck', data)}"
    )
    show(changed, f"{text}\n{look}", as_json)


@demo.command()
def truth(as_json: AsJson = False, data: DataFolder = None) -> None:
    """Put back the date that `demo lie` changed."""
    from backend.cli import lying
    from backend.cli.installation import installation

    show(*_told(lying.truth(installation(data))), as_json)


def _told(changed: dict[str, Any]) -> tuple[dict[str, Any], str]:
    text = "{number}, record {record}: this server now says {now}, it said {before}."
    return changed, text.format(**changed)


# --- import -----------------------------------------------------------------------------------------
def _import(file: Path, options: Options, person: str, data: Path | None) -> Summary:
    """The file is looked through before the installation is asked for. Raises BadFile, NotFound, Unavailable."""
    from functools import partial

    from backend.cli.installation import installation
    from backend.cli.progress import importing
    from backend.importing.files import open_csv
    from backend.importing.run import Import
    from backend.store import people
    from backend.store.engine import begin

    csv_file = open_csv(file)
    say(f"{file}: {csv_file.bytes:,} bytes, {_spoken(csv_file.encoding)}.")
    house = installation(data)
    with begin(house.engine) as db:
        row = people.by_name(db, person)
    if row is None:
        raise NotFound(f"Nobody is called {person!r}.", "Name a person with --as.")
    if row.disabled:
        raise Conflict(f"{person} is disabled.", "Name another person with --as.")
    with importing(csv_file.bytes) as tell:
        transaction = partial(begin, house.engine)
        return Import(transaction, house.house, row.id, csv_file, options, tell).run()


def _options(
    file: Path,
    report: Path | None,
    zone: str,
    delivery_mode: str | None,
    reuse_numbers: bool,
    wait: bool,
) -> Options:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from backend.domain import codes
    from backend.importing.run import Options

    if not file.is_file():
        raise BadRequest(f"There is no file {file}.", "Check its name and folder.")
    beside = report or file.with_suffix(".refused.csv")
    if beside.is_dir() or not os.access(beside.parent, os.W_OK):
        raise BadRequest(f"The report {beside} cannot be written.", "Name another with --report.")
    if beside.resolve() == file.resolve():
        raise BadRequest(f"The report would overwrite {file}.", "Name another file with --report.")
    try:
        found = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise BadRequest(f"{zone!r} is no time zone.", "One like Europe/Vienna, or UTC.") from None
    known = [code.name for code in codes.MODES if code.number in codes.DELIVERY_MODES]
    if delivery_mode is not None and delivery_mode not in known:
        raise BadRequest(
            f"{delivery_mode!r} is no mode of delivery.", f"One of: {', '.join(known)}."
        )
    mode = codes.MODES.number(delivery_mode) if delivery_mode else None
    return Options(beside, found, mode, reuse_numbers, wait)


def difference_text(one: Difference) -> str:
    """`event time of record 5 of item 0x…: 2026-11-25 01:50:00 UTC here, …`."""
    field = one.what.partition(" of ")[0]
    is_time = field.endswith(TIMES)
    here, there = _value(one.in_model, is_time), _value(one.on_chain, is_time)
    return f"{one.what.replace('_', ' ')} {_named(one)}: {here} here, {there} on the chain"


def _named(difference: Difference) -> str:
    key = _key(difference.key)
    return key if difference.record is None else f"{difference.record} of item {key}"


def _value(value: Any, is_time: bool = False) -> str:
    if is_time and isinstance(value, int):
        return written(value, "%Y-%m-%d %H:%M:%S UTC")
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


def _key(key: int | bytes) -> str:
    return "0x" + key.hex() if isinstance(key, bytes) else str(key)


def _spoken(encoding: str) -> str:
    if encoding == "cp1252":
        return "not UTF-8: read as Latin-1 (Windows-1252)"
    return f"read as {encoding.removesuffix('-sig').upper()}"


def _summary_json(summary: Summary, options: Options) -> dict[str, Any]:
    at = summary.progress
    return {
        "lines": at.lines,
        "taken": at.taken,
        "repeated": at.repeated,
        "refused": at.refused,
        "report": options.report if at.refused else None,
        "seconds": round(summary.seconds, 2),
        "records_per_second": round(summary.records_per_second, 1),
        "settled": options.wait,
        "encoding": summary.file.encoding,
    }


def _summary_text(summary: Summary, options: Options) -> str:
    at = summary.progress
    rate = f"{summary.records_per_second:,.0f} records a second"
    state = "on chain" if options.wait else "on its way"
    lines = [f"{at.lines:,} lines: {at.taken:,} {state} ({rate}), {at.repeated:,} imported before."]
    if at.refused:
        lines.append(f"{at.refused:,} refused, each with its reason in {options.report}")
    return "\n".join(lines)
