"""Commands about stamps: sell and print them, draw one."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.cli.files import write_file
from backend.cli.output import AsJson, DataFolder, command_line, say, show
from backend.errors import BadRequest, Conflict, NotFound, Unprocessable

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from backend.cli.installation import Installation
    from backend.ports import Actor
    from backend.usecases.submit import Promise

DRAWN_DPI = 300
MOST_STAMPS = 1_000
MOST_JOBS = 2**31 - 1

app = typer.Typer(help="Sell, print and draw stamps.", no_args_is_help=True, rich_markup_mode=None)

Person = Annotated[str, typer.Option("--as", help="The person in whose name this is done.")]
CameOut = Annotated[
    str | None,
    typer.Option(
        "--confirm", metavar="all|SERIALS", help="Which came out: all, or serials like 17,19-24."
    ),
]


@app.command()
def issue(
    edition: Annotated[str, typer.Option(help="The edition, like 1-3.")],
    count: Annotated[int, typer.Option(help="How many stamps.", min=1)],
    sheet: Annotated[Path, typer.Option(help="The PDF to write.")],
    at: Annotated[str | None, typer.Option(help="The counter that sells them, like 1-1.")] = None,
    confirm: CameOut = None,
    layout: Annotated[str, typer.Option(help="The label sheet.")] = "70x37",
    start_label: Annotated[int, typer.Option(help="The first free label.", min=1)] = 1,
    claims: Annotated[bool, typer.Option(help="Print the claim codes too.")] = True,
    person: Person = "admin",
    as_json: AsJson = False,
    data: DataFolder = None,
) -> None:
    """Sell stamps: print them to a PDF.

    Then say which came out: those are put on the record as sold, the others are void.
    """
    from backend.cli.installation import installation
    from backend.usecases import sell

    _must_be_new(sheet)
    house = installation(data)
    number = _edition(edition)
    with _begin(house) as db:
        who = _actor(db, person, _counter(db, number, at))
        assert who.custodian is not None
        request = sell.PrintRequest(who.custodian, number, count, layout, start_label)
        reserved = sell.reserve_stamps(db, who, request)
    with _begin(house) as db:
        write_file(sheet, _sheet(db, house, reserved.job, claims))
        sell.mark_printed(db, who, reserved.job)
    say(f"{sheet}: {_printed_text(number, range(reserved.first, reserved.last + 1))}.")
    came_out = confirm or _ask_came_out()
    facts = {"job": reserved.job, "first": reserved.first, "last": reserved.last, "sheet": sheet}
    if came_out is not None:
        return _confirm(house, who, reserved.job, came_out, facts, as_json)
    text = _what_next(reserved.job, count, person, data)
    show(facts | {"total": reserved.total, "confirmed": False}, text, as_json)
    return None


@app.command(name="confirm")
def confirm_job(
    job: Annotated[
        int,
        typer.Argument(metavar="JOB", help="The number of the print job.", min=1, max=MOST_JOBS),
    ],
    came_out: Annotated[str, typer.Argument(metavar="all|SERIALS", help="Which came out.")],
    person: Person = "admin",
    as_json: AsJson = False,
    data: DataFolder = None,
) -> None:
    """Say which stamps of a print job came out.

    Those are sold, the others void.
    """
    from backend.cli.installation import installation
    from backend.queries import work

    house = installation(data)
    with _begin(house) as db:
        found = work.print_job(db, job)
        who = _actor(db, person, found.custodian)
    facts = {"job": job, "first": found.first, "last": found.last}
    _confirm(house, who, job, came_out, facts, as_json)


@app.command()
def render(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="Like 1-3-000017.")],
    out: Annotated[Path, typer.Option(help="FILE.png or FILE.svg.")],
    dpi: Annotated[
        int, typer.Option(help="Dots per inch of a PNG.", min=50, max=2_400)
    ] = DRAWN_DPI,
    data: DataFolder = None,
) -> None:
    """Draw a stamp with its public code."""
    from backend.cli.installation import installation
    from stamps.render import face_png, face_svg

    if out.suffix not in (".png", ".svg"):
        raise BadRequest(f"{out} is neither .png nor .svg.", "Name the file accordingly.")
    house, stamp = installation(data), _stamp(number)
    with _begin(house) as db:
        face = _face(db, house, stamp)
    write_file(out, face_png(face, dpi) if out.suffix == ".png" else face_svg(face).encode())
    say(f"{out}: {number}")


# --- selling ----------------------------------------------------------------------------------------
def _sheet(db: Connection, house: Installation, job: int, claims: bool) -> bytes:
    """The sheet, every code of it read again. Without claim codes where they are destroyed (S10)."""
    from backend.api.paper import sheet_pdf
    from backend.queries import work
    from backend.usecases.claim_codes import claim_secrets
    from stamps.errors import StampsError

    found = work.print_job(db, job)
    seeds = house.house.claim_seeds
    kept = claim_secrets(seeds, found.edition, found.first, found.last) is not None
    try:
        return sheet_pdf(db, house.house, found, claim_codes=claims and kept)
    except StampsError as error:
        raise Unprocessable(f"The sheet of print job {job} cannot be made: {error}.") from None


def _must_be_new(sheet: Path) -> None:
    """Before anything is reserved: a sheet may be the only one of its stamps. Raises BadRequest."""
    if sheet.exists():
        raise BadRequest(f"{sheet} is there already.", "Name another file with --sheet.")
    if not sheet.parent.is_dir():
        raise BadRequest(f"There is no folder {sheet.parent}.", "Make it, or name another file.")


def _printed_text(edition: int, printed: range) -> str:
    """`1 stamp of 1-1, serial 418`."""
    from backend.domain.ids import edition_text
    from backend.proof.words import counted

    stamps, serials = counted(len(printed), "stamp"), "serial" if len(printed) == 1 else "serials"
    return f"{stamps} of {edition_text(edition)}, {serials} {_serials(printed)}"


def _serials(printed: range) -> str:
    """As `stamps confirm` takes them."""
    first, last = printed[0], printed[-1]
    return str(first) if first == last else f"{first}-{last}"


def _what_next(job: int, count: int, person: str, data: Path | None) -> str:
    """How to say what came out of the printer, to be copied."""
    as_whom = "" if person == "admin" else f" --as {shlex.quote(person)}"
    lines = ["Not sold yet. Look at the sheet; when all came out:"]
    lines.append(command_line(f"stamps confirm {job} all{as_whom}", data))
    if count > 1:
        lines.append("When only some did, their serials instead of all, like 17,19-24.")
    return "\n".join(lines)


def _ask_came_out() -> str | None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    answer: str = typer.prompt("Look at the sheet. Which came out", default="all", err=True)
    return answer


def _confirm(
    house: Installation, who: Actor, job: int, came_out: str, facts: dict[str, Any], as_json: bool
) -> None:
    from backend.usecases import sell

    printed = range(facts["first"], facts["last"] + 1)
    good = set(printed) if came_out == "all" else serials_in(came_out)
    if strangers := sorted(good - set(printed)):
        raise Unprocessable(
            f"This job printed {_serials(printed)}, not {strangers[0]}.",
            f"Name those that came out: `posthorn stamps confirm {job} {_serials(printed)}`, or fewer.",
        )
    with _begin(house) as db:
        promises = sell.confirm_print(db, house.house, who, job, set(printed) - good)
    spoilt = len(printed) - len(good)
    facts |= {"sold": len(good), "spoilt": spoilt, "confirmed": True}
    facts["submissions"] = [_promised(promise) for promise in promises]
    text = f"{len(good)} sold, {spoilt} void. Being recorded: valid in a moment."
    show(facts, text, as_json)


def _promised(promise: Promise) -> dict[str, str]:
    return {"digest": "0x" + promise.digest.hex(), "state": promise.state}


def serials_in(text: str) -> set[int]:
    """`17,19-24` as serials. Raises BadRequest."""
    serials: set[int] = set()
    for part in text.split(","):
        found = re.fullmatch(r"\s*([0-9]{1,10})(?:-([0-9]{1,10}))?\s*", part)
        if found is None:
            raise BadRequest(f"{part!r} is no serial.", "Write all, or serials like 17,19-24.")
        first, last = int(found[1]), int(found[2] or found[1])
        if last - first > MOST_STAMPS:
            raise BadRequest(f"{part.strip()} is more than a print job has.")
        serials.update(range(first, last + 1))
    return serials


def _counter(db: Connection, edition: int, at: str | None) -> int:
    """The counter that was named, else the operator's first one, which is said."""
    from backend.domain import codes, ids
    from backend.queries import network

    if at is not None:
        try:
            return ids.parse_custodian(at)
        except ids.BadNumber as error:
            raise BadRequest(f"{error}.") from None
    counter = codes.KINDS.number("counter")
    found = [c for c in network.custodians(db, edition >> 16) if c.kind == counter]
    if not found:
        raise Conflict(
            "The operator of this edition has no counter.", "Name a custodian with --at."
        )
    number = ids.custodian_text(found[0].number)
    say(f"Sold at {number}, {found[0].name}; --at names another.")
    return found[0].number


def _actor(db: Connection, name: str, custodian: int) -> Actor:
    from backend.ports import Actor
    from backend.store import people

    row = people.by_name(db, name)
    if row is None or row.disabled:
        raise NotFound(f"Nobody called {name!r} works here.", "`posthorn user list` names all.")
    if row.role != "admin" and custodian not in row.custodians:
        raise Conflict(f"{name} does not work at this custodian.", "Name another person with --as.")
    return Actor(row.id, row.role, custodian, frozenset(row.custodians), "command line")


# --- drawing ----------------------------------------------------------------------------------------
def _face(db: Connection, house: Installation, stamp: int) -> Any:
    from functools import partial

    from backend.domain.ids import edition_of
    from backend.queries import editions
    from stamps.art.edition import read_edition
    from stamps.errors import StampsError
    from stamps.payload import Network, make, url
    from stamps.render import StampFace

    of = editions.edition(db, edition_of(stamp))
    contract = house.house.stamps
    network = Network(house.house.network_alias, contract.chain_id, contract.contract)
    try:
        art = read_edition(of.metadata)
        art.variety(stamp & 0xFFFFFFFF)
    except StampsError as error:
        raise NotFound(f"There is no picture of this stamp: {error}.") from None
    code = make(stamp, network, partial(house.house.signer.sign, f"stamps/{of.operator}"))
    return StampFace(art, stamp, url(house.house.origin, code))


def _begin(house: Installation) -> Any:
    from backend.store.engine import begin

    return begin(house.engine)


def _edition(text: str) -> int:
    from backend.domain.ids import BadNumber, parse_edition

    try:
        return parse_edition(text)
    except BadNumber as error:
        raise BadRequest(f"{error}.") from None


def _stamp(text: str) -> int:
    from stamps.errors import BadNumber
    from stamps.number import parse_number

    try:
        return parse_number(text)
    except BadNumber as error:
        raise BadRequest(str(error)) from None
