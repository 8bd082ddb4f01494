"""docs/operations.md says what the program has: settings, commands, columns, exit codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from backend.cli.app import app
from backend.cli.output import Exit
from backend.config import PREFIX, Settings
from backend.demonstration.cast import PEOPLE
from backend.importing.files import OPTIONAL, REQUIRED

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "operations.md").read_text()


def first_cells() -> list[str]:
    """What stands in the first column of the page's tables."""
    rows = re.findall(r"^\| (.+?) \|", PAGE, re.MULTILINE)
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row)]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_explained(name: str) -> None:
    assert PREFIX + name.upper() in first_cells()


def test_no_setting_is_explained_that_does_not_exist() -> None:
    named = {word for word in first_cells() if word.startswith(PREFIX)}
    assert named == {PREFIX + name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("name", [*REQUIRED, *OPTIONAL])
def test_every_column_of_an_import_is_explained(name: str) -> None:
    assert name in first_cells()


@pytest.mark.parametrize("code", list(Exit))
def test_every_exit_code_is_explained(code: Exit) -> None:
    assert re.search(rf"^\| {int(code)} \|", PAGE, re.MULTILINE)


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda page: page.name
)
def test_commands_of_the_documents_exist(page: Path) -> None:
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert set(re.findall(r"posthorn ([a-z][a-z0-9-]*)", page.read_text())) <= set(known)


def test_people_of_the_demonstration_are_listed() -> None:
    page = (ROOT / "docs" / "demonstration.md").read_text()
    assert re.findall(r"^\| `([a-z0-9 ]+)` \|", page, re.MULTILINE) == [one[0] for one in PEOPLE]
