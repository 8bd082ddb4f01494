"""`posthorn import`: parcels and their scans from a CSV, on a whole running installation."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
from installed import (
    COMMAND,
    ROOT,
    Up,
    clean_environment,
    command,
    copy_of_founded,
    running,
)

from backend.domain.item_numbers import make_s10
from backend.embedded.processes import wait_until

HEADER = "item,event,facility,time,next_facility,mode"
# Of the demonstration: counter, Hall, both exchanges, delivery office.
ROUTE = ("1-1", "1-4", "1-6", "2-7", "2-10")
SERIALS = count(30_000_000)


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    with copy_of_founded() as data, running(data) as up:
        yield up


def new_number() -> str:
    return make_s10("CP", next(SERIALS), "AT")


def at(hours_ago: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours_ago)).isoformat(timespec="seconds")


def journey(number: str, hours_ago: float = 48) -> list[str]:
    """The rows of one parcel: accepted, handed on along the route, left in a letter-box."""
    rows = [f"{number},acceptance,{ROUTE[0]},{at(hours_ago)},,"]
    for index, (giver, receiver) in enumerate(pairwise(ROUTE), start=1):
        rows.append(f"{number},hand_off,{giver},{at(hours_ago - index)},{receiver},")
    return [*rows, f"{number},delivery,{ROUTE[-1]},{at(hours_ago - 6)},,letter_box"]


def imported(up: Up, folder: Path, *rows: str, expect: int = 0) -> dict[str, Any]:
    """The result of importing rows, and how the command must end."""
    file = folder / "scans.csv"
    file.write_text("\n".join([HEADER, *rows, ""]))
    done = up.run("import", file, "--json")
    assert done.returncode == expect, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def report(folder: Path) -> list[dict[str, str]]:
    with (folder / "scans.refused.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_every_scan_is_on_chain_in_its_order(up: Up, tmp_path: Path) -> None:
    numbers = [new_number() for _ in range(40)]
    rows = [row for number in numbers for row in journey(number)]
    result = imported(up, tmp_path, *rows)
    assert (result["taken"], result["refused"], result["repeated"]) == (len(rows), 0, 0)
    for number in (numbers[0], numbers[-1]):
        trail = up.json("trail", number)
        kinds = [record["kind"] for record in trail["records"]]
        assert kinds == ["acceptance", *["hand_off"] * (len(ROUTE) - 1), "end"]
        assert "letter-box" in trail["sentence"]
    assert up.run("fsck").returncode == 0


def test_an_imported_trail_can_be_proven_to_anybody(up: Up, tmp_path: Path) -> None:
    number = new_number()
    imported(up, tmp_path, *journey(number))
    bundle = tmp_path / "bundle.json"
    up.json("prove", number, "--out", bundle, "--open")
    checked = command("check", bundle, "--rpc", up.rpc_url)
    assert checked.returncode == 0
    assert checked.stdout.startswith("holds: 6 records, 10 signatures, block ")


def test_begun_again_nothing_is_doubled(up: Up, tmp_path: Path) -> None:
    rows = journey(new_number())
    imported(up, tmp_path, *rows[:3])
    result = imported(up, tmp_path, *rows, *rows)
    assert (result["taken"], result["repeated"]) == (3, 9)
    assert imported(up, tmp_path, *rows)["repeated"] == 6


def test_refused_lines_are_named_with_reason_and_remedy(up: Up, tmp_path: Path) -> None:
    """The others count; the report is put right and imported again."""
    good, other, third = new_number(), new_number(), new_number()
    result = imported(
        up,
        tmp_path,
        f"{good},acceptance,1-1,{at(5)},,",
        f"{good[:-3]}x{good[-2:]},acceptance,1-1,{at(5)},,",
        f"{good},acceptance,1-1,{at(4)},,",
        f"{other},hand_off,1-1,{at(4)},1-4,",
        f"{good},hand_off,1-4,{at(4)},1-6,",
        f"{third},acceptance,1-1,{at(15 * 24)},,",
        f"{third},acceptance,1-2,{at(5)},,",
        f"{good},hand_off,1-1,{at(3)},1-4,",
        expect=1,
    )
    assert (result["taken"], result["refused"]) == (2, 6)
    found = {int(row["line"]): row["refused"] for row in report(tmp_path)}
    assert found == {
        3: "BadRow",
        4: "NumberInUse",
        5: "UnknownItem",
        6: "NotHolder",
        7: "TimeTooOld",
        8: "NoRight",
    }
    assert all(row["why"] and row["what_to_do"] for row in report(tmp_path))
    again = tmp_path / "scans.refused.csv"
    text = again.read_text(encoding="utf-8-sig").replace(at(15 * 24)[:10], at(2)[:10])
    again.write_text(text, encoding="utf-8-sig")
    done = up.run("import", again, "--json")
    assert json.loads(done.stdout)["taken"] == 1
    assert (tmp_path / "scans.refused.refused.csv").exists()


def test_hand_offs_at_one_time_are_one_list(up: Up, tmp_path: Path) -> None:
    """C2: one pair of signatures moves them all."""
    numbers = [new_number() for _ in range(25)]
    accepted, released = at(5), at(4)
    rows = [f"{number},acceptance,1-1,{accepted},," for number in numbers]
    rows += [f"{number},hand_off,1-1,{released},1-4," for number in numbers]
    assert imported(up, tmp_path, *rows)["taken"] == 50
    digests = {up.json("trail", number)["records"][1]["digest"] for number in numbers}
    assert len(digests) == 1


def test_conditions_found_differ_from_those_given(up: Up, tmp_path: Path) -> None:
    number = new_number()
    file = tmp_path / "scans.csv"
    file.write_text(
        "item;event;facility;time;next_facility;condition;found\n"
        f"{number};acceptance;Innsbruck 1, counter 1;{at(4)};;;\n"
        f"{number};hand_off;1-1;{at(3)};Hall in Tirol;sound;wet\n"
    )
    assert up.json("import", file)["taken"] == 2
    trail = up.json("trail", number)
    assert "reservation" in trail["records"][1]["flags"]
    assert "Innsbruck 1, counter 1" in trail["answerable"]


def test_who_imports_is_kept_and_must_be_known(up: Up, tmp_path: Path) -> None:
    (tmp_path / "scans.csv").write_text(HEADER + "\n")
    done = up.run("import", tmp_path / "scans.csv", "--as", "nobody")
    assert done.returncode == 1
    assert "'nobody'" in done.stderr
    up.json("user", "add", "gone", "--at", "1-1")
    up.json("user", "disable", "gone")
    done = up.run("import", tmp_path / "scans.csv", "--as", "gone")
    assert done.returncode == 1
    assert "gone is disabled" in done.stderr


@pytest.mark.parametrize(
    ("option", "value"),
    [("--zone", "Mars/Olympus"), ("--delivery-mode", "seized"), ("--report", "scans.csv")],
)
def test_wrong_options_are_said_before_anything_is_read(
    up: Up, tmp_path: Path, option: str, value: str
) -> None:
    file = tmp_path / "scans.csv"
    file.write_text(HEADER + "\n")
    done = up.run("import", file, option, file if option == "--report" else value)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert file.read_text() == HEADER + "\n"


def test_killed_in_the_middle_it_goes_on_where_it_was(up: Up, tmp_path: Path) -> None:
    """Each batch is one transaction: lines and what marks them as imported are there both or not at all."""
    rows = [row for _ in range(400) for row in journey(new_number())]
    file = tmp_path / "scans.csv"
    file.write_text("\n".join([HEADER, *rows, ""]))
    words = ["import", str(file), "--data", str(up.data), "--no-wait", "--json"]
    first = subprocess.Popen(
        [*COMMAND, *words], env=clean_environment(), cwd=ROOT, stdout=subprocess.PIPE
    )
    wait_until(lambda: first.poll() is not None or some_taken(up), 60)
    first.kill()
    first.communicate()
    result = up.json("import", file)
    assert result["taken"] + result["repeated"] == len(rows)
    assert result["refused"] == 0
    number = rows[-1].split(",")[0]
    assert len(up.json("trail", number)["records"]) == 6


def some_taken(up: Up) -> bool:
    queue = up.json("status")["queue"]
    return any(queue.get(state) for state in ("pending", "sent"))
