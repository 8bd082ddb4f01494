"""Indexers on the chain of `posts`, stepped by hand."""

from __future__ import annotations

from typing import Any

from databases import rows
from posts import Posts
from sqlalchemy import Engine, select

from backend.chain.client import Node
from backend.indexer.follow import Indexer
from backend.store.tables import MODEL, block, chain_state, log

# All rows that follow from the chain.
CHAIN = (block, log, *MODEL)


def indexer_of(posts: Posts, engine: Engine, node: Any = None, **other: Any) -> Indexer:
    return Indexer(engine, node or Node([posts.url]), posts.deployment, **other)


def catch_up(indexer: Indexer) -> None:
    while indexer.step():
        pass


def index(posts: Posts, engine: Engine, **other: Any) -> dict[str, list[tuple[Any, ...]]]:
    """The rows, after another indexer has looked at the chain."""
    catch_up(indexer_of(posts, engine, **other))
    return rows(engine, CHAIN)


def state(engine: Engine) -> Any:
    """How far the indexer is; None before it has written anything."""
    with engine.connect() as db:
        return db.execute(select(chain_state)).one_or_none()


def has_reached(posts: Posts, engine: Engine) -> bool:
    """Whether the newest block of the chain is indexed."""
    found = state(engine)
    return found is not None and bool(found.indexed_hash == posts.node.head().hash)
