"""Wrong words on the command line: each ends with one sentence and its exit code, never with a stack trace."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from installed import command

from backend.domain.ids import edition_number
from backend.proof.trust_list import BlockTime, TrustList, write_trust_list
from stamps.payload import Network, encode, make

CSV = "item,event,facility,time\nRR473124829AT,acceptance,1-1,2026-11-22T10:00:00Z\n"
ESCAPE = "\x1b[2J\x9b31m\u202e"


def said(done: subprocess.CompletedProcess[str], code: int) -> str:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "went wrong that should not have" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("import", "."), "There is no file ."),
        (("stamps", "confirm", "99999999999", "all"), "JOB"),
        (("token", "create", "anna", "--days", "99999999"), "--days"),
        (("stamps", "render", "1-1-000001", "--out", "x.png", "--dpi", "100000"), "--dpi"),
        (("verify", "A" * 300), "does not run"),
    ],
)
def test_impossible_word_is_named(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    assert words in said(command(*arguments, "--data", tmp_path), 2)


def test_report_that_cannot_be_written_is_said_before_a_line_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "parcels.csv"
    file.write_text(CSV)
    done = command("import", file, "--report", "/nonexistent/x.csv", "--data", tmp_path)
    assert "The report /nonexistent/x.csv cannot be written" in said(done, 2)


def test_auditor_is_added_at_no_custodian(tmp_path: Path) -> None:
    """B9: it records nothing."""
    done = command("user", "add", "anna", "--role", "auditor", "--at", "1-1", "--data", tmp_path)
    assert "An auditor records nothing" in said(done, 1)


@pytest.mark.parametrize("port", ["port", "99999", "-1"])
def test_database_with_a_port_that_is_none_is_a_wrong_setting(port: str, tmp_path: Path) -> None:
    url = f"postgresql://nobody@127.0.0.1:{port}/none"
    done = command("status", "--data", tmp_path, POSTHORN_DATABASE_URL=url)
    assert "POSTHORN_DATABASE_URL" in said(done, 2)


@pytest.mark.parametrize("url", ["https://post.example /", "https://po st.example", "https://a\tb"])
def test_public_url_with_a_blank_is_a_wrong_setting(url: str, tmp_path: Path) -> None:
    done = command("status", "--data", tmp_path, POSTHORN_PUBLIC_URL=url)
    assert "POSTHORN_PUBLIC_URL" in said(done, 2)


def test_trust_list_of_a_time_that_no_calendar_has_is_read(tmp_path: Path) -> None:
    from coincurve import PrivateKey

    from backend.keystore import sign_compact
    from backend.proof.trust_list import TrustedOperator, TrustedSigner
    from stamps.payload import address

    key, network = PrivateKey(b"\x11" * 32), Network(0, 31337, b"\x22" * 20)
    signer = TrustedSigner(address(key.public_key), 0, 0)
    operator = TrustedOperator(1, f"Post{ESCAPE}", (signer,))
    as_of = BlockTime(7, b"\x33" * 32, 2**40 - 1)
    file = tmp_path / "list.json"
    file.write_bytes(
        write_trust_list(TrustList(31337, network.contract, 0, as_of, (operator,), ()))
    )
    stamp = edition_number(1, 1) << 32 | 17
    code = encode(make(stamp, network, lambda digest: sign_compact(key, digest)))
    done = command("verify", code, "--offline", file)
    assert said(done, 0) == ""
    assert "not sold by far in the future" in done.stdout
    # A list is anybody's: what it calls its posts moves no cursor and turns no line around.
    assert not set(done.stdout) & set("\x1b\x9b\u202e")
    raw = command("verify", code, "--offline", file, "--json").stdout
    assert not set(raw) & set("\x1b\x9b\u202e")
    assert '"issuer": "Post\\u001b[2J\\u009b31m\\u202e"' in raw


def test_file_of_one_endless_text_is_no_bundle_and_takes_little_memory(tmp_path: Path) -> None:
    file = tmp_path / "bundle.json"
    for content in (b'"' + b"a" * 20_000_000, b'"' + b'\\"' * 5_000_000):
        file.write_bytes(content)
        checked = (
            "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (1 << 30,) * 2);"
            "sys.argv = ['posthorn', 'check', sys.argv[1], '--rpc', 'http://127.0.0.1:1'];"
            "from backend.cli.app import run; run()"
        )
        done = subprocess.run(
            [sys.executable, "-c", checked, file], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 2, done.stderr
        assert "is no proof bundle" in done.stderr
