"""Commands about stamps: sell and print, draw one, verify a code, and the trust list to verify offline."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.cli.files import read_sealed, write_file
from backend.cli.output import AsJson, DataFolder, Exit, command_line, copyable, say, show
from backend.errors import BadRequest, Conflict, NotFound, Unprocessable

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from backend.cli.installation import Installation
    from backend.ports import Actor
    from backend.queries.stamps import StampAnswer
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


def register(program: typer.Typer) -> None:
    """Put the commands about codes into the program."""
    program.command()(verify)
    program.command()(trustlist)


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
    from backend.domain.ids import edition_text
    from backend.proof.words import counted
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
    serials = _serials(range(reserved.first, reserved.last + 1))
    noun = "serial" if count == 1 else "serials"
    say(f"{sheet}: {counted(count, 'stamp')} of {edition_text(number)}, {noun} {serials}.")
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


def verify(
    code: Annotated[
        str,
        typer.Argument(metavar="CODE|IMAGE", help="A public code, a number, or a picture of one."),
    ],
    offline: Annotated[
        Path | None,
        typer.Option("--offline", metavar="TRUSTLIST", help="Ask no server: use this list."),
    ] = None,
    as_json: AsJson = False,
    data: DataFolder = None,
) -> None:
    """Say whose a stamp is and where it stands.

    Ends with 0 issued by a known post, 1 not, 2 could not check.
    """
    text = _shown(code)
    if offline is not None:
        _verify_offline(text, offline, as_json)
    from backend.cli.installation import installation
    from backend.queries import stamps

    house = installation(data)
    with _begin(house) as db:
        answer = _directed(stamps.verify(db, house.house, text), text)
    show(_answer_json(answer), _answer_text(answer), as_json)
    raise SystemExit(_exit_of(answer.verdict.code, answer.verdict.facts is not None))


def trustlist(
    out: Annotated[Path, typer.Option("--out", help="The file to write.")],
    as_json: AsJson = False,
    data: DataFolder = None,
) -> None:
    """Write what is needed to verify codes offline.

    Signers and issued ranges as of now.
    """
    from backend.cli.installation import installation
    from backend.cli.trusted import trust_list
    from backend.proof.trust_list import write_trust_list
    from backend.proof.words import counted

    house = installation(data)
    with _begin(house) as db:
        found = trust_list(db, house.house)
    write_file(out, write_trust_list(found))
    facts = {"file": out, "editions": len(found.editions), "block": found.as_of.number}
    text = f"{out}: {counted(len(found.editions), 'edition')}, as of block {found.as_of.number}."
    show(facts, text, as_json)


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


# --- verifying --------------------------------------------------------------------------------------
def _shown(code: str) -> str:
    """What was typed, or what a picture of that name shows. Raises BadRequest."""
    if _is_file(code):
        return _read_code(Path(code))
    if "://" not in code and Path(code).suffix:
        raise BadRequest(f"There is no file named {code}.", "Check its name and folder.")
    return code


def _directed(answer: StampAnswer, text: str) -> StampAnswer:
    """At a terminal a parcel's number opens its trail, which it does on no page."""
    from backend.queries.stamps import about_item_number
    from backend.queries.words import ITEM_NUMBER_WORDS

    if about_item_number(text) != ITEM_NUMBER_WORDS:
        return answer
    there = copyable(f"`posthorn trail {shlex.quote(text)}` shows its trail.")
    return replace(answer, words=replace(answer.words, what_now=there))


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except OSError:
        return False  # too long for a name


def _read_code(image: Path) -> str:
    from stamps.errors import ScanError
    from stamps.scan import read_code

    try:
        return read_code(image)
    except (ScanError, OSError) as error:
        raise BadRequest(f"{image}: {error}") from None


def _verify_offline(text: str, file: Path, as_json: bool) -> None:
    from backend.proof.trust_list import judge_offline, read_trust_list

    _must_have_code(text)
    trusted = read_sealed(file, "trust list", "trustlist --out FILE", read_trust_list)
    found = judge_offline(trusted, text)
    facts = {
        "code": found.code,
        "stamp": found.number,
        "issuer": found.issuer,
        "sold": found.sold,
        "as_of_block": found.as_of.number,
    }
    show(facts, found.words, as_json)
    raise SystemExit(_exit_of(found.code, known=True))


def _must_have_code(text: str) -> None:
    """Raises BadRequest for numbers: nothing in them can be checked."""
    from backend.cli.items import is_stamp_number
    from backend.domain.item_numbers import has_standard_form

    if has_standard_form(text):
        raise BadRequest("This is a parcel's number.", f"`posthorn trail {text}` shows its trail.")
    if is_stamp_number(text.strip()):
        raise BadRequest(
            "A number alone cannot be checked offline: nobody has signed it.",
            "Give the whole code or a picture of it, or leave out --offline.",
        )


def _exit_of(code: str, known: bool) -> Exit:
    """A typed number has no code: it counts as issued where the chain knows it."""
    if code == "issued_by" or (code == "not_shown" and known):
        return Exit.DONE
    return Exit.COULD_NOT if code == "unreadable" else Exit.NO


def _answer_json(answer: StampAnswer) -> dict[str, Any]:
    from backend.domain.ids import stamp_text

    verdict = answer.verdict
    return {
        "code": verdict.code,
        "use": verdict.use,
        "twin": verdict.twin,
        "notice": verdict.notice,
        "stamp": stamp_text(answer.stamp) if answer.stamp else None,
        "issuer": answer.issuer,
        "edition": answer.edition.title if answer.edition else None,
        "headline": answer.words.headline,
        "evidence": list(answer.words.evidence),
        "what_now": answer.words.what_now,
        "as_of_block": answer.as_of.block,
    }


def _answer_text(answer: StampAnswer) -> str:
    words = answer.words
    lines = [words.headline, *(f"  {one}" for one in words.evidence), words.what_now, *answer.notes]
    return "\n".join([*filter(None, lines), f"As of block {answer.as_of.block}."])


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
