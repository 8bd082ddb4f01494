"""What commands say and how they end: results to stdout, everything else to stderr, one plain sentence for errors."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, NoReturn

import typer

from backend.domain.texts import printable
from backend.errors import BadRequest, Conflict, PosthornError, Unavailable

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
DataFolder = Annotated[
    Path | None,
    typer.Option("--data", help="Folder of the installation (default: POSTHORN_DATA, or var)."),
]
DEEPEST_RECURSION = 1_000
# A command of this program as errors name it, and those of them that work on no installation.
NAMED = re.compile(r"`posthorn ([^`]+)`")
WITHOUT_DATA = {"check", "s10"}
# What a command has opened, to be closed when it ends.
at_end = ExitStack()


class Exit(IntEnum):
    """Exit codes, the same for every command (docs/operations.md)."""

    DONE = 0  # done, or it holds
    NO = 1  # refused, refuted, not found: the answer is no
    COULD_NOT = 2  # nothing was found out: wrong usage or settings, node or database away
    WHICH = 3  # several items bear the number
    INTERRUPTED = 130


class SeveralItems(Conflict):
    """A number that more than one item bears."""

    title = "Several items bear this number"


def limit_recursion() -> None:
    """After the imports: py_ecc, which web3 brings along, allows 100,000 levels.

    With as many, deeply nested JSON from a stranger overflows the C stack and ends the process.
    """
    sys.setrecursionlimit(DEEPEST_RECURSION)


def command_line(arguments: str, data: Path | None = None) -> str:
    """A command of this program as it can be copied into a terminal in the same folder."""
    called = os.path.relpath(sys.argv[0])
    program = sys.argv[0] if called.startswith("..") else called
    is_default = data is None or data.resolve() == Path("var").resolve()
    return f"{program} {arguments}{'' if is_default else f' --data {shlex.quote(str(data))}'}"


def copyable(words: str) -> str:
    """Words in which each `posthorn …` has become what can be copied into this terminal."""
    data = _named_data()

    def as_called(found: re.Match[str]) -> str:
        alone = found[1].split()[0] in WITHOUT_DATA or "--data" in found[1]
        return f"`{command_line(found[1], None if alone else data)}`"

    return NAMED.sub(as_called, words)


def _named_data() -> Path | None:
    """The folder that this command was given."""
    for word, following in zip(sys.argv, [*sys.argv[1:], ""], strict=True):
        if word == "--data" and following:
            return Path(following)
        if word.startswith("--data="):
            return Path(word.removeprefix("--data="))
    return None


def say(words: str) -> None:
    """A line for people, to stderr. What others named goes into it: no byte of it may steer the terminal."""
    print(printable(words), file=sys.stderr, flush=True)


def show(result: Mapping[str, Any], text: str, as_json: bool) -> None:
    """The result of a command, to stdout."""
    print(_json(result, _plain) if as_json else printable(text), flush=True)


def _json(value: Mapping[str, Any], default: Callable[[Any], Any]) -> str:
    """On one line; what does not print is escaped."""
    text = json.dumps(value, ensure_ascii=False, default=default)
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def exit_code(error: PosthornError) -> Exit:
    """How a command ends that raises this error."""
    if isinstance(error, SeveralItems):
        return Exit.WHICH
    return Exit.COULD_NOT if isinstance(error, BadRequest | Unavailable) else Exit.NO


def end_with(error: PosthornError) -> NoReturn:
    """Say the error and end."""
    if "--json" in sys.argv:
        facts = {"error": error.name, "detail": error.detail, "what_now": error.what_now}
        print(_json(facts | {"facts": error.facts}, str))
    several_lines = "\n".join(filter(None, (error.detail, error.what_now)))
    say(copyable(several_lines if "\n" in error.detail else str(error)))
    raise SystemExit(exit_code(error))


def say_unexpected(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """An error that nobody foresaw: one sentence, or with POSTHORN_LOG_LEVEL=debug where it happened."""
    if os.environ.get("POSTHORN_LOG_LEVEL") == "debug":
        sys.__excepthook__(kind, error, trace)
        return
    what = " ".join(str(error).split())
    say(
        f"Something went wrong that should not have: {kind.__name__}: {what}. "
        "Nothing half done was kept. POSTHORN_LOG_LEVEL=debug shows where; please report it."
    )
