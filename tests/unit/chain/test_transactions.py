"""Transactions signed through the signer port are what eth_account signs with the key itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from coincurve import PrivateKey
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from backend.chain.transactions import BadSigner, Fees, Unsigned, no_op, read, sign
from backend.keystore import CURVE_ORDER, Keystore, address_of, sign_compact

KEY = PrivateKey(bytes(31) + b"\7")
CALL = Unsigned(31337, 5, b"\x11" * 20, b"\1\2\3", 30_000, Fees(2_000_000_000, 1_000_000_000))


class Ring:
    """A signer with one key, whatever name it is asked for."""

    def address(self, key: str) -> bytes:
        return address_of(KEY)

    def sign(self, key: str, digest: bytes) -> bytes:
        return sign_compact(KEY, digest)


@given(st.integers(0, 2**63), st.binary(max_size=300), st.integers(0, 10**12))
def test_signed_bytes_are_those_of_eth_account(nonce: int, calldata: bytes, wei: int) -> None:
    call = replace(CALL, nonce=nonce, calldata=calldata, fees=Fees(wei + 1, wei))
    signed = sign(call, Ring(), "submitter/1")
    expected = Account.from_key(KEY.secret).sign_transaction(
        call.fields() | {"to": "0x" + call.to.hex()}
    )
    assert signed.raw == expected.raw_transaction
    assert signed.hash == expected.hash
    assert signed.nonce == nonce
    assert read(signed.raw) == call


def test_the_keystore_signs_transactions() -> None:
    keystore = Keystore(b"a seed")
    raw = sign(CALL, keystore, "submitter/1").raw
    sender = bytes.fromhex(Account.recover_transaction(raw)[2:])
    assert sender == keystore.address("submitter/1")


class Wrong(Ring):
    """A signer that gives whatever it is told to."""

    def __init__(self, make: object) -> None:
        self.make = make

    def sign(self, key: str, digest: bytes) -> bytes:
        good = sign_compact(KEY, digest)
        if self.make == "high s":
            s = int.from_bytes(good[32:]) & (1 << 255) - 1
            return good[:32] + ((CURVE_ORDER - s) % (1 << 255)).to_bytes(32)
        if self.make == "another key":
            return sign_compact(PrivateKey(bytes(31) + b"\x08"), digest)
        return {"zeros": bytes(64), "one byte more": good + b"\0", "nothing": b""}[str(self.make)]


@pytest.mark.parametrize("make", ["high s", "another key", "zeros", "one byte more", "nothing"])
def test_what_is_not_the_keys_signature_is_never_sent(make: str) -> None:
    with pytest.raises(BadSigner):
        sign(CALL, Wrong(make), "submitter/1")


def test_a_replacement_pays_a_tenth_more_and_never_above_the_cap() -> None:
    """geth and Besu take a replacement only where both fees rise by 10 %."""
    assert Fees(1_000, 100).raised(10**9) == Fees(1_101, 111)
    assert Fees(1_000, 100).raised(1_050) == Fees(1_050, 111)
    assert CALL.paying(Fees(7, 7)) == replace(CALL, fees=Fees(7, 7))


def test_a_gap_is_closed_by_a_transfer_of_nothing_to_oneself() -> None:
    call = no_op(31337, 9, address_of(KEY), Fees(0, 0))
    assert read(sign(call, Ring(), "submitter/1").raw) == call
    assert (call.nonce, call.to, call.gas) == (9, address_of(KEY), 21_000)
