"""Keys are made once, for a new installation; whoever opens them makes none."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.errors import Unavailable
from backend.house import check_keys
from backend.key_files import PASSPHRASE, SEED, KeysLost, OtherKeys
from backend.keystore import Keystore, SealedSeeds, make_keystore, open_keystore


def test_opening_makes_no_keys(tmp_path: Path) -> None:
    with pytest.raises(
        KeysLost, match=r"missing: no .*seed\.json\. Nothing was changed: restore keys/"
    ):
        open_keystore(tmp_path / "keys", None)
    assert not (tmp_path / "keys").exists()


def test_keys_once_made_are_opened_and_not_made_anew(tmp_path: Path) -> None:
    made = make_keystore(tmp_path, None)
    for again in (open_keystore(tmp_path, None), make_keystore(tmp_path, None)):
        assert again.address("governor") == made.address("governor")


def test_a_lost_passphrase_is_said_to_be_lost_and_none_is_made(tmp_path: Path) -> None:
    make_keystore(tmp_path, None)
    words = (tmp_path / PASSPHRASE).read_text()
    (tmp_path / PASSPHRASE).unlink()
    for attempt in (open_keystore, make_keystore):
        with pytest.raises(KeysLost, match="passphrase of the keys is missing"):
            attempt(tmp_path, None)
    assert not (tmp_path / PASSPHRASE).exists()
    assert open_keystore(tmp_path, words).address("governor")


def test_a_seed_of_which_sealed_claim_codes_are_left_is_not_replaced(tmp_path: Path) -> None:
    SealedSeeds(tmp_path, make_keystore(tmp_path, None)).make(1, 1)
    (tmp_path / SEED).unlink()
    with pytest.raises(KeysLost):
        make_keystore(tmp_path, None)
    assert not (tmp_path / SEED).exists()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"crypto": {}, "version": 3}'])
def test_a_damaged_seed_is_one_sentence(tmp_path: Path, content: str) -> None:
    make_keystore(tmp_path, None)
    (tmp_path / SEED).write_text(content)
    with pytest.raises(Unavailable, match="cannot be opened"):
        open_keystore(tmp_path, None)


def test_other_keys_than_the_database_knows_are_refused() -> None:
    """A key may have sent under several addresses: one of them has to be ours."""
    ours, theirs = Keystore(bytes(32)), Keystore(bytes(31) + b"1")
    known = {"submitter/1": [theirs.address("submitter/1")]}
    check_keys(ours, {})
    check_keys(theirs, known)
    with pytest.raises(OtherKeys, match=f"submitter/1 is 0x{ours.address('submitter/1').hex()}"):
        check_keys(ours, known)
    known["submitter/1"].append(ours.address("submitter/1"))
    check_keys(ours, known)
