"""One lane: what one key sends, in the order of its nonces (B3, B5).

A nonce is given out in the transaction that saves the signed bytes that use it; bytes are broadcast only
after that, again and again, until the indexer finds one of the nonce's transactions in a block. So a kill at
any instant loses nothing and sends nothing twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import structlog
from sqlalchemy import Connection, Engine, Row, select

from backend.chain import outbox, transactions
from backend.chain.answers import Outcome, Sent
from backend.chain.calls import TRANSACTION_GAS_CAP, batch_call, contract_of, gas_of, single_call
from backend.chain.client import Node
from backend.chain.deployment import Deployment
from backend.chain.errors import refusal_json
from backend.chain.reconcile import open_acts, pool_is_ahead, reconcile
from backend.chain.runs import Run, cut
from backend.chain.transactions import Fees, Unsigned, current_fees, no_op, sign
from backend.chain.unrecorded import Patience, Verdict, judge
from backend.domain.refusals import Refusal
from backend.failpoints import reach
from backend.ports import Signer
from backend.store import items as item_rows
from backend.store import network
from backend.store.engine import begin
from backend.store.tables import item as item_table

log = structlog.get_logger()
Reconsider = Callable[[Connection, Row[Any]], Literal["pending", "held"] | Refusal]

CONFIRM_ROWS = 50
# How long the node may keep in its pool what this database did not sign, before its nonces are used again.
POOL_SECONDS = 600.0
CONFIRM_SECONDS = 1.0
GWEI = 10**9


@dataclass(frozen=True, slots=True)
class Pace:
    """How a sender works. `mine_every_seconds` None: others make the blocks.

    `in_flight`: transactions of a lane under way (Besu keeps few of one sender). `calldata_bytes`: most in
    one transaction; geth's pool takes 128 KiB of it in all.
    """

    mine_every_seconds: float | None = None
    poll_seconds: float = 0.1
    in_flight: int = 8
    calldata_bytes: int = 120_000
    retry_seconds: float = 1.0
    rebroadcast_seconds: float = 10.0
    stuck_seconds: float = 60.0
    held_seconds: float = 0.5
    fee_cap_wei: int = 500 * GWEI


@dataclass(frozen=True, slots=True)
class Means:
    """What every lane works with."""

    engine: Engine
    node: Node
    signer: Signer
    deployment: Deployment
    reconsider: Reconsider
    pace: Pace


class NoncesAhead(Exception):
    """The chain has a nonce of ours that we did not give out: reconcile first."""


class Lane:
    """The worker of one key. Used by one thread, while the lane's lock is held."""

    def __init__(self, means: Means, key_name: str, under_way: int) -> None:
        """`under_way`: how many of its transactions are signed and not mined."""
        self.key_name = key_name
        self.under_way = under_way
        self._means = means
        self._patience = Patience()
        self._reconciled = False
        self._gives_up_pool_at = time.monotonic() + POOL_SECONDS
        self._searched: set[int] = set()
        self._began = False  # before our first broadcast the node may have lost its pool
        self._held_seen: dict[bytes, tuple[Any, ...]] = {}
        self._held_at = 0.0
        self._confirmed_at = -CONFIRM_SECONDS
        self._confirmed_block: tuple[int, bytes] | None = None

    @cached_property
    def _address(self) -> bytes:
        return self._means.signer.address(self.key_name)

    def step(self) -> bool:
        """Do what is due now; True where there may be more at once. Raises Unavailable."""
        self._confirm()
        self._judge_waiting()
        planned = self._is_reconciled() and self._plan()
        self._broadcast()
        return planned

    def _is_reconciled(self) -> bool:
        """At the start, and again when the chain has a nonce that we did not give out."""
        if not self._reconciled and not self._waits_for_pool():
            means = self._means
            self._reconciled = reconcile(
                means.engine, means.node, means.deployment, self.key_name, self._address
            )
        return self._reconciled

    def _waits_for_pool(self) -> bool:
        if time.monotonic() >= self._gives_up_pool_at:
            return False
        waits = pool_is_ahead(self._means.engine, self._means.node, self._address)
        if waits:
            log.warning("nonces_wait_for_pool", lane=self.key_name)
        return waits

    # --- plan: give out nonces, sign, save ----------------------------------------------------------
    def _plan(self) -> bool:
        room = self._means.pace.in_flight - self.under_way
        if room <= 0:
            return False
        try:
            with begin(self._means.engine) as db:
                with closing(outbox.due(db, self.key_name, self._patience.resting())) as rows:
                    runs = cut(rows, room, self._means.pace.calldata_bytes)
                self._save(db, runs)
        except NoncesAhead:
            self._reconciled = False
            return True
        except (KeyError, TypeError, ValueError, AttributeError):
            if not self._reject_unreadable():
                raise
            return True
        return bool(runs)

    def _save(self, db: Connection, runs: Sequence[Run]) -> None:
        """Signed bytes for every run, each with the next nonce, gaps before them closed."""
        if not runs:
            return
        fees = current_fees(self._means.node, self._means.pace.fee_cap_wei)
        nonce = self._first_nonce(db, fees)
        for run in runs:
            calldata = batch_call(run.kind, [row.payload for row in run.rows])
            to = self._means.deployment.addresses[contract_of(run.kind)]
            gas = min(run.gas, TRANSACTION_GAS_CAP)
            call = Unsigned(self._means.deployment.chain_id, nonce, to, calldata, gas, fees)
            signed = sign(call, self._means.signer, self.key_name)
            reach("signed, not saved")
            outbox.save(db, self._address, signed, [row.digest for row in run.rows])
            nonce += 1
        outbox.set_next_nonce(db, self._address, nonce)

    def _first_nonce(self, db: Connection, fees: Fees) -> int:
        """The nonce to go on with, above all that the chain and we know of; closes gaps below it.

        Raises NoncesAhead.
        """
        expected = outbox.next_nonce(db, self._address)
        if expected is None:
            expected = self._means.node.nonce(self._address, "pending")
            outbox.open_lane(db, self._address, self.key_name, expected)
        on_chain = self._means.node.nonce(self._address)
        if on_chain > expected:
            raise NoncesAhead
        self._close_gaps(db, on_chain, expected, fees)
        return expected

    def _close_gaps(self, db: Connection, on_chain: int, expected: int, fees: Fees) -> None:
        """A nonce that nothing of ours uses any more would stop all later ones: use it for nothing."""
        missing = set(range(on_chain, expected)) - outbox.nonces_kept(db, self._address, on_chain)
        for nonce in sorted(missing):
            log.error("gap in nonces closed", lane=self.key_name, nonce=nonce)
            call = no_op(self._means.deployment.chain_id, nonce, self._address, fees)
            outbox.save(db, self._address, sign(call, self._means.signer, self.key_name), [])

    def _reject_unreadable(self) -> bool:
        """Payloads that no call can be made of are rejected, so that they do not stop the others."""
        rejected = False
        with begin(self._means.engine) as db:
            for row in list(outbox.due(db, self.key_name, ())):
                problem = _problem(row)
                if problem is not None:
                    rejected = True
                    log.error("unreadable submission", digest=row.digest.hex(), problem=problem)
                    outbox.close(db, row, "rejected", _unreadable(problem))
        return rejected

    # --- broadcast what is saved --------------------------------------------------------------------
    def _broadcast(self) -> None:
        with begin(self._means.engine) as db:
            outbox.supersede_twins(db, self.key_name)
            rows = outbox.under_way(db, self.key_name)
            tried = [row for row in rows if self._is_to_be_sent(row)]
            raws = outbox.raw_bytes(db, [row.hash for row in tried])
        self.under_way = len(rows)
        if not tried:
            return
        reach("saved, not broadcast")
        outcomes = self._means.node.send([raws[row.hash] for row in tried])
        reach("broadcast, not noted")
        self._note(tried, outcomes)
        self._began = True
        self._look_after(rows, dict(zip([row.hash for row in tried], outcomes, strict=True)))

    def _is_to_be_sent(self, row: Row[Any]) -> bool:
        if row.waited_seconds is None or not self._began:
            return True
        pace = self._means.pace
        signed = row.state == "signed"
        wait = pace.retry_seconds if signed else pace.rebroadcast_seconds
        return bool(row.waited_seconds >= wait)

    def _note(self, rows: Sequence[Row[Any]], outcomes: Sequence[Sent]) -> None:
        """What the node has is broadcast; the same bytes of all else are tried again soon.

        Silence may mean that the node has them too: then it will say so.
        """
        taken = (Outcome.TAKEN, Outcome.UNDERPRICED)
        pairs = list(zip(rows, outcomes, strict=True))
        with begin(self._means.engine) as db:
            good = [row.hash for row, sent in pairs if sent.outcome in taken]
            outbox.mark_sent(db, good, taken=True)
            bad = [row.hash for row, sent in pairs if sent.outcome not in taken]
            outbox.mark_sent(db, bad, taken=False)
        for row, sent in pairs:
            if sent.outcome is not Outcome.TAKEN:
                facts = {"lane": self.key_name, "nonce": row.nonce, "words": sent.words}
                log.warning("broadcast", outcome=sent.outcome.name, **facts)

    # --- what does not move -------------------------------------------------------------------------
    def _look_after(self, rows: Sequence[Row[Any]], outcomes: dict[bytes, Sent]) -> None:
        """Nonces that the node calls used, nonces missing below, prices that are too low."""
        said = [(row, outcomes[row.hash].outcome) for row in rows if row.hash in outcomes]
        too_low = {(r.lane, r.nonce) for r, outcome in said if outcome is Outcome.NONCE_TOO_LOW}
        for address, nonce in sorted(too_low):
            self._give_up_if_used_elsewhere(address, nonce)
        if any(outcome is Outcome.NONCE_TOO_HIGH for _, outcome in said):
            fees = current_fees(self._means.node, self._means.pace.fee_cap_wei)
            with suppress(NoncesAhead), begin(self._means.engine) as db:
                self._first_nonce(db, fees)
        self._raise_price(rows)

    def _give_up_if_used_elsewhere(self, address: bytes, nonce: int) -> None:
        """A nonce that is too low was most likely used by ours, in a block that nobody has indexed yet.

        Only where the indexer has passed the block that used it, and saw none of our hashes of this
        nonce, did somebody else send with our key.
        """
        with begin(self._means.engine) as db:
            at = outbox.indexed(db)
        if at is None or self._means.node.nonce(address, at[1]) <= nonce:
            return
        with begin(self._means.engine) as db:
            if outbox.is_mined(db, address, nonce):
                return
            if nonce not in self._searched and open_acts(db, self.key_name):
                # Whoever used it may have done the act: look before it is done again.
                self._searched.add(nonce)
                self._reconciled = False
                return
            again = outbox.give_up_nonce(db, address, nonce)
        log.error("nonce used elsewhere", lane=self.key_name, nonce=nonce, sent_again=again)

    def _raise_price(self, rows: Sequence[Row[Any]]) -> None:
        """The lowest nonce holds up all others: offer at least 10 % more for it when it is stuck."""
        ours = [row for row in rows if row.lane == self._address]
        attempts = [row for row in ours if row.nonce == ours[0].nonce]
        age_seconds = min((row.age_seconds for row in attempts), default=0)
        if not attempts or age_seconds < self._means.pace.stuck_seconds:
            return
        if self._means.node.nonce(self._address) != attempts[0].nonce:
            return
        fees = current_fees(self._means.node, self._means.pace.fee_cap_wei)
        with begin(self._means.engine) as db:
            offered = outbox.raw_bytes(db, [row.hash for row in attempts])
            prices = {hash_: transactions.read(raw) for hash_, raw in offered.items()}
            # The dearest is the newest, whatever the clock said when it was made.
            dearest = max(prices, key=lambda hash_: prices[hash_].fees.max_wei)
            old = prices[dearest]
            raised = old.fees.raised(self._means.pace.fee_cap_wei)
            if fees == transactions.FREE or raised == old.fees:
                return
            price = Fees(max(raised.max_wei, fees.max_wei), max(raised.tip_wei, fees.tip_wei))
            signed = sign(old.paying(price), self._means.signer, self.key_name)
            reach("dearer, not saved")
            outbox.replace(db, self._address, dearest, signed)
        reach("dearer, not broadcast")
        log.warning("price raised", lane=self.key_name, nonce=old.nonce, max_wei=price.max_wei)

    # --- what was not recorded ----------------------------------------------------------------------
    def _confirm(self) -> None:
        """Ask the chain why records of mined transactions are not there, and act on what it says."""
        with begin(self._means.engine) as db:
            at = outbox.indexed(db)
            rows = outbox.unrecorded(db, self.key_name, CONFIRM_ROWS) if self._may_lack(at) else ()
        if at is None or not rows:
            return
        self._confirmed_block = None
        addresses = self._means.deployment.addresses
        calls = [(addresses[contract_of(r.kind)], single_call(r.kind, r.payload)) for r in rows]
        answers = self._means.node.calls(calls, at[1], self._address, TRANSACTION_GAS_CAP)
        with begin(self._means.engine) as db:
            numbers = _custody_numbers(db, rows)
            closed: set[bytes] = set()
            for row, answer in zip(rows, answers, strict=True):
                tries = 0 if row.follows else self._patience.tries.get(row.digest, 0)
                verdict = judge(answer, row.kind, row.payload, numbers, tries)
                if verdict is not None and self._carry_out(db, row, verdict):
                    closed.update(row.items)
            item_rows.forget_forecast(db, closed)

    def _may_lack(self, at: tuple[int, bytes] | None) -> bool:
        """Whether to look: the indexer has moved since the last look, or that was long ago, or it found something."""
        now = time.monotonic()
        if at == self._confirmed_block and now - self._confirmed_at < CONFIRM_SECONDS:
            return False
        self._confirmed_block, self._confirmed_at = at, now
        return True

    def _carry_out(self, db: Connection, row: Row[Any], verdict: Verdict) -> bool:
        """Whether the submission is over with."""
        if verdict.refusal is None:
            self._patience.rest(row.digest)
            outbox.send_again(db, row.digest)
            return False
        self._patience.forget(row.digest)
        facts = {"kind": row.kind, "digest": row.digest.hex(), "state": verdict.state}
        log.warning("refused", refusal=verdict.refusal["name"], **facts)
        return outbox.close(db, row, verdict.state, verdict.refusal)

    # --- what waits ---------------------------------------------------------------------------------
    def _judge_waiting(self) -> None:
        """Expire what is overdue; judge held records again whose items have moved (B8)."""
        now = time.monotonic()
        if now - self._held_at < self._means.pace.held_seconds:
            return
        self._held_at = now
        with begin(self._means.engine) as db:
            self._expire(db)
            seen = outbox.held(db, self.key_name)
            moved = [digest for digest, how in seen.items() if self._held_seen.get(digest) != how]
            for row in outbox.lock_held(db, moved):
                self._judge_held(db, row)
        self._held_seen = seen

    def _expire(self, db: Connection) -> None:
        chain_time = network.chain_time(db)
        if chain_time is None:
            return
        for row in outbox.overdue(db, self.key_name, chain_time):
            deadline = int(row.expires_at.timestamp())
            past = Refusal("PastDeadline", {"deadline": deadline, "block_time": chain_time})
            if outbox.close(db, row, "expired", refusal_json(past)):
                item_rows.forget_forecast(db, row.items)

    def _judge_held(self, db: Connection, row: Row[Any]) -> None:
        outcome = self._means.reconsider(db, row)
        if isinstance(outcome, Refusal):
            outbox.close(db, row, "rejected", refusal_json(outcome))
        elif outcome == "pending":
            outbox.release_held(db, row.digest)


def _custody_numbers(db: Connection, rows: Iterable[Row[Any]]) -> dict[bytes, int]:
    wanted = {one for row in rows for one in row.items}
    query = select(item_table.c.item, item_table.c.number).where(item_table.c.item.in_(wanted))
    return {row.item: row.number for row in db.execute(query)}


def _problem(row: Row[Any]) -> str | None:
    """Why no call can be made of a submission; None where one can."""
    try:
        gas_of(row.kind, row.payload)
        single_call(row.kind, row.payload)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def _unreadable(problem: str) -> dict[str, Any]:
    return {
        "name": "Unreadable",
        "rule": "",
        "detail": f"This cannot be written as a call of the contracts ({problem}).",
        "what_now": "Submit it anew; tell the operator's engineer.",
        "values": {},
    }
