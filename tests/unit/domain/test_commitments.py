"""Trail codes, commitments, Merkle proofs of claim keys (C1, S1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.commitments import (
    BadTrailCode,
    commitment,
    hidden_keys,
    item_id,
    parse_trail_code,
    trail_code_text,
)
from backend.domain.item_numbers import parse_s10
from backend.domain.merkle import claim_leaf, merkle_proof, merkle_root, proves


@given(st.binary(min_size=16, max_size=16))
def test_a_trail_code_is_read_back_however_it_is_typed(code: bytes) -> None:
    text = trail_code_text(code)
    assert len(text) == 26
    assert parse_trail_code(text.lower().replace("0", "o").replace("1", "l")) == code
    in_fours = [text[start : start + 4] for start in range(0, len(text), 4)]
    for between in (" ", "-", " - ", "  "):
        assert parse_trail_code(between.join(in_fours)) == code


@pytest.mark.parametrize("text", ["", "ABC", "U" * 26, "Z" * 26, "0" * 27])
def test_what_is_no_trail_code_is_refused(text: str) -> None:
    with pytest.raises(BadTrailCode):
        parse_trail_code(text)


def test_squatted_commitment_is_another_operators_item() -> None:
    """C1: the item binds the operator."""
    opened = commitment(parse_s10("RR473124829AT"), bytes(16))
    assert item_id(1, opened) != item_id(2, opened)


def test_the_same_number_gives_another_commitment_with_another_trail_code() -> None:
    number = parse_s10("RR473124829AT")
    assert commitment(number, bytes(16)) != commitment(number, b"\1" * 16)


def test_no_named_key_is_no_commitment_to_keys() -> None:
    assert hidden_keys(bytes(20), bytes(20), b"s" * 32) == bytes(32)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13])
def test_every_leaf_has_a_proof_and_no_proof_serves_another(count: int) -> None:
    """S1: the key of one stamp cannot claim another."""
    leaves = [claim_leaf(s, bytes([s]) * 20) for s in range(1, count + 1)]
    root = merkle_root(leaves)
    for index, leaf in enumerate(leaves):
        proof = merkle_proof(leaves, index)
        assert proves(proof, root, leaf)
        assert not proves(proof, root, claim_leaf(index + 1, bytes([99]) * 20))
