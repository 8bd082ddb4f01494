"""The commands on a whole running installation: results, `--json`, exit codes, one sentence for errors."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from installed import (
    COMMAND,
    ROOT,
    Up,
    clean_environment,
    command,
    copy_of_founded,
    posthorn,
    running,
)
from PIL import Image

from backend.domain.commitments import trail_code_text
from backend.embedded.processes import wait_until
from backend.proof.bundle import read_bundle
from stamps.scan import read_codes

MODEL = "RR900001014AT"
VALID, USED, VOID, NOT_SOLD = (f"1-1-{serial:06d}" for serial in (17, 44, 131, 805))
PATIENCE_SECONDS = 30.0


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    with copy_of_founded() as data, running(data) as up:
        yield up


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """It ended with this code and said why and what to do, without a stack trace."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


# --- items ------------------------------------------------------------------------------------------
def test_two_items_bear_the_model_number_and_it_asks_which(up: Up) -> None:
    """J46: numbers are used again; at a terminal it asks, elsewhere it lists them."""
    done = up.run("trail", MODEL)
    refused(done, 3, f"2 items bear the number {MODEL}", "--newest")
    hashes = [word for word in done.stderr.replace(",", " ").split() if word.startswith("0x")]
    older = up.json("trail", hashes[1])
    newest = up.json("trail", MODEL, "--newest")
    assert (len(newest["records"]), len(older["records"])) == (9, 5)
    assert newest["item"] == hashes[0]


# --- operators --------------------------------------------------------------------------------------
def test_operator_is_admitted_and_its_first_stamp_sold(up: Up, tmp_path: Path) -> None:
    """From nothing: the commands and calls of docs/operations.md."""
    for _ in range(2):  # what is done is not done again
        assert up.json("operator", "admit", "7", "Tyrol Post")["operator"] == 7
    admin = up.json("token", "create", "admin")["token"]
    art = {"title": "Departure", "quantity": 50, "motif": "departure"}
    inks = {"ink": "#1B3A66", "tint": "#F3C9A2", "accent": "#9B2335"}
    metadata = {"title": "Horns", "operator": "Tyrol Post", "year": 2026, "face_value": "EUR 3.00"}
    metadata |= {"seed": "horns", "varieties": [art | inks]}
    edition = {"edition": "7-1", "title": "Horns", "quantity": 50, "face_value": 300}
    edition |= {"currency": "EUR", "first_day": 1_767_225_600, "metadata": metadata}
    custodian = {"custodian": "7-1", "kind": "counter", "place": "AT602000", "name": "Counter"}
    for path, body in (("/v1/custodians", custodian), ("/v1/editions", edition)):
        assert asked(up, "POST", path, admin, body) == 202
    assert wait_until(lambda: asked(up, "GET", "/v1/editions/7-1", admin) == 200, PATIENCE_SECONDS)
    assert wait_until(lambda: "7-1" in up.run("custodians").stdout, PATIENCE_SECONDS)
    sheet = str(tmp_path / "first.pdf")
    sold = ("stamps", "issue", "--edition", "7-1", "--count", "1", "--at", "7-1", "--sheet", sheet)
    assert up.json(*sold, "--confirm", "all")["sold"] == 1


def asked(up: Up, method: str, path: str, token: str, body: Any = None) -> int:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with closing(HTTPConnection("127.0.0.1", up.port)) as connection:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        return connection.getresponse().status


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("1", "Another Post"), 1, "Operator 1 is Arlberg Post. Take another number."),
        (("0", "Post"), 2, "greater than or equal to 1"),
        (("65536", "Post"), 2, "less than or equal to 65535"),
        (("8", " "), 1, "A name has 1 to 80 characters"),
        (("8", "Post", "--as", "clerk 1"), 1, "'clerk 1' is no administrator here."),
    ],
)
def test_operator_that_cannot_be_admitted_is_refused(
    up: Up, arguments: tuple[str, ...], code: int, word: str
) -> None:
    refused(up.run("operator", "admit", *arguments), code, word)


def test_trail_of_a_letter_shows_the_moves_of_its_bag(up: Up) -> None:
    """C7: under the stay, and which seal the bag bore."""
    said = up.run("trail", "RR900001252AT").stdout
    assert "inferred, not seen" in said
    assert "       · " in said
    assert "Innsbruck exchange to Zürich exchange" in said
    assert "plastic seal AT 4711093" in up.run("trail", "ATINNACHZRHAAUN60009001001").stdout
    record = up.json("trail", "RR900001252AT")["records"][4]
    assert record["carried"] == ["Innsbruck exchange to Zürich exchange"]


@pytest.mark.parametrize(
    ("number", "record", "said"),
    [
        (
            "CP900001031AT",
            5,
            "[reservation: given sound, found wet and crushed; key of operator: both]",
        ),
        ("CP900001045AT", 5, "[corrects record 1; key of operator]"),
        ("RR900001120AT", 1, "[recorded at DAY, 17:42 UTC]"),
        ("RR900001120AT", 2, "[key of operator: receiver]"),
    ],
)
def test_trail_says_what_its_flags_are_about(up: Up, number: str, record: int, said: str) -> None:
    """Conditions, the corrected record, the record time where it is late, whose key the operator holds."""
    lines = up.run("trail", number).stdout.splitlines()
    (line,) = (line for line in lines if line.startswith(f"{record:>3}  "))
    assert re.sub(r"[0-9]+ [A-Z][a-z]+ 20[0-9]{2}", "DAY", line).endswith(said)


def test_trail_as_json_has_conditions_sides_and_the_corrected_record(up: Up) -> None:
    """Written as in the API: custodians by number, codes by name."""
    reserved = up.json("trail", "CP900001031AT")["records"][4]
    assert (reserved["given"], reserved["found"]) == ("sound", "wet_and_crushed")
    assert (reserved["at"], reserved["to"]) == ("1-6", "2-7")
    assert (reserved["key_holder"], reserved["receiver_key_holder"]) == ("operator", "operator")
    assert reserved["corrects"] is None
    corrected = up.json("trail", "CP900001045AT")["records"][4]
    assert (corrected["corrects"], corrected["given"]) == (1, None)
    late = up.json("trail", "RR900001120AT")["records"]
    assert late[0]["record_time"] - late[0]["event_time"] > 3_600
    assert (late[1]["key_holder"], late[1]["receiver_key_holder"]) == ("device", "operator")


def test_proof_of_the_model_item_holds_and_asks_no_posthorn_server(up: Up, tmp_path: Path) -> None:
    """The terminal of the first two minutes."""
    file = tmp_path / "p.json"
    made = up.run("prove", MODEL, "--newest", "--out", file)
    assert made.stdout.startswith(f"{file}: 9 records, 17 signatures, as of block ")
    checked = command("check", file, "--rpc", up.rpc_url)
    assert checked.returncode == 0, checked.stderr
    head, block = checked.stdout.split(", block ")
    assert head == "holds: 9 records, 17 signatures, 3 stamps"
    said, network = block.split(". ", 1)[1].splitlines()
    assert said == "No Posthorn server was asked. Answerable: nobody, delivered."
    address = json.loads(command("check", file, "--rpc", up.rpc_url, "--json").stdout)["network"]
    assert network.startswith(f"The network is {address}. Anybody can deploy one")
    known = command("check", file, "--rpc", up.rpc_url, "--network", address)
    assert (known.returncode, len(known.stdout.splitlines())) == (0, 1)


def test_a_changed_byte_a_wrong_file_and_a_silent_node_are_three_things(
    up: Up, tmp_path: Path
) -> None:
    file = tmp_path / "p.json"
    up.json("prove", MODEL, "--newest", "--out", file, "--open")
    raw = file.read_bytes()
    assert read_bundle(raw).opening is not None
    changed = bytearray(raw)
    changed[len(raw) // 2] ^= 1
    (tmp_path / "changed.json").write_bytes(changed)
    refused(command("check", tmp_path / "changed.json", "--rpc", up.rpc_url), 1, "checksum")
    refused(command("check", tmp_path / "none.json", "--rpc", up.rpc_url), 2, "There is no file")
    refused(command("check", file, "--rpc", "http://127.0.0.1:1"), 2, "No node answers at", "--rpc")
    refused(command("check", file, "--rpc", "foo"), 2, "foo is no address of a node")
    refused(command("check", tmp_path, "--rpc", up.rpc_url), 2, "is a folder")
    refused(command("check", ROOT / "README.md", "--rpc", up.rpc_url), 2, "is no proof bundle")
    refused(command("check", ROOT / "package.json", "--rpc", up.rpc_url), 2, "is no proof bundle")
    network = "0x" + read_bundle(raw).deployment.network.hex()
    assert command("check", file, "--rpc", up.rpc_url, "--network", network).returncode == 0
    refused(command("check", file, "--rpc", up.rpc_url, "--network", "0x" + "1" * 40), 1, network)


def test_what_a_label_shows_opens_its_trail(up: Up, tmp_path: Path) -> None:
    """The code as it is typed, and the address that a phone's camera reads."""
    address = up.run("label", MODEL, "--newest").stdout.strip()
    code = up.json("label", MODEL, "--newest")["trail_code"]
    assert address == f"http://127.0.0.1:{up.port}/T/{code}"
    with urlopen(address) as page:
        assert MODEL in page.read().decode()
    file = tmp_path / "p.json"
    up.json("prove", MODEL, "--newest", "--out", file, "--open")
    opening = read_bundle(file.read_bytes()).opening
    assert opening is not None
    assert code == trail_code_text(opening.trail_code)
    for shown in (code, f"http://127.0.0.1:{up.port}/T/{code}", f"HTTPS://POST.EXAMPLE/T/{code}/"):
        assert up.json("trail", shown)["number"] == MODEL
    other = code[:-1] + ("7" if code[-1] != "7" else "8")
    refused(up.run("trail", f"http://post.example/T/{other}"), 1, "No label of this post bears")
    refused(up.run("trail", "http://post.example/T/123"), 1, "This is no label's code")


def test_trail_of_a_stamp_is_its_verdict(up: Up) -> None:
    refused(up.run("trail", VALID), 1, f"posthorn verify {VALID} --data")
    refused(up.run("trail", "http://post.example/S/ABC"), 1, "stamp's code", "posthorn verify")


def test_part_of_a_bundle_refutes_nothing(up: Up, tmp_path: Path) -> None:
    """Exit code 1 would say that its trail was refuted."""
    file, cut, trusted = (tmp_path / name for name in ("p.json", "cut.json", "trust.json"))
    up.json("prove", MODEL, "--newest", "--out", file)
    up.json("trustlist", "--out", trusted)
    for content in (file.read_bytes()[:5_000], b'{"body":{},"sha":1}\n', b'{"body":[],"sha256":1}'):
        cut.write_bytes(content)
        refused(command("check", cut, "--rpc", up.rpc_url), 2, "is no proof bundle", "anew")
    refused(command("check", trusted, "--rpc", up.rpc_url), 2, "of the format")
    refused(command("verify", "x", "--offline", cut), 2, "is no trust list")
    refused(command("verify", "x", "--offline", file), 2, "of the format")
    refused(command("check", "/dev/null", "--rpc", up.rpc_url), 2, "is no proof bundle")


def test_bundle_is_read_from_a_pipe(up: Up, tmp_path: Path) -> None:
    """As `check <(cat p.json)` and `cat p.json | check /dev/stdin` give it."""
    file, pipe = tmp_path / "p.json", tmp_path / "pipe"
    up.json("prove", MODEL, "--newest", "--out", file)
    os.mkfifo(pipe)
    with subprocess.Popen(["cp", str(file), str(pipe)]) as writing:
        said = command("check", pipe, "--rpc", up.rpc_url).stdout
        writing.kill()  # it waits for ever where nobody reads
    assert said.startswith("holds: ")
    with file.open("rb") as given:
        words = [*COMMAND, "check", "/dev/stdin", "--rpc", up.rpc_url]
        assert subprocess.run(words, stdin=given, cwd=ROOT, timeout=60).returncode == 0


def test_unknown_items_and_folders_where_nothing_runs_are_said(up: Up, tmp_path: Path) -> None:
    refused(up.run("trail", "RR473124829AT"), 1, "No item bears the number RR473124829AT")
    refused(up.run("trail", "0x" + "0" * 64), 1, "Check what was typed")
    mistyped = up.run("trail", "CP900001032AT")
    refused(mistyped, 1, "scan again or type the number anew.\n")
    refused(command("trail", MODEL, "--data", tmp_path), 2, "does not run in", "posthorn up")


def test_commands_that_errors_name_can_be_copied(up: Up) -> None:
    """With the program as it was called and the folder that was named, but where a command takes none."""
    called = f"posthorn user list --data {up.data}`"
    refused(up.run("user", "disable", "nobody"), 1, called)
    done = up.run("trail", "RR473124829AT")
    refused(done, 1, "posthorn s10`")


def test_an_error_is_json_where_json_was_asked_for(up: Up) -> None:
    done = up.run("trail", "RR473124829AT", "--json")
    assert json.loads(done.stdout)["error"] == "NotFound"


@pytest.mark.parametrize(
    ("number", "code"), [("RR473124829AT", 0), ("RR473124828AT", 1), ("RR123456785ZZ", 1), ("7", 1)]
)
def test_s10_numbers_are_checked(number: str, code: int) -> None:
    done = command("s10", number)
    assert done.returncode == code
    assert (done.stdout if code == 0 else done.stderr).count("\n") == 1


# --- stamps -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("number", "use"), [(VALID, "valid"), (USED, "used"), (VOID, "void"), (NOT_SOLD, "not_sold")]
)
def test_verify_says_where_a_stamp_stands(up: Up, number: str, use: str) -> None:
    assert up.json("verify", number)["use"] == use


def test_number_of_an_item_is_no_stamp_and_said_to_be_one(up: Up) -> None:
    done = up.run("verify", "RR900001014AT")
    assert (done.returncode, "This is a parcel’s number." in done.stdout) == (2, True)
    assert f"posthorn trail RR900001014AT --data {up.data}` shows its trail" in done.stdout
    offline = up.run("verify", "RR900001014AT", "--offline", "none.json")
    refused(offline, 2, "This is a parcel's number", "posthorn trail RR900001014AT")


def test_number_of_a_stamp_cannot_be_checked_offline(up: Up) -> None:
    refused(command("verify", VALID, "--offline", "none.json"), 2, "A number alone", "whole code")


@pytest.mark.parametrize("name", ["nix.png", "./nix.JPEG", "some/where/nix.pdf"])
def test_picture_that_is_not_there_is_no_unreadable_code(up: Up, name: str) -> None:
    refused(up.run("verify", name), 2, f"There is no file named {name}")


def test_a_sold_sheet_reads_back_and_its_stamps_become_valid(up: Up, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.pdf"
    words = ("stamps", "issue", "--edition", "1-1", "--count", 3, "--sheet", sheet, "--at", "1-1")
    job = up.json(*words)
    assert (job["confirmed"], sheet.read_bytes()[:5]) == (False, b"%PDF-")
    first = job["first"]
    sold = up.json("stamps", "confirm", job["job"], f"{first},{first + 2}")
    assert (sold["sold"], sold["spoilt"]) == (2, 1)
    good, spoilt = f"1-1-{first:06d}", f"1-1-{first + 1:06d}"
    assert wait_until(lambda: up.json("verify", good)["use"] == "valid", PATIENCE_SECONDS)
    assert up.json("verify", spoilt)["use"] == "void"
    refused(up.run("stamps", "confirm", job["job"], "all"), 1, "finished")
    refused(up.run("stamps", "confirm", 999, "all"), 1, "no print job 999")


def test_the_command_that_ends_a_sale_can_be_copied_as_it_stands(up: Up, tmp_path: Path) -> None:
    """With the folder and the person of the sale; no `|` in it, which a shell would take for a pipe."""
    sheet = tmp_path / "one.pdf"
    words = ("--edition", "1-1", "--count", 1, "--sheet", sheet, "--at", "1-1", "--as", "clerk 1")
    done = up.run("stamps", "issue", *words)
    assert re.fullmatch(r".*one.pdf: 1 stamp of 1-1, serial [0-9]+\.\n", done.stderr)
    asked, copied = done.stdout.splitlines()
    assert asked.startswith("Not sold yet.")
    program, *arguments = shlex.split(copied)
    assert Path(program).name == "posthorn"
    assert arguments[-4:] == ["--as", "clerk 1", "--data", str(up.data)]
    stranger = up.run("stamps", "confirm", arguments[2], "999999")
    (named,) = re.findall("`(.*?)`", stranger.stderr)
    assert shlex.split(named)[1:4] == ["stamps", "confirm", arguments[2]]
    assert command(*arguments).stdout.startswith("1 sold, 0 void.")


def test_a_sheet_takes_no_other_files_place(up: Up, tmp_path: Path) -> None:
    """Before stamps are taken from stock: an older sheet may be all that there is of its claim codes."""
    older, nowhere = tmp_path / "older.pdf", tmp_path / "none" / "sheet.pdf"
    older.write_text("the only one")
    words = ("stamps", "issue", "--edition", "1-1", "--count", 2, "--at", "1-1", "--sheet")
    before = up.json(*words, tmp_path / "before.pdf")
    refused(up.run(*words, older), 2, "older.pdf is there already", "another file")
    refused(up.run(*words, nowhere), 2, "There is no folder")
    assert older.read_text() == "the only one"
    assert up.json(*words, tmp_path / "after.pdf")["first"] == before["last"] + 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--edition", "1-9", "--count", "1"), 1),
        (("--edition", "one", "--count", "1"), 2),
        (("--edition", "1-1", "--count", "0"), 2),
        (("--edition", "1-1", "--count", "100000"), 1),
        (("--edition", "1-1", "--count", "1", "--at", "2-10"), 1),
        (("--edition", "1-1", "--count", "1", "--as", "nobody"), 1),
    ],
)
def test_what_cannot_be_sold_is_said(
    up: Up, tmp_path: Path, words: tuple[str, ...], code: int
) -> None:
    done = up.run("stamps", "issue", *words, "--sheet", tmp_path / "sheet.pdf")
    refused(done, code)
    assert not (tmp_path / "sheet.pdf").exists()


def test_pictures_of_a_stamp_verify_with_and_without_the_server(up: Up, tmp_path: Path) -> None:
    """design.md §1, point 1: one printed code, verifiable offline and resolved live."""
    picture, drawing, trusted = (tmp_path / name for name in ("17.png", "17.svg", "trust.json"))
    assert up.run("stamps", "render", VALID, "--out", picture).returncode == 0
    assert up.run("stamps", "render", VALID, "--out", drawing).returncode == 0
    assert drawing.read_text().startswith("<svg")
    assert up.run("verify", picture).returncode == 0
    up.json("trustlist", "--out", trusted)
    offline = command("verify", picture, "--offline", trusted)
    assert offline.returncode == 0
    assert offline.stdout.startswith(f"{VALID}: issued by Arlberg Post, sold on ")
    (code,) = read_codes(picture)
    forged = code[:-30] + ("7" if code[-30] != "7" else "8") + code[-29:]
    for done in (up.run("verify", forged), command("verify", forged, "--offline", trusted)):
        assert done.returncode == 1
    Image.new("L", (300, 300), 255).save(tmp_path / "white.png")
    refused(up.run("verify", tmp_path / "white.png"), 2, "no code")
    assert command("verify", "hello", "--offline", trusted).returncode == 2
    refused(up.run("stamps", "render", VALID, "--out", tmp_path / "17.gif"), 2, ".png")
    refused(up.run("stamps", "render", "1-9-000001", "--out", picture), 1)


# --- people -----------------------------------------------------------------------------------------
def test_people_come_change_and_go(up: Up) -> None:
    """J11: what they recorded stays theirs."""
    added = up.json("user", "add", "clerk 9", "--at", "1-1")
    assert added["link"].startswith(f"http://127.0.0.1:{up.port}/in/")
    token = up.json("token", "create", "clerk 9", "--label", "till")["token"]
    assert len(token) > 30
    up.json("user", "add", "clerk 9", "--role", "auditor")
    up.json("user", "disable", "clerk 9")
    assert person_named(up, "clerk 9") == {
        "name": "clerk 9",
        "role": "auditor",
        "custodians": [],
        "pin": False,
        "disabled": True,
    }
    refused(up.run("token", "create", "clerk 9"), 1, "disabled")
    refused(up.run("user", "disable", "somebody"), 1, "user list")
    refused(up.run("user", "add", "x", "--role", "king"), 2, "clerk, auditor, admin")
    refused(up.run("user", "add", "x", "--at", "here"), 2, "1-5")
    for name in ("", "a\u202eb", "a\u200bb", "x" * 101):
        refused(up.run("user", "add", name), 1, "characters that can be seen")


def person_named(up: Up, name: str) -> dict[str, Any]:
    people: list[dict[str, Any]] = up.json("user", "list")["people"]
    return next(person for person in people if person["name"] == name)


@pytest.mark.parametrize(
    ("role", "at", "custodians"),
    [("admin", (), []), ("auditor", (), []), ("clerk", ("--at", "1-1"), ["1-1"])],
)
def test_another_link_leaves_role_and_custodians_as_they_are(
    up: Up, role: str, at: tuple[str, ...], custodians: list[str]
) -> None:
    """Pages tell who has lost its link to have `user add NAME` typed."""
    name = f"known {role}"
    first = up.json("user", "add", name, "--role", role, *at)
    again = up.json("user", "add", name)
    assert (again["role"], again["custodians"]) == (role, custodians)
    assert again["link"] != first["link"]
    assert person_named(up, name)["role"] == role
    assert "nothing changes" in up.run("user", "add", name).stdout


def test_who_becomes_an_auditor_works_nowhere(up: Up) -> None:
    up.json("user", "add", "clerk 11", "--at", "1-1")
    changed = up.run("user", "add", "clerk 11", "--role", "auditor").stdout
    assert "role auditor instead of clerk, at nowhere instead of 1-1" in changed
    assert person_named(up, "clerk 11")["custodians"] == []
    refused(up.run("user", "add", "clerk 11", "--at", "1-1"), 1, "works at no custodian")
    assert up.json("user", "add", "clerk 11", "--role", "clerk", "--at", "1-1")["role"] == "clerk"


def test_people_work_where_there_is_a_custodian(up: Up) -> None:
    refused(up.run("user", "add", "x", "--at", "9-9"), 1, "no custodian 9-9", "posthorn custodians")
    listed = {one["number"]: one for one in up.json("custodians", "--operator", "1")["custodians"]}
    assert all(number.startswith("1-") for number in listed)
    assert (listed["1-1"]["kind"], listed["1-1"]["can_sign"]) == ("counter", True)
    assert "to sign lapsed on" in listed["1-2"]["why"]
    assert (
        "1-1      AT602001 Innsbruck 1, counter 1 (counter, Arlberg Post)"
        in up.run("custodians").stdout
    )
    refused(up.run("user", "add", "x"), 1, "A clerk works at one custodian at least", "--at")
    refused(up.run("user", "disable", "x"), 1, "Nobody is called")  # nothing half done is kept


def test_what_changes_for_somebody_who_was_there_is_said(up: Up) -> None:
    up.json("user", "add", "clerk 10", "--at", "1-1")
    again = up.run("user", "add", "clerk 10", "--at", "1-1")
    assert "was there already; nothing changes" in again.stdout
    up.json("user", "disable", "clerk 10")
    changed = up.run("user", "add", "clerk 10", "--role", "admin", "--at", "1-2")
    for words in ("role admin instead of clerk", "at 1-2 instead of 1-1", "enabled again"):
        assert words in changed.stdout


# --- upkeep -----------------------------------------------------------------------------------------
def test_status_rebuild_and_fsck_agree(up: Up) -> None:
    """B1: the read model is dropped and made again; nothing differs from the contracts."""
    before = up.json("trail", "CP900001059AT")
    assert up.json("rebuild")["logs"] > 300
    assert up.json("trail", "CP900001059AT") == before
    assert up.json("fsck")["differences"] == []
    status = up.json("status")
    assert status["alarms"] == []
    assert status["as_of"]["block"] == status["head"]
    assert "final" in up.run("status").stdout


def test_the_second_look_and_the_digests_find_nothing_on_a_fresh_installation(
    up: Up, tmp_path: Path
) -> None:
    """The demonstration tells fourteen months: two days of them have fewer logs than all."""
    recent, everything = up.json("second-look"), up.json("second-look", "--all")
    assert (recent["differences"], everything["differences"]) == ([], [])
    assert 0 < recent["logs"] < everything["logs"]
    assert "nothing differs" in up.run("second-look", "--days", "1").stdout
    theirs = tmp_path / "theirs.json"
    printed = up.run("digests", "--span", "0", "--json").stdout
    theirs.write_text(printed)
    assert "Nothing differs" in up.run("digests", "--span", "0", "--against", theirs).stdout
    changed = json.loads(printed)
    changed["digests"][7]["logs"] += 1
    theirs.write_text(json.dumps(changed))
    other = up.run("digests", "--span", "0", "--against", theirs)
    assert (other.returncode, other.stdout) == (1, "Block 7 differs.\n")
    refused(up.run("digests", "--against", tmp_path / "none.json"), 2, "holds no digests")


def test_the_server_can_lie_and_the_proof_cannot(up: Up, tmp_path: Path) -> None:
    """`demo lie` changes what this server says; a bundle is made of what the chain says."""

    def said() -> int:
        time_: int = up.json("trail", MODEL, "--newest")["records"][4]["event_time"]
        return time_

    true = said()
    up.json("demo", "lie")
    up.json("demo", "truth")
    told, look, _, copied = up.run("demo", "lie").stdout.splitlines()
    with urlopen(look.rpartition(" ")[2]) as page:
        assert 'id="record-5"' in page.read().decode()
    assert command(*shlex.split(copied)[1:]).stdout.startswith("event time of record 5 of item")
    assert told.startswith(f"{MODEL}, record 5: ")
    assert said() == true + 7_200
    refused(up.run("demo", "lie"), 1, "demo truth")
    fsck = up.run("fsck", "--json")
    assert fsck.returncode == 1
    found = {(d["what"], d["record"]) for d in json.loads(fsck.stdout)["differences"]}
    assert found == {("event_time of record", 5), ("received_at of record", 5)}
    (line,) = (line for line in up.run("fsck").stdout.splitlines() if "event time" in line)
    assert re.fullmatch(r"event time of record 5 of item 0x\w{64}: .* 01:50:00 UTC here, .*", line)
    assert line.endswith(" 23:50:00 UTC on the chain")
    file = tmp_path / "p.json"
    up.json("prove", MODEL, "--newest", "--out", file)
    assert command("check", file, "--rpc", up.rpc_url).returncode == 0
    up.json("demo", "truth")
    assert said() == true
    refused(up.run("demo", "truth"), 1, "demo lie")


# --- the program ------------------------------------------------------------------------------------
def test_help_is_there_at_once_and_names_every_command() -> None:
    done = posthorn("--help")
    assert done.returncode == 0
    for name in ("up", "import", "verify", "prove", "check", "fsck", "stamps", "user"):
        assert f"\n  {name} " in done.stdout
    assert posthorn("nonsense").returncode == 2


def test_unknown_settings_are_refused_and_the_known_ones_named() -> None:
    done = command("serve", POSTHORN_PROT="8000")
    refused(done, 2, "POSTHORN_PROT is unknown", "POSTHORN_PORT")


def test_a_database_that_is_away_is_said(tmp_path: Path) -> None:
    url = "postgresql://nobody@127.0.0.1:1/none"
    done = command("status", "--data", tmp_path, POSTHORN_DATABASE_URL=url)
    refused(done, 2, "database does not answer")


def test_deeply_nested_json_does_not_end_the_server(up: Up) -> None:
    """A library raises Python's recursion limit; the C stack is as deep as before."""
    connection = HTTPConnection("127.0.0.1", up.port, timeout=10)
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/v1/verify", "[" * 90_000, headers)
    assert connection.getresponse().status == 400
    connection.close()


def test_workers_stop_when_told(up: Up) -> None:
    """Production processes by POSTHORN_* settings: several of each may run (B6)."""
    facts = up.facts
    environment = {
        "POSTHORN_DATA": str(up.data),
        "POSTHORN_DATABASE_URL": facts["database_url"],
        "POSTHORN_RPC_URLS": ",".join(facts["rpc_urls"]),
    }
    for worker in ("send", "index"):
        said = up.data.parent / worker
        with said.open("w") as log:
            process = subprocess.Popen(
                [*COMMAND, worker], env=clean_environment() | environment, cwd=ROOT, stderr=log
            )
        assert wait_until(lambda file=said: "_started" in file.read_text(), PATIENCE_SECONDS)
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0


# --- web hooks --------------------------------------------------------------------------------------
def test_web_hooks_are_added_switched_tried_and_removed(up: Up) -> None:
    """Its name leads nowhere, so nothing is told; `up` looks after hooks itself."""
    made = up.json("hook", "add", "https://receiver.invalid/told", "--operator", "1")
    number = made["hook"]
    assert made["secret"].startswith("whsec_")
    assert made["secret"] not in up.run("hook", "list", "--json").stdout
    assert "hook 1 is off" in up.run("hook", "off", number).stdout
    assert "1: off, " in up.run("hook", "list").stdout
    assert up.json("hook", "on", number)["state"] == "on"
    tried = up.run("hook", "test", number)
    assert (tried.returncode, tried.stdout) == (1, "Not taken: its host's name leads nowhere.\n")
    assert "web hooks: 1 on, 0 failing, 0 disabled" in up.run("status").stdout
    assert up.json("hook", "remove", number)["removed"]
    assert up.run("hook", "list").stdout == "None yet.\n"


def test_a_web_hook_that_may_not_be_or_is_not_there_is_refused(up: Up) -> None:
    port = up.rpc_url.rpartition(":")[2]
    own = f"https://receiver.example:{port}/"
    refused(up.run("hook", "add", own, "--operator", "1"), 1, "Posthorn's own")
    refused(up.run("hook", "add", "https://a.example/", "--operator", "9"), 1, "no operator 9")
    for what in ("on", "off", "test", "remove"):
        for number in ("77", "99999999999"):
            refused(up.run("hook", what, number), 1, f"is no web hook {number}", "hook list")
