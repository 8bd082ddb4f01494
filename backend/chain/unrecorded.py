"""What becomes of a record that was sent, and that the chain did not record (G2: a refusal is never final).

The single call is asked at the block that the indexer has reached. What passes there is sent again; what is
refused there is rejected, unless a record still on its way may cure it: then it is tried a few times more.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backend.chain.answers import RpcError
from backend.chain.errors import decode_refusal, refusal_json
from backend.domain.refusals import Refusal

MOST_TRIES = 5
LONGEST_REST_SECONDS = 60.0
FORGET_SECONDS = 600.0
# Cured by a record of another lane or another operator that has not arrived yet (B8).
CURABLE = frozenset(
    "UnknownItem NotIssued UnknownOperator NotAdmin NotSubmitter UnknownCustodian UnknownEdition "
    "OperatorIsSuspended CustodianIsSuspended".split()
)
# Cured likewise, if the record was signed for a custody number that the item has not reached (C3).
CURABLE_AHEAD = frozenset(["NotHolder", "CustodyEnded", "StaleNumber"])
REVERTED = ("revert", "out of gas", "outofgas", "evm error", "invalid opcode")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The submission's next state: pending, rejected or expired, with the refusal as JSON."""

    state: str
    refusal: dict[str, Any] | None = None


@dataclass(slots=True)
class Patience:
    """How often records were tried, and until when they rest. Forgotten at a restart: they are tried again."""

    tries: dict[bytes, int] = field(default_factory=dict)
    until: dict[bytes, float] = field(default_factory=dict)

    def resting(self) -> set[bytes]:
        """Digests that are not to be sent yet. What was not refused again for long is forgotten."""
        now = time.monotonic()
        for digest in [d for d, until in self.until.items() if until + FORGET_SECONDS < now]:
            self.forget(digest)
        return {digest for digest, until in self.until.items() if until > now}

    def rest(self, digest: bytes) -> None:
        """A rest that doubles with each try."""
        tries = self.tries.get(digest, 0)
        self.tries[digest] = tries + 1
        self.until[digest] = time.monotonic() + min(2.0**tries, LONGEST_REST_SECONDS)

    def forget(self, digest: bytes) -> None:
        self.tries.pop(digest, None)
        self.until.pop(digest, None)


def judge(
    answer: bytes | RpcError,
    kind: str,
    payload: dict[str, Any],
    numbers: Mapping[bytes, int],
    tries: int,
) -> Verdict | None:
    """From the node's answer to the single call; None where it says nothing about the record.

    `numbers` are the custody numbers of its items on chain; `tries` how often the record was sent again before
    without one of its items' still under way ahead of it.
    """
    if isinstance(answer, bytes):
        return Verdict("pending")
    found = decode_refusal(answer.data)
    if found is None:
        return _unexplained(answer, tries)
    if found.name == "PastDeadline":
        return Verdict("expired", refusal_json(found))
    if found.name == "TimeAhead":  # time cures it: the chain's clock is behind ours, however far
        return Verdict("pending")
    if tries < MOST_TRIES and _is_curable(found, kind, payload, numbers):
        return Verdict("pending")
    return Verdict("rejected", refusal_json(found))


def _unexplained(answer: RpcError, tries: int) -> Verdict | None:
    """A revert without a known error: too much work for one transaction, most likely."""
    if not answer.data and not any(word in answer.message.lower() for word in REVERTED):
        return None
    if tries < MOST_TRIES:
        return Verdict("pending")
    refusal = {
        "name": "Unexplained",
        "rule": "G2",
        "detail": f"The chain refused this without a reason that is known ({answer.message}).",
        "what_now": "Try with fewer items or stamps at a time.",
        "values": {"data": "0x" + answer.data.hex()},
    }
    return Verdict("rejected", refusal)


def _is_curable(
    found: Refusal, kind: str, payload: dict[str, Any], numbers: Mapping[bytes, int]
) -> bool:
    if found.name in CURABLE_AHEAD:
        item = found.values["item"]
        signed = _signed_number(kind, payload, item)
        return signed is not None and signed > numbers.get(item, 0)
    return found.name in CURABLE


def _signed_number(kind: str, payload: dict[str, Any], item: bytes) -> int | None:
    """The custody number that the record was signed for; None where it names none for the item."""
    hexed = "0x" + item.hex()
    if kind in ("hand_off", "forced_hand_off"):
        release = payload.get("forced", payload)["release"]
        return next((line["number"] for line in release["lines"] if line["item"] == hexed), None)
    record = payload.get(kind)
    if not isinstance(record, dict) or hexed not in (record.get("item"), record.get("receptacle")):
        return None
    return record.get("number")
