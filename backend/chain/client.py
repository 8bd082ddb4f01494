"""The node: JSON-RPC over HTTP, several URLs, nothing believed that does not parse (B7).

web3's provider moves the bytes; its contract objects, middleware and formatters are not used (they cost
half a millisecond a record).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

from requests import RequestException, Session
from web3 import HTTPProvider
from web3.types import RPCEndpoint

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
    parse_error,
    parse_logs,
    parse_receipt,
    quantity,
)
from backend.domain.keccak import keccak256

T = TypeVar("T")
Call = tuple[str, list[Any]]
# Where a call is evaluated: a number, a tag such as "latest", or a block's hash (EIP-1898).
At = int | str | bytes

# anvil takes bodies of 2 MB; raw bytes are written as two hex digits each.
BODY_BYTES = 1_500_000


class Node:
    """One chain, reached by any of several URLs; the one that answered last is asked first.

    `chain_id` None: whatever chain answers is taken. Every method raises NodeAway where no URL answers
    and RpcError where the node answers with an error.
    """

    def __init__(
        self, urls: Sequence[str], chain_id: int | None = None, timeout_seconds: float = 10.0
    ) -> None:
        if not urls:
            raise ValueError("a node needs at least one URL")
        self.expected_chain_id = chain_id
        self._endpoints = [_Endpoint(url, timeout_seconds) for url in urls]

    def request(self, method: str, *params: Any) -> Any:
        """One call's result, as JSON types."""
        response = self._ask(lambda endpoint: endpoint.ask(method, list(params)))
        return _result(response)

    def batch(self, calls: Sequence[Call]) -> list[Any | RpcError]:
        """The results of many calls in one HTTP request, in their order; an error stands for itself."""
        if not calls:
            return []
        responses = self._ask(lambda endpoint: endpoint.ask_batch(calls))
        return [_result_or_error(response) for response in responses]

    def _ask(self, question: Callable[[_Endpoint], T]) -> T:
        """Ask one URL after the other until one answers."""
        failures = []
        for endpoint in list(self._endpoints):
            try:
                endpoint.must_be_on(self.expected_chain_id)
                answer = question(endpoint)
            except NodeAway as error:
                failures.append(str(error))
                self._put_last(endpoint)
            else:
                return answer
        raise NodeAway(
            f"No node answers: {' '.join(failures)}",
            "What was recorded is kept; start the node or name another with POSTHORN_RPC_URLS.",
        )

    def _put_last(self, endpoint: _Endpoint) -> None:
        endpoint.checked = False
        self._endpoints = [e for e in self._endpoints if e is not endpoint] + [endpoint]

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
        """The newest block of a tag (`latest`, `safe`, `finalized`)."""
        block = self.block(tag)
        if block is None:
            raise BadAnswer(f"The node has no {tag} block.")
        return block

    def blocks(self, ats: Sequence[int | bytes]) -> list[Block | None]:
        """Many blocks in one request."""
        calls = [(method, params) for method, *params in map(_block_call, ats)]
        return [parse_block(_good(answer)) for answer in self.batch(calls)]

    def logs(self, block_hashes: Sequence[bytes], addresses: Sequence[bytes]) -> list[list[Log]]:
        """The logs of each block by these contracts, by all where none is named.

        Asked by hash: by number it races with reorgs.
        """
        whose = {"address": [_hex(address) for address in addresses]} if addresses else {}
        calls: list[Call] = [
            ("eth_getLogs", [{"blockHash": _hex(h), **whose}]) for h in block_hashes
        ]
        answers = self.batch(calls)
        return [parse_logs(_good(a), h) for a, h in zip(answers, block_hashes, strict=True)]

    def receipts(self, hashes: Sequence[bytes]) -> list[Receipt | None]:
        """The receipts of transactions; None where the node has none (yet)."""
        calls: list[Call] = [("eth_getTransactionReceipt", [_hex(h)]) for h in hashes]
        receipts = [parse_receipt(_good(answer)) for answer in self.batch(calls)]
        for wanted, receipt in zip(hashes, receipts, strict=True):
            if receipt is not None and receipt.transaction_hash != wanted:
                raise BadAnswer("The node answered with the receipt of another transaction.")
        return receipts

    def raw_transactions(self, hashes: Sequence[bytes]) -> list[bytes]:
        """The signed bytes of transactions, checked against their hashes."""
        calls: list[Call] = [("eth_getRawTransactionByHash", [_hex(h)]) for h in hashes]
        raws = [data(_good(answer)) for answer in self.batch(calls)]
        if any(keccak256(raw) != h for raw, h in zip(raws, hashes, strict=True)):
            raise BadAnswer("The node answered with the bytes of another transaction.")
        return raws

    def call(self, to: bytes, calldata: bytes, at: At = "latest") -> bytes:
        """eth_call. Raises RpcError with the revert data where the contract refuses."""
        return data(self.request("eth_call", {"to": _hex(to), "data": _hex(calldata)}, _at(at)))

    def calls(
        self, calls: Sequence[tuple[bytes, bytes]], at: At, sender: bytes, gas: int
    ) -> list[bytes | RpcError]:
        """Many eth_call of (contract, calldata), each as if `sender` had sent it alone."""
        who = {"from": _hex(sender), "gas": hex(gas)}
        questions: list[Call] = [
            ("eth_call", [{**who, "to": _hex(to), "data": _hex(raw)}, _at(at)]) for to, raw in calls
        ]
        parts = _parts(questions, [len(raw) for _, raw in calls])
        answers = [answer for part in parts for answer in self.batch(part)]
        return [a if isinstance(a, RpcError) else data(a) for a in answers]

    def nonce(self, address: bytes, at: At = "latest") -> int:
        """How many transactions of the address are on chain (with "pending": or in the node's pool)."""
        return quantity(self.request("eth_getTransactionCount", _hex(address), _at(at)))

    def code(self, address: bytes, at: At = "latest") -> bytes:
        """The code at an address, empty where there is none."""
        return data(self.request("eth_getCode", _hex(address), _at(at)))

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
            answers = self.batch([("eth_sendRawTransaction", [_hex(raw)]) for raw in raws])
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


class _Endpoint:
    """One URL. `checked`: it has been asked for its chain since it last failed."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        # In errors and logs: a provider's key often stands in the path, a password before the host.
        self.name = urlsplit(url).netloc.rpartition("@")[2]
        self.checked = False
        self.session = Session()
        # Proxies and certificates of the environment are for nodes elsewhere, not for one beside us.
        self.session.trust_env = url.startswith("https:")
        self._provider = HTTPProvider(
            url,
            request_kwargs={"timeout": timeout_seconds},
            session=self.session,
            exception_retry_configuration=None,
        )

    def must_be_on(self, chain_id: int | None) -> None:
        """Raises NodeAway where the URL serves another chain (B7: swapped for another)."""
        if self.checked or chain_id is None:
            return
        found = quantity(_result(self.ask("eth_chainId", [])))
        if found != chain_id:
            raise NodeAway(f"{self.name} serves chain {found}, not {chain_id}.")
        self.checked = True

    def ask(self, method: str, params: list[Any]) -> Any:
        return self._post(lambda: self._provider.make_request(RPCEndpoint(method), params))

    def ask_batch(self, calls: Sequence[Call]) -> list[Any]:
        requests = [(RPCEndpoint(method), params) for method, params in calls]
        responses = self._post(lambda: self._provider.make_batch_request(requests))
        if not isinstance(responses, list):
            raise _error_of(responses)
        if len(responses) != len(calls):
            raise NodeAway(f"{self.name} answered {len(responses)} of {len(calls)} questions.")
        return responses

    def _post(self, send: Callable[[], Any]) -> Any:
        try:
            return _in_order(send())
        except RequestException as error:
            raise NodeAway(f"{self.name}: {type(error).__name__}.") from error
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise NodeAway(f"{self.name} answered what is no JSON-RPC.") from error


def _in_order(responses: Any) -> Any:
    """Of a batch, which web3 has sorted by id: each question answered once. Raises ValueError."""
    if isinstance(responses, list):
        ids = [response["id"] for response in responses]
        if ids != list(range(ids[0], ids[0] + len(ids))):
            raise ValueError("a batch's answers do not fit its questions")
    return responses


def _error_of(response: dict[str, Any]) -> RpcError:
    return parse_error(response.get("error"))


def _result_or_error(response: Any) -> Any | RpcError:
    if not isinstance(response, dict):
        raise BadAnswer("The node's response is no object.")
    if response.get("error") is not None:
        return _error_of(response)
    if "result" not in response:
        raise BadAnswer("The node's response has neither result nor error.")
    return response["result"]


def _result(response: Any) -> Any:
    return _good(_result_or_error(response))


def _good(answer: Any | RpcError) -> Any:
    if isinstance(answer, RpcError):
        raise answer
    return answer


def _hex(raw: bytes) -> str:
    return "0x" + raw.hex()


def _at(at: At) -> str | dict[str, str]:
    if isinstance(at, bytes):
        return {"blockHash": _hex(at)}
    return hex(at) if isinstance(at, int) else at


def _block_call(at: At) -> tuple[str, Any, bool]:
    if isinstance(at, bytes):
        return "eth_getBlockByHash", _hex(at), False
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
