"""Run by alembic: the migrations of the connection that backend.store.migrate hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import TypeDecorator

from backend.store.tables import metadata


def _render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """A revision names the database's types, not those of a Python that may change."""
    decorated = kind == "type" and isinstance(item, TypeDecorator)
    return f"sa.{item.impl!r}" if decorated else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_server_default=True,
    render_item=_render_item,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
