"""The node: JSON-RPC over HTTP, several URLs, nothing believed that does not parse (B7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from backend.chain.answers import (
    BadAnswer,
    Block,
    Log,
    NodeAway,
    Outcome,
    Receipt,
    RpcError,
    Sent,
    data,
    outcome_of,
    parse_block,
    parse_logs,
    parse_receipt,
    parse_receipt_logs,
    quantity,
)
from backend.chain.endpoint import Call, Endpoint, good, hexed, result, result_or_error
from backend.domain.keccak import keccak256
from backend.errors import ChainReplaced

T = TypeVar("T")
# Where a call is evaluated: a number, a tag such as "latest", or a block's hash (EIP-1898).
At = int | str | bytes

# anvil takes bodies of 2 MB; raw bytes are written as two hex digits each.
BODY_BYTES = 1_500_000


@dataclass(frozen=True, slots=True)
class Health:
    """One URL as it was found last; `trouble` is empty where it answers and serves our chain."""

    name: str
    trouble: str
    serves_other_chain: bool
    head: int | None


class Node:
    """One chain, reached by any of several URLs; the one that answered last is asked first.

    `chain_id` None: whatever chain answers is taken. `known` gives the hashes of blocks, by number, by which a
    URL shows that it serves our chain, each time before it is asked for the first time or again after a failure.
    Every method raises NodeAway where no URL answers, ChainReplaced where all serve another chain, and RpcError
    where the node answers with an error.
    """

    def __init__(
        self,
        urls: Sequence[str],
        chain_id: int | None = None,
        timeout_seconds: float = 10.0,
        known: Callable[[], Mapping[int, bytes]] = dict,
    ) -> None:
        if not urls:
            raise ValueError("a node needs at least one URL")
        self.expected_chain_id = chain_id
        self._known = known
        self._endpoints = [Endpoint(url, timeout_seconds) for url in urls]
        self._highest = 0

    def request(self, method: str, *params: Any) -> Any:
        """One call's result, as JSON types."""
        response = self._ask(lambda endpoint: endpoint.ask(method, list(params)))
        return result(response)

    def batch(self, calls: Sequence[Call]) -> list[Any | RpcError]:
        """The results of many calls in one HTTP request, in their order; an error stands for itself."""
        if not calls:
            return []
        responses = self._ask(lambda endpoint: endpoint.ask_batch(calls))
        return [result_or_error(response) for response in responses]

    def _ask(self, question: Callable[[Endpoint], T]) -> T:
        """Ask one URL after the other until one answers."""
        for endpoint in list(self._endpoints):
            try:
                answer = self._ask_one(endpoint, question)
            except NodeAway:
                self._put_last(endpoint)
            else:
                return answer
        failures = " ".join(endpoint.trouble for endpoint in self._endpoints)
        if all(endpoint.serves_other_chain for endpoint in self._endpoints):
            raise ChainReplaced(failures, "Name the right node with POSTHORN_RPC_URLS.")
        raise NodeAway(
            f"No node answers: {failures}",
            "What was recorded is kept; start the node or name another with POSTHORN_RPC_URLS.",
        )

    def _ask_one(self, endpoint: Endpoint, question: Callable[[Endpoint], T]) -> T:
        """Ask this URL, once it has shown that it serves our chain. Raises NodeAway."""
        try:
            if self.expected_chain_id is not None and not endpoint.checked:
                endpoint.must_be_on(self.expected_chain_id, self._known())
            answer = question(endpoint)
        except NodeAway as error:
            endpoint.note(error)
            raise
        endpoint.note(None)
        return answer

    def _put_last(self, endpoint: Endpoint) -> None:
        self._endpoints = [e for e in self._endpoints if e is not endpoint] + [endpoint]

    def doubt(self) -> None:
        """What the URL that is asked first said cannot be right: ask another one first, and check all anew."""
        self._put_last(self._endpoints[0])
        for endpoint in self._endpoints:
            endpoint.checked = False

    def survey(self) -> list[Health]:
        """Ask every URL how far it is, and tell how each was found. Raises nothing."""
        for endpoint in self._endpoints:
            with suppress(NodeAway, RpcError):
                self._head_of(endpoint)
        return self.health()

    def health(self) -> list[Health]:
        """How every URL was found last; nothing is asked."""
        return [Health(e.name, e.trouble, e.serves_other_chain, e.head) for e in self._endpoints]

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        for endpoint in self._endpoints:
            endpoint.session.close()

    # --- reading ------------------------------------------------------------------------------------
    def chain_id(self) -> int:
        return quantity(self.request("eth_chainId"))

    def block(self, at: At = "latest") -> Block | None:
        """The block, with the hashes of its transactions; None is *not found yet*, never *empty*."""
        return parse_block(self.request(*_block_call(at)))

    def head(self, tag: str = "latest") -> Block:
        """The newest block of a tag (`latest`, `safe`, `finalized`).

        Where the URL that is asked is behind what was seen before, the one that is farthest is believed.
        """
        if tag != "latest":
            return _there(self.block(tag), tag)
        block = self._ask(self._head_of)
        if block.number < self._highest and len(self._endpoints) > 1:
            block = self._farthest() or block
        self._highest = block.number
        return block

    def levels(self) -> tuple[int | None, int | None]:
        """Numbers of the newest safe and the newest final block; None where the chain does not say."""
        calls: list[Call] = [(m, p) for m, *p in map(_block_call, ("safe", "finalized"))]
        safe, finalized = (
            None if isinstance(answer, RpcError) else parse_block(answer)
            for answer in self.batch(calls)
        )
        return (safe.number if safe else None, finalized.number if finalized else None)

    def _head_of(self, endpoint: Endpoint) -> Block:
        question = _block_call("latest")
        answer = self._ask_one(endpoint, lambda one: one.ask(question[0], list(question[1:])))
        block = _there(parse_block(result(answer)), "latest")
        endpoint.head = block.number
        return block

    def _farthest(self) -> Block | None:
        """The highest head of all URLs; its URL is asked first from now on."""
        heads: list[tuple[Block, Endpoint]] = []
        for endpoint in self._endpoints:
            with suppress(NodeAway, RpcError):
                heads.append((self._head_of(endpoint), endpoint))
        if not heads:
            return None
        block, best = max(heads, key=lambda found: found[0].number)
        self._endpoints = [best, *(e for e in self._endpoints if e is not best)]
        return block

    def blocks(self, ats: Sequence[int | bytes]) -> list[Block | None]:
        """Many blocks in one request."""
        calls = [(method, params) for method, *params in map(_block_call, ats)]
        return [parse_block(good(answer)) for answer in self.batch(calls)]

    def logs(self, block_hashes: Sequence[bytes], addresses: Sequence[bytes]) -> list[list[Log]]:
        """The logs of each block by these contracts, by all where none is named.

        Asked by hash: by number it races with reorgs.
        """
        whose = {"address": [hexed(address) for address in addresses]} if addresses else {}
        calls: list[Call] = [
            ("eth_getLogs", [{"blockHash": hexed(h), **whose}]) for h in block_hashes
        ]
        answers = self.batch(calls)
        return [parse_logs(good(a), h) for a, h in zip(answers, block_hashes, strict=True)]

    def receipts(self, hashes: Sequence[bytes]) -> list[Receipt | None]:
        """The receipts of transactions; None where the node has none (yet)."""
        calls: list[Call] = [("eth_getTransactionReceipt", [hexed(h)]) for h in hashes]
        receipts = [parse_receipt(good(answer)) for answer in self.batch(calls)]
        for wanted, receipt in zip(hashes, receipts, strict=True):
            if receipt is not None and receipt.transaction_hash != wanted:
                raise BadAnswer("The node answered with the receipt of another transaction.")
        return receipts

    def logs_in_receipts(self, hashes: Sequence[bytes]) -> list[list[Log] | None]:
        """The logs of each transaction by all contracts, as its receipt tells them; None where the node has none."""
        calls: list[Call] = [("eth_getTransactionReceipt", [hexed(h)]) for h in hashes]
        return [parse_receipt_logs(good(answer)) for answer in self.batch(calls)]

    def raw_transactions(self, hashes: Sequence[bytes]) -> list[bytes]:
        """The signed bytes of transactions, checked against their hashes."""
        calls: list[Call] = [("eth_getRawTransactionByHash", [hexed(h)]) for h in hashes]
        raws = [data(good(answer)) for answer in self.batch(calls)]
        if any(keccak256(raw) != h for raw, h in zip(raws, hashes, strict=True)):
            raise BadAnswer("The node answered with the bytes of another transaction.")
        return raws

    def call(self, to: bytes, calldata: bytes, at: At = "latest") -> bytes:
        """eth_call. Raises RpcError with the revert data where the contract refuses."""
        return data(self.request("eth_call", {"to": hexed(to), "data": hexed(calldata)}, _at(at)))

    def calls(
        self, calls: Sequence[tuple[bytes, bytes]], at: At, sender: bytes, gas: int
    ) -> list[bytes | RpcError]:
        """Many eth_call of (contract, calldata), each as if `sender` had sent it alone."""
        who = {"from": hexed(sender), "gas": hex(gas)}
        questions: list[Call] = [
            ("eth_call", [{**who, "to": hexed(to), "data": hexed(raw)}, _at(at)])
            for to, raw in calls
        ]
        parts = _parts(questions, [len(raw) for _, raw in calls])
        answers = [answer for part in parts for answer in self.batch(part)]
        return [a if isinstance(a, RpcError) else data(a) for a in answers]

    def nonce(self, address: bytes, at: At = "latest") -> int:
        """How many transactions of the address are on chain (with "pending": or in the node's pool)."""
        return quantity(self.request("eth_getTransactionCount", hexed(address), _at(at)))

    def code(self, address: bytes, at: At = "latest") -> bytes:
        """The code at an address, empty where there is none."""
        return data(self.request("eth_getCode", hexed(address), _at(at)))

    def tip_wei(self) -> int:
        """What miners are commonly paid per gas above the base fee."""
        return quantity(self.request("eth_maxPriorityFeePerGas"))

    # --- sending ------------------------------------------------------------------------------------
    def send(self, raws: Sequence[bytes]) -> list[Sent]:
        """Broadcast signed bytes, in their order. Never raises: silence is an outcome of its own."""
        parts = _parts(raws, [len(raw) for raw in raws])
        return [sent for part in parts for sent in self._send_part(part)]

    def _send_part(self, raws: Sequence[bytes]) -> list[Sent]:
        try:
            answers = self.batch([("eth_sendRawTransaction", [hexed(raw)]) for raw in raws])
        except (NodeAway, RpcError) as error:
            return [Sent(Outcome.UNKNOWN, str(error))] * len(raws)
        return [
            Sent(outcome_of(answer.message), answer.message)
            if isinstance(answer, RpcError)
            else Sent(Outcome.TAKEN)
            for answer in answers
        ]

    # --- the embedded chain -------------------------------------------------------------------------
    def mine(self) -> None:
        """Make a block of what waits (anvil)."""
        self.request("evm_mine")

    def waiting(self) -> int:
        """How many transactions could be mined at once (anvil, geth)."""
        status = self.request("txpool_status")
        return quantity(status.get("pending") if isinstance(status, dict) else None)

    def set_next_block_time(self, seconds: int) -> None:
        """The time of the next block (anvil)."""
        self.request("evm_setNextBlockTimestamp", seconds)

    def set_clock(self, seconds: int) -> None:
        """The node's clock, also backwards (anvil): blocks follow it from there."""
        self.request("anvil_setTime", seconds)


def _there(block: Block | None, tag: str) -> Block:
    if block is None:
        raise BadAnswer(f"The node has no {tag} block.")
    return block


def _at(at: At) -> str | dict[str, str]:
    if isinstance(at, bytes):
        return {"blockHash": hexed(at)}
    return hex(at) if isinstance(at, int) else at


def _block_call(at: At) -> tuple[str, Any, bool]:
    if isinstance(at, bytes):
        return "eth_getBlockByHash", hexed(at), False
    return "eth_getBlockByNumber", _at(at), False


def _parts(things: Sequence[T], sizes: Sequence[int]) -> Iterator[list[T]]:
    """As many things at a time as one request's body may hold, written as two digits a byte."""
    part: list[T] = []
    body_bytes = 0
    for thing, size in zip(things, sizes, strict=True):
        body_bytes += 2 * size
        if part and body_bytes > BODY_BYTES:
            yield part
            part, body_bytes = [], 2 * size
        part.append(thing)
    if part:
        yield part
