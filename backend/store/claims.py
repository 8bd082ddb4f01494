"""Trees of claim keys: kept whole at creation, so that any proof can be given without the seeds (S1, S10)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Column, ColumnElement, Connection, LargeBinary, func, select
from sqlalchemy.dialects.postgresql import insert

from backend.domain.ids import stamp_number
from backend.domain.merkle import claim_leaf, merkle_nodes, proof_places
from backend.store.tables import claim_tree

KEY_BYTES, NODE_BYTES = 20, 32


def keep_tree(db: Connection, edition: int, first: int, keys: Sequence[bytes]) -> bytes:
    """Keep the tree of the claim keys (addresses) of the serials from `first` on; its root."""
    stamps = (stamp_number(edition, serial) for serial in range(first, first + len(keys)))
    nodes = merkle_nodes([claim_leaf(*pair) for pair in zip(stamps, keys, strict=True)])
    statement = insert(claim_tree).values(
        root=nodes[-1],
        edition=edition,
        first=first,
        last=first + len(keys) - 1,
        addresses=b"".join(keys),
        nodes=b"".join(nodes),
    )
    db.execute(statement.on_conflict_do_nothing())
    return nodes[-1]


def claim_proof(db: Connection, root: bytes, serial: int) -> tuple[bytes, list[bytes]] | None:
    """Address and proof of a serial's claim key; None where no such tree is kept here."""
    range_ = select(claim_tree.c.first, claim_tree.c.last).where(claim_tree.c.root == root)
    tree = db.execute(range_).first()
    if tree is None or not tree.first <= serial <= tree.last:
        return None
    index = serial - tree.first
    places = proof_places(tree.last - tree.first + 1, index)
    key = _part(claim_tree.c.addresses, KEY_BYTES, index)
    nodes = [_part(claim_tree.c.nodes, NODE_BYTES, place) for place in places]
    found = db.execute(select(key, *nodes).where(claim_tree.c.root == root)).one()
    return found[0], list(found[1:])


def _part(column: Column[bytes], size: int, place: int) -> ColumnElement[bytes]:
    """PostgreSQL reads no more than this of a value: hashes cannot be compressed."""
    return func.substring(column, size * place + 1, size, type_=LargeBinary)
