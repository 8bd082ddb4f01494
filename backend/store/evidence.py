"""What stands behind the evidence of records: documents by their root on chain, kept by us and erasable."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from backend.store.tables import evidence


def keep_evidence(db: Connection, root: bytes, document: dict[str, Any]) -> None:
    """Keep the document; what is kept already stays."""
    db.execute(insert(evidence).values(root=root, document=document).on_conflict_do_nothing())


def documents(db: Connection, roots: Iterable[bytes]) -> dict[bytes, dict[str, Any]]:
    """Those of the roots whose documents are kept here."""
    query = select(evidence).where(evidence.c.root.in_(list(roots)))
    return {row.root: row.document for row in db.execute(query)}
