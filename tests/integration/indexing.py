"""Indexers on the chain of `posts`, stepped by hand."""

from __future__ import annotations

from functools import partial
from typing import Any

from databases import rows
from posts import CHAIN_ID, Posts
from sqlalchemy import Engine, select

from backend.chain.client import Node
from backend.indexer.follow import Indexer
from backend.store.known import read_known_blocks
from backend.store.tables import MODEL, alarm, block, chain_state, log, tally

# All rows that follow from the chain.
CHAIN = (block, log, *MODEL, tally)


def indexer_of(posts: Posts, engine: Engine, node: Any = None, **other: Any) -> Indexer:
    return Indexer(engine, node or careful_node(engine, posts.url), posts.deployment, **other)


def careful_node(engine: Engine, *urls: str) -> Node:
    """A node as the installation makes it: each URL shows first that it serves the indexed chain (B7)."""
    known = partial(read_known_blocks, engine)
    return Node(urls, CHAIN_ID, timeout_seconds=5.0, known=known)


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


def alarms(engine: Engine) -> list[str]:
    """What a person should look at now."""
    with engine.connect() as db:
        query = select(alarm.c.text).where(alarm.c.ended_at.is_(None)).order_by(alarm.c.id)
        return list(db.scalars(query))


def has_reached(posts: Posts, engine: Engine) -> bool:
    """Whether the newest block of the chain is indexed."""
    found = state(engine)
    return found is not None and bool(found.indexed_hash == posts.node.head().hash)
