"""What a node answers, parsed strictly (B7): a value of the wrong form is an error, never a guess."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from backend.errors import Unavailable

UINT256_LIMIT = 1 << 256


class NodeAway(Unavailable):
    """No node answers, or none of the right chain does. Nothing is lost; ask again."""


class BadAnswer(NodeAway):
    """The node answered something that cannot be true of a chain."""


class RpcError(Unavailable):
    """The node answered with an error (JSON-RPC 2.0, section 5.1). `data` is revert data where it came."""

    def __init__(self, code: int, message: str, data: bytes) -> None:
        super().__init__(f"The node says: {message} ({code}).")
        self.code = code
        self.message = message
        self.data = data


class Outcome(Enum):
    """What a node made of signed bytes (reliability.md, "Sending")."""

    TAKEN = auto()  # in its pool now, or already
    UNDERPRICED = auto()  # another transaction of this nonce is there and pays as much
    NONCE_TOO_LOW = auto()  # this nonce is on chain: perhaps by these bytes, look
    NONCE_TOO_HIGH = auto()  # a nonce below is missing
    NO_FUNDS = auto()
    POOL_FULL = auto()
    UNKNOWN = auto()  # time-out, or words nobody knows: it may have been taken


@dataclass(frozen=True, slots=True)
class Sent:
    """The outcome of one broadcast, with the node's own words."""

    outcome: Outcome
    words: str = ""


# The first that fits counts: "unknown transaction" must not be read as "known transaction".
WORDS: tuple[tuple[str, Outcome], ...] = (
    ("unknown transaction", Outcome.UNKNOWN),
    ("already known", Outcome.TAKEN),
    ("already imported", Outcome.TAKEN),
    ("known transaction", Outcome.TAKEN),
    ("same hash was already imported", Outcome.TAKEN),
    ("nonce too low", Outcome.NONCE_TOO_LOW),
    ("nonce is too low", Outcome.NONCE_TOO_LOW),
    ("replacement transaction underpriced", Outcome.UNDERPRICED),
    ("nonce too high", Outcome.NONCE_TOO_HIGH),
    ("too far in the future", Outcome.NONCE_TOO_HIGH),
    ("exceeds next nonce", Outcome.NONCE_TOO_HIGH),
    ("nonce out of range", Outcome.NONCE_TOO_HIGH),
    ("tx-nonce-too-high", Outcome.NONCE_TOO_HIGH),
    ("insufficient funds", Outcome.NO_FUNDS),
    ("txpool is full", Outcome.POOL_FULL),
    ("pool limit", Outcome.POOL_FULL),
)


def outcome_of(words: str) -> Outcome:
    """The meaning of a node's error message; UNKNOWN where nobody knows it."""
    lower = words.lower()
    return next((outcome for part, outcome in WORDS if part in lower), Outcome.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Block:
    """A header and the hashes of its transactions, in order. `base_fee_wei` None: a chain without EIP-1559."""

    number: int
    hash: bytes
    parent_hash: bytes
    time: int
    base_fee_wei: int | None
    logs_bloom: bytes
    transactions: tuple[bytes, ...]


class Log(NamedTuple):
    """One log as the node gave it; nothing is decoded yet."""

    block_hash: bytes
    log_index: int
    block_number: int
    transaction_hash: bytes
    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """`succeeded` is the receipt's status: false where the whole transaction reverted."""

    transaction_hash: bytes
    block_hash: bytes
    block_number: int
    succeeded: bool
    gas_used: int


def quantity(value: Any) -> int:
    """A number as JSON-RPC writes it: 0x and hex digits. Raises BadAnswer."""
    if isinstance(value, str) and value.startswith("0x"):
        try:
            number = int(value, 16)
        except ValueError:
            number = -1
        if 0 <= number < UINT256_LIMIT:
            return number
    raise BadAnswer(f"The node answered {str(value)[:80]!r} where a number was due.")


def data(value: Any, size: int | None = None) -> bytes:
    """Bytes as JSON-RPC writes them, of this size if one is named. Raises BadAnswer."""
    if isinstance(value, str) and value.startswith("0x"):
        try:
            raw = bytes.fromhex(value[2:])
        except ValueError:
            raw = None
        if raw is not None and size in (None, len(raw)):
            return raw
    wanted = "bytes" if size is None else f"{size} bytes"
    raise BadAnswer(f"The node answered {str(value)[:80]!r} where {wanted} were due.")


# What many logs share is read once: a block's hash and number, transactions, contracts, kinds of events, places.
_known_data = lru_cache(maxsize=4096)(data)
_known_quantity = lru_cache(maxsize=4096)(quantity)


def _word(value: Any, size: int) -> bytes:
    """Of texts alone a memory is kept: it cannot hold a list or an object, and these are no bytes."""
    return _known_data(value, size) if isinstance(value, str) else data(value, size)


def _number(value: Any) -> int:
    return _known_quantity(value) if isinstance(value, str) else quantity(value)


def parse_block(answer: Any) -> Block | None:
    """A block, None where the node has none. Raises BadAnswer."""
    if answer is None:
        return None
    fields = _fields(answer)
    base_fee = fields.get("baseFeePerGas")
    return Block(
        number=quantity(fields.get("number")),
        hash=data(fields.get("hash"), 32),
        parent_hash=data(fields.get("parentHash"), 32),
        time=quantity(fields.get("timestamp")),
        base_fee_wei=None if base_fee is None else quantity(base_fee),
        logs_bloom=data(fields.get("logsBloom"), 256),
        transactions=tuple(data(one, 32) for one in _list(fields.get("transactions"))),
    )


def parse_logs(answer: Any, block_hash: bytes) -> list[Log]:
    """The logs of one block in the order of their index, each once. Raises BadAnswer."""
    logs = sorted(map(_parse_log, _list(answer)), key=attrgetter("log_index"))
    if {log.block_hash for log in logs} - {block_hash}:
        raise BadAnswer("The node answered with logs of another block than was asked for.")
    if len({log.log_index for log in logs}) < len(logs):
        raise BadAnswer("The node answered with the same log twice.")
    return logs


def _parse_log(answer: Any) -> Log:
    fields = _fields(answer)
    if fields.get("removed"):
        raise BadAnswer("The node answered with a log of a block that is no longer in the chain.")
    return Log(
        block_hash=_word(fields.get("blockHash"), 32),
        log_index=_number(fields.get("logIndex")),
        block_number=_number(fields.get("blockNumber")),
        transaction_hash=_word(fields.get("transactionHash"), 32),
        address=_word(fields.get("address"), 20),
        topics=tuple([_word(topic, 32) for topic in _list(fields.get("topics"))]),
        data=data(fields.get("data")),
    )


def parse_receipt(answer: Any) -> Receipt | None:
    """A receipt, None where the node has none. Raises BadAnswer."""
    if answer is None:
        return None
    fields = _fields(answer)
    return Receipt(
        transaction_hash=data(fields.get("transactionHash"), 32),
        block_hash=data(fields.get("blockHash"), 32),
        block_number=quantity(fields.get("blockNumber")),
        succeeded=quantity(fields.get("status")) == 1,
        gas_used=quantity(fields.get("gasUsed")),
    )


def parse_receipt_logs(answer: Any) -> list[Log] | None:
    """The logs of a receipt in their order; None where the node has no receipt. Raises BadAnswer."""
    if answer is None:
        return None
    fields = _fields(answer)
    return parse_logs(fields.get("logs"), data(fields.get("blockHash"), 32))


def parse_error(answer: Any) -> RpcError:
    """The error of a JSON-RPC response."""
    fields = _fields(answer)
    code, found = fields.get("code"), fields.get("data")
    hexed = isinstance(found, str) and found.startswith("0x")
    return RpcError(
        code if isinstance(code, int) else 0,
        str(fields.get("message", ""))[:500],
        data(found) if hexed else b"",
    )


def _fields(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise BadAnswer(f"The node answered {str(answer)[:80]!r} where an object was due.")
    return answer


def _list(answer: Any) -> list[Any]:
    if not isinstance(answer, list):
        raise BadAnswer(f"The node answered {str(answer)[:80]!r} where a list was due.")
    return answer
