"""The public code (design.md §4): one spelling, one signer, one network; errors that help."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from stamps import base32, payload
from stamps.errors import BadNumber, BadPublicCode, SignatureMismatch, StampsError
from tests.unit.stamps.stamp_vectors import FILE, NETWORKS, SIGNER_KEY, make_vectors, written

NETWORK = NETWORKS[0]
SIGNER = payload.local_signer(SIGNER_KEY)
STAMP = 1 << 48 | 3 << 32 | 17
CODE = payload.make(STAMP, NETWORK, SIGNER)
ADDRESS = payload.signer_of(CODE, NETWORK)
TEXT = payload.encode(CODE)

stamps = st.builds(
    lambda operator, edition, serial: operator << 48 | edition << 32 | serial,
    st.integers(1, 0xFFFF),
    st.integers(1, 0xFFFF),
    st.integers(1, 0xFFFFFFFF),
)
keys = st.integers(1, payload.CURVE_ORDER - 1).map(lambda number: number.to_bytes(32, "big"))


def test_vectors_are_what_the_code_makes() -> None:
    assert FILE.read_text() == written(make_vectors())


def test_digest_is_eip712_as_an_independent_library_computes_it() -> None:
    for vector in json.loads(FILE.read_text())["public_codes"]:
        message = encode_typed_data(
            {
                "name": "CryptoStamp",
                "version": "1",
                "chainId": vector["chain_id"],
                "verifyingContract": vector["contract"],
            },
            {"PublicCode": [{"name": "stamp", "type": "uint64"}]},
            {"stamp": int(vector["stamp"])},
        )
        signature = bytes.fromhex(vector["signature"][2:])
        parity, s = signature[32] >> 7, bytes([signature[32] & 0x7F]) + signature[33:]
        signer = Account.recover_message(
            message, signature=signature[:32] + s + bytes([27 + parity])
        )
        assert signer.lower() == json.loads(FILE.read_text())["signer"]


@given(stamps, keys)
def test_a_code_reads_back_from_its_url_and_names_its_signer(stamp: int, key: bytes) -> None:
    code = payload.make(stamp, NETWORK, payload.local_signer(key))
    assert payload.parse(payload.url("post.example", code)) == code
    signer = payload.signer_of(code, NETWORK)
    assert signer.hex() == Account.from_key(key).address[2:].lower()


def names_the_signer(text: str) -> bool:
    try:
        return payload.signer_of(payload.parse(text), NETWORK) == ADDRESS
    except (BadPublicCode, SignatureMismatch):
        return False


def test_the_code_itself_names_its_signer() -> None:
    assert names_the_signer(TEXT)


@given(st.integers(0, payload.CODE_BYTES - 1), st.integers(1, 255))
def test_no_changed_byte_verifies(position: int, difference: int) -> None:
    raw = bytearray(base32.decode(TEXT, payload.CODE_BYTES, BadPublicCode))
    raw[position] ^= difference
    assert not names_the_signer(base32.encode(bytes(raw)))


@given(st.integers(0, len(TEXT) - 1), st.sampled_from(base32.ALPHABET))
def test_no_changed_character_verifies(position: int, character: str) -> None:
    changed = TEXT[:position] + character + TEXT[position + 1 :]
    assert names_the_signer(changed) == (changed == TEXT)


def test_a_signature_with_a_high_s_is_refused() -> None:
    """EIP-2: (r, n - s) would be a second spelling. EIP-2098 leaves room for few such s: none pass."""
    s = payload.CURVE_ORDER // 2 + 1
    changed = CODE.signature[:32] + s.to_bytes(32, "big")
    with pytest.raises(SignatureMismatch, match="s is high"):
        payload.signer_of(replace(CODE, signature=changed), NETWORK)


@pytest.mark.parametrize(
    "signature", [bytes(64), b"\xff" * 64, bytes(63), bytes(32) + b"\x01" * 32]
)
def test_bytes_that_no_key_signed_are_a_mismatch(signature: bytes) -> None:
    with pytest.raises(SignatureMismatch):
        payload.recover(bytes(32), signature)


def test_a_code_is_bound_to_chain_and_contract() -> None:
    other_chain = replace(NETWORK, chain_id=1)
    other_contract = replace(NETWORK, contract=bytes(20))
    for network in (other_chain, other_contract):
        with pytest.raises(SignatureMismatch, match="does not match"):
            payload.signer_of(CODE, network)
    with pytest.raises(SignatureMismatch, match="for network 1, not 2"):
        payload.signer_of(CODE, replace(NETWORK, alias=2))


def test_a_signer_that_signs_something_else_is_found_before_printing() -> None:
    with pytest.raises(SignatureMismatch):
        payload.make(STAMP, NETWORK, lambda digest: bytes(64))


@pytest.mark.parametrize(
    "typed",
    [
        TEXT,
        TEXT.lower(),
        TEXT.replace("0", "O").replace("1", "I"),
        TEXT.replace("0", "o").replace("1", "l"),
        " ".join(TEXT[i : i + 5] for i in range(0, len(TEXT), 5)),
        "-".join(TEXT[i : i + 4] for i in range(0, len(TEXT), 4)),
        f"  {TEXT}\n",
        f"/S/{TEXT}",
        f"/s/{TEXT.lower()}/",
        f"https://post.example/S/{TEXT}",
        f"HTTP://192.168.1.5:8000/S/{TEXT}",
        f"https://post.example/s/{TEXT}?from=camera#top",
    ],
)
def test_reads_what_people_and_cameras_make_of_a_code(typed: str) -> None:
    assert payload.parse(typed) == CODE
    assert payload.encode(payload.parse(typed)) == TEXT


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "0 characters, a code has 125"),
        (TEXT[:-1], "124 characters, a code has 125"),
        (TEXT + "0", "126 characters"),
        (TEXT[:4] + "U" + TEXT[5:], "character 5 is 'U'"),
        (TEXT[:124] + "ß", "character 125 is 'ß'"),
        ("Z" + TEXT[1:], "begins with 'Z'"),
        ("04" + TEXT[2:], "version 2; this program reads version 1"),
        (f"https://post.example/T/{TEXT}", "not a stamp's"),
        (f"ftp://post.example/S/{TEXT}", "not a stamp's"),
        ("https://post.example/S/", "0 characters"),
        ("02001" + "0" * 120, "operator, edition or serial is 0"),
    ],
)
def test_says_what_is_wrong_with_a_text(text: str, says: str) -> None:
    with pytest.raises(BadPublicCode, match=says.replace("?", r"\?")):
        payload.parse(text)


def test_names_the_position_of_a_wrong_character() -> None:
    with pytest.raises(BadPublicCode) as refusal:
        payload.parse(TEXT[:70] + "*" + TEXT[71:])
    assert refusal.value.position == 71


@given(st.text())
def test_any_other_text_is_refused_and_nothing_else_happens(text: str) -> None:
    with pytest.raises(BadPublicCode):
        payload.parse(text)


@given(st.binary(min_size=payload.CODE_BYTES, max_size=payload.CODE_BYTES))
def test_each_value_has_one_spelling(raw: bytes) -> None:
    text = base32.encode(raw)
    assert len(text) == 125
    assert base32.decode(text, payload.CODE_BYTES, BadPublicCode) == raw


@pytest.mark.parametrize(
    "origin", ["post.example", "https://post.example", "https://POST.example/"]
)
def test_a_host_means_https(origin: str) -> None:
    assert payload.url(origin, CODE) == f"HTTPS://POST.EXAMPLE/S/{TEXT}"


def test_the_demonstration_chain_is_reached_by_plain_http_on_its_own_address() -> None:
    assert payload.url("http://192.168.1.5:8000", CODE).startswith("HTTP://192.168.1.5:8000/S/02")


@pytest.mark.parametrize(
    "origin",
    ["", "ftp://post.example", "post.example/x", "pöst.example", "a b", "[::1]:8000", "x#y"],
)
def test_an_origin_that_alphanumeric_mode_cannot_write_is_refused(origin: str) -> None:
    with pytest.raises(StampsError, match="not an address that a code can carry"):
        payload.url(origin, CODE)


@pytest.mark.parametrize("stamp", [0, -1, 1 << 64, 1 << 48, 1 << 48 | 1 << 32, 17])
def test_no_code_is_made_for_what_is_no_stamp(stamp: int) -> None:
    """S2: operator, edition and serial start at 1."""
    with pytest.raises(BadNumber):
        payload.make(stamp, NETWORK, SIGNER)
