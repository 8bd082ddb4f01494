"""The claim code: a secret that survives typing, and keys that follow from nothing else."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from eth_account import Account
from eth_hash.auto import keccak
from hypothesis import assume, given
from hypothesis import strategies as st

from stamps import base32, claim
from stamps.errors import BadClaimCode
from tests.unit.stamps.stamp_vectors import FILE

secrets = st.binary(min_size=16, max_size=16)
STAMP = 1 << 48 | 1 << 32 | 17


def test_secret_and_key_follow_the_published_derivation() -> None:
    """docs/stamp-format.md, computed here by hand from the vectors."""
    vectors = json.loads(FILE.read_text())
    seed = bytes.fromhex(vectors["seed"][2:])
    for vector in vectors["claim_codes"]:
        stamp = int(vector["stamp"]).to_bytes(8, "big")
        secret = hmac.digest(seed, b"posthorn.claim.secret.1" + stamp, hashlib.sha256)[:16]
        assert secret.hex() == vector["secret"][2:]
        material = keccak(b"posthorn.claim.key.1" + stamp + secret)
        key = int.from_bytes(material, "big") % (claim.CURVE_ORDER - 1) + 1
        assert key.to_bytes(32, "big").hex() == vector["claim_key"][2:]
        assert Account.from_key(key.to_bytes(32, "big")).address.lower() == vector["claim_address"]


@given(secrets)
def test_reads_back_however_it_is_typed(secret: bytes) -> None:
    text = claim.claim_text(secret)
    assert len(text) == 34
    assert text.count("-") == 6
    variants = (text, text.lower(), text.replace("-", ""), text.replace("-", " "))
    for typed in (*variants, text.replace("0", "O").replace("1", "l"), f"\t{text}\n"):
        assert claim.parse_claim(typed) == secret


@given(secrets, st.data())
def test_finds_one_or_two_wrong_characters(secret: bytes, data: st.DataObject) -> None:
    letters = list(claim.claim_text(secret).replace("-", ""))
    places = data.draw(st.sets(st.integers(0, 27), min_size=1, max_size=2))
    for place in places:
        others = base32.ALPHABET.replace(letters[place], "")
        letters[place] = data.draw(st.sampled_from(others))
    with pytest.raises(BadClaimCode, match="not what was printed"):
        claim.parse_claim("".join(letters))


@given(secrets, st.integers(0, 26))
def test_finds_two_neighbours_exchanged(secret: bytes, place: int) -> None:
    letters = list(claim.claim_text(secret).replace("-", ""))
    assume(letters[place] != letters[place + 1])
    letters[place], letters[place + 1] = letters[place + 1], letters[place]
    with pytest.raises(BadClaimCode):
        claim.parse_claim("".join(letters))


def test_a_secret_has_one_spelling() -> None:
    """More than 128 bits are refused even when the check symbols fit."""
    letters = "Z" * 26
    with pytest.raises(BadClaimCode, match="more than 128 bits"):
        claim.parse_claim(letters + base32.check_symbols(letters))


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "0 characters, a claim code has 28"),
        ("0000-0000", "8 characters"),
        ("U" * 28, "character 1 is 'U'"),
    ],
)
def test_says_what_is_wrong(typed: str, says: str) -> None:
    with pytest.raises(BadClaimCode, match=says):
        claim.parse_claim(typed)


@given(secrets)
def test_the_url_carries_the_secret_behind_the_hash_only(secret: bytes) -> None:
    """What stands behind # is never sent to a server."""
    url = claim.claim_url("post.example", STAMP, secret)
    sent, _, kept = url.partition("#")
    assert sent == "HTTPS://POST.EXAMPLE/C/1-1-000017"
    assert kept == claim.claim_text(secret).replace("-", "")
    assert claim.parse_claim(url) == secret


def test_one_secret_gives_every_stamp_another_key() -> None:
    secret = bytes(16)
    assert claim.claim_address(secret, STAMP) != claim.claim_address(secret, STAMP + 1)


def test_one_seed_gives_every_stamp_another_secret() -> None:
    seed = bytes(32)
    assert len({claim.claim_secret(seed, STAMP + serial) for serial in range(1000)}) == 1000


def test_a_seed_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes, this one 16"):
        claim.claim_secret(bytes(16), STAMP)
