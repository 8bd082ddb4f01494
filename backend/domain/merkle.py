"""The Merkle tree of an edition's claim keys (S1): leaves and pairs as OpenZeppelin's MerkleProof checks them."""

from __future__ import annotations

from collections.abc import Sequence

from backend.domain.keccak import keccak256


def claim_leaf(stamp: int, claim_key: bytes) -> bytes:
    """keccak256(keccak256(abi.encode(stamp, claim key))): hashed twice against second preimages."""
    return keccak256(keccak256(stamp.to_bytes(32, "big") + claim_key.rjust(32, b"\0")))


def _pair(left: bytes, right: bytes) -> bytes:
    return keccak256(left + right if left < right else right + left)


def merkle_layers(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """Layers from the leaves to the root; a node without a partner rises as it is."""
    layers = [list(leaves)]
    while len(layers[-1]) > 1:
        below = layers[-1]
        layer = [_pair(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)]
        layers.append(layer + below[len(below) - len(below) % 2 :])
    return layers


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Root of at least one leaf."""
    return merkle_layers(leaves)[-1][0]


def merkle_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Sibling hashes from the leaf at `index` to the root."""
    proof = []
    for layer in merkle_layers(leaves)[:-1]:
        sibling = index ^ 1
        if sibling < len(layer):
            proof.append(layer[sibling])
        index //= 2
    return proof


def proves(proof: Sequence[bytes], root: bytes, leaf: bytes) -> bool:
    """Whether the proof leads from the leaf to the root."""
    node = leaf
    for sibling in proof:
        node = _pair(node, sibling)
    return node == root
