"""Seen, safe, final (reliability.md, test 25); digests of a thousand blocks (14); the second look."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from databases import NewDatabase, databases, rows
from indexing import CHAIN, alarms, careful_node, catch_up, index, indexer_of, state
from posts import Posts, forkable_anvil
from sqlalchemy import Engine, text
from story import tell

from backend.chain.client import Node
from backend.cli.watching import digests_json, digests_text, read_digests
from backend.embedded.json_rpc import JsonRpc
from backend.errors import BadRequest
from backend.indexer.rebuild import rebuild
from backend.indexer.second_look import look_again, look_if_due
from backend.indexer.spans import SPAN_BLOCKS, blocks_of_span, first_difference, spans
from backend.queries.status import as_of, status
from backend.store.tables import span


@pytest.fixture
def posts(tmp_path: Path) -> Iterator[Posts]:
    with forkable_anvil(tmp_path) as url:
        network = Posts(url)
        network.found()
        yield network
        network.close()


@pytest.fixture
def new_database(postgres_url: str) -> Iterator[NewDatabase]:
    with databases(postgres_url) as make:
        yield make


# --- three levels -----------------------------------------------------------------------------------
def levels(engine: Engine) -> tuple[Any, Any, Any]:
    with engine.connect() as db:
        now = as_of(db)
    return now.block, now.safe, now.finalized


def words(engine: Engine, *blocks: int) -> list[str]:
    with engine.connect() as db:
        now = as_of(db)
    return [now.status(block) for block in blocks]


def test_a_block_is_seen_then_safe_then_final_at_exact_heights(
    posts: Posts, engine: Engine
) -> None:
    """By the chain's own tags: this anvil's safe block is 4 below its head, its final one 8."""
    tell(posts)
    index(posts, engine)
    head = posts.height()
    assert levels(engine) == (head, head - 4, head - 8)
    near = (head - 9, head - 8, head - 7, head - 4, head - 3, head)
    assert words(engine, *near) == ["final", "final", "safe", "safe", "settled", "settled"]
    posts.mine()
    index(posts, engine)
    assert words(engine, *near) == ["final", "final", "final", "safe", "safe", "settled"]


@pytest.mark.parametrize("depth", [0, 1, 5])
def test_what_is_final_by_depth_is_so_at_exact_heights(
    posts: Posts, engine: Engine, depth: int
) -> None:
    """Depth 0, of a chain whose blocks are final at once (QBFT): the newest block is final and safe."""
    tell(posts)
    index(posts, engine, finality_depth=depth)
    head = posts.height()
    assert levels(engine) == (head, max(head - 4, head - depth), head - depth)
    assert words(engine, head - depth) == ["final"]
    assert words(engine, head + 1 - depth) != ["final"]


def test_a_chain_that_says_nothing_of_levels_has_seen_blocks_only(
    posts: Posts, engine: Engine
) -> None:
    tell(posts)
    node = careful_node(engine, posts.url)
    node.levels = lambda: (None, None)  # type: ignore[method-assign]
    catch_up(indexer_of(posts, engine, node))
    assert levels(engine) == (posts.height(), None, None)
    assert words(engine, 1) == ["settled"]


def test_a_reorganisation_takes_back_what_is_safe_and_never_what_is_final(
    posts: Posts, engine: Engine
) -> None:
    tell(posts)
    index(posts, engine)
    head = posts.height()
    posts.reorganise(6, lambda posts: None)
    with JsonRpc(posts.url) as node:
        node.call("anvil_rollback", 2)
    index(posts, engine)
    now = posts.height()
    assert levels(engine) == (now, max(now - 4, head - 8), max(now - 8, head - 8))


# --- digests ----------------------------------------------------------------------------------------
def mine(posts: Posts, blocks: int) -> None:
    with JsonRpc(posts.url) as node:
        node.call("anvil_mine", hex(blocks))
    posts.resync()  # those blocks bear the node's own time


def test_two_indexers_have_the_same_digests_and_a_difference_is_found_to_its_block(
    posts: Posts, engine: Engine, new_database: NewDatabase, tmp_path: Path
) -> None:
    mine(posts, SPAN_BLOCKS - posts.height() - 3)
    tell(posts)
    mine(posts, SPAN_BLOCKS)
    other = new_database()
    index(posts, engine)
    index(posts, other)
    ours, theirs = digests_of(engine), digests_of(other)
    assert ours == theirs
    assert [(one.first % SPAN_BLOCKS, one.last) for one in ours[1:]] == [(0, 2 * SPAN_BLOCKS - 1)]
    assert ours[0].last == SPAN_BLOCKS - 1
    assert sum(one.logs for one in ours) == len(rows(engine, CHAIN)["log"])
    with other.begin() as db:
        changed = db.scalar(
            text("UPDATE log SET data = data || 'x' WHERE ctid = (SELECT max(ctid) FROM log) "
                 "RETURNING block_number")
        )  # fmt: skip
    rebuild(other, posts.deployment)
    differing = first_difference(ours, digests_of(other))
    assert differing is not None
    assert differing.first == changed // SPAN_BLOCKS * SPAN_BLOCKS
    with engine.connect() as here, other.connect() as there:
        ours, theirs = (blocks_of_span(db, changed) for db in (here, there))
    located = first_difference(ours, theirs)
    assert located is not None
    assert located.first == changed
    file = tmp_path / "theirs.json"
    printed = digests_json(theirs, None)["digests"]
    for one in printed:
        one["digest"] = "0x" + one["digest"].hex()
    file.write_text(json.dumps({"digests": printed}))
    assert digests_text(ours, read_digests(file)) == f"Block {changed} differs."
    file.write_text("{}")
    with pytest.raises(BadRequest, match="holds no digests"):
        read_digests(file)


def digests_of(engine: Engine) -> Any:
    with engine.connect() as db:
        return spans(db)


def test_digests_go_back_with_their_blocks_and_come_again_with_a_rebuild(
    posts: Posts, engine: Engine, new_database: NewDatabase
) -> None:
    """B1: the same digests by following, after a reorganisation, and from nothing."""
    mine(posts, SPAN_BLOCKS - posts.height() - 1)
    tell(posts)
    node = careful_node(engine, posts.url)
    node.levels = lambda: (None, None)  # type: ignore[method-assign]
    index(posts, engine, node=node)
    before = digests_of(engine)
    assert len(before) == 1
    posts.reorganise(posts.height() - SPAN_BLOCKS + 2, lambda posts: None)
    after = index(posts, engine, node=node)
    assert digests_of(engine) != before
    assert after == index(posts, new_database())
    rebuild(engine, posts.deployment)
    assert rows(engine, (span,))["span"] == after["span"]


# --- the second look --------------------------------------------------------------------------------
def test_the_second_look_finds_what_was_lost_and_what_was_changed(
    posts: Posts, engine: Engine
) -> None:
    tell(posts)
    index(posts, engine)
    node = careful_node(engine, posts.url)
    seen = look_again(engine, node, posts.deployment, days=None)
    assert seen is not None
    assert (seen.last, seen.differences) == (posts.height(), ())
    assert seen.logs == len(rows(engine, CHAIN)["log"])
    with engine.begin() as db:
        lost, changed = db.execute(
            text("SELECT block_number, log_index FROM log ORDER BY 1 DESC, 2 DESC LIMIT 2")
        ).all()
        at = "WHERE block_number = :block_number AND log_index = :log_index"
        db.execute(text(f"DELETE FROM log {at}"), dict(lost._mapping))
        db.execute(text(f"UPDATE log SET data = 'x' {at}"), dict(changed._mapping))
    seen = look_again(engine, node, posts.deployment, days=None)
    assert seen is not None
    assert set(seen.differences) == {
        f"Log {lost.log_index} of block {lost.block_number} is missing here.",
        f"Log {changed.log_index} of block {changed.block_number} is not so at the node.",
    }
    assert "found 2 differences" in alarms(engine)[0]
    index(posts, engine)
    assert len(alarms(engine)) == 1  # following the chain does not end it
    with engine.begin() as db:
        db.execute(text("TRUNCATE log, block, chain_state"))
        db.execute(text("TRUNCATE entry, item"))
    assert look_again(engine, node, posts.deployment) is None


def test_the_second_look_reads_as_many_days_as_it_is_told(posts: Posts, engine: Engine) -> None:
    """Blocks of this chain are ten seconds apart."""
    tell(posts)
    index(posts, engine)
    seen = look_again(engine, careful_node(engine, posts.url), posts.deployment, 30 / 86_400)
    assert seen is not None
    assert (seen.first, seen.last) == (posts.height() - 3, posts.height())


def test_a_block_that_is_being_replaced_is_no_difference_and_a_final_one_is(
    posts: Posts, engine: Engine
) -> None:
    tell(posts)
    index(posts, engine)
    posts.reorganise(3, lambda posts: None)
    node = Node([posts.url])
    seen = look_again(engine, node, posts.deployment)
    assert seen is not None
    assert seen.differences == ()
    honest = node.blocks
    other = state(engine).finalized_number

    def blocks(ats: Sequence[int | bytes]) -> Any:
        changed = {"hash": bytes(32), "logs_bloom": bytes(256)}
        return [replace(b, **changed) if b and b.number == other else b for b in honest(ats)]

    node.blocks = blocks  # type: ignore[method-assign]
    seen = look_again(engine, node, posts.deployment)
    assert seen is not None
    assert seen.differences == (f"Block {other}, which was final, has another hash at the node.",)


def test_one_indexer_looks_again_once_a_day(posts: Posts, engine: Engine) -> None:
    index(posts, engine)
    node = careful_node(engine, posts.url)
    assert look_if_due(engine, node, posts.deployment) is None
    with engine.begin() as db:
        db.execute(text("UPDATE chain_state SET looked_again_at = now() - interval '25 hours'"))
    assert look_if_due(engine, node, posts.deployment) is not None
    assert look_if_due(engine, node, posts.deployment) is None


# --- the status -------------------------------------------------------------------------------------
def test_the_status_tells_levels_lag_nodes_and_the_last_alarms(
    posts: Posts, engine: Engine
) -> None:
    tell(posts)
    before = posts.height()
    node = careful_node(engine, posts.url, "http://127.0.0.1:1")
    follower = indexer_of(posts, engine, node)
    catch_up(follower)
    for text_ in ("first", "first", "second"):
        follower._sound(text_)
    with engine.connect() as db:
        found = status(db)
    assert found.alarms == ("second",)
    kept = [(one.source, one.text, one.ended_at is None) for one in found.last_alarms]
    assert kept == [("indexer", "second", True), ("indexer", "first", False)]
    assert (found.head, found.lag_blocks, found.lag_seconds) == (before, 0, 0)
    assert {one.name: one.trouble == "" for one in found.nodes}["127.0.0.1:1"] is False
    follower._alive_at = 0.0
    catch_up(follower)
    assert alarms(engine) == []
