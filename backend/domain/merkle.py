"""The Merkle tree of an edition's claim keys (S1): leaves and pairs as OpenZeppelin's MerkleProof checks them."""

from __future__ import annotations

from collections.abc import Sequence

from backend.domain.keccak import keccak256


def claim_leaf(stamp: int, claim_key: bytes) -> bytes:
    """keccak256(keccak256(abi.encode(stamp, claim key))): hashed twice against second preimages."""
    return keccak256(keccak256(stamp.to_bytes(32, "big") + claim_key.rjust(32, b"\0")))


def _pair(left: bytes, right: bytes) -> bytes:
    return keccak256(left + right if left < right else right + left)


def merkle_nodes(leaves: Sequence[bytes]) -> list[bytes]:
    """All layers end to end, from the leaves to the root; a node without a partner rises as it is."""
    nodes, layer = list(leaves), list(leaves)
    while len(layer) > 1:
        pairs = [_pair(layer[i], layer[i + 1]) for i in range(0, len(layer) - 1, 2)]
        layer = pairs + layer[len(layer) - len(layer) % 2 :]
        nodes += layer
    return nodes


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Root of at least one leaf."""
    return merkle_nodes(leaves)[-1]


def proof_places(count: int, index: int) -> list[int]:
    """Where, in `merkle_nodes` of that many leaves, the siblings stand from the leaf at `index` upwards."""
    places, start = [], 0
    while count > 1:
        sibling = index ^ 1
        if sibling < count:
            places.append(start + sibling)
        start, count, index = start + count, (count + 1) // 2, index // 2
    return places


def merkle_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Sibling hashes from the leaf at `index` to the root."""
    nodes = merkle_nodes(leaves)
    return [nodes[place] for place in proof_places(len(leaves), index)]


def proves(proof: Sequence[bytes], root: bytes, leaf: bytes) -> bool:
    """Whether the proof leads from the leaf to the root."""
    node = leaf
    for sibling in proof:
        node = _pair(node, sibling)
    return node == root
