"""Commands about codes: verify one, and the trust list to verify offline."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.cli.files import read_sealed, write_file
from backend.cli.output import AsJson, DataFolder, Exit, copyable, show
from backend.errors import BadRequest

if TYPE_CHECKING:
    from backend.queries.stamps import StampAnswer


def register(program: typer.Typer) -> None:
    """Put the commands about codes into the program."""
    program.command()(verify)
    program.command()(trustlist)


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
    from backend.store.engine import begin

    house = installation(data)
    with begin(house.engine) as db:
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
    from backend.store.engine import begin

    house = installation(data)
    with begin(house.engine) as db:
        found = trust_list(db, house.house)
    write_file(out, write_trust_list(found))
    facts = {"file": out, "editions": len(found.editions), "block": found.as_of.number}
    text = f"{out}: {counted(len(found.editions), 'edition')}, as of block {found.as_of.number}."
    show(facts, text, as_json)


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
