"""What a lane does before its first plan: find transactions of its key that this database does not know.

They are there after an older database was restored, or when somebody else has the key. Until the indexer has
read the blocks that they are in, nothing is planned; then they are kept as mined, and an act that one of them
has carried out is settled by its receipt, so that it is not done twice. Records need no such care: the contracts
take each digest once (G2), and the indexer settles them by it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, Row

from backend.chain import adopted, outbox
from backend.chain.answers import data, quantity
from backend.chain.calls import batch_call, contract_of, is_act
from backend.chain.client import Node
from backend.chain.deployment import Deployment
from backend.chain.endpoint import good
from backend.errors import Unavailable
from backend.store.alarms import end_alarm, raise_alarm
from backend.store.engine import begin

BLOCKS_AT_ONCE = 50

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Foreign:
    """A mined transaction by one of our keys, and what it called."""

    hash: bytes
    nonce: int
    block: int
    to: bytes
    calldata: bytes


def reconcile(
    engine: Engine, node: Node, deployment: Deployment, key_name: str, address: bytes
) -> bool:
    """Whether the database knows every transaction of the key, now; False: wait for the indexer.

    Raises Unavailable where node or database is away.
    """
    on_chain = node.nonce(address)
    with begin(engine) as db:
        at, wanted = outbox.indexed(db), adopted.unknown_nonces(db, address, on_chain)
    if not wanted:
        with begin(engine) as db:
            end_alarm(db, _source(key_name))
        return True
    if at is None or node.nonce(address, at[1]) < on_chain:
        log.warning("nonces_wait_for_indexer", lane=key_name, chain=on_chain)
        return False
    with begin(engine) as db:  # the indexer may have marked some since
        wanted = adopted.unknown_nonces(db, address, on_chain)
        if outbox.next_nonce(db, address) is None and not open_acts(db, key_name):
            # New here, and nothing that could be done twice: the chain need not be searched.
            adopted.set_lane(db, address, key_name, on_chain)
            return True
    found = list(_find(node, address, wanted, at[0], deployment.first_block))
    _keep(engine, node, deployment, key_name, address, on_chain, found)
    return True


def pool_is_ahead(engine: Engine, node: Node, address: bytes) -> bool:
    """Whether the node holds transactions of the key, not mined yet, that this database did not sign.

    They are there right after an older database was restored, and may do what waits in it. Raises Unavailable.
    """
    pooled = node.nonce(address, "pending")
    with begin(engine) as db:
        ours = outbox.next_nonce(db, address)
    return ours is not None and pooled > max(ours, node.nonce(address))


def _source(key_name: str) -> str:
    return f"nonces of {key_name}"


def _find(
    node: Node, address: bytes, nonces: Collection[int], newest: int, oldest: int
) -> Iterator[Foreign]:
    """Transactions by the address with these nonces, looked for from the newest block down."""
    missing = set(nonces)
    while missing and newest >= oldest:
        numbers = range(newest, max(oldest, newest - BLOCKS_AT_ONCE + 1) - 1, -1)
        blocks = node.batch([("eth_getBlockByNumber", [hex(number), True]) for number in numbers])
        for one in (one for block in blocks for one in good(block)["transactions"]):
            nonce = quantity(one["nonce"])
            if nonce in missing and data(one["from"], 20) == address:
                missing.discard(nonce)
                yield _foreign(one)
        newest = numbers[-1] - 1


def _foreign(answer: dict[str, Any]) -> Foreign:
    return Foreign(
        hash=data(answer["hash"], 32),
        nonce=quantity(answer["nonce"]),
        block=quantity(answer["blockNumber"]),
        to=data(answer["to"], 20) if answer["to"] else b"",
        calldata=data(answer["input"]),
    )


def _keep(
    engine: Engine,
    node: Node,
    deployment: Deployment,
    key_name: str,
    address: bytes,
    on_chain: int,
    found: list[Foreign],
) -> None:
    receipts = node.receipts([one.hash for one in found])
    succeeded = {r.transaction_hash for r in receipts if r is not None and r.succeeded}
    raws = {one.hash: _raw(node, one.hash) for one in found}
    with begin(engine) as db:
        is_new = outbox.next_nonce(db, address) is None
        adopted.set_lane(db, address, key_name, on_chain)
        acts = open_acts(db, key_name)
        settled = 0
        for one in found:
            adopted.adopt(db, address, one.hash, one.nonce, raws[one.hash], one.block)
            act = next((row for row in acts if _is_call_of(row, one, deployment)), None)
            if act is not None and one.hash in succeeded:
                acts.remove(act)
                adopted.settle_adopted(db, act.digest, one.hash, one.block)
                settled += 1
        log.warning("nonces_adopted", lane=key_name, count=len(found), acts_settled=settled)
        if not is_new:
            _sound(db, key_name, found)


def open_acts(db: Connection, key_name: str) -> list[Row[Any]]:
    """Acts of the lane that are not over, locked: what could be done twice."""
    return [row for row in adopted.open_of_lane(db, key_name) if is_act(row.kind)]


def _raw(node: Node, transaction: bytes) -> bytes:
    """Its signed bytes; a node may not give them, and what is mined is not sent again."""
    with suppress(Unavailable):
        return node.raw_transactions([transaction])[0]
    return b""


def _is_call_of(row: Row[Any], one: Foreign, deployment: Deployment) -> bool:
    """Whether the transaction did what the act asks."""
    if one.to != deployment.addresses[contract_of(row.kind)]:
        return False
    with suppress(KeyError, TypeError, ValueError, AttributeError):
        return batch_call(row.kind, [row.payload]) == one.calldata
    return False


def _sound(db: Connection, key_name: str, found: list[Foreign]) -> None:
    """Of a lane that has sent from here before; that one is new here is no wonder."""
    nonces = sorted(one.nonce for one in found)
    log.error("nonces_used_elsewhere", lane=key_name, nonces=nonces)
    which = f" (nonces {nonces[0]} to {nonces[-1]})" if nonces else ""
    raise_alarm(
        db,
        _source(key_name),
        f"{len(found)} transactions of {key_name}{which} were not signed from this database. "
        "After a backup was restored that is as it should be; else somebody else has the key.",
    )
