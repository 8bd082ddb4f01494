"""Codes verified without any network (S8): the verdict's words, and when a list is not believed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from coincurve import PrivateKey

from backend.domain.ids import edition_number, stamp_number
from backend.errors import Unprocessable
from backend.keystore import address_of, sign_compact
from backend.proof.sealed import Damaged
from backend.proof.trust_list import (
    BlockTime,
    IssuedRange,
    OfflineAnswer,
    TrustedEdition,
    TrustedOperator,
    TrustedSigner,
    TrustList,
    judge_offline,
    read_trust_list,
    write_trust_list,
)
from stamps.payload import Network, encode, make

KEY, STRANGER = PrivateKey(b"\x01" * 32), PrivateKey(b"\x02" * 32)
EDITION = edition_number(1, 1)
NETWORK = Network(0, 31337, b"\x33" * 20)
SIGNER = TrustedSigner(address_of(KEY), 0, 0)
TRUSTED = TrustList(
    chain_id=31337,
    contract=NETWORK.contract,
    alias=0,
    as_of=BlockTime(90, b"\x09" * 32, 1_790_000_000),
    operators=(TrustedOperator(1, "Arlberg Post", (SIGNER,)),),
    editions=(TrustedEdition(EDITION, 1_780_000_000, 0, (IssuedRange(1, 20, 40, 1_785_000_000),)),),
)


def code(serial: int = 17, key: PrivateKey = KEY, network: Network = NETWORK) -> str:
    stamp = stamp_number(EDITION, serial)
    return encode(make(stamp, network, lambda digest: sign_compact(key, digest)))


def judged(text: str, revoked_block: int = 0) -> OfflineAnswer:
    signer = replace(SIGNER, revoked_block=revoked_block, revoked_time=1)
    operator = replace(TRUSTED.operators[0], signers=(signer if revoked_block else SIGNER,))
    return judge_offline(replace(TRUSTED, operators=(operator,)), text)


def test_a_sold_stamp_is_issued_by_its_post() -> None:
    answer = judged(code())
    assert (answer.code, answer.issuer, answer.sold) == ("issued_by", "Arlberg Post", 1_785_000_000)
    assert "sold on 25 July 2026" in answer.words
    assert "not known offline" in answer.words


def test_a_stamp_outside_the_ranges_was_not_sold_by_the_lists_date() -> None:
    answer = judged(code(serial=21))
    assert (answer.code, answer.sold) == ("issued_by", None)
    assert "not sold by" in answer.words


def test_a_stranger_is_unknown_and_a_changed_letter_does_not_match() -> None:
    assert judged(code(key=STRANGER)).code == "unknown_signer"
    good = code()
    other = "7" if good[-30] != "7" else "8"
    assert judged(good[:-30] + other + good[-29:]).code == "signature_does_not_match"


@pytest.mark.parametrize(
    "network", [Network(0, 1, NETWORK.contract), Network(5, 31337, NETWORK.contract)]
)
def test_a_code_of_another_chain_is_not_ours(network: Network) -> None:
    assert judged(code(network=network)).code != "issued_by"


def test_a_revoked_signers_code_is_good_for_what_was_sold_before() -> None:
    """S8: a signature has no date; the issue record has."""
    assert judged(code(), revoked_block=41).code == "issued_by"
    assert judged(code(), revoked_block=40).code == "signer_revoked"
    assert judged(code(serial=21), revoked_block=41).code == "signer_revoked"


def test_what_is_no_code_cannot_be_read() -> None:
    assert judged("hello").code == "unreadable"


def test_a_list_is_read_again_and_no_changed_byte_is() -> None:
    raw = write_trust_list(TRUSTED)
    assert read_trust_list(raw) == TRUSTED
    for place in range(len(raw)):
        bad = bytearray(raw)
        bad[place] ^= 1
        with pytest.raises(Unprocessable):
            read_trust_list(bytes(bad))
    with pytest.raises(Damaged):
        read_trust_list(raw + raw)
